"""An encoder that sees pictures only after preprocessing."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.encoders import Block, Encoder
from simsearch.preprocessing import NOTHING, SETTING, Preprocessing


class Preprocessed:
    """Another encoder behind some steps; these are part of its settings.

    So whatever asks whether descriptors can be compared, or encodes a picture, heeds them.
    """

    blocks: tuple[Block, ...]
    settings: Mapping[str, object]

    def __init__(self, encoder: Encoder, preprocessing: Preprocessing) -> None:
        self.encoder = encoder
        self.preprocessing = preprocessing
        self.name, self.training = encoder.name, encoder.training
        self.weights_sha256, self.blocks = encoder.weights_sha256, encoder.blocks
        self.settings = {**encoder.settings, SETTING: preprocessing.specs}

    def prepare(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Do the steps to one picture (h, w, 3) and bring it to the encoder's input."""
        return self.encoder.prepare(self.preprocessing(rgb))

    def encode(self, prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn (n, side, side, 3) into descriptors (n, dim)."""
        return self.encoder.encode(prepared)


def preprocessed(encoder: Encoder, preprocessing: Preprocessing) -> Encoder:
    """The encoder behind these steps; the encoder itself where there are none."""
    return Preprocessed(encoder, preprocessing) if preprocessing else encoder


def as_indexed(encoder: Encoder, settings: Mapping[str, object], folder: Path | None) -> Encoder:
    """An encoder behind the steps of an index, so that it sees what that index's own sees.

    Args:
        encoder: any; one that is behind steps already is left as it is.
        settings: of the index's encoder, as the manifest keeps them.
        folder: the index, which holds the weights of its denoiser.

    Raises:
        StoreError: the weights of the denoiser are missing, damaged or others.
    """
    if isinstance(encoder, Preprocessed):
        return encoder
    return preprocessed(encoder, Preprocessing.kept(folder, settings))


def preprocessing_of(encoder: Encoder) -> Preprocessing:
    """The steps that an encoder is behind."""
    return encoder.preprocessing if isinstance(encoder, Preprocessed) else NOTHING
