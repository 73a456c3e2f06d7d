"""How much descriptors say of what is known of their items: by a linear head, and by nearness."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from simsearch.evaluation import metrics
from simsearch.evaluation.material import Material, Split
from simsearch.evaluation.strangers import look_vectors
from simsearch.index import build_index
from simsearch.space.heads import TraitHead
from simsearch.space.trait_matrix import trait_matrix

Words = NDArray[np.object_]
Values = Mapping[str, Sequence[str]]
"""Trait type → its value for each item, empty where it has none."""


def varied(values: Values) -> Values:
    """The types that have more than one value."""
    return {kind: column for kind, column in values.items() if len(set(column)) > 1}


def commonest_right(values: Values, split: Split) -> float:
    """Share of the values of items that ask that are the commonest of their type."""
    said = []
    for column in values.values():
        kinds, marks = _marks(column, split)
        said.append(np.repeat(kinds[[marks.sum(axis=0).argmax()]], len(split.asked)))
    return _share_right(said, values, split)


def read_right(material: Material, values: Values, split: Split) -> float:
    """Share of the values of items that ask that a linear head on descriptors reads right.

    The head is a ridge regression to all values, fitted on the indexed items; of each type the
    value with the highest score is said. All types count the same.
    """
    kinds, marks = zip(*(_marks(column, split) for column in values.values()), strict=True)
    features = material.descriptors.rows(split.indexed).astype(np.float32)
    head = TraitHead.fit(features, np.concatenate(marks, axis=1))
    asking = material.descriptors.rows(split.asked).astype(np.float32)
    scores = asking @ head.weights + head.bias
    parts = np.split(scores, np.cumsum([len(one) for one in kinds])[:-1], axis=1)
    said = [one[part.argmax(axis=1)] for one, part in zip(kinds, parts, strict=True)]
    return _share_right(said, values, split)


def _marks(column: Sequence[str], split: Split) -> tuple[Words, NDArray[np.bool_]]:
    """The values of indexed items, and which (indexed, values) of these items has which."""
    known = np.array(column, dtype=object)[split.indexed]
    kinds = np.array(sorted(set(known.tolist())), dtype=object)
    return kinds, known[:, None] == kinds


def _share_right(said: Sequence[Words], values: Values, split: Split) -> float:
    truths = [np.array(column, dtype=object)[split.asked] for column in values.values()]
    return float(np.mean([one == truth for one, truth in zip(said, truths, strict=True)]))


def near_alike(material: Material, split: Split, k: int, seed: int) -> float:
    """How much the k indexed items nearest to those that ask are like them.

    Returns:
        Of one collection, trait overlap@k: 0 as random items are, 1 as near as can be. Of several,
        the share of the nearest that are of the own collection, mean over collections.
    """
    vectors = look_vectors(material, split.indexed, seed)
    index = build_index("flat", np.ascontiguousarray(vectors[split.indexed]), seed=seed)
    found = index.search(np.ascontiguousarray(vectors[split.asked]), k)
    near, codes = found.renumbered(split.indexed), material.catalog.collection_codes
    if len(material.catalog.collections) > 1:
        return metrics.mean_of([*metrics.collection_precision(near, split.asked, codes).values()])
    traits = trait_matrix(material.catalog)
    overlaps = metrics.trait_overlap(near, split.asked, split.indexed, codes, traits)
    return metrics.mean_of([found.score for found in overlaps.values()])
