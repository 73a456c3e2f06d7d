"""Edited copies: how often a picture that was changed on the web finds its original first."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from simsearch.arrow import codes
from simsearch.catalog import Catalog
from simsearch.draws import at_most
from simsearch.encoders import Encoder
from simsearch.engine import SPACES, SearchEngine
from simsearch.errors import PictureError
from simsearch.evaluation.baselines import perceptual_hash
from simsearch.evaluation.edits import EDITS, enlarged
from simsearch.evaluation.material import GRID_SIDE, Material
from simsearch.evaluation.metrics import recall_at_1
from simsearch.images import RGB, fit_square
from simsearch.neighbors import Neighbors
from simsearch.sources.reader import PictureReader

Ids = NDArray[np.int64]
Pictures = NDArray[np.uint8]
T = TypeVar("T")

HASH = "perceptual_hash"
"""The baseline, by its name among the methods."""
_AHEAD = 16
"""Pictures that are read and edited at once; each gives a copy for every edit."""
_SHOWN = 3
"""Answers that are kept of each copy."""


@dataclass(frozen=True)
class EditedCopies:
    """Answers to edited copies of indexed items.

    Attributes:
        originals: int64 (q,), catalog rows that copies were made of.
        answers: method (a space, or ``HASH``) → edit → the nearest 3 to each copy, (q, 3).
        pixels: int64 (n,), equal for two catalog rows where their pictures are identical.
        left_out: reason code → items of the sample whose picture could not be had again.
    """

    originals: Ids
    answers: Mapping[str, Mapping[str, Neighbors]]
    pixels: NDArray[np.int64]
    left_out: Mapping[str, int] = field(default_factory=dict)

    def recall(self, method: str) -> dict[str, float]:
        """Edit → share of copies whose original, or a twin of it, comes first."""
        return {
            edit: recall_at_1(found, self.originals, self.pixels)
            for edit, found in self.answers.get(method, {}).items()
        }

    def lost(self, method: str, edit: str) -> Ids:
        """Places in ``originals`` whose copy did not find its original first."""
        first = self.answers[method][edit].ids[:, 0]
        return np.flatnonzero(self.pixels[first] != self.pixels[self.originals])


def ask_with_copies(
    engine: SearchEngine,
    spaces: Sequence[str],
    count: int,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> EditedCopies:
    """Edit pictures of an index and search it with them, as its users do.

    Args:
        engine: the opened index, as it is: fitted on all its items.
        spaces: names in ``SPACES``.
        count: items of which copies are made, about; as many of each collection as it has to give.
        seed: of the draw.
        progress: told how many items are done, of how many.

    Returns:
        The answers. A picture that has gone from its source, or is another now, is left out.
    """
    catalog = engine.catalog
    every, share = np.ones(len(catalog), dtype=bool), -(-count // len(catalog.collections))
    rows = np.flatnonzero(at_most(every, catalog.collection_codes, share, seed))
    used: list[int] = []
    left_out: Counter[str] = Counter()
    found: dict[str, list[Neighbors]] = {space: [] for space in spaces}
    small: list[Pictures] = []
    copied = copies_of(catalog, rows, lambda copies: _Made.of(copies, engine.encoder))
    for row, made in zip(rows.tolist(), copied, strict=True):
        if isinstance(made, str):
            left_out[made] += 1
        else:
            used.append(row)
            descriptors = _asked(engine, made)
            for space, answers in found.items():
                balance = SPACES[space]
                answers.append(engine.retriever.search(descriptors, _SHOWN, balance=balance))
            small.append(made.small)
        progress(len(used) + left_out.total(), len(rows))
    answers_by = {space: _by_edit(answers) for space, answers in found.items() if used}
    if used:
        answers_by[HASH] = _hashed(engine, small)
    return EditedCopies(np.array(used, np.int64), answers_by, same_pixels(catalog), left_out)


def original(reader: PictureReader, catalog: Catalog, row: int) -> RGB:
    """The picture that was indexed, read from its source again.

    Raises:
        PictureError: it has gone, or is another now (``changed``).
    """
    encoded = reader.read(catalog.picture(row))
    if catalog.column("content_hash")[row].as_py() not in (None, encoded.content_hash):
        message = f"{catalog.key(row)}: another picture now; build the index again"
        raise PictureError("changed", message)
    return encoded.rgb()


@dataclass(frozen=True)
class _Made:
    """All edits of one picture: as they are, as the encoder wants them, and 32 pixels a side."""

    copies: Sequence[RGB]
    prepared: Pictures
    small: Pictures

    @classmethod
    def of(cls, copies: Sequence[RGB], encoder: Encoder) -> "_Made":
        prepared = np.stack([encoder.prepare(copy) for copy in copies])
        return cls(copies, prepared, np.stack([fit_square(copy, GRID_SIDE) for copy in copies]))


def _asked(engine: SearchEngine, made: _Made) -> NDArray[np.floating[Any]]:
    """Descriptors with which the engine asks when it is given the copies."""
    own = engine.encoder.encode(made.prepared).astype(np.float16)
    pairs = zip(made.copies, own, strict=True)
    return np.stack([engine.undo_edits(copy, descriptor)[0] for copy, descriptor in pairs])


def copies_of(
    catalog: Catalog, rows: Ids, prepare: Callable[[Sequence[RGB]], T]
) -> Iterator[T | str]:
    """For each row what ``prepare`` makes of the edits of its picture, or why there are none.

    Pictures are read, edited and prepared by threads, a few ahead. Edits come in the order of
    ``EDITS``.
    """
    with PictureReader() as reader, ThreadPoolExecutor() as pool:

        def work(row: int) -> T | str:
            try:
                large = enlarged(original(reader, catalog, row))
            except PictureError as error:
                return error.code
            return prepare([edit(large) for edit in EDITS.values()])

        for start in range(0, len(rows), _AHEAD):
            yield from pool.map(work, rows[start : start + _AHEAD].tolist())


def _by_edit(found: Sequence[Neighbors]) -> dict[str, Neighbors]:
    """Answers to all edits of one picture after the other, as answers to one edit of them all."""
    ids = np.concatenate([answers.ids for answers in found])
    distances = np.concatenate([answers.distances for answers in found])
    return {
        edit: Neighbors(ids[place :: len(EDITS)], distances[place :: len(EDITS)])
        for place, edit in enumerate(EDITS)
    }


def _hashed(engine: SearchEngine, small: Sequence[Pictures]) -> dict[str, Neighbors]:
    """What the baseline answers to the same copies."""
    try:
        indexed = Material.of_index(engine).grids()
    except PictureError:
        return {}
    return _by_edit([perceptual_hash(indexed, np.concatenate(small), _SHOWN)])


def same_pixels(catalog: Catalog) -> NDArray[np.int64]:
    """A number for each row, the same where pictures are identical; unknown ones are alone."""
    known = codes(catalog.column("pixel_hash"))[0].astype(np.int64)
    return np.where(known >= 0, known, -1 - np.arange(len(known)))
