"""Outlines as points and their coverage of the pixels: the drawing ground of all collections."""

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]
Points = tuple[Point, ...]

SHADOW: Colour = (38, 24, 74)
LIGHT: Colour = (255, 247, 214)


def rgb(text: str) -> Colour:
    """Colour of a ``#rrggbb`` text."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blend of two colours, ``share`` of the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def tone(colour: Colour, amount: float) -> Colour:
    """A darker (down to -1) or lighter (up to 1) tone; shadows turn violet, lights turn cream."""
    return mix(colour, LIGHT if amount > 0 else SHADOW, abs(amount))


def trace(text: str) -> Points:
    """Points written as ``"37 41, 24 47"``, in hundredths of the picture's side."""
    pairs = (pair.split() for pair in text.split(","))
    return tuple((float(x) / 100, float(y) / 100) for x, y in pairs)


def ellipse(x: float, y: float, rx: float, ry: float, turn: float = 0, sides: int = 40) -> Points:
    """Ellipse around (x, y), turned by ``turn`` degrees; few sides make a regular polygon."""
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    angles = [math.tau * step / sides for step in range(sides)]
    flat = [(rx * math.cos(angle), ry * math.sin(angle)) for angle in angles]
    return tuple((x + cos * u - sin * v, y + sin * u + cos * v) for u, v in flat)


def box(x0: float, y0: float, x1: float, y1: float) -> Points:
    """Rectangle between two corners."""
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def star(x: float, y: float, outer: float, inner: float, tips: int = 5) -> Points:
    """Star with ``tips`` points between two radii."""
    ring = [(outer, inner)[step % 2] for step in range(2 * tips)]
    angles = [math.pi * (step / tips - 0.5) for step in range(2 * tips)]
    pairs = zip(ring, angles, strict=True)
    return tuple((x + radius * math.cos(a), y + radius * math.sin(a)) for radius, a in pairs)


def heart(x: float, y: float, size: float) -> Points:
    """Heart of half-width ``size`` around (x, y)."""
    angles = [math.tau * step / 40 for step in range(40)]
    wide = [math.sin(a) ** 3 for a in angles]
    high = [(13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a)) / 16 for a in angles]
    return tuple((x + size * u, y - size * v) for u, v in zip(wide, high, strict=True))


@lru_cache(maxsize=1024)
def curve(points: Points, closed: bool = True, steps: int = 8) -> Points:
    """Smooth line through the points (Catmull and Rom, 1974)."""
    path = np.asarray(points, dtype=np.float64)
    ends = (path[-1:], path[:2]) if closed else (path[:1], path[-1:])
    padded = np.concatenate([ends[0], path, ends[1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = [_spline(padded[i : i + 4], t) for i in range(len(padded) - 3)]
    if not closed:
        pieces.append(path[-1:])
    return tuple((float(x), float(y)) for x, y in np.concatenate(pieces))


def _spline(p: NDArray[np.float64], t: NDArray[np.float64]) -> NDArray[np.float64]:
    linear, square = p[2] - p[0], 2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]
    cube = 3 * p[1] - p[0] - 3 * p[2] + p[3]
    return np.asarray(p[1] + (linear * t + square * t**2 + cube * t**3) / 2)


def moved(points: Iterable[Point], x: float, y: float, scale: float = 1) -> Points:
    """The points enlarged by ``scale``, then shifted."""
    return tuple((x + scale * u, y + scale * v) for u, v in points)


def flipped(points: Iterable[Point], axis: float) -> Points:
    """Mirror image at the vertical line x = ``axis``."""
    return tuple((2 * axis - x, y) for x, y in points)


def symmetric(half: Points, axis: float) -> Points:
    """A closed outline whose one half is given from top to bottom."""
    return half + flipped(reversed(half), axis)


def rasterize(side: int, points: Points, width: float = 0) -> Image.Image:
    """How much of each pixel an outline covers.

    Args:
        side: pixels of the square picture.
        points: in pixels, (0, 0) being the upper left corner.
        width: of the stroke along the points with round ends; 0 fills the polygon.

    Returns:
        Mode ``L``, side x side.
    """
    over = 8 if side < 64 else 4 if side < 400 else 3
    large = Image.new("L", (side * over, side * over))
    draw = ImageDraw.Draw(large)
    path = [(x * over - 0.5, y * over - 0.5) for x, y in points]
    if width:
        _stroke(draw, path, width * over)
    else:
        draw.polygon(path, fill=255)
    return large.reduce(over)


def _stroke(draw: ImageDraw.ImageDraw, path: list[Point], width: float) -> None:
    draw.line(path, fill=255, width=round(width), joint="curve")
    for x, y in (path[0], path[-1]):
        draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)


@lru_cache(maxsize=2048)
def coverage(side: int, points: Points, width: float = 0) -> Image.Image:
    """The same, remembered: parts recur in a collection. Shared by callers, not to be changed."""
    return rasterize(side, points, width)
