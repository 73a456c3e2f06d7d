"""VGG16, configuration D of any width, as it is trained: with batch norm, folded away at the end.

Batch norm (Ioffe and Szegedy, 2015) lets so deep a stack learn at all; once its statistics are
fixed it is a scale and a shift, which go into the convolution before it. What is shipped is the
plain network.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simsearch.encoders.vgg import (
    FEATURES,
    IMAGENET_MEAN,
    IMAGENET_STD,
    check_state,
    output_shape,
    parameter_shapes,
)
from simsearch.encoders.vgg16_nft import LAYER, SIDE
from simsearch.tensors import load_state

if TYPE_CHECKING:
    import torch
    from torch import nn

_NORM = ("weight", "bias", "running_mean", "running_var")

EMBEDDING = 128
"""Numbers that the losses compare; the layers that make them are dropped after training."""


def backbone(width: int) -> "nn.Sequential":
    """The convolutions with batch norm; uint8-scaled pictures (n, 3, 64, 64) to maps."""
    from torch import nn

    layers: list[nn.Module] = []
    channels = 3
    for kind, multiple in FEATURES:
        if kind == "conv":
            conv = nn.Conv2d(channels, multiple * width, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            channels = multiple * width
            layers += [conv, nn.BatchNorm2d(channels)]
        else:
            layers.append(nn.ReLU(inplace=True) if kind == "relu" else nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def learner(width: int, collections: int) -> "nn.ModuleDict":
    """The backbone and what reads it: an embedding of copies, one of traits, the collection."""
    from torch import nn

    dim = int(np.prod(output_shape(LAYER, width, SIDE)))
    return nn.ModuleDict(
        {
            "backbone": backbone(width),
            "copies": nn.Linear(dim, EMBEDDING),
            "traits": nn.Linear(dim, EMBEDDING),
            "collection": nn.Linear(dim, max(collections, 1)),
        }
    )


def start_from(trained: "nn.Sequential", path: Path) -> None:
    """Take over the weights of a plain network; batch norm begins as doing nothing.

    Raises:
        WeightsError: they do not fit.
    """
    import torch

    state, layers = load_state(path), _layers(trained)
    check_state(state, parameter_shapes([LAYER], layers[0][1].out_channels), path)
    with torch.no_grad():
        for number, conv, norm in layers:
            conv.weight.copy_(torch.from_numpy(state[f"features.{number}.weight"]))
            norm.bias.copy_(torch.from_numpy(state[f"features.{number}.bias"]))
            norm.state_dict()["running_var"].fill_(1 - norm.eps)


def colours(pictures: NDArray[np.uint8], device: "torch.device") -> "torch.Tensor":
    """Pictures (n, h, w, 3) as colours 0 to 1, (n, 3, h, w)."""
    import torch

    moved = torch.from_numpy(np.ascontiguousarray(pictures)).to(device)
    return moved.permute(0, 3, 1, 2).float() / 255


def normalized(pictures: "torch.Tensor") -> "torch.Tensor":
    """Colours 0 to 1, (n, 3, h, w), as the network takes them."""
    import torch

    mean, std = (
        torch.as_tensor(values, device=pictures.device).view(1, 3, 1, 1)
        for values in (IMAGENET_MEAN, IMAGENET_STD)
    )
    return (pictures - mean) / std


def folded(trained: "nn.Sequential") -> dict[str, NDArray[np.float16]]:
    """The plain network that computes what the trained one does in evaluation mode."""
    state: dict[str, NDArray[np.float16]] = {}
    for number, conv, norm in _layers(trained):
        weight, bias = _fold(conv, norm)
        state[f"features.{number}.weight"] = weight.astype(np.float16)
        state[f"features.{number}.bias"] = bias.astype(np.float16)
    return state


def _layers(trained: "nn.Sequential") -> "list[tuple[int, nn.Conv2d, nn.BatchNorm2d]]":
    """Each convolution with its number in the plain network and the batch norm behind it."""
    from torch import nn

    convolutions = [module for module in trained if isinstance(module, nn.Conv2d)]
    norms = [module for module in trained if isinstance(module, nn.BatchNorm2d)]
    numbers = [number for number, (kind, _) in enumerate(FEATURES) if kind == "conv"]
    return list(zip(numbers, convolutions, norms, strict=True))


def _fold(
    conv: "nn.Conv2d", norm: "nn.BatchNorm2d"
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight and bias of a convolution with the batch norm behind it."""
    learned = norm.state_dict()
    tensors = [conv.weight, *(learned[name] for name in _NORM)]
    weight, gain, shift, mean, variance = (one.detach().cpu().float().numpy() for one in tensors)
    factor = (gain / np.sqrt(variance + norm.eps)).astype(np.float32)
    return weight * factor[:, None, None, None], shift - mean * factor
