"""The step ``denoise``: a small convolutional autoencoder that takes noise out of pictures.

It learns to give pictures back from noised ones (a denoising autoencoder, Vincent et al. 2008): two
halvings and two doublings, with what was seen before each halving passed across (Ronneberger et al.
2015); what it computes is added to the picture (Zhang et al. 2017). It runs on OpenVINO from the
plain tensors, without torch.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simsearch.errors import StoreError, WeightsError
from simsearch.images import RGB, fit_square
from simsearch.tensors import State, load_state, save_state, sha256_state
from simsearch.weights import find_weights

if TYPE_CHECKING:
    import openvino as ov

NAME = "denoise"
FORMAT = "1"
WIDTH = 16
MOST_SIDE = 256
"""Larger pictures are reduced to this first: encoders look at 224 pixels at most, and noise on
single pixels of a larger picture is averaged away by that."""
MULTIPLE = 4
"""Sides of what the network takes are multiples of this: it halves twice."""

LAYERS = {
    "enter": (3, 1, 1),
    "look": (1, 1, 1),
    "halve": (1, 2, 2),
    "look_half": (2, 2, 1),
    "quarter": (2, 4, 2),
    "look_quarter": (4, 4, 1),
    "join_half": (6, 2, 1),
    "join_whole": (3, 1, 1),
    "leave": (1, 3, 1),
}
"""Name → channels in, channels out, stride of each 3 x 3 convolution; channels are multiples of
the width, but for the three colours that enter and leave."""


def parameter_shapes(width: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (inputs, outputs, _) in LAYERS.items():
        taken = 3 if name == "enter" else inputs * width
        given = 3 if name == "leave" else outputs * width
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (given, taken, 3, 3), (given,)
    return shapes


def reduced(rgb: RGB) -> RGB:
    """A picture as the network takes it: a larger one becomes a square of 256 pixels."""
    return fit_square(rgb, MOST_SIDE) if max(rgb.shape[:2]) > MOST_SIDE else rgb


class Denoiser:
    """The network compiled for this processor; safe to call from several threads.

    Attributes:
        sha256: hash of its tensors.
    """

    def __init__(self, state: State, *, threads: int | None = None) -> None:
        import openvino as ov

        options: dict[str, object] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False,
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        self.sha256 = sha256_state(state)
        self._state = state
        self._compiled = ov.Core().compile_model(_graph(state), "CPU", options)
        self._lock = threading.Lock()

    @property
    def spec(self) -> str:
        """How it is written in a manifest."""
        return f"{NAME}:{self.sha256}"

    def __call__(self, rgb: RGB) -> RGB:
        """Take the noise out of one picture, uint8 (h, w, 3), the longer side 256 at most.

        A larger picture becomes a square of 256 pixels, what is not square on white, as encoders
        see it.
        """
        rgb = reduced(rgb)
        height, width, _ = rgb.shape
        rest = [(0, -side % MULTIPLE) for side in (height, width)]
        padded = np.pad(rgb, [*rest, (0, 0)], mode="edge")
        with self._lock:
            found: NDArray[np.uint8] = np.array(self._compiled(padded[None])[0])
        return found[0, :height, :width]

    def save(self, path: Path) -> None:
        """Write the tensors, which read back are the same to the last bit."""
        save_state(path, self._state, {"format": FORMAT})


def load(given: Path | None = None, *, threads: int | None = None) -> Denoiser:
    """The denoiser of the package, or one of one's own.

    Raises:
        WeightsError: the file is missing, damaged or does not fit.
    """
    if given is not None and not given.is_file():
        raise WeightsError(
            f"no denoiser {given}; make one: simsearch train denoiser SOURCE... --out {given}"
        )
    path = given or find_weights("denoiser")
    state = load_state(path)
    _require_fit(state, path)
    return Denoiser(state, threads=threads)


def kept_name(sha256: str) -> str:
    """Name of the file of a denoiser in an index, or beside a classifier."""
    return f"denoiser-{sha256[:12]}.safetensors"


def load_kept(folder: Path | None, sha256: str) -> Denoiser:
    """The denoiser that was kept with an index or a classifier.

    Raises:
        StoreError: it is missing, damaged, or another than the one that was kept.
    """
    path = (folder or Path()) / kept_name(sha256)
    again = "put it back, or build or train again with --preprocess"
    try:
        state = load_state(path)
        _require_fit(state, path)
    except WeightsError as error:
        missing = f"{path}: the denoiser that pictures go through is missing"
        raise StoreError(f"{error if path.is_file() else missing}; {again}") from error
    if sha256_state(state) != sha256:
        raise StoreError(f"{path}: not the denoiser that pictures went through; {again}")
    return Denoiser(state)


def _require_fit(state: State, path: Path) -> None:
    width = len(state["enter.bias"]) if "enter.bias" in state else WIDTH
    wanted = parameter_shapes(width)
    wrong = [name for name, shape in wanted.items() if _shape(state, name) != shape]
    if wrong or not all(np.isfinite(state[name]).all() for name in wanted):
        raise WeightsError(
            f"{path} holds no denoiser (at {wrong[0] if wrong else 'numbers not finite'}); "
            "make one: simsearch train denoiser SOURCE... --out FILE"
        )


def _shape(state: State, name: str) -> tuple[int, ...] | None:
    return state[name].shape if name in state else None


def _graph(state: State) -> "ov.Model":
    """Build the network as an OpenVINO model: uint8 pictures in, uint8 pictures out."""
    import openvino as ov
    from openvino import opset13 as ops

    def layer(name: str, inputs: "ov.Node") -> "ov.Node":
        stride = [LAYERS[name][2]] * 2
        weight = ops.constant(state[f"{name}.weight"])
        sums = ops.convolution(inputs, weight, stride, [1, 1], [1, 1], [1, 1])
        sums = ops.add(sums, ops.constant(state[f"{name}.bias"].reshape(1, -1, 1, 1)))
        return sums if name == "leave" else ops.relu(sums)

    def doubled(maps: "ov.Node") -> "ov.Node":
        ones = np.ones(2, dtype=np.float32)
        factors = ops.constant(2 * ones)
        return ops.interpolate(
            maps,
            factors,
            "nearest",
            "scales",
            axes=ops.constant(np.array([2, 3])),
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    pictures = ops.parameter([-1, -1, -1, 3], np.uint8, name="pictures")
    colours = ops.transpose(ops.convert(pictures, "f32"), np.array([0, 3, 1, 2]))
    colours = ops.divide(colours, ops.constant(np.float32(255)))
    whole = layer("look", layer("enter", colours))
    half = layer("look_half", layer("halve", whole))
    quarter = layer("look_quarter", layer("quarter", half))
    half = layer("join_half", ops.concat([doubled(quarter), half], 1))
    whole = layer("join_whole", ops.concat([doubled(half), whole], 1))
    cleaned = ops.clamp(ops.add(colours, layer("leave", whole)), 0.0, 1.0)
    levels = ops.round(ops.multiply(cleaned, ops.constant(np.float32(255))), "half_to_even")
    rows = ops.transpose(ops.convert(levels, "u8"), np.array([0, 2, 3, 1]))
    return ov.Model([ops.result(rows)], [pictures], NAME)
