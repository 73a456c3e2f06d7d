"""The grid that a collection's pictures were drawn on, found from the pictures alone."""

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from simsearch.images import RGB, fit_square

MOST_SIDE = 64
"""Cells on a side at most; what was drawn finer, or not on a grid at all, is reduced to it."""
ON_GRID = 0.8
"""Share of the contrast between neighbouring pixels that lies on the lines of a grid."""


def native_side(rgb: RGB) -> int:
    """Cells on the longer side of a picture before it was enlarged by a whole factor.

    Where art was drawn on a grid and enlarged, colours change on the grid's lines alone, but for
    the noise of a lossy format; in smooth art they change everywhere, and the side is its own.

    Args:
        rgb: uint8 (h, w, 3).
    """
    height, width, _ = rgb.shape
    grey = rgb.sum(axis=2, dtype=np.float32)
    across = np.square(np.diff(grey, axis=1)).sum(axis=0)
    down = np.square(np.diff(grey, axis=0)).sum(axis=1)
    common = math.gcd(height, width)
    steps = [step for step in range(common, 1, -1) if common % step == 0]
    whole = next((s for s in steps if _on_lines(across, s) and _on_lines(down, s)), 1)
    return int(max(height, width) // whole)


def _on_lines(contrast: NDArray[np.float32], step: int) -> bool:
    """Whether the contrast of neighbours (n - 1,) lies on every ``step``-th line."""
    lines = contrast[step - 1 :: step]
    return bool(lines.sum() >= ON_GRID * contrast.sum() > 0)


def find_side(pictures: Iterable[RGB]) -> int:
    """Cells on a side that serve a collection: the commonest native side, 64 at most.

    Args:
        pictures: a sample of it, each uint8 (h, w, 3), one or more.
    """
    sides = Counter(native_side(rgb) for rgb in pictures)
    return min(max(sides, key=lambda side: (sides[side], side)), MOST_SIDE)


def on_canvas(pictures: Iterable[RGB], side: int) -> NDArray[np.uint8]:
    """Pictures of any size as cells, uint8 (n, side * side, 3)."""
    cells = [fit_square(rgb, side).reshape(-1, 3) for rgb in pictures]
    return np.stack(cells) if cells else np.empty((0, side * side, 3), dtype=np.uint8)
