"""Steps without weights: JPEG compression, a median filter, Gaussian smoothing.

All take and give RGB uint8 (h, w, 3); lengths are in pixels of the picture as it was decoded.
"""

import io

import numpy as np
from PIL import Image, ImageFilter

from simsearch.images import RGB


def jpeg_bytes(rgb: RGB, quality: int) -> bytes:
    """The picture as a JPEG file, colours at half the resolution."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality)
    return file.getvalue()


def jpeg(rgb: RGB, quality: int) -> RGB:
    """Compress as JPEG of a quality from 1 to 95 and decode again."""
    with Image.open(io.BytesIO(jpeg_bytes(rgb, quality))) as image:
        return np.asarray(image.convert("RGB"))


def median(rgb: RGB, side: int) -> RGB:
    """The median of each channel over a square of ``side`` pixels, which is odd."""
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.MedianFilter(side)))


def gaussian(rgb: RGB, sigma: float) -> RGB:
    """Smooth by a Gaussian, as Pillow approaches it with three box filters."""
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(sigma)))


def png_bytes(rgb: RGB) -> bytes:
    """The picture as a PNG file, without loss."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return file.getvalue()
