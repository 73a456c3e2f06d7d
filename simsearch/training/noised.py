"""What a denoiser learns from: squares cut out of pictures, and noised views of them."""

import zlib

import numpy as np

from simsearch.evaluation.noise import gaussian_noise, poor_jpeg, salt_and_pepper
from simsearch.images import RGB
from simsearch.preprocessing.denoiser import reduced
from simsearch.training.decoding import Preparation

PATCH = 48
"""Pixels on a side of a square."""
_LARGEST_ENLARGED = 128
_CLEAN = 0.1
"""Part of the views that have no noise, so that clean pictures stay as they are."""


def patch(rgb: RGB) -> RGB:
    """A square of 48 pixels out of a picture as the denoiser sees it, drawn by its pixels.

    Small pictures are repeated side by side, half of them enlarged by a whole factor before.
    """
    rgb = reduced(rgb)
    rng = np.random.default_rng(zlib.crc32(np.ascontiguousarray(rgb).data))
    factor = int(rng.integers(1, max(_LARGEST_ENLARGED // max(rgb.shape[:2]), 1) + 1))
    factor = factor if rng.random() < 0.5 else 1
    rgb = rgb.repeat(factor, axis=0).repeat(factor, axis=1)
    missing = [(0, max(PATCH - side, 0)) for side in rgb.shape[:2]]
    rgb = np.pad(rgb, [*missing, (0, 0)], mode="wrap")
    top, left = (int(rng.integers(side - PATCH + 1)) for side in rgb.shape[:2])
    return rgb[top : top + PATCH, left : left + PATCH]


PATCHES = Preparation(f"patch-{PATCH}", PATCH, patch)


def noised_view(rgb: RGB, rng: np.random.Generator) -> RGB:
    """A picture with noise of one kind, as strong as chance will have it, or with none."""
    if rng.random() < _CLEAN:
        return rgb
    kind = int(rng.integers(3))
    if kind == 0:
        return gaussian_noise(rgb, rng, sigma=rng.uniform(0.02, 0.2))
    if kind == 1:
        return salt_and_pepper(rgb, rng, share=rng.uniform(0.02, 0.25))
    return poor_jpeg(rgb, rng)
