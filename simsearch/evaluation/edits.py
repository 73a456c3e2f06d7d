"""Edited copies: what happens to a picture on its way through the web, as named functions.

Every edit is deterministic and takes the picture as RGB uint8 (h, w, 3), already enlarged by
``enlarged``; it returns RGB uint8 of a size of its own.
"""

from collections.abc import Callable
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Rgb = NDArray[np.uint8]

LEAST_SIDE = 256
"""Pixels the shorter side has at least before an edit."""

_SCREEN, _BAR, _LINE, _BUTTON = (244, 245, 247), (32, 36, 44), (206, 210, 218), (38, 110, 230)


def enlarged(rgb: Rgb) -> Rgb:
    """The picture with each pixel repeated, so that its shorter side has 256 pixels or more."""
    factor = -(-LEAST_SIDE // min(rgb.shape[:2]))
    return rgb.repeat(factor, axis=0).repeat(factor, axis=1)


def resize(image: Image.Image) -> Image.Image:
    """Reduce to 60% with Lanczos: pixel art loses its grid."""
    size = (max(1, round(image.width * 0.6)), max(1, round(image.height * 0.6)))
    return image.resize(size, Image.Resampling.LANCZOS)


def jpeg(image: Image.Image) -> Image.Image:
    """Save as JPEG of quality 30 and read back."""
    file = BytesIO()
    image.save(file, "JPEG", quality=30)
    return Image.open(file)


def crop(image: Image.Image) -> Image.Image:
    """Cut 10% off each side."""
    left, top = round(image.width * 0.1), round(image.height * 0.1)
    return image.crop((left, top, image.width - left, image.height - top))


def border(image: Image.Image) -> Image.Image:
    """Put a near-black frame of a tenth of the longer side around the picture."""
    return ImageOps.expand(image, round(max(image.size) * 0.1), (24, 24, 24))


def flip(image: Image.Image) -> Image.Image:
    """Mirror left and right."""
    return ImageOps.mirror(image)


def recolour(image: Image.Image) -> Image.Image:
    """Turn the hue by 30 degrees and raise the saturation by 40%."""
    hue, saturation, value = image.convert("HSV").split()
    turned = hue.point([(level + round(256 * 30 / 360)) % 256 for level in range(256)])
    stronger = saturation.point([min(255, round(level * 1.4)) for level in range(256)])
    return Image.merge("HSV", (turned, stronger, value)).convert("RGB")


def text(image: Image.Image) -> Image.Image:
    """Lay a line of white text with a black outline over the lower part."""
    size = max(10, image.width // 8)
    place = (image.width / 2, image.height * 0.82)
    marked = image.copy()
    ImageDraw.Draw(marked).text(
        place,
        "not for sale",
        fill="white",
        font=ImageFont.load_default(size),
        anchor="mm",
        stroke_width=max(1, size // 12),
        stroke_fill="black",
    )
    return marked


def rotate(image: Image.Image) -> Image.Image:
    """Turn by 5 degrees; the corners show white."""
    return image.rotate(5, Image.Resampling.BICUBIC, fillcolor="white")


def brightness(image: Image.Image) -> Image.Image:
    """Make it 30% brighter."""
    return ImageEnhance.Brightness(image).enhance(1.3)


def background(image: Image.Image) -> Image.Image:
    """Exchange the most frequent colour of the outline, wherever it stands, for a far one."""
    pixels = np.array(image)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    colours, counts = np.unique(edge, axis=0, return_counts=True)
    colour = colours[counts.argmax()]
    near = np.abs(pixels.astype(np.int16) - colour).max(axis=2) <= 12
    pixels[near] = colour ^ 0x80
    return Image.fromarray(pixels)


def pixelate(image: Image.Image) -> Image.Image:
    """Reduce to 32 pixels a side by area and enlarge again with nearest neighbour."""
    return image.resize((32, 32), Image.Resampling.BOX).resize(image.size, Image.Resampling.NEAREST)


def screenshot(image: Image.Image) -> Image.Image:
    """Show it on a screen: a dark bar on top, a margin, lines of text and a button below."""
    side = max(image.size)
    margin, bar = round(side * 0.12), round(side * 0.14)
    canvas = Image.new("RGB", (image.width + 2 * margin, image.height + bar + 6 * margin), _SCREEN)
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((0, 0, canvas.width, bar), _BAR)
    draw.ellipse((margin, bar * 0.3, margin + bar * 0.4, bar * 0.7), _LINE)
    canvas.paste(image, (margin, bar + margin))
    below = bar + 2 * margin + image.height
    for line, share in enumerate((0.9, 0.6)):
        top = below + line * margin * 0.8
        draw.rounded_rectangle(
            (margin, top, margin + image.width * share, top + margin * 0.4), 3, _LINE
        )
    top = below + 2 * margin
    draw.rounded_rectangle((margin, top, margin + image.width * 0.4, top + margin), 6, _BUTTON)
    return canvas


def blur(image: Image.Image) -> Image.Image:
    """Blur with a Gaussian of 1.5% of the shorter side."""
    return image.filter(ImageFilter.GaussianBlur(min(image.size) * 0.015))


def _on_arrays(edit: Callable[[Image.Image], Image.Image]) -> Callable[[Rgb], Rgb]:
    """The same edit, from array to array."""

    def edited(rgb: Rgb) -> Rgb:
        return np.asarray(edit(Image.fromarray(rgb)), dtype=np.uint8)

    edited.__doc__ = edit.__doc__
    return edited


EDITS: dict[str, Callable[[Rgb], Rgb]] = {
    edit.__name__: _on_arrays(edit)
    for edit in (
        *(resize, jpeg, crop, border, flip, recolour, text, rotate),
        *(brightness, background, pixelate, screenshot, blur),
    )
}
"""Name → edit of an enlarged picture."""
