"""Pictures inside a zip archive, read one by one into memory; nothing is ever unpacked to disk."""

import lzma
import zipfile
import zlib
from contextlib import closing
from pathlib import Path

from simsearch.catalog import Item, Picture
from simsearch.errors import PictureError, SourceError
from simsearch.images import MAX_BYTES
from simsearch.sources.contents import Intake
from simsearch.sources.names import is_hidden, looks_like_picture, natural_order, token_id_of

_UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError)
_UNSUPPORTED = (NotImplementedError, RuntimeError)  # zipfile's for methods and passwords


class Archive:
    """An open zip archive; not for several threads at once."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise
        except (*_UNREADABLE, *_UNSUPPORTED, ValueError) as error:
            raise SourceError(
                f"{path}: cannot be read as a zip archive ({error}); make it again"
            ) from error
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            self._entries.setdefault(entry.filename, entry)

    def pictures(self) -> list[str]:
        """Names of the members that look like pictures, 2 before 10."""
        names = [entry.filename for entry in self._zip.infolist() if not entry.is_dir()]
        wanted = [name for name in names if _is_wanted(name)]
        return sorted(wanted, key=natural_order)

    def check(self, name: str) -> None:
        """Judge a member by its name and its entry.

        Raises:
            PictureError: ``missing``, ``outside``, ``encrypted`` or ``too-large``.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise PictureError("missing", f"no '{name}' in the archive; check the source")
        if _leads_outside(name):
            raise PictureError("outside", f"the name '{name}' leads out of the archive; rename it")
        if entry.flag_bits & 1:
            raise PictureError("encrypted", f"'{name}' is encrypted; pack it without a password")
        if entry.file_size > MAX_BYTES:
            size = f"{entry.file_size:,} bytes, over the limit of {MAX_BYTES:,}"
            raise PictureError("too-large", f"'{name}' unpacks to {size}; make it smaller first")

    def read(self, name: str) -> bytes:
        """Bytes of a member, of which no more than the limit are ever unpacked.

        Raises:
            PictureError: as ``check``, or ``unreadable``.
        """
        self.check(name)
        try:
            with self._zip.open(self._entries[name]) as member:
                data = member.read(MAX_BYTES + 1)
        except (*_UNREADABLE, *_UNSUPPORTED) as error:
            raise PictureError("unreadable", f"'{name}' cannot be unpacked ({error})") from error
        return data

    def close(self) -> None:
        """Close the file."""
        self._zip.close()


def _parts(name: str) -> list[str]:
    return name.replace("\\", "/").split("/")


def _is_wanted(name: str) -> bool:
    parts = [part for part in _parts(name) if part not in (".", "..")]
    return bool(parts) and not is_hidden(parts) and looks_like_picture(parts[-1])


def _leads_outside(name: str) -> bool:
    first, *rest = _parts(name)
    return first in ("", "..") or ":" in first or ".." in rest


def read_archive(path: Path, collection: str, intake: Intake, background: str = "") -> None:
    """Take the pictures of one archive as one collection."""
    with closing(Archive(path)) as archive:
        for name in archive.pictures():
            where = f"{path}:{name}"
            try:
                archive.check(name)
            except PictureError as error:
                intake.skip(where, error.code, str(error))
                continue
            picture = Picture("zip", str(path), name, background)
            intake.add(Item(collection, token_id_of(_parts(name)[-1]), picture), where)
