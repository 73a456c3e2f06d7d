"""Two small ImageNet networks of torchvision as encoders, to compare with; never part of simsearch.

A folder holds ``squeezenet1_1_features.safetensors`` and ``mobilenet_v2_qat.safetensors`` under
torchvision's names. What is read is the mean over the last map, at 224 px.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.encoders import Block
from simsearch.encoders.vgg import IMAGENET_MEAN, IMAGENET_STD
from simsearch.images import fit_square

SIDE = 224
_BATCH = 16
_NETWORKS = {
    "squeezenet": ("squeezenet1_1", "squeezenet1_1_features.safetensors", 512),
    "mobilenetv2": ("mobilenet_v2", "mobilenet_v2_qat.safetensors", 1280),
}


class ImageNetNetwork:
    """One of them, with what an encoder of simsearch offers."""

    settings: Mapping[str, object] = {"side": SIDE}
    training = "trained on ImageNet"

    def __init__(self, name: str, folder: Path) -> None:
        import torchvision
        from safetensors.torch import load_file

        model, file, width = _NETWORKS[name]
        self.name = name
        self.weights_sha256 = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        self.blocks = (Block("deep", 0, width),)
        network = getattr(torchvision.models, model)(weights=None)
        # The classifier's weights may be missing: only the features are used.
        missing = network.load_state_dict(load_file(folder / file), strict=False)
        lacking = [key for key in missing.missing_keys if not key.startswith("classifier")]
        if lacking or missing.unexpected_keys:
            raise SystemExit(f"{folder / file} does not fit torchvision's {model}: {missing}")
        self._features = network.features.eval()

    def prepare(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return fit_square(rgb, SIDE)

    def encode(self, prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
        rows = []
        with torch.inference_mode():
            for start in range(0, len(prepared), _BATCH):
                batch = torch.from_numpy(np.array(prepared[start : start + _BATCH]))
                colours = (batch.permute(0, 3, 1, 2) / 255 - mean) / std
                rows.append(self._features(colours).mean((2, 3)).numpy())
        return np.concatenate(rows)


def networks(folder: Path) -> list[ImageNetNetwork]:
    """Those whose weights are in a folder."""
    return [
        ImageNetNetwork(name, folder)
        for name, (_, file, _) in _NETWORKS.items()
        if (folder / file).exists()
    ]
