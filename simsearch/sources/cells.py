"""Pictures written into the cells of a table: ``data:`` URIs, bare base64, or plain bytes."""

import base64
import binascii
import codecs
import csv
import json
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote_to_bytes

from simsearch.errors import PictureError, SourceError
from simsearch.images import MAX_BYTES

_MAX_TEXT = MAX_BYTES * 4 // 3 + 1000
# How base64 of each known format begins: PNG, JPEG, GIF, WebP, BMP, TIFF, AVIF, SVG and HTML.
_BASE64_START = re.compile(
    "iVBORw0KGgo|/9j/|R0lGOD|UklGR|Qk|SUkqA|TU0AK|AAAA.{4}eX|PHN2Zy|PD94bW|PCFET0|PGh0bW"
)


def is_inline(cell: object) -> bool:
    """Whether a cell holds the picture itself, not a place where it lies."""
    if isinstance(cell, bytes):
        return True
    if isinstance(cell, dict):  # the image column of some public Parquet files
        return isinstance(cell.get("bytes"), bytes)
    if not isinstance(cell, str):
        return False
    text = cell.lstrip()[:200]
    if text[:5].lower() == "data:":
        return True
    return bool(_BASE64_START.match(text) and re.fullmatch(r"[\w+/=\s-]{20,}", text))


def picture_bytes(cell: object) -> bytes:
    """The encoded picture that a cell holds; its length is judged before it is decoded.

    Raises:
        PictureError: ``too-large``, ``bad-base64`` or ``missing``.
    """
    if isinstance(cell, dict):
        cell = cell.get("bytes")
    if isinstance(cell, bytes):
        return cell
    if not isinstance(cell, str):
        raise PictureError("missing", "the table has no picture there any more; check the source")
    if len(cell) > _MAX_TEXT:
        raise PictureError("too-large", f"{len(cell):,} characters; make the picture smaller first")
    head, comma, body = cell.strip().partition(",")
    if head[:5].lower() != "data:":
        return _from_base64(cell)
    if not comma:
        raise PictureError("bad-base64", "the data: URI has no comma; write the picture again")
    return _from_base64(body) if head.lower().endswith(";base64") else unquote_to_bytes(body)


def _from_base64(text: str) -> bytes:
    compact = re.sub(r"\s|%0[aA]", "", unquote_to_bytes(text).decode("latin-1")).rstrip("=")
    standard = compact.replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError("bad-base64", f"no base64 ({error}); write the picture again") from error


class Cells(Protocol):
    """A table of which single cells can be read in any order; not for several threads at once."""

    def read(self, member: str) -> bytes:
        """The picture in the cell named ``<row>:<column>``; rows count from 1 behind the header."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def open_cells(path: Path) -> Cells:
    """Open a table for reading single pictures.

    Raises:
        OSError, SourceError: it cannot be read.
    """
    return ParquetCells(path) if path.suffix.lower() == ".parquet" else TextCells(path)


def _place(member: str, rows: int, path: Path) -> tuple[int, str]:
    """Row from 0 and column of ``<row>:<column>``."""
    row, _, column = member.partition(":")
    if not row.isdecimal() or not 1 <= int(row) <= rows:
        raise PictureError("missing", f"{path} has no row {row}; check the source")
    return int(row) - 1, column


class TextCells:
    """Cells of a CSV, TSV or JSONL file, found by where their rows begin."""

    def __init__(self, path: Path) -> None:
        csv.field_size_limit(2**31 - 1)  # a cell may hold a whole picture as base64
        self._path = path
        self._delimiter = {".csv": ",", ".tsv": "\t"}.get(path.suffix.lower())
        self._file = path.open("rb")
        self._behind = 0
        self._starts = array("q")
        try:
            self._header = self._scan()
        except (csv.Error, UnicodeDecodeError) as error:
            self.close()
            raise SourceError(f"{path}: cannot be read as a table ({error})") from error

    def _scan(self) -> list[str]:
        """Note where each row begins; the header of a CSV file is none."""
        if self._file.read(3) != codecs.BOM_UTF8:
            self._file.seek(0)
        start = self._file.tell()
        for row in self._rows():
            if row:
                self._starts.append(start)
            start = self._behind
        if self._delimiter is None or not self._starts:
            return []
        self._file.seek(self._starts.pop(0))
        return next(self._rows())

    def _rows(self) -> Iterator[list[str]]:
        """Cells of each row from where the file stands; a line of JSONL is one cell."""
        if self._delimiter is None:
            return ([text] if (text := line.strip()) else [] for line in self._lines())
        return csv.reader(self._lines(), delimiter=self._delimiter, skipinitialspace=True)

    def _lines(self) -> Iterator[str]:
        self._behind = self._file.tell()
        for chunk in self._file:
            for line in chunk.splitlines(keepends=True):
                self._behind += len(line)
                yield line.decode()

    def read(self, member: str) -> bytes:
        """The picture in the cell named ``<row>:<column>``."""
        row, column = _place(member, len(self._starts), self._path)
        self._file.seek(self._starts[row])
        cells = next(self._rows())
        if self._delimiter is None:
            return picture_bytes(json.loads(cells[0])[column])
        return picture_bytes(dict(zip(self._header, cells, strict=False))[column])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ParquetCells:
    """Cells of a Parquet file; one column of one row group is kept, so in order is fast."""

    def __init__(self, path: Path) -> None:
        import pyarrow
        import pyarrow.parquet

        try:
            self._file = pyarrow.parquet.ParquetFile(path)
        except pyarrow.ArrowException as error:
            raise SourceError(f"{path}: cannot be read as Parquet ({error})") from error
        self._path = path
        metadata = self._file.metadata
        sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        self._stops = list(accumulate(sizes))
        self._held: tuple[int, str, pyarrow.ChunkedArray] | None = None

    def read(self, member: str) -> bytes:
        """The picture in the cell named ``<row>:<column>``."""
        row, column = _place(member, self._file.metadata.num_rows, self._path)
        group = bisect_right(self._stops, row)
        if self._held is None or self._held[:2] != (group, column):
            cells = self._file.read_row_group(group, columns=[column])[column]
            self._held = (group, column, cells)
        first = self._stops[group - 1] if group else 0
        return picture_bytes(self._held[2][row - first].as_py())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
