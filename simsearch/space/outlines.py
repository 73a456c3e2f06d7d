"""Outlines: where colours change in a picture, which stays when all colours are changed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.space.look import LookSpace, Span

Floats = NDArray[np.float32]

WIDTH = 128
"""Numbers per vector."""


def outlines(grids: NDArray[np.floating[Any]]) -> Floats:
    """How much the colour changes at each cell: to the right and downwards, mean over RGB.

    Collections are drawn over templates: their lines stay where they are while colours vary from
    item to item. So lines tell collections, bodies and headwear apart where colours do not.

    Args:
        grids: colours 0..1 of square grids, (n, cells * 3).

    Returns:
        float32 (n, cells), 0 to 2.
    """
    side = round((grids.shape[1] / 3) ** 0.5)
    cells = grids.reshape(len(grids), side, side, 3).astype(np.float32)
    change = np.zeros(cells.shape[:3], dtype=np.float32)
    change[:, :, :-1] += np.abs(np.diff(cells, axis=2)).mean(axis=3)
    change[:, :-1] += np.abs(np.diff(cells, axis=1)).mean(axis=3)
    return change.reshape(len(grids), side * side)


class OutlineSpace:
    """Unit vectors of outlines that hardly change when a picture is lit, recoloured or regrounded.

    The square root lets faint lines count beside strong ones, and every picture is brought to unit
    length before the partial whitening (see ``LookSpace``), so that contrast does not count.
    """

    def __init__(self, space: LookSpace) -> None:
        self.space = space

    @classmethod
    def fit(cls, grids: NDArray[np.floating[Any]], seed: int = 0) -> "OutlineSpace":
        """Fit on colours (n, cells * 3)."""
        drawn = _drawn(grids)
        space = LookSpace.fit(drawn, _spans(drawn.shape[1]), seed)
        return cls(replace(space, components=space.components[:, : WIDTH - 1].copy()))

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Floats]) -> "OutlineSpace":
        """The space that ``space.tensors()`` came from."""
        return cls(LookSpace.from_tensors(_spans(len(tensors["mean"])), tensors))

    @property
    def width(self) -> int:
        """Numbers per vector."""
        return self.space.width

    def transform(self, grids: NDArray[np.floating[Any]]) -> Floats:
        """Unit vectors float32 (n, width) of colours (n, cells * 3)."""
        return self.space.transform(_drawn(grids))


def _spans(cells: int) -> tuple[Span, ...]:
    return (("outlines", 0, cells),)


def _drawn(grids: NDArray[np.floating[Any]]) -> Floats:
    lines = np.sqrt(outlines(grids))
    length = np.linalg.norm(lines, axis=1, keepdims=True)
    unit: Floats = lines / np.maximum(length, np.float32(1e-6))
    return unit
