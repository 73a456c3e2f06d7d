"""Published network weights: where they lie on this machine, how they are fetched and checked."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from simsearch.errors import UsageError, WeightsError
from simsearch.tensors import load_state, read_metadata, save_state


@dataclass(frozen=True)
class WeightsFile:
    """One published file of weights.

    Attributes:
        name: the encoder, or the step of preprocessing, that it belongs to.
        file: file name.
        sha256: hash of the whole file.
        size: bytes; a download that grows beyond them is stopped.
        url: where it is fetched from; empty where the package holds it.
    """

    name: str
    file: str
    sha256: str
    size: int
    url: str = ""


@dataclass(frozen=True)
class WeightsPlace:
    """A published file and where this machine has it; ``path`` is None where it does not."""

    published: WeightsFile
    path: Path | None


PUBLISHED = {
    "vgg16-nft": WeightsFile(
        name="vgg16-nft",
        file="vgg16_nft.safetensors",
        sha256="3b63be50c18639e308bb4ac61f552e90a29bd9638322206bff8e3451c1b345f1",
        size=1_844_120,
    ),
    "vgg16": WeightsFile(
        name="vgg16",
        file="vgg16-397923af.pth",
        sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        size=553_433_881,
        url="https://download.pytorch.org/models/vgg16-397923af.pth",
    ),
    "denoiser": WeightsFile(
        name="denoiser",
        file="denoiser.safetensors",
        sha256="b972253482863b9471e904b75cfe07139346df4c14228a3ec644c26d284ee4cf",
        size=215_910,
    ),
}

_PACKAGE_FOLDER = Path(__file__).parent / "encoders" / "weights"
_TIMEOUT_SECONDS = 30.0
_CHUNK_BYTES = 1 << 20


def cache_folder() -> Path:
    """Where downloads go: ``$SIMSEARCH_CACHE``, else ``~/.cache/simsearch``."""
    given = os.environ.get("SIMSEARCH_CACHE")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "simsearch"


def torch_hub_folder() -> Path:
    """Where torchvision keeps the files that it downloads; read without importing torch."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))
    return Path(home).expanduser() / "hub" / "checkpoints"


def published(name: str) -> WeightsFile:
    """The published file of an encoder; UsageError where it has none."""
    if name not in PUBLISHED:
        raise UsageError(f"no weights are called {name!r}; choose from {', '.join(PUBLISHED)}")
    return PUBLISHED[name]


def find_weights(name: str, given: Path | None = None, *, fetch: bool = True) -> Path:
    """Find the weights of an encoder: the given file, the package, the caches, the network.

    A file of one's own may have any hash; a published one must have its own.

    Args:
        name: an encoder that has weights.
        given: a file of one's own, used as it is.
        fetch: whether to download what is nowhere; a progress bar goes to stderr.

    Raises:
        WeightsError: nothing is there, or a file is not the published one.
    """
    if given is not None:
        if not given.is_file():
            raise WeightsError(f"no weights file {given}; check --weights")
        return given
    wanted = published(name)
    found = _locate(wanted)
    if found is None:
        if not (fetch and wanted.url):
            raise WeightsError(_absent(wanted, "not on this machine"))
        found = download(wanted, cache_folder())
    else:
        _check_origin(found, wanted)
    return _without_torch(found, wanted)


def list_weights() -> list[WeightsPlace]:
    """Every published file and where it lies, without hashing or fetching anything."""
    return [WeightsPlace(wanted, _locate(wanted)) for wanted in PUBLISHED.values()]


def _locate(wanted: WeightsFile) -> Path | None:
    """The first place that has the file, or its copy readable without torch."""
    if not wanted.url:
        places = [_PACKAGE_FOLDER / wanted.file]
    else:
        folders = cache_folder(), torch_hub_folder()
        places = [_copy_path(wanted), *(folder / wanted.file for folder in folders)]
    return next((place for place in places if place.is_file()), None)


def _check_origin(path: Path, wanted: WeightsFile) -> None:
    """Refuse a file of another hash, or a copy that was not made from the published file."""
    is_copy = path.suffix != Path(wanted.file).suffix
    actual = read_metadata(path).get("source_sha256", "") if is_copy else sha256_file(path)
    if actual != wanted.sha256:
        mend = "delete it and run again" if wanted.url else "install simsearch again"
        raise WeightsError(
            f"{path} is not the published {wanted.file}: sha256 {actual[:12] or 'unknown'}, "
            f"expected {wanted.sha256[:12]}; {mend}, or give a file of your own with --weights"
        )


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def download(wanted: WeightsFile, folder: Path) -> Path:
    """Fetch a published file into a folder with a progress bar; whole and checked, or not at all.

    Raises:
        WeightsError: no network, a broken or overlong transfer, or another hash.
    """
    from http.client import HTTPException

    target = folder / wanted.file
    try:
        with _appearing(target) as stream:
            _transfer(wanted, stream)
            stream.flush()
            if (actual := sha256_file(Path(stream.name))) != wanted.sha256:
                raise OSError(f"what came has sha256 {actual[:12]}, not {wanted.sha256[:12]}")
    except (OSError, HTTPException) as error:
        raise WeightsError(_absent(wanted, f"download failed: {error}")) from error
    return target


def _transfer(wanted: WeightsFile, stream: IO[bytes]) -> None:
    """Copy the body of the URL, exactly as many bytes as published."""
    import urllib.request

    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn(wanted.file), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    received = 0
    with (
        urllib.request.urlopen(wanted.url, timeout=_TIMEOUT_SECONDS) as body,  # noqa: S310 - a constant
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        task = progress.add_task("download", total=wanted.size)
        while received <= wanted.size and (chunk := body.read(_CHUNK_BYTES)):
            stream.write(chunk)
            received += len(chunk)
            progress.advance(task, len(chunk))
    if received != wanted.size:
        raise OSError(f"got {received:,} bytes, expected {wanted.size:,}")


@contextmanager
def _appearing(path: Path) -> Iterator[IO[bytes]]:
    """A file written beside its place and renamed into it; nothing is left when that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False)  # noqa: SIM115
    try:
        with stream:
            yield stream
        os.chmod(stream.name, 0o644)  # temporary files are private, a cache may be shared
        os.replace(stream.name, path)
    except BaseException:
        Path(stream.name).unlink(missing_ok=True)
        raise


def _absent(wanted: WeightsFile, reason: str) -> str:
    """The one message for weights that are not here: what is missing, and every way out."""
    if not wanted.url:
        return f"the package lacks {wanted.file} ({reason}): install simsearch again"
    return (
        f"no {wanted.name} weights ({reason}): fetch {wanted.url}, put {wanted.file} into "
        f"{cache_folder()}, or name it with --weights FILE, or use --encoder vgg16-nft, "
        "which needs no download"
    )


def _copy_path(wanted: WeightsFile) -> Path:
    return cache_folder() / Path(wanted.file).with_suffix(".safetensors").name


def _without_torch(path: Path, wanted: WeightsFile) -> Path:
    """A copy that the next start reads without importing torch; the file itself if none fits."""
    if path.suffix == ".safetensors":
        return path
    notes = {"format": "1", "source": wanted.file, "source_sha256": wanted.sha256}
    with suppress(OSError):  # a full or read-only cache only costs time
        save_state(_copy_path(wanted), load_state(path), notes)
        return _copy_path(wanted)
    return path
