"""Endless random collections: any number of parts, places and palettes, to learn and test on."""

import math

import numpy as np
from numpy.typing import NDArray

from simsearch.sample.shapes import (
    Colour,
    Points,
    box,
    curve,
    ellipse,
    flipped,
    rasterize,
    star,
    tone,
)

Layers = NDArray[np.uint8]
GRIDS = (20, 24, 32, 40, 48)


def random_collection(
    rng: np.random.Generator, side: int, count: int, types: int = 7
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Make up a collection and draw items of it.

    The first trait type is the ground, the second the body; the others are parts at places of
    their own. Half of the collections are pixel art. Parts may cover each other.

    Args:
        rng: source of all chance.
        side: pixels of a picture's side.
        count: number of items.
        types: number of trait types, at least 2.

    Returns:
        Pictures, uint8 (count, side, side, 3), and for each item and trait type the number of its
        value, int64 (count, types); 0 = absent, which grounds and bodies never are.
    """
    grid = int(rng.choice(GRIDS)) if rng.random() < 0.5 else side
    palette = _palette(rng)
    pictures = np.zeros((count, grid, grid, 3), dtype=np.float32)
    traits = np.zeros((count, types), dtype=np.int64)
    for kind in range(types):
        layers = _layers(rng, grid, kind, palette)
        weights = 1 / np.arange(1, len(layers)) ** rng.uniform(0.3, 1.5)
        absent = 0 if kind < 2 else rng.uniform(0, 1.5) * weights.sum() / 2
        shares = np.concatenate([[absent], weights])
        traits[:, kind] = rng.choice(len(layers), count, p=shares / shares.sum())
        worn = layers[traits[:, kind]].astype(np.float32)
        pictures += (worn[..., :3] - pictures) * (worn[..., 3:] / 255)
    if grid != side:
        near = np.arange(side) * grid // side
        pictures = pictures[:, near][:, :, near]
    return np.round(pictures).astype(np.uint8), traits


def _palette(rng: np.random.Generator) -> list[Colour]:
    """Colours around a few hues, dull or bright as the collection has it."""
    hues, bright = rng.random(int(rng.integers(2, 6))), rng.uniform(0.2, 1)
    return [_colour(float(rng.choice(hues)), bright, rng.uniform(0.25, 1)) for _ in range(14)]


def _colour(hue: float, bright: float, value: float) -> Colour:
    shades = [
        1 - bright * (0.5 + 0.5 * math.cos(math.tau * (hue + third / 3))) for third in range(3)
    ]
    red, green, blue = (round(255 * value * shade) for shade in shades)
    return red, green, blue


def _layers(rng: np.random.Generator, grid: int, kind: int, palette: list[Colour]) -> Layers:
    """Layers of one trait type, uint8 (values + 1, grid, grid, 4); the first one is empty."""
    layers = np.zeros((1 + int(rng.integers(2, 10)), grid, grid, 4), dtype=np.uint8)
    place = (0.5, 0.55) if kind == 1 else (rng.uniform(0.15, 0.5), rng.uniform(0.1, 0.9))
    size = rng.uniform(0.24, 0.4) if kind == 1 else rng.uniform(0.05, 0.2)
    paired = rng.random() < 0.5
    for layer in layers[1:]:
        colour = palette[int(rng.integers(len(palette)))]
        if kind == 0:
            layer[:] = (*colour, 255)
            colour, size = tone(colour, 0.25), 0.3
        outline = _outline(rng, place[0], place[1], size * rng.uniform(0.75, 1.25))
        for points in (outline, flipped(outline, 0.5)) if paired or kind == 1 else (outline,):
            _ink(layer, points, colour)
    return layers


def _outline(rng: np.random.Generator, x: float, y: float, size: float) -> Points:
    choice = int(rng.integers(5))
    if choice == 0:
        return ellipse(x, y, size, size * rng.uniform(0.4, 1), rng.uniform(0, 180))
    if choice == 1:
        return star(x, y, size, size * rng.uniform(0.3, 0.7), int(rng.integers(3, 9)))
    if choice == 2:
        high = size * rng.uniform(0.3, 1)
        return box(x - size, y - high, x + size, y + high)
    if choice == 3:
        return ellipse(x, y, size, size, rng.uniform(0, 90), sides=int(rng.integers(3, 7)))
    spokes = rng.uniform(0.4, 1, 7) * size
    angles = math.tau * np.arange(7) / 7
    corners = zip(x + spokes * np.cos(angles), y + spokes * np.sin(angles), strict=True)
    return curve(tuple((float(u), float(v)) for u, v in corners))


def _ink(layer: NDArray[np.uint8], points: Points, colour: Colour) -> None:
    """Outline and fill one part, over what the layer holds."""
    grid = layer.shape[0]
    path = tuple((u * grid, v * grid) for u, v in points)
    rim = rasterize(grid, (*path, path[0]), max(1.0, grid / 40))
    for mask, paint in ((rim, tone(colour, -0.7)), (rasterize(grid, path), colour)):
        share = np.asarray(mask, dtype=np.float32)[..., None] / 255
        if grid <= max(GRIDS):
            share = np.round(share)
        layer[..., :3] = np.round(layer[..., :3] * (1 - share) + np.array(paint) * share)
        layer[..., 3:] = np.maximum(layer[..., 3:], np.round(255 * share))
