"""Photographs of generated playing cards: a table, a camera held by hand, light, noise and JPEG."""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from simsearch.sample.shapes import Colour, mix, rgb

Chance = np.random.Generator
Pixels = NDArray[np.float32]
Corners = NDArray[np.float64]

SIDE = 224
_OVER = 2
"""Times larger that a photograph is composed, so that edges are soft."""
_LARGE = SIDE * _OVER
_CLOTH = ("#1f6b43", "#7a1f2b", "#26406e", "#3b3b40", "#8a8f98", "#b9a58a", "#5b3f66", "#d9d5cb")
_WOOD = ("#7a4a26", "#a8743f", "#4b2e1d", "#c79b65", "#8d6e55")


def photograph(card: Image.Image, chance: Chance) -> bytes:
    """Lay a card, RGBA, on a table and take a picture of it, a JPEG of 224 x 224 pixels."""
    table = TABLES[chance.integers(len(TABLES))](chance)
    corners = _corners(card, chance)
    warped = _seen(card, corners)
    _shadow(table, warped.getchannel("A"), chance)
    table.paste(warped, (0, 0), warped)
    if chance.random() < 0.25:
        _clutter(table, corners, chance)
    return _developed(table.reduce(_OVER), chance)


def _corners(card: Image.Image, chance: Chance) -> Corners:
    """Where the four corners of the card come to lie, (4, 2) in pixels, clockwise."""
    high = chance.uniform(0.92, 1.06) * _LARGE
    wide = high * card.width / card.height
    turn = math.radians(float(np.clip(chance.normal(0, 4), -12, 12)))
    box = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2 * (wide, high)
    box += chance.uniform(-0.03, 0.03, (4, 2)) * high
    turned = box @ np.array([(math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))])
    return turned + _LARGE / 2 + chance.uniform(-0.03, 0.03, 2) * _LARGE


def _seen(card: Image.Image, corners: Corners) -> Image.Image:
    """The card in perspective, RGBA, transparent around it."""
    flat = np.array([(0, 0), (card.width, 0), card.size, (0, card.height)], dtype=np.float64)
    size = (_LARGE, _LARGE)
    back = _homography(corners, flat)
    return card.transform(size, Image.Transform.PERSPECTIVE, back, Image.Resampling.BILINEAR)


