"""What a picture may have been before it was edited: mirrored, framed, turned, cropped."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simsearch.images import RGB, fit_square

Mask = NDArray[np.bool_]

SIDE = 256
"""Pixels on a side of the pictures made."""
TURN = 5.0
"""Degrees that pictures are turned back, either way."""
CROPS = (0.05, 0.1, 0.15)
"""Shares that may have been cut off each side."""
_SAME = 8
"""Levels between colours that count as one."""
_LEAST_AREA = 0.2
"""Share of the picture that must remain inside a frame."""


@dataclass(frozen=True)
class Variant:
    """A picture as it may have been.

    Attributes:
        name: what may have been done to it; empty for the picture as it is.
        rgb: uint8 (side, side, 3).
        known: bool (side, side), where ``rgb`` shows what the picture showed and not a guess.
    """

    name: str
    rgb: RGB
    known: Mask


def variants(rgb: RGB) -> Iterator[Variant]:
    """The picture undone of a mirroring, a frame or a screen around it, a turn, and crops."""
    square = fit_square(rgb, SIDE)
    whole = np.ones((SIDE, SIDE), dtype=np.bool_)
    yield Variant("mirrored", square[:, ::-1], whole)
    inner = unframed(rgb)
    if inner.shape != rgb.shape:
        yield Variant("framed", fit_square(inner, SIDE), whole)
    for degrees in (TURN, -TURN):
        yield turned(square, degrees)
    for share in CROPS:
        yield uncropped(square, share)


def unframed(rgb: RGB) -> RGB:
    """The largest part of a picture that stands in surroundings of one colour, else all of it.

    The colour is the commonest of the left and right edges. Rows of nothing else part the picture,
    then columns do, as in one step of a recursive X-Y cut (Nagy and Seth, ICPR 1984).
    """
    edges = np.concatenate([rgb[:, 0], rgb[:, -1]])
    colours, counts = np.unique(edges, axis=0, return_counts=True)
    outside = np.abs(rgb.astype(np.int16) - colours[counts.argmax()]).max(axis=2) > _SAME
    rows = _longest_run(outside.any(axis=1))
    columns = _longest_run(outside[rows].any(axis=0))
    part = rgb[rows, columns]
    return part if part.size >= _LEAST_AREA * rgb.size else rgb


def _longest_run(used: NDArray[np.bool_]) -> slice:
    """The longest stretch of true."""
    bounds = np.flatnonzero(np.diff(np.concatenate([[False], used, [False]]).astype(np.int8)))
    if not len(bounds):
        return slice(0, len(used))
    longest = int((bounds[1::2] - bounds[::2]).argmax())
    return slice(int(bounds[2 * longest]), int(bounds[2 * longest + 1]))


def turned(square: RGB, degrees: float) -> Variant:
    """Turn a square picture; what comes from outside it is not known."""
    image = Image.fromarray(square).rotate(degrees, Image.Resampling.BICUBIC, fillcolor="white")
    inside = Image.fromarray(np.full(square.shape[:2], 255, dtype=np.uint8)).rotate(degrees)
    return Variant("turned", np.asarray(image), np.asarray(inside) > 0)


def uncropped(square: RGB, share: float) -> Variant:
    """Shrink a square picture so that a share of each side is free, filled with its edges."""
    side = len(square)
    free = round(side * share)
    inner = side - 2 * free
    image = Image.fromarray(square).resize((inner, inner), Image.Resampling.BOX)
    filled = np.pad(np.asarray(image), ((free, free), (free, free), (0, 0)), mode="edge")
    known = np.zeros((side, side), dtype=np.bool_)
    known[free : side - free, free : side - free] = True
    return Variant("cropped", filled, known)
