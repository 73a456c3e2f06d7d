"""The traits of a picture: known of an item, read from the pixels of any other picture."""

from collections.abc import Mapping

from simsearch.answer import Query
from simsearch.catalog import Trait
from simsearch.engine import SearchEngine

SHOWN = 0.5
"""Score from which a picture counts as showing a trait."""


def traits_of(engine: SearchEngine, query: Query, collection: str) -> Mapping[Trait, float]:
    """Traits that a picture has, or shows as one of a collection would, each with its score 0..1.

    Empty where nobody can tell: of a picture that is no item, in a collection without traits.
    """
    if query.row >= 0:
        return dict.fromkeys(engine.catalog.traits(query.row), 1.0)
    if collection in engine.traits.by_collection:
        return dict(engine.traits.shown(query.rgb, collection))
    spaces = engine.retriever.spaces
    scores = spaces.trait_scores(query.descriptor, collection)
    if scores is None:
        return {}
    named = zip(spaces.vocabulary[collection], scores.tolist(), strict=True)
    return {trait: score for trait, score in named if score >= SHOWN}
