"""The encoder ``vgg16``: torchvision's VGG16 with ImageNet weights, any layer, several poolings."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.encoders import Block
from simsearch.encoders.vgg import (
    Network,
    best_precision,
    canonical,
    check_state,
    output_shape,
    parameter_shapes,
    pool,
    unit_rows,
)
from simsearch.encoders.winograd import Winograd
from simsearch.errors import UsageError
from simsearch.images import fit_square
from simsearch.tensors import State, load_state, sha256_state
from simsearch.weights import find_weights

POOLINGS = ("flat", "mean", "max", "gem")
WIDTH = 64
_MAX_NUMBERS = 100_000  # a wider descriptor would take more disk than the pictures


@dataclass(frozen=True)
class Readout:
    """What is read from the network.

    Attributes:
        side: pixels on a side of the input. The whole picture is brought to that square: token
            art is square and its traits sit at the edge, so torchvision's centre crop is left out.
        layers: torchvision's layer names; several are joined.
        pooling: ``flat``, ``mean``, ``max`` or ``gem``, for every layer that is a map.
    """

    side: int = 224
    layers: tuple[str, ...] = ("features.30",)
    pooling: str = "flat"

    @property
    def widths(self) -> list[int]:
        """Numbers that each layer gives for one picture."""
        shapes = [output_shape(layer, WIDTH, self.side) for layer in self.layers]
        return [int(np.prod(shape)) if self.pooling == "flat" else shape[0] for shape in shapes]


DEFAULT_PRESET = "imagenet-224"
PRESETS = {
    DEFAULT_PRESET: Readout(),
    "study-128": Readout(side=128),
}


def choose_readout(
    preset: str | None = None, layer: str | None = None, pooling: str | None = None
) -> Readout:
    """A preset, with another layer (several: joined by commas) or pooling where given.

    Raises:
        UsageError: a name that is not known, or a descriptor too wide to keep.
    """
    start = _known("preset", preset or DEFAULT_PRESET, tuple(PRESETS))
    chosen = Readout(
        side=PRESETS[start].side,
        layers=tuple(map(canonical, layer.replace(" ", "").split(",")))
        if layer
        else PRESETS[start].layers,
        pooling=_known("pooling", pooling or PRESETS[start].pooling, POOLINGS),
    )
    if sum(chosen.widths) > _MAX_NUMBERS:
        raise UsageError(
            f"{layer} flattened gives {sum(chosen.widths):,} numbers a picture, over the limit of "
            f"{_MAX_NUMBERS:,}; use --pooling mean, max or gem, or a deeper layer"
        )
    return chosen


def _known(kind: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise UsageError(f"vgg16 has no {kind} {value!r}; choose from {', '.join(allowed)}")
    return value


def load(
    *,
    weights: Path | None = None,
    threads: int | None = None,
    preset: str | None = None,
    layer: str | None = None,
    pooling: str | None = None,
) -> "VGG16":
    """The encoder with ImageNet weights, or with a file of one's own.

    Raises:
        UsageError: preset, layer or pooling is not known.
        WeightsError: the weights are missing, damaged or do not fit.
    """
    readout = choose_readout(preset, layer, pooling)
    path = find_weights("vgg16", weights)
    shapes = parameter_shapes(readout.layers, WIDTH)
    state = load_state(path, shapes)
    check_state(state, shapes, path)
    training = "own weights" if weights else "trained on ImageNet"
    preset = preset or DEFAULT_PRESET
    return VGG16(state, readout, preset=preset, training=training, threads=threads)


def _has_amx() -> bool:
    """Whether the processor multiplies bf16 in tiles (AMX), where direct convolution is faster."""
    flags = Path("/proc/cpuinfo")
    return flags.exists() and "amx_bf16" in flags.read_text(errors="replace")


class VGG16:
    """Descriptors from named layers, each layer's part scaled to length 1."""

    name = "vgg16"

    def __init__(
        self,
        state: State,
        readout: Readout,
        *,
        preset: str = "",
        training: str = "",
        precision: str | None = None,
        threads: int | None = None,
    ) -> None:
        """Compile the network.

        Args:
            state: at least the tensors that the layers need; see ``parameter_shapes``.
            readout: what to read from it.
            preset: the preset that the readout began from, kept in ``settings``.
            training: how the weights came to be.
            precision: ``f32`` or ``bf16``; None takes bf16 where the processor has it and it
                leaves the neighbours alone, which was measured for flattened maps only.
            threads: cores to use; None means all.
        """
        self._readout = readout
        maps = all(layer.startswith("features") for layer in readout.layers)
        flat = maps and readout.pooling == "flat"
        precision = precision or (best_precision() if flat else "f32")
        direct = not maps or (precision == "bf16" and _has_amx())
        self._network = (Network if direct else Winograd)(
            state, readout.layers, readout.side, precision=precision, threads=threads
        )
        self.settings = {
            "preset": preset,
            "side": readout.side,
            "layer": ",".join(readout.layers),
            "pooling": readout.pooling,
        }
        self.weights_sha256 = sha256_state(state)
        self.training = training
        self.blocks = (Block("deep", 0, sum(readout.widths)),)

    @property
    def precision(self) -> str:
        """What the convolutions multiply in, or keep their maps in: ``f32`` or ``bf16``."""
        return self._network.precision

    def prepare(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring one picture (h, w, 3) to (side, side, 3)."""
        return fit_square(rgb, self._readout.side)

    def encode(self, prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn (n, side, side, 3) into descriptors (n, dim)."""
        rows = np.empty((len(prepared), self.blocks[-1].stop), dtype=np.float32)
        batch = self._network.batch
        for start in range(0, len(prepared), batch):
            maps = self._network(prepared[start : start + batch])
            parts = [unit_rows(pool(part, self._readout.pooling)) for part in maps]
            rows[start : start + batch] = np.concatenate(parts, axis=1)
        return rows
