"""Any encoded picture to one upright, opaque RGB array: the door before all that sees pixels.

Reason codes of ``PictureError``: ``empty``, ``too-large`` (bytes, pixels or side length), ``svg``,
``html``, ``not-an-image``, ``truncated``, ``corrupt``.
"""

import hashlib
import io
import re
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from simsearch.errors import PictureError

RGB = NDArray[np.uint8]

MAX_BYTES = 64 * 2**20
MAX_PIXELS = 40_000_000
MAX_SIDE = 32_768

# Tried in this order; the second group costs an import of all of Pillow's plugins. Formats that
# start other programs (EPS), hide a second size (ICO) or have no signature (TGA) stay out.
_COMMON_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "PPM")
_OTHER_FORMATS = ("WEBP", "AVIF", "TIFF", "JPEG2000", "QOI")
_HEAD_BYTES = 4096


def load_image(data: bytes, *, background: str = "") -> RGB:
    """Decode the first frame, upright, on white or on the given background.

    Args:
        data: an encoded picture of at most ``MAX_BYTES``.
        background: ``#rrggbb`` put behind transparent pixels; empty means white.

    Returns:
        uint8 (h, w, 3), at most ``MAX_PIXELS`` pixels and ``MAX_SIDE`` on a side.

    Raises:
        PictureError: the bytes are no usable picture; sizes are judged on the header, before
            anything is decoded.
    """
    check_bytes(len(data))
    return load_rgb(decode(io.BytesIO(data)), background)


def check_bytes(size: int, limit: int = MAX_BYTES) -> None:
    """Refuse an encoded picture of no bytes or of too many."""
    if size == 0:
        raise PictureError("empty", "holds no bytes; fetch the picture again")
    if size > limit:
        raise PictureError(
            "too-large", f"{size:,} bytes, over the limit of {limit:,}; make it smaller first"
        )


