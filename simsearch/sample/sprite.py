"""Pixel art: hard-edged parts with three tones and a tinted outline."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from simsearch.sample.shapes import Colour, Points, box, coverage, ellipse, rgb, tone

Mask = NDArray[np.bool_]
INK = rgb("#2e2344")


def shifted(mask: Mask, x: int, y: int) -> Mask:
    """The mask moved right by x and down by y; what leaves the picture is lost."""
    height, width = mask.shape
    padded = np.pad(mask, ((abs(y), abs(y)), (abs(x), abs(x))))
    return padded[abs(y) - y : abs(y) - y + height, abs(x) - x : abs(x) - x + width]


def grown(mask: Mask) -> Mask:
    """The mask and its direct neighbours."""
    beside = shifted(mask, 1, 0) | shifted(mask, -1, 0)
    return mask | beside | shifted(mask, 0, 1) | shifted(mask, 0, -1)


def shrunk(mask: Mask, times: int = 1) -> Mask:
    """The mask without its outermost pixels."""
    for _ in range(times):
        mask = ~grown(~mask)
    return mask


class Sprite:
    """A small square RGBA picture; coordinates are pixels, transparent where nothing was drawn."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.rgba: NDArray[np.uint8] = np.zeros((side, side, 4), dtype=np.uint8)

    def area(self, points: Points) -> Mask:
        """Pixels that are at least half inside an outline."""
        return np.asarray(coverage(self.side, points)) > 127

    def disc(self, x: float, y: float, rx: float, ry: float | None = None) -> Mask:
        """Pixels of an ellipse."""
        return self.area(ellipse(x, y, rx, ry or rx))

    def box(self, x: int, y: int, width: int, height: int) -> Mask:
        """Pixels of a rectangle given by its upper left pixel and its size."""
        return self.area(box(x, y, x + width, y + height))

    def line(self, points: Points, width: float = 1) -> Mask:
        """Pixels of a stroke."""
        return np.asarray(coverage(self.side, points, width)) > 110

    def paint(self, mask: Mask, colour: Colour, alpha: int = 255) -> None:
        """One flat colour."""
        self.rgba[mask] = (*colour, alpha)

    def form(self, mask: Mask, colour: Colour, outline: bool = True) -> None:
        """A body lit from the upper left, shaded at the lower right, with a tinted outline."""
        if outline:
            self.paint(grown(mask) & ~mask, tone(colour, -0.78))
        self.paint(mask, colour)
        self.paint(mask & ~shifted(mask, 1, 1), tone(colour, 0.45))
        self.paint(mask & ~shifted(mask, -1, -1), tone(colour, -0.35))
        self.paint(mask & ~shifted(mask, -1, 0), tone(colour, -0.35))

    def stamp(self, rows: Iterable[str], x: int, y: int, colours: Mapping[str, str]) -> None:
        """Pixels written as text: a character is a colour's key, a blank leaves what is there."""
        for down, row in enumerate(rows):
            for right, key in enumerate(row):
                if key != " ":
                    self.rgba[y + down, x + right] = (*rgb(colours[key]), 255)

    def sticker(self, rows: Iterable[str], x: int, y: int, colours: Mapping[str, str]) -> None:
        """A stamp with a dark outline, so that it shows on any ground."""
        layer = Sprite(self.side)
        layer.stamp(rows, x, y, colours)
        mask = layer.rgba[..., 3] > 0
        self.paint(grown(mask) & ~mask, INK)
        self.rgba[mask] = layer.rgba[mask]

    def mirror(self) -> None:
        """Make the right half the mirror image of the left one."""
        half = self.side // 2
        self.rgba[:, -half:] = self.rgba[:, :half][:, ::-1]
