"""The encoder ``vgg16-nft``: a small VGG16 for token art, its weights in the package."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.encoders import Block
from simsearch.encoders.vgg import (
    Network,
    best_precision,
    check_state,
    output_shape,
    parameter_shapes,
    pool,
    unit_rows,
)
from simsearch.errors import WeightsError
from simsearch.images import fit_square
from simsearch.tensors import State, load_state, read_metadata, save_state, sha256_state
from simsearch.weights import find_weights, published, sha256_file

SIDE = 64
GRID_SIDE = 32
WIDTH = 16  # a quarter of VGG16's 64
LAYER = "features.30"
FORMAT = "1"
_BATCH = 32


class VGG16NFT:
    """Shallow and deep: a 32 x 32 grid of colours beside the last maps (2 x 2) of the network.

    The grid keeps place and colour, where traits live; the deep part, scaled to length 1, keeps
    shape and survives edits.
    """

    name = "vgg16-nft"
    settings: Mapping[str, object] = {"side": SIDE, "grid": GRID_SIDE, "layer": LAYER}

    def __init__(
        self,
        state: State,
        *,
        training: str = "",
        shipped: bool = False,
        precision: str | None = None,
        threads: int | None = None,
    ) -> None:
        """Compile the network.

        Args:
            state: the tensors of a configuration D of any width.
            training: how the weights came to be.
            shipped: whether they are those of the package.
            precision: ``f32`` or ``bf16``; None takes bf16 where the processor has it.
            threads: cores to use; None means all.
        """
        self._network = Network(
            state, [LAYER], SIDE, precision=precision or best_precision(), threads=threads
        )
        self._state = state
        self.training, self.shipped = training, shipped
        self.weights_sha256 = sha256_state(state)
        grid = GRID_SIDE * GRID_SIDE * 3
        deep = int(np.prod(output_shape(LAYER, base_width(state), SIDE)))
        self.blocks: tuple[Block, ...] = (Block("grid", 0, grid), Block("deep", grid, grid + deep))

    @property
    def precision(self) -> str:
        """What the convolutions multiply in: ``f32`` or ``bf16``."""
        return self._network.precision

    def prepare(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring one picture (h, w, 3) to (64, 64, 3)."""
        return fit_square(rgb, SIDE)

    def encode(self, prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn (n, 64, 64, 3) into descriptors (n, dim)."""
        grid, deep = self.blocks
        rows = np.empty((len(prepared), deep.stop), dtype=np.float32)
        for start in range(0, len(prepared), _BATCH):
            batch, part = prepared[start : start + _BATCH], rows[start : start + _BATCH]
            part[:, : grid.stop] = colour_grid(batch)
            (maps,) = self._network(batch)
            part[:, deep.start :] = unit_rows(pool(maps, "flat"))
        return rows

    def save(self, path: Path) -> None:
        """Write the weights, which read back are the same to the last bit."""
        save_state(path, self._state, {"format": FORMAT, "training": self.training})


def colour_grid(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean colours 0 to 1 of the cells of a 32 x 32 grid: (n, 64, 64, 3) to (n, 3072)."""
    cell = SIDE // GRID_SIDE
    sums = np.zeros((len(pictures), GRID_SIDE, GRID_SIDE, 3), dtype=np.uint16)
    for row in range(cell):
        for column in range(cell):
            sums += pictures[:, row::cell, column::cell]
    flat = sums.reshape(len(pictures), GRID_SIDE * GRID_SIDE * 3)
    return flat.astype(np.float32) / np.float32(255 * cell * cell)


def base_width(state: State) -> int:
    """Channels of the first convolution, the unit that all other widths are multiples of."""
    return len(state["features.0.weight"]) if "features.0.weight" in state else WIDTH


def load(*, weights: Path | None = None, threads: int | None = None) -> VGG16NFT:
    """The encoder with the weights of the package, or with a file of one's own, of any width.

    Raises:
        WeightsError: the weights are missing, changed, damaged or do not fit.
    """
    path = find_weights("vgg16-nft", weights)
    notes = read_metadata(path)
    if notes.get("format", FORMAT) != FORMAT:
        raise WeightsError(
            f"{path} is of format {notes['format']}, this program reads {FORMAT}; "
            "upgrade simsearch: pip install --upgrade simsearch"
        )
    state = load_state(path)
    shapes = parameter_shapes([LAYER], base_width(state))
    check_state(state, shapes, path)
    state = {name: state[name] for name in shapes}
    untrained = f"untrained, seed {notes.get('seed', '?')}"
    return VGG16NFT(
        state,
        training=untrained if notes.get("trained") == "no" else notes.get("training", "trained"),
        shipped=weights is None or sha256_file(path) == published("vgg16-nft").sha256,
        threads=threads,
    )


def untrained_state(width: int = WIDTH, seed: int = 0) -> dict[str, NDArray[np.float16]]:
    """Random tensors: normal, variance 2 / inputs (He et al. 2015), biases 0; PCG64 of the seed."""
    random = np.random.Generator(np.random.PCG64(seed))
    state = {}
    for name, shape in parameter_shapes([LAYER], width).items():
        numbers = np.zeros(shape)
        if name.endswith("weight"):
            numbers = random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        state[name] = numbers.astype(np.float16)
    return state


def save_untrained(path: Path, width: int = WIDTH, seed: int = 0) -> None:
    """Write a weights file that says of itself that it is untrained."""
    notes = {"format": FORMAT, "trained": "no", "seed": str(seed), "width": str(width)}
    save_state(path, untrained_state(width, seed), notes)