def _homography(places: Corners, others: Corners) -> list[float]:
    """The eight numbers of the projection that takes four places to four others."""
    rows, values = [], []
    for (x, y), (u, v) in zip(places, others, strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
        values += [u, v]
    return np.linalg.solve(np.array(rows), np.array(values)).tolist()


def _smooth(chance: Chance, cells: int) -> Pixels:
    """Noise from 0 to 1 with about so many waves along a side, (large, large)."""
    rough = Image.fromarray(chance.uniform(0, 255, (cells, cells)).astype(np.uint8))
    return np.asarray(rough.resize((_LARGE, _LARGE), Image.Resampling.BICUBIC)) / np.float32(255)


def _painted(colour: Colour, shade: Pixels) -> Image.Image:
    """One colour under a shade around 1."""
    pixels = np.array(colour, dtype=np.float32) * shade[:, :, None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _cloth(chance: Chance) -> Image.Image:
    grain = chance.normal(1, 0.07, (_LARGE, _LARGE)).astype(np.float32)
    return _painted(_one(_CLOTH, chance), grain * (0.9 + 0.2 * _smooth(chance, 4)))


def _wood(chance: Chance) -> Image.Image:
    across = np.linspace(0, float(chance.uniform(20, 60)), _LARGE, dtype=np.float32)[:, None]
    grain = np.sin(across + 9 * _smooth(chance, 4)) * 0.13 + _smooth(chance, 60) * 0.12
    plank = _painted(_one(_WOOD, chance), (0.92 + grain).astype(np.float32))
    return plank if chance.random() < 0.5 else plank.transpose(Image.Transpose.ROTATE_90)


def _stone(chance: Chance) -> Image.Image:
    veins = np.abs(_smooth(chance, 7) - 0.5) * 2
    light = _painted(mix(_one(_CLOTH, chance), (240, 238, 232), 0.6), 0.75 + 0.3 * veins)
    return light.filter(ImageFilter.GaussianBlur(1))


def _checks(chance: Chance) -> Image.Image:
    step, first, second = int(chance.integers(24, 80)), _one(_CLOTH, chance), _one(_CLOTH, chance)
    table = Image.new("RGB", (_LARGE, _LARGE), first)
    draw = ImageDraw.Draw(table)
    for start in range(0, _LARGE, 2 * step):
        draw.rectangle((start, 0, start + step, _LARGE), fill=mix(first, second, 0.5))
    for start in range(0, _LARGE, 2 * step):
        draw.line((0, start, _LARGE, start), fill=second, width=step // 3)
    return table


def _backs(chance: Chance) -> Image.Image:
    """Other cards that lie on their faces."""
    table = _cloth(chance)
    ink = _one(_CLOTH, chance)
    back = Image.new("RGB", (200, 280), (236, 234, 228))
    draw = ImageDraw.Draw(back)
    for step in range(-280, 200, 14):
        draw.line((step, 0, step + 280, 280), fill=ink, width=3)
        draw.line((step + 280, 0, step, 280), fill=ink, width=3)
    draw.rectangle((0, 0, 199, 279), outline=(236, 234, 228), width=12)
    back.putalpha(255)
    for _ in range(4):
        laid = back.rotate(float(chance.uniform(0, 180)), expand=True)
        x, y = chance.integers(-160, _LARGE - 100, 2).tolist()
        table.paste(laid, (x, y), laid)
    return table


TABLES = (_cloth, _cloth, _wood, _wood, _stone, _checks, _backs)


def _one(colours: tuple[str, ...], chance: Chance) -> Colour:
    return rgb(colours[chance.integers(len(colours))])


def _shadow(table: Image.Image, shape: Image.Image, chance: Chance) -> None:
    """Darken the table beside the card."""
    away = chance.integers(-12, 13, 2).tolist()
    cast = Image.new("L", shape.size)
    cast.paste(shape, (away[0], away[1]))
    strength = float(chance.uniform(0.2, 0.6))
    soft = cast.filter(ImageFilter.BoxBlur(int(chance.integers(3, 12))))
    table.paste((10, 8, 14), (0, 0), soft.point([round(strength * n) for n in range(256)]))


def _clutter(table: Image.Image, corners: Corners, chance: Chance) -> None:
    """A chip or a thumb over one side of the card, between two of its corners."""
    start = int(chance.integers(4))
    middle = (corners[start] + corners[(start + 1) % 4]) / 2
    radius = float(chance.uniform(0.05, 0.08)) * _LARGE
    box = (*(middle - radius), *(middle + radius))
    colour = _one((*_CLOTH, "#d9a382", "#8c5a3c"), chance)
    draw = ImageDraw.Draw(table)
    draw.ellipse(box, fill=mix(colour, (0, 0, 0), 0.3))
    draw.ellipse(tuple(v + (4, 4, -4, -4)[i] for i, v in enumerate(box)), fill=colour)


def _developed(picture: Image.Image, chance: Chance) -> bytes:
    """Light, focus, noise of the sensor, and compression."""
    if chance.random() < 0.5:
        picture = picture.filter(ImageFilter.GaussianBlur(float(chance.uniform(0.3, 0.9))))
    pixels = np.asarray(picture, dtype=np.float32) / 255
    pixels = pixels ** np.float32(chance.uniform(0.75, 1.35)) * _light(chance)[:, :, None]
    pixels = pixels * chance.uniform(0.88, 1.12, 3).astype(np.float32)  # white balance
    pixels = pixels + _glare(chance)[:, :, None]
    grain = chance.standard_normal(pixels.shape, dtype=np.float32)
    pixels = pixels + grain * np.float32(chance.uniform(0.01, 0.06))
    sensed = Image.fromarray(np.clip(pixels * 255, 0, 255).astype(np.uint8))
    written = io.BytesIO()
    sensed.save(written, "JPEG", quality=int(chance.integers(45, 92)))
    return written.getvalue()


def _axes() -> tuple[Pixels, Pixels]:
    axis = np.linspace(-1, 1, SIDE, dtype=np.float32)
    return axis[:, None], axis[None, :]


def _light(chance: Chance) -> Pixels:
    """Brightness: falls off to one side and to the corners."""
    down, across = _axes()
    turn, slope = chance.uniform(0, math.tau), chance.uniform(0, 0.35)
    ramp = (math.cos(turn) * across + math.sin(turn) * down) * slope
    vignette = 1 - chance.uniform(0, 0.2) * (down**2 + across**2)
    return np.asarray((chance.uniform(0.7, 1.15) + ramp) * vignette, dtype=np.float32)


def _glare(chance: Chance) -> Pixels:
    """Now and then a lamp mirrored in the varnish."""
    if chance.random() < 0.7:
        return np.zeros((SIDE, SIDE), dtype=np.float32)
    down, across = _axes()
    y, x = chance.uniform(-0.8, 0.8, 2)
    near = ((down - y) / chance.uniform(0.2, 0.5)) ** 2 + ((across - x) / 0.4) ** 2
    return np.asarray(chance.uniform(0.15, 0.4) * np.exp(-near), dtype=np.float32)
