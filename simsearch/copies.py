"""Edited copies: a picture made of an indexed one is recognised, and asked as what it was."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Catalog
from simsearch.encoders import Encoder
from simsearch.images import RGB
from simsearch.index import VectorIndex, open_index
from simsearch.retrieval import Retriever
from simsearch.space.edited import lit, on_ground, regrounded, share_ground, turned
from simsearch.space.outlines import OutlineSpace
from simsearch.space.spaces import Rows, Spaces
from simsearch.variants import variants

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Edit = Callable[[Floats, Floats], Floats]

FOLDER = "outlines"
"""Of an index: its second vector index."""
NEAR = 60
"""Candidates by look that are compared with the picture, and with each variant of it."""
NEAR_LINES = 80
"""Candidates by outlines that are compared with the picture, also lit and turned in hue."""
NEAR_GROUND = 200
"""Candidates by outlines that are put on its ground: where it ends, its outline changes too."""
SCALE = np.float32(0.1)
"""Colour distance at which a cell counts half: copies are seldom exact."""
SURE = 0.02
"""A picture that differs less from something indexed is asked as it is."""
CONVINCING = 0.5
"""An edit is believed that leaves less than this share of the difference to the nearest item."""
USUAL = 0.3
"""A picture that differs less from the nearest item, on a ground that its collection uses, is an
item of its own and no copy on another ground."""
_GROUND = "background"
DIFFERENT = 0.15
"""Colour difference from which on a cell shows something that the original does not."""

EXPLAINED = 0.2
"""An edit is believed that leaves less than this difference: between strangers more remains."""
EXPLAINED_GROUND = 0.1
"""The same of another ground, which alone makes many pictures alike."""
LEAST_SHOWN = 0.1
"""Share of cells besides the ground that a picture needs to be recognised by."""

_COLOUR_EDITS: Mapping[str, tuple[Edit, int, float]] = {
    "brightness": (lit, NEAR_LINES, 0.0),
    "colours": (turned, NEAR_LINES, 0.0),
    _GROUND: (regrounded, NEAR_GROUND, 0.02),
}
"""What may have been done to colours: how it is imitated, on how many candidates, and a handicap
for being easy to fit."""


@dataclass(frozen=True)
class Seen:
    """A picture as it may have been.

    Attributes:
        name: what may have been done to it; empty for the picture as it is.
        descriptor: (dim,).
        known: bool (side, side), where it is no guess; the side is a multiple of the grid's.
    """

    name: str
    descriptor: NDArray[np.floating[Any]]
    known: NDArray[np.bool_]


@dataclass(frozen=True)
class Undone:
    """A copy that was recognised.

    Attributes:
        name: what had been done to it.
        row: catalog row of the original.
        descriptor: (dim,), of the original with whatever else the copy shows.
    """

    name: str
    row: int
    descriptor: NDArray[np.float16]


@dataclass(frozen=True)
class _Guess:
    """The item that differs least, ``apart``, if the picture shows it as ``shown``."""

    apart: float
    seen: Seen
    name: str
    row: int
    shown: Floats

    def convinces(self, as_it_is: "_Guess") -> bool:
        """Whether it explains a picture, and much better than the picture as it is."""
        limit = EXPLAINED_GROUND if self.name == _GROUND else EXPLAINED
        return self.apart < min(limit, CONVINCING * as_it_is.apart)


@dataclass(frozen=True)
class CopyFinder:
    """Recognises edited copies of indexed pictures, for descriptors that hold a grid of colours.

    Candidates come from the vectors of look, which find a picture that was undone of its crop or
    frame, and from vectors of outlines, which find one whose colours were changed. Each is compared
    cell by cell with what the edit would have made of it.
    """

    spaces: Spaces
    space: OutlineSpace
    grid: slice
    index: VectorIndex
    outlines: VectorIndex
    descriptors: Rows
    catalog: Catalog

    @classmethod
    def open(cls, folder: Path, retriever: Retriever) -> "CopyFinder | None":
        """The finder of an index; None where its descriptors hold no grid.

        Raises:
            StoreError: files that are missing, damaged or do not belong together.
        """
        spaces = retriever.spaces
        if spaces.outlines is None or spaces.grid is None:
            return None
        lines = open_index(folder / FOLDER)
        retriever.catalog.require_rows(lines.size, f"{FOLDER}/vectors.npy")
        parts = retriever.index, lines, retriever.descriptors, retriever.catalog
        return cls(spaces, spaces.outlines, spaces.grid, *parts)

    def undo(
        self, descriptor: NDArray[np.floating[Any]], variants: Callable[[], Sequence[Seen]]
    ) -> Undone | None:
        """Recognise an edited copy; None for a picture that is better asked as it is.

        Args:
            descriptor: (dim,), of the picture as it is.
            variants: makes it as it may have been before; called only where that may help.
        """
        side = round(((self.grid.stop - self.grid.start) / 3) ** 0.5)
        whole = Seen("", descriptor, np.ones((side, side), dtype=np.bool_))
        (by_look,), by_lines = self._near([whole]), self._near_lines(whole)
        as_it_is = self._guess(whole, np.union1d(by_look, by_lines[:NEAR_LINES]))
        if as_it_is.apart <= SURE or self._shows_little(whole):
            return None
        guesses = self._colour_guesses(whole, by_lines)
        if as_it_is.apart < USUAL and self._on_usual_ground(guesses[_GROUND], by_look):
            del guesses[_GROUND]
        found = list(guesses.values())
        if others := variants():
            near = self._near(others)
            found += [self._guess(one, rows) for one, rows in zip(others, near, strict=True)]
        best = min(found, key=lambda guess: guess.apart)
        return self._restored(best) if best.convinces(as_it_is) else None

    def _colour_guesses(self, whole: Seen, by_lines: Ids) -> dict[str, _Guess]:
        """The best of the candidates by outlines for each edit of colours."""
        return {
            name: self._guess(whole, by_lines[:count], name, edit, handicap)
            for name, (edit, count, handicap) in _COLOUR_EDITS.items()
        }

    def _shows_little(self, whole: Seen) -> bool:
        """Whether a picture is hardly more than its ground."""
        return bool((~on_ground(self._colours(whole.descriptor))).mean() < LEAST_SHOWN)

    def _on_usual_ground(self, guess: _Guess, by_look: Ids) -> bool:
        """Whether items of the original's collection stand on the ground of the picture."""
        codes = self.catalog.collection_codes
        own = by_look[codes[by_look] == codes[guess.row]]
        query = self._colours(guess.seen.descriptor)
        return bool(len(own)) and bool(share_ground(query, self._grids(own)).any())

    def _near(self, seen: Sequence[Seen]) -> list[Ids]:
        vectors = self.spaces.look.transform(np.stack([one.descriptor for one in seen]))
        return _found(self.index, vectors, NEAR)

    def _near_lines(self, seen: Seen) -> Ids:
        vectors = self.space.transform(seen.descriptor[None, self.grid])
        return _found(self.outlines, vectors, NEAR_GROUND)[0]

    def _guess(
        self, seen: Seen, rows: Ids, name: str = "", edit: Edit | None = None, handicap: float = 0
    ) -> _Guess:
        """The best of some candidates, each as an edit would have changed it."""
        query = self._colours(seen.descriptor)
        grids = self._grids(rows)
        shown = grids if edit is None else edit(query, grids)
        known = _known_cells(seen.known, len(query))
        gaps = (shown[:, known] - query[known]) / SCALE
        apart = 1 - (1 / (1 + np.einsum("ncx,ncx->nc", gaps, gaps))).mean(axis=1)
        best = int(apart.argmin())
        total = float(apart[best]) + handicap
        return _Guess(total, seen, name or seen.name, int(rows[best]), shown[best])

    def _grids(self, rows: Ids) -> Floats:
        """Colours float32 (n, cells, 3) of items."""
        colours = self.descriptors.rows(rows)[:, self.grid].astype(np.float32)
        return np.asarray(colours.reshape(len(rows), -1, 3), dtype=np.float32)

    def _colours(self, descriptor: NDArray[np.floating[Any]]) -> Floats:
        colours: Floats = descriptor[self.grid].astype(np.float32).reshape(-1, 3)
        return colours

    def _restored(self, guess: _Guess) -> Undone:
        """The original, changed where the copy shows something else."""
        descriptor = np.array(self.descriptors.rows([guess.row])[0], dtype=np.float16)
        change = self._colours(guess.seen.descriptor) - guess.shown
        known = _known_cells(guess.seen.known, len(change))
        changed = known & (np.abs(change).max(axis=1) > DIFFERENT)
        colours = self._colours(descriptor) + change * changed[:, None]
        descriptor[self.grid] = np.clip(colours, 0, 1).ravel()
        return Undone(guess.name, guess.row, descriptor)


def seen_before(rgb: RGB, encoder: Encoder) -> list[Seen]:
    """A picture as it may have been before a frame, a crop, a turn or mirroring."""
    made = list(variants(rgb))
    prepared = np.stack([encoder.prepare(one.rgb) for one in made])
    descriptors = encoder.encode(prepared).astype(np.float16)
    return [
        Seen(one.name, descriptor, one.known)
        for one, descriptor in zip(made, descriptors, strict=True)
    ]


def _known_cells(known: NDArray[np.bool_], cells: int) -> NDArray[np.bool_]:
    """Bool (cells,): the cells of a grid that are known whole."""
    side = round(cells**0.5)
    step = len(known) // side
    whole: NDArray[np.bool_] = known.reshape(side, step, side, step).all(axis=(1, 3)).ravel()
    return whole


def _found(index: VectorIndex, vectors: Floats, count: int) -> list[Ids]:
    """Rows of the nearest of each vector."""
    ids = index.search(vectors, min(count, index.size)).ids
    return [row[row >= 0] for row in ids]
