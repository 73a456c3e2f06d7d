"""An answer as one picture: the asking picture at the left, what was found in a grid beside it."""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Rgb = NDArray[np.uint8]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Captioned = tuple[Rgb, Sequence[str]]

_QUERY, _TILE, _GAP, _MARGIN, _LINE = 384, 192, 20, 32, 22
_COLUMNS = 5
_PAPER, _MAT, _EDGE = "#ffffff", "#f1f3f6", "#dfe3e9"
_INK, _SOFT = "#171a21", "#5b6472"


def answer_sheet(query: Captioned, found: Sequence[Captioned]) -> bytes:
    """Draw an answer.

    Args:
        query: the asking picture, RGB uint8 (h, w, 3), and lines that sum the answer up.
        found: each neighbour's picture and caption, nearest first. The first line of every
            caption is its title. What is too long for its place ends in an ellipsis.

    Returns:
        The sheet as PNG.
    """
    lines = max((len(caption) for _, caption in found), default=0)
    step = _TILE + 8 + lines * _LINE + _GAP
    rows = -(-len(found) // _COLUMNS)
    columns = min(len(found), _COLUMNS)
    left = 2 * _MARGIN + _QUERY
    width = left + columns * (_TILE + _GAP) + (_MARGIN - _GAP if columns else 0)
    height = 2 * _MARGIN + max(_QUERY + 12 + len(query[1]) * (_LINE + 6), rows * step - _GAP)
    sheet = Image.new("RGB", (width, height), _PAPER)
    _place(sheet, query, (_MARGIN, _MARGIN), _QUERY, 18)
    for number, one in enumerate(found):
        row, column = divmod(number, _COLUMNS)
        corner = (left + column * (_TILE + _GAP), _MARGIN + row * step)
        _place(sheet, one, corner, _TILE, 14)
    buffer = BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def stacked(sheets: Sequence[bytes]) -> bytes:
    """Several sheets, one below the other, as one PNG."""
    if len(sheets) == 1:
        return sheets[0]
    images = [Image.open(BytesIO(sheet)) for sheet in sheets]
    size = max(image.width for image in images), sum(image.height for image in images)
    whole = Image.new("RGB", size, _PAPER)
    top = 0
    for image in images:
        whole.paste(image, (0, top))
        top += image.height
    buffer = BytesIO()
    whole.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def fitted(rgb: Rgb, side: int) -> Image.Image:
    """The whole picture in a box, as sharp as it can be.

    What has few colours was drawn pixel by pixel: it is enlarged by a whole factor, so that its
    pixels stay even squares. Anything else fills the box.

    Args:
        rgb: uint8 (h, w, 3).
        side: pixels on a side of the box.
    """
    image = Image.fromarray(rgb)
    longest = max(image.size)
    scale = side / longest
    smoothing = Image.Resampling.LANCZOS
    if scale >= 1 and image.getcolors(256):
        scale, smoothing = side // longest, Image.Resampling.NEAREST
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, smoothing)


def shortened(text: str, font: Font, width: float) -> str:
    """The text, or as much of it as fits the width in pixels with an ellipsis."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    if font.getlength(text) <= width:
        return text
    fits = 0
    for step in (1 << bit for bit in reversed(range(len(text).bit_length()))):
        if font.getlength(text[: fits + step].rstrip() + "…") <= width:
            fits = min(fits + step, len(text))
    return text[:fits].rstrip() + "…"


def _place(
    sheet: Image.Image, one: Captioned, corner: tuple[int, int], side: int, size: int
) -> None:
    """Put a picture on its mat and its caption below."""
    draw = ImageDraw.Draw(sheet)
    x, y = corner
    draw.rectangle((x - 1, y - 1, x + side, y + side), _MAT, outline=_EDGE)
    image = fitted(one[0], side)
    sheet.paste(image, (x + (side - image.width) // 2, y + (side - image.height) // 2))
    top = y + side + 8
    for number, line in enumerate(one[1]):
        font = _font(size, bold=number == 0)
        ink = _INK if number == 0 else _SOFT
        draw.text((x, top), shortened(line, font, side), fill=ink, font=font)
        top += _LINE + (6 if size > 14 else 0)


@cache
def _font(size: int, *, bold: bool) -> Font:
    """DejaVu Sans, which matplotlib brings and which knows most alphabets."""
    spec = find_spec("matplotlib")
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(spec.origin).parent / "mpl-data/fonts/ttf" / name if spec and spec.origin else None
    if path and path.exists():
        return ImageFont.truetype(path, size)
    return ImageFont.load_default(size)
