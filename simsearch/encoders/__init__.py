"""Encoders: a prepared picture in, a descriptor out. One file per network, one registry."""

import hashlib
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from simsearch.errors import UsageError

# Where each encoder's ``load`` is; imported when asked for. The first one is the default.
_MODULES = {
    "vgg16-nft": "simsearch.encoders.vgg16_nft",
    "vgg16": "simsearch.encoders.vgg16",
    "pixels": "simsearch.encoders.pixels",
}
_OPTIONS = {
    "vgg16-nft": {"weights", "threads"},
    "vgg16": {"weights", "threads", "preset", "layer", "pooling"},
    "pixels": {"threads"},
}


@dataclass(frozen=True)
class Block:
    """One part of a descriptor: columns ``start`` to ``stop``.

    Attributes:
        name: ``grid`` (colours 0..1 of a side x side grid, row by row, RGB last), ``deep``, or
            ``pixels`` (a grid to be taken as it is).
    """

    name: str
    start: int
    stop: int


class Encoder(Protocol):
    """What an encoder offers. ``prepare`` runs in reader threads, ``encode`` in one thread.

    Attributes:
        name: registry name.
        settings: everything besides the weights that changes descriptors (JSON values).
        weights_sha256: hash of the tensors in use; empty where there are none.
        training: how the weights came to be, for people; empty where there are none.
        blocks: the parts of the descriptor, in order, covering it.
    """

    name: str
    settings: Mapping[str, object]
    weights_sha256: str
    training: str
    blocks: tuple[Block, ...]

    def prepare(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring one picture (h, w, 3) to the encoder's input (side, side, 3)."""
        ...

    def encode(self, prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn (n, side, side, 3) into descriptors (n, dim)."""
        ...


def encoder_names() -> list[str]:
    """Names that ``load_encoder`` knows; the default one first."""
    return list(_MODULES)


def load_encoder(
    name: str,
    *,
    weights: Path | None = None,
    layer: str | None = None,
    pooling: str | None = None,
    preset: str | None = None,
    threads: int | None = None,
) -> Encoder:
    """Make an encoder ready.

    Args:
        name: one of ``encoder_names()``.
        weights: a file of one's own instead of the published one.
        layer: layer of ``vgg16``; several joined by commas.
        pooling: pooling of ``vgg16``: ``flat``, ``mean``, ``max`` or ``gem``.
        preset: named settings of ``vgg16`` that layer and pooling change.
        threads: cores to use; None means all.

    Raises:
        UsageError: the name is not known, or the encoder lacks an option that is given.
        WeightsError: its weights are missing, changed, damaged or do not fit.
    """
    if name not in _MODULES:
        raise UsageError(f"no encoder is called {name!r}; choose from {', '.join(_MODULES)}")
    options = {
        "weights": weights,
        "layer": layer,
        "pooling": pooling,
        "preset": preset,
        "threads": threads,
    }
    given = {option: value for option, value in options.items() if value is not None}
    if foreign := sorted(given.keys() - _OPTIONS[name]):
        raise UsageError(f"encoder {name} has no --{foreign[0]}; leave it out")
    return cast(Encoder, importlib.import_module(_MODULES[name]).load(**given))


def restore_encoder(
    name: str,
    settings: Mapping[str, object],
    *,
    weights: Path | None = None,
    threads: int | None = None,
    folder: Path | None = None,
    weights_sha256: str = "",
) -> Encoder:
    """The encoder of an index again, behind its preprocessing.

    Args:
        name: as the manifest keeps it.
        settings: as the manifest keeps them.
        weights: a file to use whatever the index holds.
        threads: cores to use; None means all.
        folder: the index, which holds the weights of a denoiser or encoder of one's own.
        weights_sha256: as the manifest keeps it; empty asks for no more than the published ones.

    Raises:
        StoreError: what the index should hold is missing, damaged or other.
        UsageError, WeightsError: as ``load_encoder``.
    """
    from simsearch.encoders import kept  # these need this module
    from simsearch.encoders.preprocessed import as_indexed

    chosen = {key: str(settings[key]) for key in _OPTIONS.get(name, set()) & settings.keys()}

    def load(file: Path | None) -> Encoder:
        return load_encoder(name, weights=file, threads=threads, **chosen)

    if folder is not None and weights_sha256 and weights is None:
        encoder = kept.restore(load, weights_sha256, folder)
    else:
        encoder = load(weights)
    return as_indexed(encoder, settings, folder)


def fingerprint(encoder: Encoder) -> str:
    """Hex SHA-256 of name, settings and weights: equal where descriptors can be compared."""
    parts = [encoder.name, dict(encoder.settings), encoder.weights_sha256]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
