"""VGG16, configuration D of Simonyan and Zisserman (2015), at any width, on OpenVINO.

Measured on two cores, OpenVINO ran it 1.5 times (quarter width) to 2.6 times (full width) as fast
as ONNX Runtime in fp32, and twice as fast again in bf16, which ONNX Runtime lacks there; both
start within a tenth of a second. ``benchmarks.encoders`` measures speed and agreement with fp32.
"""

import math
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simsearch.errors import UsageError, WeightsError

if TYPE_CHECKING:
    import openvino as ov

Maps = NDArray[np.float32]

# Channels of each convolution as multiples of the base width (64 in VGG16); 0 is a 2x2 max pool.
_MULTIPLES = (1, 1, 0, 2, 2, 0, 4, 4, 4, 0, 8, 8, 8, 0, 8, 8, 8, 0)
_ALIASES = {"pool5": "features.30", "fc1": "classifier.1", "fc2": "classifier.4"}
_DENSE = {0: "linear", 1: "relu", 3: "linear", 4: "relu"}  # torchvision's 2 and 5 are dropout
_POOLED_SIDE = 7  # torchvision averages the last map to 7 x 7 before the dense layers
_DENSE_FACTOR = 64  # 4096 dense units at base width 64

# What torchvision subtracts and divides by, for colours 0 to 1.
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
IMAGENET_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


def _layout() -> list[tuple[str, int]]:
    """Kind and multiple of every layer of torchvision's ``features``, by its number."""
    layers: list[tuple[str, int]] = []
    for multiple in _MULTIPLES:
        kinds = ["conv", "relu"] if multiple else ["pool"]
        layers += [(kind, multiple or layers[-1][1]) for kind in kinds]
    return layers


FEATURES = _layout()


def canonical(layer: str) -> str:
    """Torchvision's name of a layer; UsageError for one that the network lacks."""
    name = _ALIASES.get(layer, layer)
    part, _, number = name.partition(".")
    allowed = {"features": range(len(FEATURES)), "classifier": _DENSE}.get(part, ())
    if not number.isdecimal() or int(number) not in allowed:
        raise UsageError(
            f"VGG16 has no layer {layer!r}; choose features.0 to features.30, "
            f"classifier.0, .1, .3 or .4, or {', '.join(_ALIASES)}"
        )
    return f"{part}.{int(number)}"


def _depth(layer: str) -> int:
    """Position of a canonical layer in the order of computation."""
    part, _, number = layer.partition(".")
    return int(number) + (len(FEATURES) if part == "classifier" else 0)


