"""Pictures that ask an index: files, standard input, or keys of its items."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simsearch.cli.console import notice
from simsearch.cli.options import chosen_index

if TYPE_CHECKING:
    from simsearch.answer import Query
    from simsearch.engine import SearchEngine

STDIN = "-"


@dataclass(frozen=True)
class Failure:
    """A picture that could not be asked with."""

    query: str
    error: str


def open_engine(
    pictures: Sequence[str], index: Path | None, weights: Path | None
) -> "SearchEngine":
    """Open the index; its encoder is loaded meanwhile where a picture will need it."""
    place = chosen_index(index)
    from simsearch.engine import SearchEngine

    files = [name for name in pictures if name == STDIN or os.path.exists(name)]
    return SearchEngine.open(place, weights=weights, ahead=bool(files))


def asked_pictures(engine: "SearchEngine", names: Sequence[str]) -> "Iterator[Query | Failure]":
    """A query of each picture; one that cannot be read is named on stderr and stops nothing."""
    from simsearch.errors import ItemNotFoundError, PictureError

    for name in names:
        try:
            yield read_picture(engine, name)
        except (ItemNotFoundError, PictureError, OSError) as error:
            yield failed(name, error)


def failed(name: str, error: Exception) -> Failure:
    """Name a picture that could not be asked with on stderr."""
    reason = str(error.strerror if isinstance(error, OSError) else error)
    notice(f"error: {name}: {reason}")
    return Failure(name, reason)


def picture_bytes(name: str) -> bytes:
    """What a file or standard input holds.

    Raises:
        PictureError: no bytes, or too many.
        OSError: the file cannot be read.
    """
    from simsearch.images import MAX_BYTES
    from simsearch.sources.reader import read_file

    return sys.stdin.buffer.read(MAX_BYTES + 1) if name == STDIN else read_file(Path(name))


def read_picture(engine: "SearchEngine", name: str) -> "Query":
    """Make a query of a file, of standard input, or of an indexed item's key.

    Raises:
        PictureError: no usable picture.
        ItemNotFoundError: neither a file nor a key.
        OSError: the file cannot be read.
    """
    from simsearch.errors import ItemNotFoundError

    if name == STDIN or os.path.exists(name):
        return engine.read(picture_bytes(name), name)
    try:
        return engine.item(name)
    except ItemNotFoundError as error:
        raise ItemNotFoundError(f"no such file, and {error}") from error
