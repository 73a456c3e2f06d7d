"""Sales of tokens: reading them from any table, and the one table that an index keeps."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simsearch.arrow import codes, equals, numbers, open_parquet, readable, row_numbers
from simsearch.catalog import Skipped
from simsearch.errors import SalesError
from simsearch.tables import (
    BadCell,
    Row,
    cell_currency,
    cell_day,
    cell_price,
    cell_quantity,
    cell_text,
    read_rows,
)

if TYPE_CHECKING:
    import pyarrow

NEVER = np.iinfo(np.int32).max
"""Day number of a sale that no rule excludes: later than every date."""


@dataclass(frozen=True)
class Sale:
    """One sale as its file states it.

    Attributes:
        date: day of the sale (UTC where a clock time was given).
        price: finite and not negative, in units of ``currency``, for the whole sale.
        currency: as given.
        seller, buyer: wallets, empty where unknown.
        tx: transaction, empty where unknown; sales of one transaction are a bundle.
        quantity: units sold at once, at least 1.
        file, line: where the sale was read, lines from 1.
    """

    collection: str
    token_id: str
    date: dt.date
    price: float
    currency: str
    seller: str = ""
    buyer: str = ""
    tx: str = ""
    quantity: int = 1
    file: str = ""
    line: int = 0


def read_sales(
    path: Path, collection: str, columns: Mapping[str, str]
) -> tuple[list[Sale], list[Skipped]]:
    """Read the sales of one collection from a CSV, Parquet or JSONL file.

    Args:
        path: the table.
        collection: id given to every sale.
        columns: the file's column for ``id``, ``date``, ``price``, ``currency`` and, where there
            are such, ``seller``, ``buyer``, ``tx``, ``quantity``.

    Returns:
        The sales in file order, and one ``Skipped`` (source ``file:line``; code ``bad-row``,
        ``no-token``, ``bad-date``, ``bad-price``, ``unknown-currency`` or ``bad-quantity``) for
        each row that is none.

    Raises:
        SalesError: a needed column is not named, or the file lacks a column that is.
        SourceError: the file cannot be read.
    """
    _require(columns, path)
    sales: list[Sale] = []
    skipped: list[Skipped] = []
    seen: set[str] = set()
    for line, row in read_rows(path):
        try:
            if row is None:
                raise BadCell("bad-row", "not a JSON object")
            seen.update(row)
            sales.append(parse_sale(row, collection, columns, str(path), line))
        except BadCell as cell:
            skipped.append(Skipped(f"{path}:{line}", cell.code, f"no usable sale: {cell}"))
    lost = ", ".join(sorted(set(columns.values()) - seen))
    if lost and (sales or skipped):
        raise SalesError(f"{path}: no column {lost}; it has {', '.join(sorted(seen))}")
    return sales, skipped


def _require(columns: Mapping[str, str], path: Path) -> None:
    needed = {"id", "date", "price", "currency"}
    allowed = needed | {"seller", "buyer", "tx", "quantity"}
    wrong = sorted((needed - set(columns)) | (set(columns) - allowed))
    if wrong:
        raise SalesError(
            f"{path}: the [sales] section must name the columns {', '.join(sorted(needed))}, may "
            f"name {', '.join(sorted(allowed - needed))}; correct {', '.join(wrong)}"
        )


def parse_sale(row: Row, collection: str, columns: Mapping[str, str], file: str, line: int) -> Sale:
    """Make a sale of one row, or raise ``BadCell``."""
    cells = {name: row.get(column) for name, column in columns.items()}
    if not (token_id := cell_text(cells["id"])):
        raise BadCell("no-token", "no token id")
    return Sale(
        collection,
        token_id,
        date=cell_day(cells["date"]),
        price=cell_price(cells["price"]),
        currency=cell_currency(cells["currency"]),
        **{name: cell_text(cells.get(name)) for name in ("seller", "buyer", "tx")},
        quantity=cell_quantity(cells.get("quantity")),
        file=file,
        line=line,
    )


class SalesTable:
    """All sales of an index, each once, ordered by collection and day (a pyarrow table inside).

    Columns: those of ``Sale``, then ``usd`` (float64, null where no rate table converted it),
    ``reason`` (hygiene's code, null where the sale counts) and ``known_since`` (first day on which
    the exclusion is known, null where the sale counts). Rows of one day keep the order in which
    they were read.
    """

    def __init__(self, table: "pyarrow.Table") -> None:
        self.table = table

    @classmethod
    def from_sales(cls, sales: Iterable[Sale]) -> "SalesTable":
        """Order the sales and keep identical ones once (wherever they were read)."""
        import pyarrow

        sales = list(sales)
        schema = _schema()
        arrays = {name: [getattr(sale, name) for sale in sales] for name in _SALE_COLUMNS}
        arrays |= {name: [None] * len(sales) for name in schema.names if name not in arrays}
        return cls(pyarrow.table(arrays, schema=schema))._tidied()

    @classmethod
    def read(cls, path: Path) -> "SalesTable":
        """Read what ``write`` wrote, or raise ``StoreError``."""
        with readable(path):
            return cls(open_parquet(path).read().cast(_schema()))

    def write(self, path: Path) -> None:
        """Write the table as one Parquet file."""
        import pyarrow.parquet

        pyarrow.parquet.write_table(self.table, path, compression="zstd")

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def merge(self, other: "SalesTable") -> "SalesTable":
        """Both tables' sales, identical ones once; hygiene's marks are void and removed."""
        import pyarrow

        joined = SalesTable(pyarrow.concat_tables([self.table, other.table]))._tidied()
        return joined.with_marks([None] * len(joined), np.full(len(joined), NEVER, np.int32))

    def _tidied(self) -> "SalesTable":
        """Each sale once, by collection and day; the first row of several equal ones stays."""
        rows = self.table.append_column("row", [np.arange(len(self))])
        grouped = rows.group_by(_IDENTITY, use_threads=False).aggregate([("row", "min")])
        kept = self.table.take(np.sort(grouped["row_min"].to_numpy()))
        order = [("collection", "ascending"), ("date", "ascending")]
        return SalesTable(kept.sort_by(order).combine_chunks())  # Arrow's sort is stable

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "SalesTable":
        """Some of the sales, by row numbers or by a mask of all rows."""
        return SalesTable(self.table.take(row_numbers(rows)))

    def sale(self, row: int) -> Sale:
        """One row as a ``Sale``."""
        return Sale(**self.table.select(_SALE_COLUMNS).slice(row, 1).to_pylist()[0])

    def keys(self) -> list[str]:
        """``collection/token_id`` of each sale."""
        columns = [self.table[name].to_pylist() for name in ("collection", "token_id")]
        return list(map("/".join, zip(*columns, strict=True)))

    def text(self, name: str) -> list[str | None]:
        """A text column (``collection``, ``token_id``, ``currency``, ``reason`` …) as a list."""
        return self.table[name].to_pylist()  # type: ignore[no-any-return]

    def codes(self, name: str) -> tuple[NDArray[np.int32], list[str]]:
        """A text column without nulls as int32 numbers into the list of its distinct values."""
        return codes(self.table[name])

    @property
    def days(self) -> NDArray[np.int32]:
        """Date of each sale as days since 1970-01-01."""
        return numbers(self.table["date"], NEVER)

    @property
    def prices(self) -> NDArray[np.float64]:
        """Price of each sale in its own currency."""
        return numbers(self.table["price"], math.nan)

    @property
    def known_since(self) -> NDArray[np.int32]:
        """Day number from which the exclusion of each sale is known; ``NEVER`` where it counts."""
        return numbers(self.table["known_since"], NEVER)

    def amounts(self, currency: str) -> NDArray[np.float64]:
        """Price of each sale in one currency; NaN where the sale has no price in it.

        Prices in another currency are never taken for it: ``USD`` adds the sales that a rate table
        converted, every other currency means the sales made in it.
        """
        usd = numbers(self.table["usd"], math.nan) if currency == "USD" else math.nan
        return np.where(equals(self.table["currency"], currency), self.prices, usd)

    def excluded_at(self, day: dt.date | int) -> NDArray[np.bool_]:
        """Which sales an estimate for ``day`` must leave out, by what was known before it."""
        return self.known_since <= (day_number(day) if isinstance(day, dt.date) else day)

    def counts(self) -> dict[str, int]:
        """Number of excluded sales by reason code, in alphabetical order."""
        reasons = [reason for reason in self.text("reason") if reason]
        return {code: reasons.count(code) for code in sorted(set(reasons))}

    def last_sales(self) -> "SalesTable":
        """The sale shown to people for each token: its latest that hygiene does not exclude.

        Of several on that day it is the one read last.
        """
        import pyarrow.compute as pc

        valid = self.table.filter(pc.is_null(self.table["reason"]))
        rows = valid.append_column("row", [np.arange(valid.num_rows)])
        latest = rows.group_by(["collection", "token_id"], use_threads=False)
        return SalesTable(valid.take(latest.aggregate([("row", "max")])["row_max"]))

    def with_marks(
        self, reasons: Sequence[str | None], known_since: NDArray[np.int32]
    ) -> "SalesTable":
        """The same sales with hygiene's reason codes and days (``NEVER`` = the sale counts)."""
        import pyarrow

        days = pyarrow.array(known_since, mask=known_since == NEVER).cast(pyarrow.date32())
        marks = pyarrow.array(reasons, pyarrow.string())
        return self._set("reason", marks)._set("known_since", days)

    def with_usd(self, amounts: NDArray[np.float64]) -> "SalesTable":
        """The same sales with their price in US dollars (NaN = not converted)."""
        import pyarrow

        return self._set("usd", pyarrow.array(amounts, mask=np.isnan(amounts)))

    def _set(self, name: str, values: "pyarrow.Array") -> "SalesTable":
        position = self.table.schema.get_field_index(name)
        return SalesTable(self.table.set_column(position, self.table.field(name), values))


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - dt.date(1970, 1, 1).toordinal()


_SALE_COLUMNS = [field.name for field in fields(Sale)]
_IDENTITY = [name for name in _SALE_COLUMNS if name not in ("file", "line")]


def _schema() -> "pyarrow.Schema":
    import pyarrow as pa

    text = {name: pa.string() for name in _SALE_COLUMNS}
    numbers = {
        "date": pa.date32(),
        "price": pa.float64(),
        "quantity": pa.int32(),
        "line": pa.int64(),
    }
    marks = {"usd": pa.float64(), "reason": pa.string(), "known_since": pa.date32()}
    return pa.schema({**text, **numbers, **marks})
