"""Noise that pictures catch on their way: Gaussian, salt-and-pepper, a poor JPEG.

All take and give RGB uint8 (h, w, 3); what is random comes from the generator that is given.
"""

import zlib
from collections.abc import Callable, Mapping

import numpy as np

from simsearch.images import RGB
from simsearch.preprocessing.filters import jpeg

SIGMA = 0.1
"""Standard deviation of Gaussian noise, of colours 0 to 1."""
SHARE = 0.1
"""Part of the pixels that salt-and-pepper noise replaces, half of them white and half black."""
QUALITY = 10
"""Of a poor JPEG."""


def gaussian_noise(rgb: RGB, rng: np.random.Generator, sigma: float = SIGMA) -> RGB:
    """Add normal noise to every channel of every pixel."""
    noise = rng.standard_normal(rgb.shape, dtype=np.float32) * np.float32(255 * sigma)
    return np.clip(np.rint(rgb + noise), 0, 255).astype(np.uint8)


def salt_and_pepper(rgb: RGB, rng: np.random.Generator, share: float = SHARE) -> RGB:
    """Make each pixel white or black with a probability."""
    drawn = rng.random(rgb.shape[:2], dtype=np.float32)
    noised = rgb.copy()
    noised[drawn < share] = 255
    noised[drawn < share / 2] = 0
    return noised


def poor_jpeg(rgb: RGB, rng: np.random.Generator) -> RGB:
    """Compress as JPEG of quality 10; nothing of it is random."""
    return jpeg(rgb, QUALITY)


NOISES: Mapping[str, Callable[[RGB, np.random.Generator], RGB]] = {
    "gaussian": gaussian_noise,
    "salt-and-pepper": salt_and_pepper,
    "jpeg 10": poor_jpeg,
}
"""Name → what makes a noised copy."""


def noised_copies(rgb: RGB, key: str) -> dict[str, RGB]:
    """A copy with each noise, the same ones for the same key of an item."""
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    return {name: noise(rgb, rng) for name, noise in NOISES.items()}
