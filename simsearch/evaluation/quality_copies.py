"""Edited copies ask a descriptor for their originals, as they are and with edits undone."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from simsearch.copies import CopyFinder, seen_before
from simsearch.evaluation.contenders import Fitted
from simsearch.evaluation.edited import copies_of, same_pixels
from simsearch.evaluation.edits import EDITS
from simsearch.evaluation.material import Ids
from simsearch.evaluation.sample import Sample
from simsearch.images import RGB
from simsearch.index import build_index

Pictures = NDArray[np.uint8]
Found = dict[str, NDArray[np.bool_]]

ALONE, UNDONE = "alone", "query"


@dataclass
class CopyAnswers:
    """What was found.

    Attributes:
        found: how it was asked → edit → bool (originals,), whether the copy found its original, or
            one identical to it pixel for pixel, first.
        left_out: reason code → pictures that could not be had again.
    """

    found: dict[str, Found]
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Copies:
    """All edits of one picture, as they are and as an encoder takes them."""

    edited: Sequence[RGB]
    prepared: Pictures


def ask_with_edits(
    search: Fitted,
    sample: Sample,
    originals: Ids,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CopyAnswers:
    """Edit pictures that can be found, and ask for them with a descriptor of each copy.

    Args:
        search: a descriptor, fitted on the sample.
        sample: the items.
        originals: int64, places among them.
        progress: told how many pictures are done, of how many.
    """
    encoder, undoing = search.contender.encoder, _copy_finder(search, sample.split.indexed)
    pixels, right = same_pixels(sample.catalog), defaultdict[str, list[NDArray[np.bool_]]](list)
    left_out: Counter[str] = Counter()

    def prepare(copies: Sequence[RGB]) -> _Copies:
        return _Copies(copies, np.stack([encoder.prepare(copy) for copy in copies]))

    copied = copies_of(sample.catalog, originals, prepare)
    for done, (row, copies) in enumerate(zip(originals.tolist(), copied, strict=True), start=1):
        if isinstance(copies, str):
            left_out[copies] += 1
        else:
            for how, first in _first(search, undoing, copies).items():
                found = np.append(sample.split.indexed, -1)[first]
                right[how].append((pixels[found] == pixels[row]) & (found >= 0))
        progress(done, len(originals))
    by_edit = {how: dict(zip(EDITS, np.stack(one).T, strict=True)) for how, one in right.items()}
    return CopyAnswers(by_edit, left_out)


def _first(search: Fitted, undoing: CopyFinder | None, copies: _Copies) -> dict[str, Ids]:
    """Place of what comes first for each edit, by how it was asked; -1 for none."""
    described = search.describe(copies.prepared)
    first = {ALONE: search.look(described, copies.prepared, 1).ids[:, 0]}
    if undoing is not None:
        encoder, undone = search.contender.encoder, described.copy()
        for place, rgb in enumerate(copies.edited):
            seen = undoing.undo(described[place], partial(seen_before, rgb, encoder))
            if seen is not None:
                undone[place] = seen.descriptor
        first[UNDONE] = search.look(undone, copies.prepared, 1).ids[:, 0]
    return first


def _copy_finder(search: Fitted, indexed: Ids) -> CopyFinder | None:
    """What undoes edits among the indexed items, where descriptors keep a grid of colours."""
    found = search.retriever
    space, grid = found.spaces.outlines, found.spaces.grid
    if space is None or grid is None:
        return None
    lines = space.transform(search.material.descriptors.rows(indexed)[:, grid])
    outlines = build_index("flat", lines)
    parts = found.index, outlines, found.descriptors, found.catalog
    return CopyFinder(found.spaces, space, grid, *parts)
