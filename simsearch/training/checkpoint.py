"""Where training computes, and files that let it go on as if it had never stopped."""

from pathlib import Path
from typing import TYPE_CHECKING

from simsearch.encoders.vgg import best_precision
from simsearch.errors import UsageError
from simsearch.tensors import load_state, read_metadata, save_state

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

CHECKPOINT = "checkpoint.safetensors"
BEST = "best.safetensors"


def chosen_device(name: str) -> "torch.device":
    """The device called ``cpu``, ``cuda`` or ``auto``; it computes the same each time.

    Raises:
        UsageError: there is no such device.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: PyTorch sees no GPU here; use --device cpu")
    torch.backends.cudnn.deterministic = True
    return torch.device(name)


def computes_in_bf16(device: "torch.device") -> bool:
    """Whether convolutions are quicker in bf16 there."""
    return device.type == "cuda" or best_precision() == "bf16"


def save_checkpoint(
    path: Path, learner: "nn.Module", optimizer: "torch.optim.Optimizer", notes: dict[str, str]
) -> None:
    """Write what a network and its Adam know."""
    tensors = {f"model/{name}": one for name, one in learner.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"adam/{number}/{name}": one for name, one in state.items()}
    arrays = {name: one.cpu().float().numpy() for name, one in tensors.items()}
    save_state(path, arrays, notes)


def read_notes(path: Path, stamp: str) -> dict[str, str]:
    """The notes of a checkpoint that can be gone on from.

    Raises:
        UsageError: its ``stamp`` is another: it is of other settings or pictures.
    """
    notes = read_metadata(path)
    if notes.get("stamp") != stamp:
        raise UsageError(
            f"{path} is of other settings or pictures; give the same ones, "
            "or leave --resume out to begin anew"
        )
    return notes


def restore_checkpoint(
    path: Path, learner: "nn.Module", optimizer: "torch.optim.Optimizer"
) -> None:
    """Bring a network and its Adam to where ``save_checkpoint`` wrote them."""
    import torch

    arrays = load_state(path)
    for name, one in learner.state_dict().items():
        one.copy_(torch.from_numpy(arrays[f"model/{name}"]).reshape(one.shape))
    moments: dict[int, dict[str, Tensor]] = {}
    for name, array in arrays.items():
        if name.startswith("adam/"):
            _, number, part = name.split("/")
            kept = torch.from_numpy(array)  # a number comes back from a file as an array
            moments.setdefault(int(number), {})[part] = kept[0] if part == "step" else kept
    optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})
