"""Encoders: a prepared picture in, a descriptor out. One file per network, one registry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Block:
    """One part of a descriptor: columns ``start`` to ``stop``.

    Attributes:
        name: ``grid`` (colours 0..1 of a side x side grid, row by row, RGB last) or ``deep``.
    """

    name: str
    start: int
    stop: int


class Encoder(Protocol):
    """What an encoder offers. ``prepare`` runs in reader threads, ``encode`` in one thread.

    Attributes:
        name: registry name.
        settings: everything besides the weights that changes descriptors (JSON values).
        weights_sha256: hash of the weights in use; empty where there are none.
        blocks: the parts of the descriptor, in order, covering it.
    """

    name: str
    settings: Mapping[str, object]
    weights_sha256: str
    blocks: tuple[Block, ...]

    def prepare(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring one picture (h, w, 3) to the encoder's input (side, side, 3)."""
        ...

    def encode(self, prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn (n, side, side, 3) into descriptors (n, dim)."""
        ...
