"""Pips of generated playing cards: the four suits in several outlines and fillings."""

import math
from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw

from simsearch.sample.shapes import Colour, Points, ellipse, heart, mix, moved

SHAPES = ("smooth", "sharp", "plump")
"""Families of outlines."""
FILLINGS = {
    "full": ((1.0, 0.0),),
    "hollow": ((1.0, 0.0), (0.68, 1.0)),
    "shaded": ((1.0, 0.0), (0.7, 0.3)),
    "inlaid": ((1.0, 0.0), (0.72, 1.0), (0.5, 0.0)),
}
"""Name → sizes, each with the share of paper in its colour."""
Parts = tuple[Points, ...]


@lru_cache(maxsize=16)
def outline(shape: str, suit: str) -> Parts:
    """Polygons from -1 to 1 that together make the pip, its foot downwards."""
    return {"hearts": _heart, "diamonds": _diamond, "spades": _spade, "clubs": _club}[suit](shape)


def _heart(shape: str) -> Parts:
    if shape == "sharp":
        half = ((0.0, -0.45), (0.3, -0.9), (0.8, -0.85), (1.0, -0.35), (0.75, 0.15), (0.0, 1.0))
        return ((*half, *((-x, y) for x, y in reversed(half[1:-1]))),)
    return (moved(heart(0, 0, 1.0), 0, 0.05, 1.0 if shape == "smooth" else 1.1),)


def _diamond(shape: str) -> Parts:
    width = {"smooth": 0.75, "sharp": 0.85, "plump": 0.95}[shape]
    corners = ((0.0, -1.05), (width, 0.0), (0.0, 1.05), (-width, 0.0))
    if shape == "sharp":
        return (corners,)
    bend = -0.1 if shape == "smooth" else 0.05  # sides bend inwards or outwards
    path = []
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
        path += [(x0, y0), (middle_x * (1 + 2 * bend), middle_y * (1 + 2 * bend))]
    return (tuple(path),)


def _foot(width: float) -> Points:
    return ((-0.07, 0.2), (0.07, 0.2), (0.12, 0.7), (width, 1.05), (-width, 1.05), (-0.12, 0.7))


def _spade(shape: str) -> Parts:
    if shape == "sharp":
        half = ((0.0, -1.05), (0.55, -0.45), (1.0, 0.15), (0.85, 0.6), (0.35, 0.65), (0.0, 0.35))
        return ((*half, *((-x, y) for x, y in reversed(half[1:-1]))), _foot(0.4))
    turned = tuple((x, -y) for x, y in heart(0, 0, 0.92 if shape == "smooth" else 1.02))
    return (moved(turned, 0, -0.12), _foot(0.42))


def _club(shape: str) -> Parts:
    radius = {"smooth": 0.46, "sharp": 0.44, "plump": 0.52}[shape]
    sides = 6 if shape == "sharp" else 28
    leaves = tuple(
        ellipse(0.55 * math.sin(turn), -0.06 - 0.52 * math.cos(turn), radius, radius, sides=sides)
        for turn in (0, 1.95, -1.95)
    )
    return (*leaves, ellipse(0, 0, 0.2, 0.2), _foot(0.42))


def pip(
    card: Image.Image,
    outlines: Parts,
    place: tuple[float, float],
    size: float,
    fills: Sequence[tuple[float, Colour]],
) -> None:
    """Draw a pip around ``place``: the same outline again and again, ever smaller.

    Args:
        card: drawn on.
        outlines: from -1 to 1.
        place: its middle, in pixels.
        size: its half-width in pixels; below 0 it stands on its head.
        fills: sizes from 1 downwards, each with its colour.
    """
    draw = ImageDraw.Draw(card)
    for share, colour in fills:
        for part in outlines:
            draw.polygon(moved(part, *place, size * share), fill=colour)


def fills(filling: str, ink: Colour, paper: Colour) -> list[tuple[float, Colour]]:
    """One of ``FILLINGS`` in two colours."""
    return [(share, mix(ink, paper, faded)) for share, faded in FILLINGS[filling]]
