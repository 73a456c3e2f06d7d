"""What pictures show where: colours of cells as codes, and which of them speak for a trait."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint16]
Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]

CANDIDATES = 400
"""Facts that are looked at for one trait, the most telling ones."""
RARE = 0.05
"""Share of cells whose colour no other picture has there from which colours are made coarser."""
COARSEST = 5
"""Bits of a colour that are dropped at most."""
WIDEST = 24.0
"""Levels by which a cell may miss its colour at most where no other colour is near."""


@dataclass(frozen=True)
class Evidence:
    """The facts "cell c shows colour v" of n pictures.

    Cells that tell the same pictures apart as an earlier cell, or none at all, are left out.

    Attributes:
        cells: int64 (m,), the cells that are left.
        codes: uint16 (m, n), for each its colour in each picture, numbered 0, 1, 2 …
        palettes: for each its colours in that order, float32 (k, 3), levels 0 to 255.
        dropped: bits that were dropped of colours; what remains is the middle of a bin.
    """

    cells: Ids
    codes: Codes
    palettes: list[NDArray[np.float32]]
    dropped: int

    @classmethod
    def of(cls, pictures: NDArray[np.uint8]) -> "Evidence":
        """Code pictures (n, cells, 3), with as many bits as let colours come again."""
        found = cls._coded(pictures, 0)
        while found.dropped < COARSEST and found.rare > RARE:
            found = cls._coded(pictures, max(found.dropped + 1, 2))
        return found

    @classmethod
    def _coded(cls, pictures: NDArray[np.uint8], dropped: int) -> "Evidence":
        cells, rows, palettes = [], [], []
        seen: set[bytes] = set()
        for cell in range(pictures.shape[1]):
            colours, codes = _numbered(np.right_shift(pictures[:, cell], dropped).astype(np.uint8))
            key = codes.tobytes()
            if len(colours) > 1 and key not in seen:
                seen.add(key)
                cells.append(cell)
                rows.append(codes)
                middle = (colours.astype(np.float32) + 0.5) * 2**dropped - 0.5
                palettes.append(middle)
        codes = np.stack(rows) if rows else np.empty((0, len(pictures)), dtype=np.uint16)
        return cls(np.array(cells, dtype=np.int64), codes, palettes, dropped)

    @property
    def rare(self) -> float:
        """Share of cells whose colour no other picture has there."""
        alone = sum(int((np.bincount(codes) == 1).sum()) for codes in self.codes)
        return alone / max(self.codes.size, 1)

    @cached_property
    def starts(self) -> Ids:
        """int64 (m + 1,): facts of cell place p are numbered from ``starts[p]`` on."""
        return np.append(0, np.cumsum([len(palette) for palette in self.palettes])).astype(np.int64)

    def count(self, rows: Ids) -> Ids:
        """How many of some pictures show each fact, int64 (facts,)."""
        counts = np.zeros(self.starts[-1], dtype=np.int64)
        for place, codes in enumerate(self.codes):
            part = slice(self.starts[place], self.starts[place + 1])
            counts[part] = np.bincount(codes[rows], minlength=part.stop - part.start)
        return counts

    @cached_property
    def _first_alike(self) -> Flags:
        """Facts that no earlier fact equals in all pictures."""
        draw = np.random.default_rng(0).random(self.codes.shape[1])
        sums = np.concatenate([np.empty(0), *(np.bincount(codes, draw) for codes in self.codes)])
        _, first = np.unique(np.round(sums, 9), return_index=True)
        flags = np.zeros(self.starts[-1], dtype=bool)
        flags[first] = True
        return flags

    def telling(self, with_trait: Ids, counts: Ids, positives: int, total: int) -> Ids:
        """The facts that say most about a trait, the most telling first.

        Args:
            with_trait: int64 (facts,), pictures with the trait that show each fact.
            counts: int64 (facts,), pictures that show it.
            positives: pictures with the trait.
            total: all pictures.
        """
        inside = _entropy(with_trait, counts)
        outside = _entropy(positives - with_trait, total - counts)
        left = np.where(self._first_alike & (counts > 0), inside + outside, np.inf)
        most = min(CANDIDATES, int(np.isfinite(left).sum()))
        best = np.argpartition(left, most - 1)[:most] if most else np.empty(0, dtype=np.int64)
        order: Ids = best[np.argsort(left[best], kind="stable")]
        return order

    def place_of(self, facts: Ids) -> tuple[Ids, Ids]:
        """Place of the cell and code of the colour of some facts."""
        places = np.searchsorted(self.starts, facts, side="right") - 1
        return places, facts - self.starts[places]

    def shown(self, facts: Ids, rows: Ids) -> NDArray[np.float32]:
        """Float32 (rows, facts): 1 where a picture shows a fact."""
        places, codes = self.place_of(facts)
        found = self.codes[places[:, None], rows] == codes[:, None]
        return np.ascontiguousarray(found.T, dtype=np.float32)

    def test_of(self, fact: int) -> tuple[int, NDArray[np.float32], float]:
        """Cell, colour, and by how much each channel may differ where the fact still holds.

        A colour that no other is near to has room for the noise of a lossy copy.
        """
        place, code = (int(part[0]) for part in self.place_of(np.array([fact])))
        palette = self.palettes[place]
        colour = palette[code]
        room = 2**self.dropped / 2 - 0.5
        if not self.dropped:
            gaps = np.abs(np.delete(palette, code, axis=0) - colour).max(axis=1)
            room = min(float(gaps.min()) / 2 - 0.5, WIDEST)
        return int(self.cells[place]), colour, max(room, 0.0)


def _numbered(colours: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Codes]:
    """Distinct colours (k, 3) in order of appearance, and which of them each picture has."""
    packed = colours.astype(np.uint32) @ np.array([65536, 256, 1], dtype=np.uint32)
    _, first, codes = np.unique(packed, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.argsort(order)
    return colours[first[order]], rank[codes].astype(np.uint16)


def _entropy(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Bits that tell which ``part`` of ``whole`` pictures has a trait."""
    rest = whole - part
    return _bits(whole) - _bits(part) - _bits(rest)


def _bits(counts: NDArray[Any]) -> NDArray[np.float64]:
    filled = np.maximum(counts, 1).astype(np.float64)
    return np.asarray(filled * np.log2(filled))


def folds(labels: Flags, count: int, seed: int) -> Iterator[tuple[Ids, Ids]]:
    """Cut pictures into ``count`` parts so that each has its share of those with a trait.

    Yields:
        Rows that train and rows held out, int64 each.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    part = np.empty(len(labels), dtype=np.int64)
    part[order] = np.arange(len(labels)) % count
    for number in range(count):
        yield np.flatnonzero(part != number), np.flatnonzero(part == number)