def decode(stream: BinaryIO, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode the first frame in its own mode, upright; sizes are judged on the header.

    Raises:
        PictureError: with one of the reason codes of this module.
    """
    try:
        image = _open(stream)
        _check_size(image.size, max_pixels)
        image.load()
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError("too-large", f"{error}") from error
    except Exception as error:  # a plugin raises whatever its parser trips over
        raise _damaged(error) from error
    return _upright(image)


def _open(stream: BinaryIO) -> ImageFile.ImageFile:
    """Parse the header.

    ``Image.open`` would warn above Pillow's own pixel limit, which belongs to the whole process:
    here every picture is held to ours instead.
    """
    head = stream.read(_HEAD_BYTES)
    Image.preinit()
    image = _parse(stream, head[:16], _COMMON_FORMATS)
    if image is None:
        Image.init()
        image = _parse(stream, head[:16], _OTHER_FORMATS)
    if image is None:
        raise _no_picture(head)
    return image


def _parse(stream: BinaryIO, prefix: bytes, formats: Sequence[str]) -> ImageFile.ImageFile | None:
    for name in formats:
        factory, accepts = Image.OPEN.get(name, (None, None))
        accepted = accepts(prefix) if accepts else False
        if factory and accepted and not isinstance(accepted, str):
            stream.seek(0)
            return factory(stream, "")
    return None


def _no_picture(head: bytes) -> PictureError:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return PictureError("html", "a web page, not a picture; fetch the picture itself")
    if text.startswith(b"<") and b"<svg" in text:
        return PictureError("svg", "an SVG drawing; convert it to PNG first")
    return PictureError("not-an-image", "not a picture, or damaged; replace it or leave it out")


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels or max(size) > MAX_SIDE:
        raise PictureError(
            "too-large",
            f"{width:,} x {height:,} pixels, over the limit of {max_pixels:,} pixels and "
            f"{MAX_SIDE:,} on a side; make it smaller first",
        )


def _damaged(error: Exception) -> PictureError:
    reason = f"{error!r} {error.__cause__!r}".lower()
    if re.search(r"truncated|end of file|eof|unpack|indexerror", reason):
        return PictureError("truncated", "the picture ends too early; fetch it again")
    summary = (str(error).splitlines() or [""])[0] or type(error).__name__
    return PictureError("corrupt", f"the picture cannot be decoded ({summary}); fetch it again")


def _upright(image: Image.Image) -> Image.Image:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except Exception:  # a damaged EXIF block says nothing about orientation
        return image
    return image


def load_rgb(image: Image.Image, background: str = "") -> RGB:
    """Bring a decoded picture of any mode to RGB, transparent pixels on white or ``background``.

    16-bit values are scaled to 8 bits; grey of 32 bits or of floats is scaled by the smallest of 1
    (floats), 255, 65,535 and its own maximum that holds it. Colours hidden where alpha is 0 are
    never seen.

    Returns:
        uint8 (h, w, 3).
    """
    colour = background_colour(background)
    if image.mode.startswith(("I", "F")):
        return _deep_grey(image, colour)
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB"))
    rgba = to_rgba(image)
    alpha = rgba.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return np.asarray(rgba.convert("RGB"))
    canvas = Image.new("RGB", image.size, colour)
    canvas.paste(rgba, mask=alpha)
    return np.asarray(canvas)


def to_rgba(image: Image.Image) -> Image.Image:
    """Convert any 8-bit mode, palettes and premultiplied alpha included."""
    if image.mode == "La":
        image = image.convert("LA")
    return image.convert("RGBA")


def background_colour(background: str) -> tuple[int, int, int]:
    """Parse ``#rrggbb``; empty means white.

    Raises:
        ValueError: it is neither.
    """
    if background and not re.fullmatch(r"#[0-9a-fA-F]{6}", background):
        raise ValueError(f"background '{background}' is no colour; write it as '#638596'")
    red, green, blue = bytes.fromhex(background[1:] or "ffffff")
    return red, green, blue


def _deep_grey(image: Image.Image, colour: tuple[int, int, int]) -> RGB:
    values = np.asarray(image).astype(np.float32)
    known = values[np.isfinite(values)]
    full = _full_scale(image, float(known.max(initial=0)))
    grey = np.rint(np.clip(np.nan_to_num(values), 0, full) * np.float32(255 / full))
    rgb = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        rgb[values == clear] = colour
    return rgb


def _full_scale(image: Image.Image, highest: float) -> float:
    if image.mode.startswith("I;16") or image.format in ("PNG", "PPM"):
        return 65_535  # a dark 16-bit picture stays dark
    levels = (1, 255, 65_535) if image.mode == "F" else (255, 65_535)
    return next((level for level in levels if highest <= level), highest)


def fit_square(rgb: RGB, side: int) -> RGB:
    """Resample the whole picture to a square by exact area means.

    Every output pixel is the mean of the area that it covers, fractions of pixels included, so a
    picture and its nearest-neighbour enlargement give the same result. What is not square is
    centred on a white square.

    Args:
        rgb: uint8 (h, w, 3).
        side: pixels on a side of the result.

    Returns:
        uint8 (side, side, 3).
    """
    height, width, _ = rgb.shape
    if height == width == side:
        return rgb
    square = max(height, width)
    rows, covered_y = _area_sums(rgb.reshape(height, width * 3), square, side)
    columns = rows.reshape(side, width, 3).swapaxes(0, 1).reshape(width, side * 3)
    sums, covered_x = _area_sums(columns, square, side)
    cell = (square / side) ** 2
    means = sums.reshape(side, side, 3).swapaxes(0, 1) / np.float32(cell)
    if height != width:
        means += 255 * (1 - np.outer(covered_y, covered_x) / cell)[..., None]
    fitted: RGB = np.clip(np.rint(means), 0, 255).astype(np.uint8)
    return fitted


def _area_sums(
    values: NDArray[np.uint8] | NDArray[np.float32], square: int, side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Integrate (n, m) over ``side`` equal stretches of ``square`` rows, the n rows in the middle.

    No matrix product: many threads call this, and those of the BLAS would fight over the cores.

    Returns:
        sums float32 (side, m), and how many rows each stretch covers, float32 (side,).
    """
    n = len(values)
    edges = np.clip(np.linspace(0, square, side + 1) - (square - n) / 2, 0, n)
    whole = np.minimum(edges.astype(np.intp), n - 1)
    rest = (edges - whole).astype(np.float32)[:, None] * values[whole]
    sums = np.diff(rest, axis=0) + _sums_between(values, whole)
    return sums, np.diff(edges).astype(np.float32)


def _sums_between(
    values: NDArray[np.uint8] | NDArray[np.float32], bounds: NDArray[np.intp]
) -> NDArray[np.float32]:
    if len(values) < 2 * len(bounds):  # few rows: running totals beat a loop
        totals = np.zeros((len(values) + 1, values.shape[1]), dtype=np.float32)
        np.cumsum(values, axis=0, dtype=np.float32, out=totals[1:])
        return np.diff(totals[bounds], axis=0)
    sums = np.empty((len(bounds) - 1, values.shape[1]), dtype=np.float32)
    for row, (start, stop) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
        np.add.reduce(values[start:stop], axis=0, dtype=np.float32, out=sums[row])
    return sums


def pixel_hash(rgb: RGB) -> str:
    """Identity of a decoded picture: 32 hex digits over its shape and pixels."""
    digest = hashlib.sha256(f"{rgb.shape[0]}x{rgb.shape[1]}:".encode())
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.hexdigest()[:32]


def thumbnail(rgb: RGB, side: int = 96) -> bytes:
    """Encode a picture to show in lists: as it is in PNG when small, else reduced in WebP."""
    image = Image.fromarray(rgb)
    buffer = io.BytesIO()
    if max(image.size) <= side:
        image.save(buffer, "PNG")
    else:
        image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
        image.save(buffer, "WEBP", quality=80, method=0)
    return buffer.getvalue()
