"""Named tensors in files: safetensors, or PyTorch files read without executing anything."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.errors import WeightsError

State = dict[str, NDArray[np.float32]]

_KINDS = {"float16": "F16", "float32": "F32"}


def sha256_state(state: Mapping[str, NDArray[np.float32]]) -> str:
    """Hex SHA-256 of tensors: names, shapes and float32 bytes, whatever file they came from."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(f"{name}{state[name].shape}".encode())
        digest.update(np.ascontiguousarray(state[name], dtype="<f4").data)
    return digest.hexdigest()


def load_state(path: Path, names: Iterable[str] | None = None) -> State:
    """Read tensors as float32 from ``.safetensors``, or from ``.pth``/``.pt`` (imports torch).

    Args:
        path: the file; nothing in it is ever executed.
        names: the tensors wanted; those that the file lacks are left out. None means all.

    Raises:
        WeightsError: unreadable, damaged, or not plain named tensors.
    """
    readers = {".safetensors": _read_safetensors, ".pth": _read_torch, ".pt": _read_torch}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise WeightsError(f"cannot read weights from {path}: use .safetensors, .pth or .pt")
    try:
        return reader(path, None if names is None else set(names))
    except Exception as error:  # the libraries raise many kinds for damaged or hostile files
        reason = str(error).partition("\n")[0]
        raise WeightsError(
            f"cannot read weights from {path} ({reason}); it is damaged or holds more than tensors"
        ) from error


def _read_safetensors(path: Path, names: set[str] | None) -> State:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as tensors:
        wanted = [name for name in tensors.keys() if names is None or name in names]  # noqa: SIM118
        return {name: tensors.get_tensor(name).astype(np.float32) for name in wanted}


def _read_torch(path: Path, names: set[str] | None) -> State:
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
    wanted = [name for name in state if names is None or name in names]
    return {name: state[name].float().numpy() for name in wanted}


def read_metadata(path: Path) -> dict[str, str]:
    """The notes in a safetensors header; empty for other files."""
    if path.suffix.lower() != ".safetensors":
        return {}
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as tensors:
            return dict(tensors.metadata() or {})
    except SafetensorError as error:
        raise WeightsError(f"cannot read weights from {path} ({error}); it is damaged") from error


def save_state(path: Path, state: Mapping[str, NDArray[np.generic]], notes: dict[str, str]) -> None:
    """Write float16 or float32 tensors and notes as safetensors, the whole file or nothing.

    The library's own writer puts notes in random order and holds the tensors three times; here the
    same contents give the same bytes, so that a file can be known by its hash.
    """
    tensors = {name: np.ascontiguousarray(state[name]) for name in sorted(state)}
    header: dict[str, object] = {"__metadata__": notes}
    start = 0
    for name, tensor in tensors.items():
        kind, stop = _KINDS[tensor.dtype.name], start + tensor.nbytes
        header[name] = {"dtype": kind, "shape": tensor.shape, "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(header, sort_keys=True).encode()
    text += b" " * (-len(text) % 8)  # the format keeps numbers aligned to 8 bytes
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            stream.writelines([len(text).to_bytes(8, "little"), text])
            stream.writelines(tensor.data for tensor in tensors.values())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
