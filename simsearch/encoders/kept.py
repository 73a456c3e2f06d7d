"""Weights of one's own in the index built with them, so that it can be moved and asked alone.

The encoder ``vgg16-nft`` keeps them; those of ``vgg16`` are hundreds of megabytes, so it does not.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from simsearch.encoders import Encoder
from simsearch.encoders.preprocessed import Preprocessed, preprocessing_of
from simsearch.encoders.vgg16_nft import VGG16NFT
from simsearch.errors import StoreError, WeightsError

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


def restore(load: Callable[[Path | None], Encoder], sha256: str, folder: Path) -> Encoder:
    """The encoder of an index with the weights that it holds, else with the published ones.

    Args:
        load: makes the encoder of a file of weights, of the published ones where there is none.
        sha256: of the weights that the index was built with.
        folder: the index.

    Raises:
        StoreError: what it holds is damaged or other, or missing.
        WeightsError: the published ones are not at hand.
    """
    path = kept_path(folder, sha256)
    there = path.is_file()
    try:
        encoder = load(path if there else None)
    except WeightsError as error:
        if there:
            raise StoreError(f"{error}; {_AGAIN}") from error
        raise
    if isinstance(encoder, VGG16NFT) and encoder.weights_sha256 != sha256:
        built = "the weights that the index was built with"
        raise StoreError(f"{path}: {f'not {built}' if there else f'{built} are missing'}; {_AGAIN}")
    return encoder
