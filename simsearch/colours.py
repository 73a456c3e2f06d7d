"""Colours of a grid of cells: how alike two grids are, and a code that makes it a dot product."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MATCH_SCALE = 0.025
"""Distance between two RGB colours (0..1) at which a cell counts half."""


def cell_matches(query: NDArray[np.floating], grids: NDArray[np.floating]) -> Floats:
    """How alike the colours of two pictures are, cell by cell.

    A Cauchy kernel of the colour distance: as strict as counting equal pixels, yet a copy with
    noise keeps an order that a Gaussian of this width would round to nothing.

    Args:
        query: colours 0..1, one picture (cells * 3,) or as many as there are grids.
        grids: (n, cells * 3).

    Returns:
        float32 (n, cells), 1 where the colours are equal, falling towards 0.
    """
    apart = (grids.astype(np.float32) - query.astype(np.float32)) / np.float32(MATCH_SCALE)
    apart *= apart
    squares = apart.reshape(len(grids), -1, 3)
    matches: Floats = 1 / (1 + squares[..., 0] + squares[..., 1] + squares[..., 2])
    return matches


@dataclass(frozen=True)
class ColourCode:
    """Random Fourier features of each cell's colour (Rahimi & Recht, NeurIPS 2007).

    The dot product of two codes approximates the mean over cells of a Gaussian of width ``sigma``
    of their colour distance.

    Attributes:
        side: cells along a side; a grid of a multiple of this side is averaged down to it.
        features: numbers per cell, even.
        sigma: width of the Gaussian, in units of RGB 0..1.
    """

    side: int
    features: int
    sigma: float

    @property
    def dim(self) -> int:
        """Width of the code."""
        return self.side * self.side * self.features

    def __call__(self, grids: NDArray[np.floating]) -> Floats:
        """Code grids (n, cells * 3), colours 0..1, as float32 (n, dim)."""
        count, whole = len(grids), round((grids.shape[1] / 3) ** 0.5)
        step = whole // self.side
        cells = grids.reshape(count, self.side, step, self.side, step, 3)
        angles = cells.mean((2, 4), dtype=np.float32) @ self._directions()
        code = np.empty((*angles.shape[:3], self.features), dtype=np.float32)
        np.cos(angles, out=code[..., : self.features // 2])
        np.sin(angles, out=code[..., self.features // 2 :])
        code *= np.float32((2 / self.features) ** 0.5 / self.side)
        return code.reshape(count, self.dim)

    def _directions(self) -> Floats:
        draw = np.random.Generator(np.random.PCG64(0))
        normal = draw.standard_normal((3, self.features // 2))
        return (normal / self.sigma).astype(np.float32)
