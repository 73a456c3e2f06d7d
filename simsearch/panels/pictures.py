"""Pictures as the page sends them: small, inside the HTML, in a box whose size is known before."""

import base64
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simsearch.images import RGB
from simsearch.panels.words import escaped

SHOWN = 384
"""Pixels on a side that a picture is shown with at most."""
_COLOURS = 256
"""What has at most so many colours and is small was drawn pixel by pixel, and is enlarged so."""


def reduced(rgb: RGB, side: int = SHOWN) -> RGB:
    """A picture no larger than it is shown; a smaller one as it is."""
    if max(rgb.shape[:2]) <= side:
        return rgb
    image = Image.fromarray(rgb)
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(image)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode RGB or RGBA pixels, quickly rather than tightly."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def boxed(encoded: bytes, alt: str) -> str:
    """HTML of a picture that fills a square box as well as it can; ``alt`` is any text."""
    with Image.open(BytesIO(encoded)) as image:
        kind = str(image.format).lower()
        drawn = image.width <= 128 and image.convert("RGB").getcolors(_COLOURS) is not None
    data = base64.b64encode(encoded).decode()
    look = "picture drawn" if drawn else "picture"
    return (
        f'<div class="mat"><img class="{look}" alt="{escaped(alt)}" '
        f'src="data:image/{kind};base64,{data}"></div>'
    )
