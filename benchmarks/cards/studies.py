"""How transfer from ImageNet failed in a study, fault by fault, and the same without the faults.

The network is torchvision's MobileNetV2; its weights are given by whoever runs this, and only read.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simsearch.classifiers.inputs import Inputs
from simsearch.encoders import Block
from simsearch.encoders.vgg import IMAGENET_MEAN, IMAGENET_STD
from simsearch.images import fit_square
from simsearch.tensors import load_state, sha256_state
from simsearch.training.decoding import Preparation

if TYPE_CHECKING:
    from torch import nn

SIDE = 224
_HIDDEN = 128
_FEATURES, _SCORES = 1280, 1000


@dataclass(frozen=True)
class Transfer:
    """A frozen network and the head that is trained on it.

    Attributes:
        unscaled: it is given colours 0 to 255, as if it had not been trained on scaled ones.
        scores: the scores of ImageNet's classes are read in place of the features before them.
        rescaled_after: what it says, not what it is given, is divided by 255.
        hidden: activation of a hidden layer of 128 units; empty for no such layer.
    """

    unscaled: bool = False
    scores: bool = False
    rescaled_after: bool = False
    hidden: str = ""

    def head(self, inputs: int, classes: int) -> "nn.Module":
        """What is trained."""
        from torch import nn

        layers: list[nn.Module] = [_rescaling()] if self.rescaled_after else []
        if self.hidden:
            activation = {"relu": nn.ReLU(), "softmax": nn.Softmax(dim=1)}[self.hidden]
            layers += [nn.Linear(inputs, _HIDDEN), activation]
        return nn.Sequential(*layers, nn.Linear(_HIDDEN if self.hidden else inputs, classes))


STUDIES = {
    "class scores of unscaled input": Transfer(unscaled=True, scores=True),
    "repaired: features of scaled input": Transfer(),
    "rescaled after the features, softmax hidden layer": Transfer(
        unscaled=True, rescaled_after=True, hidden="softmax"
    ),
    "repaired: features of scaled input, relu hidden layer": Transfer(hidden="relu"),
}
"""Name → transfer, each fault with its repair."""


def _rescaling() -> "nn.Module":
    from torch import Tensor, nn

    class Rescaling(nn.Module):
        def forward(self, numbers: Tensor) -> Tensor:
            return numbers / 255

    return Rescaling()


class MobileNetV2:
    """The frozen network, as an encoder: pictures to features or to scores of classes."""

    name = "mobilenet_v2"
    training = "on ImageNet"

    def __init__(self, weights: Path, transfer: Transfer) -> None:
        """Compile the part that is read."""
        import openvino as ov
        import torch
        from torchvision.models import mobilenet_v2

        state = load_state(weights)
        network = mobilenet_v2()
        network.load_state_dict({name: torch.from_numpy(one) for name, one in state.items()}, False)
        if not transfer.scores:
            network.classifier = torch.nn.Identity()
        example = torch.zeros(1, 3, SIDE, SIDE)
        graph = ov.convert_model(network.eval(), example_input=example)
        self._compiled = ov.Core().compile_model(graph, "CPU")
        self._unscaled = transfer.unscaled
        self.settings = {"scores": transfer.scores, "unscaled": transfer.unscaled}
        self.weights_sha256 = sha256_state(state)
        self.blocks: tuple[Block, ...] = (
            Block("deep", 0, _SCORES if transfer.scores else _FEATURES),
        )

    def prepare(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring one picture (h, w, 3) to (224, 224, 3)."""
        return fit_square(rgb, SIDE)

    def encode(self, prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn (n, 224, 224, 3) into features (n, 1280) or scores (n, 1000)."""
        colours = prepared.astype(np.float32)
        if not self._unscaled:
            colours = (colours / 255 - np.float32(IMAGENET_MEAN)) / np.float32(IMAGENET_STD)
        (found,) = self._compiled(np.ascontiguousarray(colours.transpose(0, 3, 1, 2))).values()
        return np.array(found, dtype=np.float32)


def inputs_of(weights: Path, transfer: Transfer) -> Inputs:
    """What the head of a transfer reads."""
    encoder = MobileNetV2(weights, transfer)
    return Inputs(Preparation(f"square-{SIDE}", SIDE, encoder.prepare), encoder)
