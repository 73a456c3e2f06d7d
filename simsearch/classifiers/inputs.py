"""What classifiers read of a picture: its pixels in a square, or what an encoder says of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simsearch.classifiers.presets import DESCRIPTORS, NEIGHBORS, ClassifierSettings
from simsearch.encoders import Encoder, fingerprint, load_encoder
from simsearch.encoders.preprocessed import preprocessed
from simsearch.preprocessing import NOTHING, Preprocessing
from simsearch.training.decoding import Pictures, Preparation, square
from simsearch.training.network import colours

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_BATCH = 256


@dataclass(frozen=True)
class Inputs:
    """What the classifiers of one preset read.

    Attributes:
        preparation: makes of every picture what is given to them.
        encoder: describes prepared pictures; None where pixels are read.
        preprocessing: steps done to every picture before all else.
    """

    preparation: Preparation
    encoder: Encoder | None = None
    preprocessing: Preprocessing = NOTHING

    @classmethod
    def of(cls, settings: ClassifierSettings, preprocessing: Preprocessing = NOTHING) -> "Inputs":
        """What a preset reads; loads the encoder where it reads descriptors.

        Raises:
            UsageError: no such preset or encoder.
            WeightsError: the encoder's weights are missing or do not fit.
        """
        preset = settings.kind
        if preset.reads not in (DESCRIPTORS, NEIGHBORS):
            return cls(square(preset.side).after(preprocessing), None, preprocessing)
        weights = Path(settings.weights) if settings.weights else None
        encoder = preprocessed(load_encoder(settings.encoder, weights=weights), preprocessing)
        side = len(encoder.prepare(np.zeros((8, 8, 3), dtype=np.uint8)))
        name = f"{encoder.name} {dict(encoder.settings)}"
        return cls(Preparation(name, side, encoder.prepare), encoder, preprocessing)

    @property
    def fingerprint(self) -> str:
        """Equal where the same is read of a picture, but for the side of pixels."""
        return fingerprint(self.encoder) if self.encoder else ",".join(self.preprocessing.specs)

    def describe(self, pictures: Pictures) -> NDArray[np.generic]:
        """Prepared pictures as they are, or their descriptors float32 (n, dim)."""
        if self.encoder is None:
            return pictures
        starts = range(0, len(pictures), _BATCH)
        parts = [self.encoder.encode(pictures[start : start + _BATCH]) for start in starts]
        return np.concatenate(parts) if parts else np.empty((0, self.width), dtype=np.float32)

    @property
    def width(self) -> int:
        """Numbers of a descriptor; 0 where pixels are read."""
        return self.encoder.blocks[-1].stop if self.encoder else 0


def as_tensor(described: NDArray[np.generic], device: "torch.device") -> "Tensor":
    """What a network takes: colours 0 to 1, (n, 3, side, side), or descriptors (n, dim)."""
    import torch

    if described.ndim == 4:
        return colours(described.astype(np.uint8, copy=False), device)
    return torch.from_numpy(np.ascontiguousarray(described)).to(device).float()
