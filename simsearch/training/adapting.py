"""Train the encoder further on some pictures, and describe all of them with what came of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simsearch.encoders import Encoder, load_encoder
from simsearch.encoders.vgg16_nft import VGG16NFT, base_width, untrained_state
from simsearch.evaluation.material import Ids, Material
from simsearch.tensors import load_state
from simsearch.training.encoder import EncoderTraining
from simsearch.training.pictures import TrainingPictures
from simsearch.training.run import TrainingSettings
from simsearch.weights import find_weights

Progress = Callable[[str, int, int], None]
"""Told what is being trained, how many steps are done, and how many there are."""
_CHUNK = 512
_GENTLE = 5e-4
"""Learning rate where a network goes on from what it has learned."""


@dataclass(frozen=True)
class Table:
    """Descriptors in memory."""

    descriptors: NDArray[np.float16]

    def rows(self, ids: ArrayLike) -> NDArray[np.floating[Any]]:
        """Descriptors (len(ids), dim) of some rows."""
        found: NDArray[np.floating[Any]] = self.descriptors[np.asarray(ids)]
        return found


def described(pictures: TrainingPictures, encoder: Encoder) -> Material:
    """All pictures as an encoder describes them."""
    spans = [(block.name, block.start, block.stop) for block in encoder.blocks]
    return Material(encoder.name, pictures.catalog, _encoded(pictures, encoder), spans)


def _encoded(pictures: TrainingPictures, encoder: Encoder) -> Table:
    made = np.empty((len(pictures.pixels), encoder.blocks[-1].stop), dtype=np.float16)
    for start in range(0, len(made), _CHUNK):
        part = slice(start, start + _CHUNK)
        made[part] = encoder.encode(np.ascontiguousarray(pictures.pixels[part]))
    return Table(made)


def start_of(
    weights: Path | None, steps: int, *, scratch: bool, seed: int
) -> tuple[Encoder, TrainingSettings]:
    """The encoder before it is trained further, and how that is done.

    Args:
        weights: a file of one's own instead of the published one.
        steps: batches of 32 pictures.
        scratch: begin with random weights instead.
        seed: of all chance.

    Raises:
        WeightsError: missing, or they do not fit.
    """
    settings = TrainingSettings(steps=steps, groups=2, every=steps, patience=0, trials=1, seed=seed)
    if scratch:
        state = {name: one.astype(np.float32) for name, one in untrained_state(seed=seed).items()}
        return VGG16NFT(state), settings
    start = find_weights("vgg16-nft", weights)
    settings = replace(
        settings, width=base_width(load_state(start)), rate=_GENTLE, start=str(start)
    )
    return load_encoder("vgg16-nft", weights=start), settings


@dataclass(frozen=True)
class Adapting:
    """Trains the encoder, again from where it was, on one part of the pictures after another.

    Attributes:
        pictures: all of them.
        settings: how it is trained; ``start`` is where from.
        folder: keeps the checkpoint of the last training.
        progress: told how far it is.
    """

    pictures: TrainingPictures
    settings: TrainingSettings
    folder: Path
    progress: Progress = lambda stage, done, total: None

    def __call__(self, name: str, rows: Ids) -> Table:
        """Train on some rows, which belong to the collection ``name``; describe all of them."""
        part = TrainingPictures(
            self.pictures.pixels[rows], self.pictures.catalog.take(rows), Counter()
        )
        training = EncoderTraining(part, self.settings, self.folder)
        training(lambda done, total: self.progress(f"training on {name}", done, total))
        return _encoded(self.pictures, VGG16NFT(training.state))
