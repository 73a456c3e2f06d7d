"""Networks of the presets, in PyTorch: what they read in, scores (n, classes) out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from simsearch.classifiers.presets import BACKBONE, DESCRIPTORS, ClassifierSettings, Preset
from simsearch.encoders.vgg import output_shape
from simsearch.encoders.vgg16_nft import GRID_SIDE, LAYER, base_width
from simsearch.errors import WeightsError
from simsearch.tensors import load_state
from simsearch.training.network import backbone, normalized, start_from
from simsearch.weights import find_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

_MOMENTUM = 0.3
"""Weight of a batch in the statistics of batch norm, by which epochs of few batches are judged."""
_DEEP = 16.0
"""Length that the last maps of the encoder's network are given beside the grid of colours."""


def begin_network(settings: ClassifierSettings, classes: int, inputs: int) -> "nn.Module":
    """The network of a preset before it has learned.

    Args:
        settings: which one.
        classes: how many there are.
        inputs: numbers of a descriptor, where it reads such.

    Raises:
        WeightsError: the encoder's network, where it goes on from that, cannot be read.
    """
    if settings.kind.reads != BACKBONE:
        return build_network(settings, classes, inputs)
    path = find_weights("vgg16-nft", Path(settings.weights) if settings.weights else None)
    network = build_network(settings, classes, base_width(load_state(path)))
    start_from(cast("nn.Sequential", network.get_submodule("backbone")), path)
    return network


def build_network(settings: ClassifierSettings, classes: int, inputs: int) -> "nn.Module":
    """The network of a preset with random weights.

    It takes colours 0 to 1, (n, 3, side, side), or descriptors (n, inputs).

    Args:
        settings: preset and hidden activation.
        classes: how many there are.
        inputs: numbers of a descriptor, or the width of the encoder's network, where one is read.
    """
    preset = settings.kind
    if preset.reads == DESCRIPTORS:
        return _linear(inputs, classes)
    if preset.reads == BACKBONE:
        return _fine_tuned(inputs, classes, preset.side)
    return _stack(preset, settings.hidden, classes)


def _linear(inputs: int, classes: int) -> "nn.Module":
    """One layer on standardised numbers."""
    from torch import nn

    return nn.Sequential(nn.BatchNorm1d(inputs, affine=False), nn.Linear(inputs, classes))


def _stack(preset: Preset, hidden: str, classes: int) -> "nn.Module":
    """Convolutions, each with a max pool, and dense layers.

    The pool comes before the activation: the same numbers, at a quarter of the work. Batch norm
    comes between them, for a quarter of its work too, and before the activation of dense layers.
    """
    from torch import nn

    layers: list[nn.Module] = []
    channels, side = 3, preset.side
    for wanted in preset.channels:
        layers.append(nn.Conv2d(channels, wanted, 3, padding=1 if preset.same else 0))
        layers.append(nn.MaxPool2d(2))
        if preset.normed:
            layers.append(nn.BatchNorm2d(wanted, momentum=_MOMENTUM))
        layers.append(nn.ReLU(inplace=True))
        channels, side = wanted, (side if preset.same else side - 2) // 2
    layers += [nn.Dropout(preset.dropped_maps), nn.Flatten()]
    units = channels * side * side
    for wanted in preset.dense:
        layers.append(nn.Linear(units, wanted))
        if preset.normed:
            layers.append(nn.BatchNorm1d(wanted, momentum=_MOMENTUM))
        layers += [_activation(hidden), nn.Dropout(preset.dropped)]
        units = wanted
    stack = nn.Sequential(*layers, nn.Linear(units, classes))
    stack.apply(_begin)
    return stack


def _begin(layer: "nn.Module") -> None:
    """Uniform weights of Glorot and Bengio (2010), no bias."""
    from torch import nn

    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _activation(name: str) -> "nn.Module":
    from torch import nn

    made: Mapping[str, Callable[[], nn.Module]] = {
        "relu": nn.ReLU,
        "gelu": nn.GELU,
        "tanh": nn.Tanh,
        "softmax": lambda: nn.Softmax(dim=1),
    }
    return made[name]()


def _fine_tuned(width: int, classes: int, side: int) -> "nn.Module":
    """The encoder's network and its grid of colours, read by one layer.

    Batch norm keeps doing nothing, as the weights to go on from have it folded in.
    """
    import torch
    from torch import nn
    from torch.nn import functional

    class FineTuned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            deep = int(np.prod(output_shape(LAYER, width, side)))
            self.backbone = backbone(width)
            self.head = nn.Linear(deep + 3 * GRID_SIDE**2, classes)

        def train(self, mode: bool = True) -> "FineTuned":
            super().train(mode)
            self.backbone.eval()
            return self

        def forward(self, pictures: "Tensor") -> "Tensor":
            maps = self.backbone(normalized(pictures)).flatten(1)
            deep = functional.normalize(maps.float(), dim=1) * _DEEP
            grid = functional.avg_pool2d(pictures, side // GRID_SIDE).flatten(1) - 0.5
            scores: Tensor = self.head(torch.cat([deep, grid], dim=1))
            return scores

    return FineTuned()


def kept_tensors(network: "nn.Module") -> dict[str, NDArray[Any]]:
    """All that a network has learned, by name: weights in half precision, statistics in single."""
    learned = {name for name, _ in network.named_parameters()}
    return {
        name: (one.half() if name in learned else one.float()).cpu().numpy()
        for name, one in network.state_dict().items()
    }


def load_into(network: "nn.Module", state: Mapping[str, NDArray[np.float32]], origin: str) -> None:
    """Give a network its tensors.

    Args:
        network: may lie on the ``meta`` device, so that no memory is taken for what does not fit.
        state: name → tensor; nothing may be missing, be more, or have another shape.
        origin: where they come from, for people.

    Raises:
        WeightsError: they do not fit.
    """
    import torch

    wanted: dict[str, Any] = network.state_dict()
    faults = [f"{name} is missing" for name in wanted if name not in state]
    faults += [f"{name} does not belong there" for name in state if name not in wanted]
    for name in wanted.keys() & state.keys():
        shape, given = tuple(wanted[name].shape), state[name].shape
        if int(np.prod(shape)) != state[name].size or (shape and shape != given):
            faults.append(f"{name} is {given}, expected {shape}")
        elif not np.isfinite(state[name]).all():
            faults.append(f"{name} holds numbers that are not finite")
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise WeightsError(
            f"{origin} does not fit: {'; '.join(sorted(faults)[:3])}{more}; train it anew"
        )
    tensors = {
        name: torch.from_numpy(np.array(state[name])).reshape(one.shape).to(one.dtype)
        for name, one in wanted.items()
    }
    network.load_state_dict(tensors, assign=True)