def parameter_shapes(layers: Sequence[str], width: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors that the named layers need, and no deeper ones."""
    deepest = max(_depth(layer) for layer in layers)
    shapes: dict[str, tuple[int, ...]] = {}
    channels = 3
    for number, (kind, multiple) in enumerate(FEATURES[: deepest + 1]):
        if kind == "conv":
            shapes[f"features.{number}.weight"] = (multiple * width, channels, 3, 3)
            shapes[f"features.{number}.bias"] = (multiple * width,)
            channels = multiple * width
    inputs, units = channels * _POOLED_SIDE**2, _DENSE_FACTOR * width
    for number, kind in _DENSE.items():
        if kind == "linear" and number <= deepest - len(FEATURES):
            shapes[f"classifier.{number}.weight"] = (units, inputs)
            shapes[f"classifier.{number}.bias"] = (units,)
            inputs = units
    return shapes


def output_shape(layer: str, width: int, side: int) -> tuple[int, ...]:
    """Shape of what a layer gives for one picture: (channels, h, w), or (units,) if dense."""
    depth = _depth(layer)
    if depth >= len(FEATURES):
        return (_DENSE_FACTOR * width,)
    pools = sum(kind == "pool" for kind, _ in FEATURES[: depth + 1])
    return (FEATURES[depth][1] * width, side >> pools, side >> pools)


def check_state(
    state: Mapping[str, Maps], shapes: Mapping[str, tuple[int, ...]], origin: object
) -> None:
    """Refuse tensors that do not fit, saying which; what is more than needed does no harm.

    Raises:
        WeightsError: a tensor is missing, has another shape, or is not finite.
    """
    faults = []
    for name, shape in shapes.items():
        if name not in state:
            faults.append(f"{name} is missing")
        elif state[name].shape != shape:
            faults.append(f"{name} is {state[name].shape}, expected {shape}")
        elif not np.isfinite(state[name]).all():
            faults.append(f"{name} holds numbers that are not finite")
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise WeightsError(
            f"the weights in {origin} do not fit: {'; '.join(faults[:3])}{more}; "
            "give a VGG16 (configuration D, no batch norm) with torchvision's names"
        )


def best_precision() -> str:
    """``bf16`` where this processor computes in it, else ``f32``."""
    import openvino as ov

    capabilities = ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in capabilities else "f32"


class Network:
    """Configuration D compiled for this processor, cut off after the deepest layer wanted.

    Attributes:
        precision: ``f32`` or ``bf16``: what the convolutions multiply in; sums are always f32.
        batch: pictures to give at once.
    """

    batch = 8

    def __init__(
        self,
        state: Mapping[str, Maps],
        layers: Sequence[str],
        side: int,
        *,
        precision: str = "f32",
        threads: int | None = None,
    ) -> None:
        import openvino as ov

        # One stream: all cores work on one batch, so that a single picture is as quick as it can
        # be. Cores are not pinned, because pictures are decoded on the same ones meanwhile.
        options: dict[str, object] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": precision,
            "ENABLE_CPU_PINNING": False,
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        self.precision = precision
        self._layers = len(layers)
        self._compiled = ov.Core().compile_model(_graph(state, layers, side), "CPU", options)
        self._lock = threading.Lock()

    def __call__(self, pictures: NDArray[np.uint8]) -> list[Maps]:
        """Run RGB pictures (n, side, side, 3); one array (n, ...) for each layer asked for."""
        with self._lock:
            results = self._compiled(pictures)
            return [np.array(results[i], dtype=np.float32) for i in range(self._layers)]


def _graph(state: Mapping[str, Maps], layers: Sequence[str], side: int) -> "ov.Model":
    """Build the network as an OpenVINO model: uint8 pictures in, the named layers out."""
    import openvino as ov
    from openvino import opset13 as ops

    pictures = ops.parameter([-1, side, side, 3], np.uint8, name="pictures")
    colours = ops.transpose(ops.convert(pictures, "f32"), np.array([0, 3, 1, 2]))
    mean, std = (255 * v.reshape(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    current = ops.divide(ops.subtract(colours, mean), std).output(0)
    deepest = max(_depth(layer) for layer in layers)
    made = {}
    for number, (kind, _) in enumerate(FEATURES[: deepest + 1]):
        name = f"features.{number}"
        made[name] = current = _next(current, kind, name, state).output(0)
    if deepest >= len(FEATURES):
        pooled = ops.adaptive_avg_pool(current, np.array([_POOLED_SIDE] * 2))
        current = ops.reshape(pooled, np.array([0, -1]), special_zero=True).output(0)
    for number, kind in _DENSE.items():
        if number <= deepest - len(FEATURES):
            name = f"classifier.{number}"
            made[name] = current = _next(current, kind, name, state).output(0)
    return ov.Model([ops.result(made[layer]) for layer in layers], [pictures], "vgg16")


def _next(inputs: "ov.Output", kind: str, name: str, state: Mapping[str, Maps]) -> "ov.Node":
    """One layer on top of another."""
    from openvino import opset13 as ops

    if kind == "relu":
        return ops.relu(inputs)
    if kind == "pool":
        return ops.max_pool(inputs, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2])
    weight, bias = ops.constant(state[f"{name}.weight"]), state[f"{name}.bias"]
    if kind == "conv":
        sums = ops.convolution(inputs, weight, [1, 1], [1, 1], [1, 1], [1, 1])
        return ops.add(sums, ops.constant(bias.reshape(1, -1, 1, 1)))
    sums = ops.matmul(inputs, weight, transpose_a=False, transpose_b=True)
    return ops.add(sums, ops.constant(bias.reshape(1, -1)))


def pool(maps: Maps, pooling: str) -> Maps:
    """Bring maps (n, channels, h, w) to one row a picture; dense rows (n, units) stay as they are.

    Poolings: ``flat`` (channel by channel, as torch flattens), ``mean``, ``max``, and ``gem``,
    the generalised mean with exponent 3 of Radenovic, Tolias and Chum (2018).
    """
    if maps.ndim == 2:
        return maps
    if pooling == "flat":
        return maps.reshape(len(maps), math.prod(maps.shape[1:]))
    if pooling == "gem":
        clipped = np.maximum(maps, np.float32(1e-6))
        rows = np.cbrt((clipped * clipped * clipped).mean(axis=(2, 3)))
    else:
        rows = maps.mean(axis=(2, 3)) if pooling == "mean" else maps.max(axis=(2, 3))
    return np.asarray(rows, dtype=np.float32)


def unit_rows(rows: Maps) -> Maps:
    """Scale each row to length 1; a row of zeros stays zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.float32(1e-12)), dtype=np.float32)
