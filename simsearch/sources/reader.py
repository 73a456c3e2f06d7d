"""Reads the pictures that items point to: files, members of archives, tiles, cells of tables."""

import hashlib
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from PIL import Image

from simsearch.catalog import Picture
from simsearch.errors import PictureError, SourceError
from simsearch.images import MAX_BYTES, RGB, check_bytes, load_image, load_rgb
from simsearch.sources.archive import Archive
from simsearch.sources.cells import open_cells
from simsearch.sources.sheet import Sheet


class _Container(Protocol):
    def read(self, member: str) -> bytes | Image.Image: ...

    def close(self) -> None: ...


_OPENERS: dict[str, Callable[[Path], _Container]] = {
    "zip": Archive,
    "tile": Sheet,
    "inline": open_cells,
}


@dataclass(frozen=True)
class EncodedPicture:
    """A picture as it was read, not decoded yet.

    Attributes:
        picture: where it was read.
        content_hash: sha256, 64 hex digits, of the encoded bytes and the background, of a tile of
            its pixels; where it is the same, the decoded picture is the same.
    """

    picture: Picture
    content_hash: str
    _content: bytes | RGB = field(repr=False)

    def rgb(self) -> RGB:
        """Decode: uint8 (h, w, 3), upright, on its background.

        Raises:
            PictureError: the bytes are no usable picture; the message names their place.
        """
        if not isinstance(self._content, bytes):
            return self._content
        try:
            return load_image(self._content, background=self.picture.background)
        except PictureError as error:
            raise PictureError(error.code, f"{place_of(self.picture)}: {error}") from error


class PictureReader:
    """Reads pictures from several threads, keeping the last few archives, sheets and tables open.

    Memory is bounded by these: a sheet is held decoded, in its own mode. Pictures that are asked
    for container by container, as sources give them, open each container once.
    """

    def __init__(self, open_containers: int = 4) -> None:
        self._limit = open_containers
        self._open: OrderedDict[tuple[str, str], _Container] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, picture: Picture) -> EncodedPicture:
        """Fetch a picture without decoding it (a tile is cut from its decoded sheet).

        Raises:
            PictureError: ``missing`` where it has gone, ``unreadable``, or a reason of
                ``simsearch.images`` or ``simsearch.sources``; the message names the place.
        """
        try:
            content = self._fetch(picture)
        except PictureError as error:
            raise PictureError(error.code, f"{place_of(picture)}: {error}") from error
        except FileNotFoundError as error:
            message = f"{place_of(picture)}: has gone; put it back or leave it out"
            raise PictureError("missing", message) from error
        except (OSError, SourceError, LookupError, ValueError) as error:
            raise PictureError("unreadable", f"{place_of(picture)}: {error}") from error
        if isinstance(content, Image.Image):
            rgb = load_rgb(content, picture.background)
            return EncodedPicture(picture, _hash(rgb.tobytes(), str(rgb.shape)), rgb)
        return EncodedPicture(picture, _hash(content, picture.background), content)

    def _fetch(self, picture: Picture) -> bytes | Image.Image:
        if picture.kind == "file":
            return read_file(Path(picture.path))
        with self._lock:
            return self._container(picture.kind, picture.path).read(picture.member)

    def _container(self, kind: str, path: str) -> _Container:
        if (kind, path) not in self._open:
            if len(self._open) >= self._limit:
                self._open.popitem(last=False)[1].close()
            self._open[kind, path] = _OPENERS[kind](Path(path))
        self._open.move_to_end((kind, path))
        return self._open[kind, path]

    def close(self) -> None:
        """Close all archives, sheets and tables."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read_file(path: Path) -> bytes:
    """Bytes of one picture file; its size is judged before it is read.

    Raises:
        PictureError: ``empty``, ``too-large`` or ``unreadable``.
        OSError: it is absent or cannot be read.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise PictureError("unreadable", "is no plain file; give the picture itself")
    check_bytes(status.st_size)
    with path.open("rb") as file:
        return file.read(MAX_BYTES)


def place_of(picture: Picture) -> str:
    """Where a picture lies, for people."""
    return f"{picture.path}:{picture.member}" if picture.member else picture.path


def _hash(data: bytes, context: str) -> str:
    digest = hashlib.sha256(data)
    digest.update(context.encode())
    return digest.hexdigest()
