"""Collections: is a picture's collection named rightly, and is a foreign picture seen as such?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simsearch.draws import at_most, split_queries
from simsearch.errors import SourceError
from simsearch.evaluation.class_metrics import (
    ClassScores,
    Reliability,
    class_scores,
    confusion,
    reliability,
)
from simsearch.evaluation.material import Ids, Material, Split
from simsearch.evaluation.retrieval import Progress, timed
from simsearch.evaluation.strangers import Strangers, ask_as_strangers, look_vectors
from simsearch.index import build_index
from simsearch.neighbors import Neighbors
from simsearch.recognition.classification import (
    VOTERS,
    Asked,
    CollectionClassifier,
    CollectionModel,
    LinearProbe,
    NearestCentroid,
    NeighborVote,
)
from simsearch.recognition.membership import ask_itself

MODELS: Mapping[str, Callable[[int], CollectionModel]] = {
    "neighbor_vote": NeighborVote,
    "linear_probe": lambda k: LinearProbe(),
    "nearest_centroid": lambda k: NearestCentroid(),
}
"""Name → model that is given the number of voters; the first is what an index answers with."""


@dataclass(frozen=True)
class CollectionSettings:
    """How collections are evaluated.

    Attributes:
        per_collection: items drawn of each collection at most; 0 = all.
        query_share: part of these that asks, where folders do not say who does.
        k: neighbours that vote.
        seed: of the draw, the split and everything fitted.
        strangers: whether collections are left out in turn, for which the space is fitted again
            each time.
        progress: told how far it is.
    """

    per_collection: int = 1000
    query_share: float = 0.2
    k: int = VOTERS
    seed: int = 0
    strangers: bool = True
    progress: Progress = lambda stage, done, total: None


@dataclass(frozen=True)
class Judged:
    """What one model said of all queries.

    Attributes:
        said: int64 (q,), the collection named.
        probability: float64 (q,), of that collection, given that it is one of those indexed.
        counts: int64 (collections, collections): rows are true, columns are said.
        scores: of these counts.
        reliability: whether the probabilities can be believed.
    """

    said: Ids
    probability: NDArray[np.float64]
    counts: NDArray[np.int64]
    scores: ClassScores
    reliability: Reliability

    @classmethod
    def of(cls, shares: NDArray[np.float64], truth: Ids) -> "Judged":
        """Score probabilities (q, collections)."""
        said, probability = shares.argmax(axis=1), shares.max(axis=1)
        counts = confusion(truth, said, shares.shape[1])
        reliable = reliability(probability, said == truth)
        return cls(said, probability, counts, class_scores(counts), reliable)


@dataclass
class CollectionResult:
    """All that was measured.

    Attributes:
        material: the items drawn.
        split: who asked whom.
        by: what made the split: ``folders`` (train and test), ``draw`` or ``both``.
        settings: how it was measured.
        near: what the queries found, rows of the material.
        models: model → what it said.
        strangers: what collections that were left out looked like; None where there is one only.
        seconds: what took how long.
    """

    material: Material
    split: Split
    by: str
    settings: CollectionSettings
    near: Neighbors
    models: dict[str, Judged] = field(default_factory=dict)
    strangers: Strangers | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Collections, in the order of their codes."""
        return list(self.material.catalog.collections)

    @property
    def truth(self) -> Ids:
        """int64 (q,): collection of each query."""
        return self.material.catalog.collection_codes[self.split.asked].astype(np.int64)

    @property
    def main(self) -> Judged:
        """What the model of an index said."""
        return next(iter(self.models.values()))


def evaluate_collection(material: Material, settings: CollectionSettings) -> CollectionResult:
    """Let items that nothing was fitted on ask for their collection, then leave collections out.

    Raises:
        SourceError: no collection has an item that can ask and one that can be found.
    """
    material = drawn(material, settings.per_collection, settings.seed)
    split, by = choose_split(material, settings)
    settings.progress("fitting", 0, 1)
    seconds, result = timed(lambda: _named(material, split, by, settings))
    result.seconds["collections"] = seconds
    settings.progress("fitting", 1, 1)
    if settings.strangers and len(result.names) > 1:
        seconds, result.strangers = timed(
            lambda: ask_as_strangers(material, split, settings.seed, settings.progress)
        )
        result.seconds["strangers"] = seconds
    return result


def drawn(material: Material, most: int, seed: int) -> Material:
    """At most so many items of each collection; 0 = all."""
    codes = material.catalog.collection_codes
    if not most:
        return material
    return material.take(
        np.flatnonzero(at_most(np.ones(len(codes), dtype=bool), codes, most, seed))
    )


def _named(
    material: Material, split: Split, by: str, settings: CollectionSettings
) -> CollectionResult:
    """Let every model name the collections of the queries."""
    vectors = look_vectors(material, split.indexed, settings.seed)
    codes = material.catalog.collection_codes[split.indexed]
    index = build_index("flat", np.ascontiguousarray(vectors[split.indexed]), seed=settings.seed)
    asking = np.ascontiguousarray(vectors[split.asked])
    near = index.search(asking, settings.k)
    asked = Asked.of(asking, near, codes)
    result = CollectionResult(material, split, by, settings, near.renumbered(split.indexed))
    known, own = ask_itself(index, codes, most=len(codes), k=settings.k, seed=settings.seed)
    for name, model in MODELS.items():
        fitted = CollectionClassifier(model(settings.k)).fit(known, own, len(result.names))
        result.models[name] = Judged.of(fitted.probabilities(asked), result.truth)
    return result


def choose_split(material: Material, settings: CollectionSettings) -> tuple[Split, str]:
    """Take the split that the folders of the source made, and draw where they made none.

    A collection with items under ``train/`` and under ``test/`` is split so, its other items left
    out; ``valid/`` stands in where there is no ``test/``.

    Returns:
        The split, and ``folders``, ``draw`` or ``both``.

    Raises:
        SourceError: nobody can ask.
    """
    codes = material.catalog.collection_codes
    given = np.array(material.catalog.column("split").to_pylist(), dtype=object)
    asks = split_queries(codes, settings.query_share, settings.seed)
    indexed, by_folders = ~asks, np.zeros(len(codes), dtype=bool)
    for code in range(len(material.catalog.collections)):
        own = codes == code
        train, test, valid = (own & (given == kind) for kind in ("train", "test", "valid"))
        asking = test if test.any() else valid
        if train.any() and asking.any():
            indexed[own], asks[own] = train[own], asking[own]
            by_folders |= own
    if not asks.any():
        raise SourceError("no collection has two items, so none can ask; index more pictures")
    return Split(np.flatnonzero(asks), np.flatnonzero(indexed)), _told(by_folders)


def _told(by_folders: NDArray[np.bool_]) -> str:
    if by_folders.all():
        return "folders"
    return "both" if by_folders.any() else "draw"
