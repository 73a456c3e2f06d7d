"""The encoder ``pixels``: the picture itself at 32 x 32, the baseline for everything else."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simsearch.encoders import Block
from simsearch.images import fit_square

SIDE = 32


class Pixels:
    """Colours 0 to 1, row by row, RGB last; no network, no weights."""

    name = "pixels"
    settings: Mapping[str, object] = {"side": SIDE}
    weights_sha256 = ""
    training = ""
    blocks = (Block("pixels", 0, SIDE * SIDE * 3),)

    def prepare(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring one picture (h, w, 3) to (32, 32, 3)."""
        return fit_square(rgb, SIDE)

    def encode(self, prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn (n, 32, 32, 3) into (n, 3072)."""
        return prepared.reshape(len(prepared), self.blocks[-1].stop).astype(
            np.float32
        ) / np.float32(255)


def load(*, threads: int | None = None) -> Pixels:
    """The encoder; it runs on one core whatever ``threads`` says."""
    return Pixels()
