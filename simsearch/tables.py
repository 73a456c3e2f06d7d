"""Rows of a CSV, TSV, Parquet or JSONL file with their line numbers, and what a cell means."""

import csv
import datetime as dt
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from simsearch.errors import SourceError

Row = Mapping[str, object]
NumberedRow = tuple[int, Row | None]

_CURRENCY = re.compile(r"[^\W\d_][\w.$-]{0,19}")
MOST_PRICE = 1e15
"""No sale was ever higher in any currency; what is, is in the smallest unit, or a slip."""
_NO_CURRENCY = {"", "unknown", "none", "null", "nan", "na", "n/a", "other"}


class BadCell(ValueError):  # noqa: N818  # no error of the program: the row is skipped and counted
    """A cell that cannot mean what its column needs; ``code`` is the reason code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_rows(path: Path) -> Iterator[NumberedRow]:
    """Yield ``(line, row)``; the row is None where a line of JSONL is no JSON object.

    Lines count from 1, header included; of a Parquet file the number is the row's. CSV cells are
    text, a missing cell is ``""``.

    Raises:
        SourceError: the file is absent, of another type, or cannot be read.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise SourceError(f"{path}: not a table; give a file ending in {', '.join(_READERS)}")
    try:
        yield from reader(path)
    except FileNotFoundError as error:
        raise SourceError(f"{path}: no such file; check the path") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(
            f"{path}: cannot be read as a table ({error}); give one in UTF-8"
        ) from error


def _read_csv(path: Path, delimiter: str = ",") -> Iterator[NumberedRow]:
    csv.field_size_limit(2**31 - 1)  # a cell may hold a whole picture as base64
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restval="", delimiter=delimiter, skipinitialspace=True)
        for row in reader:
            row.pop(None, None)  # cells beyond the header
            yield reader.line_num, row


def _read_tsv(path: Path) -> Iterator[NumberedRow]:
    return _read_csv(path, "\t")


def _read_jsonl(path: Path) -> Iterator[NumberedRow]:
    with path.open(encoding="utf-8-sig") as file:
        for line, text in enumerate(file, start=1):
            if text.strip():
                yield line, _json_object(text)


def _json_object(text: str) -> Row | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _read_parquet(path: Path) -> Iterator[NumberedRow]:
    import pyarrow
    import pyarrow.parquet

    try:
        line = 0
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches(batch_size=256):
            for row in batch.to_pylist():
                line += 1
                yield line, row
    except pyarrow.ArrowException as error:
        raise SourceError(f"{path}: cannot be read as Parquet ({error})") from error


_READERS: dict[str, Callable[[Path], Iterator[NumberedRow]]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".parquet": _read_parquet,
}


def cell_text(cell: object) -> str:
    """Text of a cell; token ids are text, so 7 and 7.0 mean ``7``, and NaN and None nothing."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell).strip()
    if text.isascii():
        return text
    return text.encode(errors="replace").decode()  # JSON may hold halves of characters


def cell_day(cell: object) -> dt.date:
    """Day of an ISO date, an ISO time (in UTC), or seconds or milliseconds since 1970."""
    try:
        if isinstance(cell, dt.datetime):
            return _utc_day(cell)
        if isinstance(cell, dt.date):
            return cell
        text = cell_text(cell)
        if re.fullmatch(r"\d{9,10}|\d{12,13}", text):
            seconds = int(text) / (1000 if len(text) > 10 else 1)
            return dt.datetime.fromtimestamp(seconds, dt.UTC).date()
        return _utc_day(dt.datetime.fromisoformat(text.removesuffix(" UTC")))
    except (ValueError, OverflowError) as error:
        raise BadCell("bad-date", f"'{cell}' is no date; write YYYY-MM-DD") from error


def _utc_day(time: dt.datetime) -> dt.date:
    return (time.astimezone(dt.UTC) if time.tzinfo else time).date()


def cell_price(cell: object) -> float:
    """A number from 0 to ``MOST_PRICE``."""
    try:
        price = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        price = math.nan
    if isinstance(cell, bool) or not 0 <= price <= MOST_PRICE:
        raise BadCell("bad-price", f"'{cell}' is no price; write a number from 0 to {MOST_PRICE:g}")
    return price


def cell_currency(cell: object) -> str:
    """A currency as given: a letter, then up to 19 letters, digits or ``._$-``; not "unknown"."""
    text = cell_text(cell)
    if text.lower() in _NO_CURRENCY or not _CURRENCY.fullmatch(text):
        raise BadCell("unknown-currency", f"'{text}' is no currency; write a symbol such as ETH")
    return text


def cell_quantity(cell: object) -> int:
    """A whole number of 1 or more; 1 where the cell is empty."""
    text = cell_text(cell) or "1"
    if not re.fullmatch(r"\d{1,9}", text) or int(text) == 0:
        raise BadCell("bad-quantity", f"'{text}' is no quantity; write a whole number of 1 or more")
    return int(text)
