"""Weights of one's own in the index built with them, so that it can be moved and asked alone.

The encoder ``vgg16-nft`` keeps them; those of ``vgg16`` are hundreds of megabytes, so it does not.
"""

import shutil
from pathlib import Path

from simsearch.encoders import Encoder
from simsearch.encoders.preprocessed import Preprocessed, preprocessing_of
from simsearch.encoders.vgg16_nft import VGG16NFT
from simsearch.errors import StoreError, WeightsError
from simsearch.tensors import load_state, sha256_state

_AGAIN = "put it back, or give the weights with --weights FILE"


def kept_path(folder: Path, sha256: str) -> Path:
    """Where an index has the weights of this hash, if they are of one's own."""
    return folder / Path(f"encoder-{str(sha256)[:12]}.safetensors").name  # whatever it says


def keep(encoder: Encoder, folder: Path) -> None:
    """Write into an index what its encoder needs and the package does not hold."""
    preprocessing_of(encoder).keep(folder)
    network = encoder.encoder if isinstance(encoder, Preprocessed) else encoder
    if isinstance(network, VGG16NFT) and not network.shipped:
        network.save(kept_path(folder, network.weights_sha256))


def carry(sha256: str, old: Path, new: Path) -> None:
    """Copy the weights that an index holds, if any, into the one that takes its place."""
    if (path := kept_path(old, sha256)).is_file():
        shutil.copyfile(path, new / path.name)


def find_kept(sha256: str, folder: Path) -> Path | None:
    """The weights that an index holds; None where it holds none.

    Raises:
        StoreError: they are damaged, or others.
    """
    path = kept_path(folder, sha256)
    if not path.is_file():
        return None
    try:
        found = sha256_state(load_state(path))
    except WeightsError as error:
        raise StoreError(f"{error}; {_AGAIN}") from error
    if found != sha256:
        raise StoreError(f"{path}: not the weights that the index was built with; {_AGAIN}")
    return path


def require_shipped(encoder: Encoder, sha256: str, folder: Path) -> None:
    """Refuse the encoder of the package where an index was built with weights it holds no more.

    Raises:
        StoreError: naming the file that is missing.
    """
    if isinstance(encoder, VGG16NFT) and encoder.weights_sha256 != sha256:
        path = kept_path(folder, sha256)
        raise StoreError(f"{path}: the weights that the index was built with are missing; {_AGAIN}")
