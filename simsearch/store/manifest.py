"""What an index says of itself: ``manifest.json``, and whether it fits the running program."""

import datetime as dt
import json
import platform
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Protocol

from simsearch.errors import StoreError

NAME = "manifest.json"
FORMAT = 1
_TABLES = ("collections", "names", "excluded", "skipped", "settings", "fitted", "libraries")
LIBRARIES = ("simsearch", "numpy", "pyarrow", "faiss-cpu", "ncnn", "openvino", "pillow", "torch")


class EncoderLike(Protocol):
    """The part of an encoder that decides whether descriptors can be compared."""

    name: str
    settings: Mapping[str, object]
    weights_sha256: str


@dataclass(frozen=True)
class EncoderStamp:
    """Which encoder made descriptors; only equal stamps make comparable ones."""

    name: str
    settings: Mapping[str, object] = field(default_factory=dict)
    weights_sha256: str = ""

    @classmethod
    def of(cls, encoder: EncoderLike) -> "EncoderStamp":
        """Stamp of a running encoder, its settings as JSON gives them back."""
        settings = json.loads(json.dumps(dict(encoder.settings)))
        return cls(encoder.name, settings, encoder.weights_sha256)

    def __str__(self) -> str:
        weights = f" (weights {self.weights_sha256[:8]})" if self.weights_sha256 else ""
        return f"{self.name}{weights}"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _versions() -> dict[str, str]:
    """Versions of the libraries that are installed; looking them up imports none of them."""
    import importlib.metadata  # slow itself, and readers of a manifest do not need it

    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class Manifest:
    """Contents of ``manifest.json``.

    Attributes:
        encoder: what made the descriptors.
        dim: width of a descriptor.
        items: number of items.
        collections: items of each collection.
        names: what is known of each collection besides (shown name, chain, contract).
        sales: number of sales.
        hygiene: whether sales hygiene was on.
        excluded: sales excluded by each reason code.
        skipped: things left out by each reason code.
        settings: how it was built (space, index kind, preprocessing ...), to build it so again.
        fitted: what was fitted and measured (spaces, index, recall).
        libraries: versions of the libraries.
        built_at: UTC time.
        build_id: differs between any two builds.
        format: number of this folder layout.
    """

    encoder: EncoderStamp
    dim: int
    items: int
    collections: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    sales: int = 0
    hygiene: bool = True
    excluded: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    fitted: Mapping[str, object] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=_versions)
    built_at: str = field(default_factory=_now)
    build_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    format: int = FORMAT

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read the manifest of an index folder.

        Raises:
            StoreError: there is no index, it is damaged, or its format is another.
        """
        path = folder / NAME
        rebuild = f"simsearch index build SOURCE... --out {folder}"
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise StoreError(f"{folder}: no index here; make one: {rebuild}") from error
        except (OSError, ValueError) as error:
            raise StoreError(f"{path}: unreadable ({error}); build again: {rebuild}") from error
        _require_format(values, path, rebuild)
        try:
            known = {entry.name: values[entry.name] for entry in fields(cls)}
            _require_types(known)
            return cls(**known | {"encoder": EncoderStamp(**values["encoder"])})
        except (KeyError, TypeError) as error:
            raise StoreError(f"{path}: damaged (at {error}); build again: {rebuild}") from error

    def write(self, folder: Path) -> None:
        """Write ``manifest.json``."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False)
        (folder / NAME).write_text(text + "\n", encoding="utf-8")

    def require_encoder(self, encoder: EncoderLike, folder: Path) -> None:
        """Refuse an encoder whose descriptors cannot be compared with the index's.

        Raises:
            StoreError: name, settings or weights differ.
        """
        running = EncoderStamp.of(encoder)
        if running == self.encoder:
            return
        same = str(running) == str(self.encoder)
        raise StoreError(
            f"{folder} was built with encoder {self.encoder}, not {running}"
            f"{' of these settings' if same else ''}; give its weights with --weights FILE, or "
            "build it again as it was built"
        )


def _require_types(values: Mapping[str, object]) -> None:
    """What is counted with or looked up in must be of its type: the file may have been edited."""
    wanted = dict.fromkeys(("dim", "items", "sales"), int) | dict.fromkeys(_TABLES, dict)
    for name, kind in wanted.items():
        if not isinstance(values[name], kind):
            raise TypeError(name)


def _require_format(values: object, path: Path, rebuild: str) -> None:
    found = values.get("format") if isinstance(values, dict) else None
    if not isinstance(found, int):
        raise StoreError(f"{path}: no manifest of an index; build again: {rebuild}")
    if found > FORMAT:
        raise StoreError(
            f"{path}: format {found} is newer than this program reads ({FORMAT}); "
            "upgrade it: pip install --upgrade simsearch"
        )
    if found < FORMAT:
        raise StoreError(f"{path}: format {found} is older than {FORMAT}; build again: {rebuild}")
