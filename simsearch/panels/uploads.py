"""Archives that the page was given: kept beside the index, for its items are read from them."""

import hashlib
import io
import re
import zipfile
from pathlib import Path

from simsearch.errors import SourceError
from simsearch.store import store

MAX_BYTES = 32 * 2**20
"""Bytes of an archive at most; the server refuses larger ones before they are in memory."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def collection_of(file: str) -> str:
    """An id for the collection that a file holds: its name's letters, digits and dashes."""
    stem = re.sub(r"\.zip$", "", file, flags=re.IGNORECASE)
    return re.sub(r"[^a-z0-9._]+", "-", stem.lower()).strip("-._")[:64] or "uploaded"


def keep_upload(index: Path, collection: str, data: bytes) -> Path:
    """Write an archive of pictures beside an index.

    Args:
        index: the index folder.
        collection: id of the collection that its pictures become.
        data: the archive.

    Returns:
        Its path, in a folder named after its content, so that equal ones are kept once.

    Raises:
        SourceError: the id has other letters than an id may, the data are no zip archive, or more
            than ``MAX_BYTES``.
    """
    if not _NAME.fullmatch(collection):
        raise SourceError(
            f"'{collection}' is no id of a collection: letters, digits, dots, dashes and "
            "underlines, 64 at most, a letter or digit first"
        )
    if len(data) > MAX_BYTES:
        size = f"{len(data):,} bytes, over the limit of {MAX_BYTES:,}"
        raise SourceError(f"{size}; pack the pictures into several archives")
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise SourceError("no zip archive; pack the pictures into one, each named by its token id")
    folder = uploads_of(index) / hashlib.sha256(data).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{collection}.zip"
    new = folder / f".{collection}.new"
    new.write_bytes(data)
    new.replace(path)
    return path


def uploads_of(index: Path) -> Path:
    """The folder beside an index that uploads are kept in."""
    return store.beside(index, "uploads")


def forget_upload(path: Path) -> None:
    """Remove an archive of which nothing was indexed."""
    path.unlink(missing_ok=True)
    if not any(path.parent.iterdir()):
        path.parent.rmdir()


def folders_in(allowed: list[Path]) -> list[Path]:
    """The folders that may be added: those allowed, and what lies directly in them."""
    found = dict.fromkeys(allowed)
    for root in allowed:
        inside = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
        visible = (path for path in inside if not path.name.startswith("."))
        found |= dict.fromkeys(path for path in visible if path.resolve().is_relative_to(root))
    return list(found)
