"""Smooth art: shaded forms with soft edges, a tinted outline and glows."""

from functools import lru_cache, reduce

import numpy as np
from PIL import Image, ImageChops

from simsearch.sample.shapes import Colour, Points, coverage, moved, tone

Mask = Image.Image
Mark = tuple[Points, float]
"""An outline from 0 to 1 and the width of the stroke along it; 0 fills it."""


@lru_cache(maxsize=16)
def _halo(side: int) -> Mask:
    """Brightness that falls off smoothly from the middle to the rim, mode ``L``."""
    axis = (np.arange(side) + 0.5) / side * 2 - 1
    fall = np.clip(1 - np.hypot(axis[:, None], axis[None, :]), 0, 1)
    return Image.fromarray(np.round(255 * fall**2).astype(np.uint8))


class Scene:
    """A square RGBA picture; coordinates run from 0 to 1."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.image = Image.new("RGBA", (side, side))

    def area(self, points: Points) -> Mask:
        """Coverage of an outline, mode ``L``."""
        return coverage(self.side, moved(points, 0, 0, self.side))

    def line(self, points: Points, width: float) -> Mask:
        """Coverage of a stroke, mode ``L``."""
        return coverage(self.side, moved(points, 0, 0, self.side), width * self.side)

    def pattern(self, marks: tuple[Mark, ...]) -> Mask:
        """Coverage of several outlines at once."""
        return pattern(self.side, marks)

    def fill(
        self, mask: Mask, top: Colour, bottom: Colour | None = None, strength: float = 1
    ) -> None:
        """Lay a colour, or a gradient from top to bottom of the mask, over the picture."""
        extent = mask.getbbox()
        if extent is None:
            return
        cut = mask.crop(extent)
        if strength < 1:
            cut = cut.point(_faded(strength))
        layer = Image.new("RGB", cut.size, top)
        if bottom is not None and bottom != top:
            layer = _gradient(cut.size, top, bottom)
        layer.putalpha(cut)
        self.image.alpha_composite(layer, extent[:2])

    def form(self, points: Points, colour: Colour, line: float = 0.012) -> Mask:
        """A body: outline, gradient, light at the upper left and shadow at the lower right."""
        mask = self.area(points)
        dark, light = _rims(self.side, moved(points, 0, 0, self.side))
        self.fill(self.line((*points, points[0]), 2 * line), tone(colour, -0.72))
        self.fill(mask, tone(colour, 0.22), tone(colour, -0.16))
        self.fill(dark, SHADE, strength=0.22)
        self.fill(light, (255, 255, 255), strength=0.35)
        return mask

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float = 1) -> None:
        """Light that fades out with the distance from (x, y)."""
        size = max(2, round(2 * radius * self.side))
        mask = Image.new("L", self.image.size)
        corner = round((x - radius) * self.side), round((y - radius) * self.side)
        mask.paste(_halo(size), corner)
        self.fill(mask, colour, strength=strength)


SHADE: Colour = (34, 18, 66)


def inside(mask: Mask, limit: Mask) -> Mask:
    """The part of a mask that lies within another."""
    return ImageChops.multiply(mask, limit)


@lru_cache(maxsize=64)
def pattern(side: int, marks: tuple[Mark, ...]) -> Mask:
    """What any of the marks covers, mode ``L``; nothing where there is none."""
    masks = (coverage(side, moved(points, 0, 0, side), width * side) for points, width in marks)
    return reduce(ImageChops.lighter, masks, Image.new("L", (side, side)))


def forget() -> None:
    """Free the remembered masks, which are tens of megabytes for large pictures."""
    for remembered in (coverage, pattern, _rims):
        remembered.cache_clear()


@lru_cache(maxsize=256)
def _rims(side: int, points: Points) -> tuple[Mask, Mask]:
    """Parts of a form that lie in shadow and in light."""
    mask = coverage(side, points)
    return _rim(mask, -0.035), _rim(mask, 0.02)


def _rim(mask: Mask, shift: float) -> Mask:
    """The part of a mask that its copy, moved along the diagonal, does not cover."""
    step = round(shift * mask.width)
    copy = Image.new("L", mask.size)
    copy.paste(mask, (step, step))
    return ImageChops.subtract(mask, copy)


@lru_cache(maxsize=64)
def _faded(strength: float) -> list[int]:
    return [round(level * strength) for level in range(256)]


def _gradient(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    share = np.linspace(0, 1, size[1])[:, None, None]
    column = np.round(np.array(top) * (1 - share) + np.array(bottom) * share).astype(np.uint8)
    return Image.fromarray(np.broadcast_to(column, (size[1], size[0], 3)).copy())
