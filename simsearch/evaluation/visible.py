"""How good an answer by traits can be where some labels cannot be seen in the picture that asks."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simsearch.evaluation.material import Ids
from simsearch.evaluation.retrieval import Progress
from simsearch.evaluation.sample import Sample
from simsearch.neighbors import Neighbors
from simsearch.traits.choices import Choices
from simsearch.traits.evidence import Evidence
from simsearch.traits.hidden import hidden_labels
from simsearch.traits.labelled import LEAST_ITEMS, read_labelled

Flags = NDArray[np.bool_]


def visible_ceiling(
    sample: Sample, progress: Progress = lambda stage, done, total: None
) -> dict[str, float]:
    """Trait overlap@k of asking with exactly the labels that can be seen, of each collection.

    Labels that lie wholly under other layers are found from the pictures of the sample alone (see
    ``hidden_labels``). Items are ordered by the Jaccard overlap of what is visible of the query
    with what is known of them. Guessing hidden labels from those that are seen could find more.

    Raises:
        PictureError: no picture of a collection can be read any more.
    """
    has = np.diff(sample.traits.indptr) > 0
    found: dict[str, float] = {}
    for code, name in enumerate(sample.names):
        rows = np.flatnonzero(has & (sample.codes == code))
        asked = np.intersect1d(sample.split.asked, rows)
        indexed = np.intersect1d(sample.split.indexed, rows)
        if len(rows) >= LEAST_ITEMS and len(asked) and len(indexed):
            seen, known = _labels(sample, rows, lambda done, total: progress(name, done, total))  # noqa: B023
            near = _nearest(seen[asked], known[indexed], indexed, sample.k)
            found |= sample.overlaps(near, asked)
    return found


def _labels(sample: Sample, rows: Ids, progress: Callable[[int, int], None]) -> tuple[Flags, Flags]:
    """Bool (items, traits) twice: labels that can be seen, and all."""
    known = read_labelled(sample.catalog, rows)
    choices = Choices.of(known.labels, known.vocabulary)
    hidden = hidden_labels(Evidence.of(known.pictures), known.labels, choices, progress)
    shape = len(sample.rows), len(known.vocabulary)
    seen, every = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    every[known.rows], seen[known.rows] = known.labels, known.labels & ~hidden
    return seen, every


def _nearest(seen: Flags, known: Flags, indexed: Ids, k: int) -> Neighbors:
    """The k indexed items that share most with what is seen (q, traits), of labels (m, traits)."""
    shared = seen.astype(np.float32) @ known.T.astype(np.float32)
    joined = seen.sum(axis=1)[:, None] + known.sum(axis=1)[None] - shared
    overlap = shared / np.maximum(joined, 1)
    k_found = min(k, len(indexed))
    near = np.argsort(-overlap, axis=1, kind="stable")[:, :k_found]
    result = Neighbors.empty(len(seen), k)
    result.ids[:, :k_found] = indexed[near]
    result.distances[:, :k_found] = 1 - np.take_along_axis(overlap, near, axis=1)
    return result
