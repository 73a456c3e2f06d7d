"""Lettering of generated playing cards: strokes of our own in several pens, and Pillow's font."""

from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont, ImageOps

from simsearch.sample.shapes import Point, Points, curve, trace

Mask = Image.Image

PENS = ("round", "slab", "broad", "segments", "printed", "outlined")
"""How a rank can be written."""
_SIDE = 96
"""Pixels of a letter's height before it is brought to its size."""
_MARGIN = 14
"""Pixels around it, for what a pen draws beyond the lines."""


def _soft(text: str, closed: bool = False) -> Points:
    return curve(trace(text), closed=closed)


STROKES: dict[str, tuple[Points, ...]] = {
    "A": (trace("0 100, 50 0, 100 100"), trace("20 64, 80 64")),
    "2": (_soft("4 28, 18 6, 50 0, 84 8, 96 30, 76 58, 0 100"), trace("0 100, 100 100")),
    "3": (_soft("4 16, 40 0, 84 10, 88 34, 46 47"), _soft("46 47, 92 58, 96 84, 50 100, 2 86")),
    "4": (trace("76 100, 76 0, 0 70, 100 70"),),
    "5": (trace("92 0, 14 0, 8 44"), _soft("8 44, 50 36, 94 54, 92 86, 50 100, 2 88")),
    "6": (_soft("86 4, 40 18, 4 60, 20 94, 56 100, 94 84, 92 54, 54 42, 8 62"),),
    "7": (trace("0 0, 100 0, 36 100"),),
    "8": (
        _soft("50 0, 88 12, 84 36, 50 47, 16 36, 12 12", closed=True),
        _soft("50 47, 96 64, 90 92, 50 100, 10 92, 4 64", closed=True),
    ),
    "9": (_soft("14 96, 60 82, 96 40, 80 6, 44 0, 6 16, 8 46, 46 58, 92 38"),),
    "1": (trace("20 22, 60 0, 60 100"),),
    "0": (_soft("50 0, 90 18, 90 82, 50 100, 10 82, 10 18", closed=True),),
    "J": (trace("40 0, 84 0, 84 60"), _soft("84 60, 78 92, 44 100, 10 90, 2 66")),
    "Q": (_soft("50 0, 94 20, 94 78, 50 98, 6 78, 6 20", closed=True), trace("58 68, 100 104")),
    "K": (trace("6 0, 6 100"), trace("94 0, 8 56"), trace("36 40, 98 100")),
    "O": (_soft("50 0, 96 22, 96 78, 50 100, 4 78, 4 22", closed=True),),
    "E": (trace("94 0, 8 0, 8 100, 96 100"), trace("8 48, 78 48")),
    "R": (trace("8 100, 8 0"), _soft("8 0, 80 4, 84 42, 8 50"), trace("44 50, 98 100")),
}
"""Each letter as lines in a box from 0 to 1."""

_SEGMENTS = {
    "A": "abcefg", "2": "abdeg", "3": "abcdg", "4": "bcfg", "5": "acdfg", "6": "acdefg",
    "7": "abc", "8": "abcdefg", "9": "abcdfg", "0": "abcdef",
}  # fmt: skip
_BARS: dict[str, tuple[Point, Point]] = {
    "a": ((0, 0), (1, 0)), "b": ((1, 0), (1, 0.5)), "c": ((1, 0.5), (1, 1)), "d": ((0, 1), (1, 1)),
    "e": ((0, 0.5), (0, 1)), "f": ((0, 0), (0, 0.5)), "g": ((0, 0.5), (1, 0.5)),
}  # fmt: skip


def letters(text: str, pen: str, weight: float, size: tuple[int, int]) -> Mask:
    """A word as coverage, mode ``L``, of ``size`` in all.

    Args:
        text: letters that ``STROKES`` knows.
        pen: one of ``PENS``.
        weight: of a stroke, as a share of the letter's height.
        size: width and height of the whole word in pixels.
    """
    parts = [_letter(one, pen, round(weight, 2)) for one in text]
    word = Image.new("L", (sum(part.width for part in parts), parts[0].height))
    x = 0
    for part in parts:
        word.paste(part, (x, 0))
        x += part.width
    return word.resize(size, Image.Resampling.BOX if min(size) < _SIDE else None)


@lru_cache(maxsize=1024)
def _letter(one: str, pen: str, weight: float) -> Mask:
    if pen in ("printed", "outlined"):
        return _printed(one, weight, hollow=pen == "outlined")
    lines: tuple[Points, ...] = STROKES[one]
    if pen == "segments" and one in _SEGMENTS:
        lines = tuple(_BARS[bar] for bar in _SEGMENTS[one])
    narrow = 0.3 if one == "1" else 0.62
    width = round(narrow * _SIDE)
    mask = Image.new("L", (width + 2 * _MARGIN, _SIDE + 2 * _MARGIN))
    draw = ImageDraw.Draw(mask)
    for line in lines:
        path = [(_MARGIN + x * width, _MARGIN + y * _SIDE) for x, y in line]
        _drawn(draw, path, round(weight * _SIDE), pen)
    return ImageOps.crop(mask, _MARGIN // 3)


def _drawn(draw: ImageDraw.ImageDraw, path: list[Point], stroke: int, pen: str) -> None:
    half = stroke / 2
    if pen == "broad":  # a nib held aslant: thick where it goes across, thin along
        for step in range(-stroke // 2, stroke // 2 + 1):
            draw.line([(x + step, y - step * 0.6) for x, y in path], fill=255, width=4)
        return
    draw.line(path, fill=255, width=stroke, joint="curve")
    for x, y in (path[0], path[-1]):
        if pen != "slab":
            draw.ellipse((x - half, y - half, x + half, y + half), fill=255)
        elif y in (_MARGIN, _MARGIN + _SIDE):
            draw.rectangle((x - 1.5 * stroke, y - half, x + 1.5 * stroke, y + half), fill=255)


def _printed(one: str, weight: float, *, hollow: bool) -> Mask:
    """The font that comes with Pillow, bold by a stroke around it."""
    font = ImageFont.load_default(_SIDE)
    stroke = max(round(weight * _SIDE / 4), 1)
    box = font.getbbox(one, stroke_width=stroke)
    mask = Image.new("L", (round(box[2] - box[0]) + 6, round(box[3] - box[1]) + 6))
    draw, place = ImageDraw.Draw(mask), (3 - box[0], 3 - box[1])
    draw.text(place, one, fill=255, font=font, stroke_width=stroke)
    if hollow:
        draw.text(place, one, fill=0, font=font)
    return mask
