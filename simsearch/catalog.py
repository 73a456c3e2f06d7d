"""Items and where their pictures lie: the table whose row i is vector row i."""

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simsearch.arrow import codes, equals, numbers, open_parquet, readable, row_numbers
from simsearch.errors import ItemNotFoundError, StoreError

if TYPE_CHECKING:
    import pyarrow

Trait = tuple[str, str]
_SHOWN = 3
"""Collections that an error names."""


@dataclass(frozen=True)
class Picture:
    """Where one encoded picture lies; nothing is read until ``sources.PictureReader`` is asked.

    Attributes:
        kind: ``file`` (path is the picture), ``zip`` (member is a name inside the archive at path),
            ``tile`` (member is ``<width>x<height>+<number>`` in the sheet at path) or ``inline``
            (member is ``<line>:<column>``, a cell of the table at path).
        path: absolute path of the file that holds the picture.
        member: place inside that file, empty for ``file``.
        background: colour put behind transparent pixels, ``#rrggbb``; empty means white.
    """

    kind: str
    path: str
    member: str = ""
    background: str = ""


@dataclass(frozen=True)
class Item:
    """One token: its key, its picture and what is known of it."""

    collection: str
    token_id: str
    picture: Picture
    traits: tuple[Trait, ...] = ()
    split: str = ""

    @property
    def key(self) -> str:
        """``collection/token_id``, the name of the item outside the index."""
        return f"{self.collection}/{self.token_id}"


@dataclass(frozen=True)
class Skipped:
    """Something that was left out: which source, a reason code, a sentence for people."""

    source: str
    code: str
    message: str


@dataclass(frozen=True)
class LastSale:
    """The sale shown to people for an item: its latest that hygiene does not exclude."""

    price: float
    currency: str
    date: dt.date


class Catalog:
    """The items of an index as columns; row i is vector row i. Columns are read when first used.

    Columns: ``collection, token_id, kind, path, member, background, split`` (text),
    ``content_hash, pixel_hash`` (text, hex; null where unknown), ``width, height`` (int32),
    ``traits`` (list of {type, value}), ``last_price, last_usd`` (float64), ``last_currency``
    (text), ``last_date`` (date32), ``cluster`` (int32); all from ``content_hash`` on but
    ``traits`` are null where unknown.
    """

    def __init__(self, load: "Callable[[str], pyarrow.ChunkedArray]", size: int) -> None:
        self._load = load
        self._columns: dict[str, pyarrow.Array] = {}
        self._lock = threading.Lock()  # a Parquet file is not read from two threads at once
        self._size = size

    @classmethod
    def from_table(cls, table: "pyarrow.Table") -> "Catalog":
        """A catalog of a pyarrow table; lacking columns become null, others are ignored."""
        import pyarrow

        nulls = {entry.name: pyarrow.nulls(table.num_rows, entry.type) for entry in _schema()}
        columns = nulls | {name: table[name] for name in table.column_names if name in nulls}
        complete = pyarrow.table(columns).cast(_schema())
        return cls(complete.column, table.num_rows)

    @classmethod
    def from_items(
        cls, items: Iterable[Item], **columns: Sequence[object] | NDArray[Any]
    ) -> "Catalog":
        """A catalog of items in their order, with more columns by name."""
        import pyarrow

        items = list(items)
        places = [item.picture for item in items]
        own = {name: [getattr(p, name) for p in places] for name in _PLACE_COLUMNS}
        for name in ("collection", "token_id", "split"):
            own[name] = [getattr(item, name) for item in items]
        own["traits"] = [
            [{"type": kind, "value": value} for kind, value in i.traits] for i in items
        ]
        schema = pyarrow.schema([_schema().field(name) for name in own])
        return cls.from_table(pyarrow.table(own, schema=schema)).with_columns(**columns)

    @classmethod
    def read(cls, path: Path) -> "Catalog":
        """Open what ``write`` wrote; only the footer is read now.

        Raises:
            StoreError: the file is missing or damaged.
        """
        file = open_parquet(path)

        def load(name: str) -> "pyarrow.ChunkedArray":
            with readable(path):
                return file.read([name])[name]

        return cls(load, file.metadata.num_rows)

    def write(self, path: Path) -> None:
        """Write all columns as one Parquet file."""
        import pyarrow.parquet

        pyarrow.parquet.write_table(self.table, path, compression="zstd")

    def __len__(self) -> int:
        return self._size

    def column(self, name: str) -> "pyarrow.Array":
        """One column, read from the file on first use."""
        with self._lock:
            if name not in self._columns:
                self._columns[name] = self._load(name).combine_chunks()
            return self._columns[name]

    @property
    def table(self) -> "pyarrow.Table":
        """All columns as a pyarrow table."""
        import pyarrow

        return pyarrow.table([self.column(name) for name in _schema().names], schema=_schema())

    def with_columns(self, **columns: Sequence[object] | NDArray[Any]) -> "Catalog":
        """The same items with some columns replaced; values follow the row order.

        Raises:
            StoreError: a column has not one value per row.
        """
        import pyarrow

        table = self.table
        for name, values in columns.items():
            position = table.schema.get_field_index(name)
            array = pyarrow.array(values, table.schema.field(name).type, from_pandas=True)
            self.require_rows(len(array), name)
            table = table.set_column(position, table.schema.field(name), array)
        return Catalog.from_table(table)

    def require_rows(self, count: int, what: str) -> None:
        """The one door of the invariant "row i is vector row i".

        Raises:
            StoreError: ``what`` has another length than the catalog.
        """
        if count != len(self):
            rows = f"{what} has {count} rows, the catalog {len(self)}"
            raise StoreError(f"{rows}; build the index again")

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Catalog":
        """Some of the items, by row numbers or by a mask of all rows."""
        return Catalog.from_table(self.table.take(row_numbers(rows)))

    def item(self, row: int) -> Item:
        """One row as an ``Item``; the bytes of an inline picture are not kept."""
        return self.items([row])[0]

    def items(self, rows: Sequence[int] | None = None) -> list[Item]:
        """Some rows, or all, as ``Item``."""
        import pyarrow

        columns = pyarrow.table({name: self.column(name) for name in _ITEM_COLUMNS})
        return [
            Item(
                *(row["collection"], row["token_id"]),
                Picture(row["kind"], row["path"], row["member"], row["background"]),
                tuple((trait["type"], trait["value"]) for trait in row["traits"]),
                row["split"],
            )
            for row in (columns if rows is None else columns.take(row_numbers(rows))).to_pylist()
        ]

    def picture(self, row: int) -> Picture:
        """Where the picture of one row lies."""
        return self.item(row).picture

    def key(self, row: int) -> str:
        """``collection/token_id`` of one row."""
        return f"{self.column('collection')[row]}/{self.column('token_id')[row]}"

    def keys(self) -> list[str]:
        """The key of every row."""
        pair = [self.column(name).to_pylist() for name in ("collection", "token_id")]
        return list(map("/".join, zip(*pair, strict=True)))

    def row(self, key: str) -> int:
        """Row of a key.

        Raises:
            ItemNotFoundError: no item has it.
        """
        collection, _, token = key.partition("/")
        of_token = equals(self.column("token_id"), token)
        rows = np.flatnonzero(of_token & equals(self.column("collection"), collection))
        if len(rows) == 0:
            raise ItemNotFoundError(f"no item '{key}' in this index: {self._lack(collection)}")
        return int(rows[0])

    def _lack(self, collection: str) -> str:
        """Why a key of a collection names nothing."""
        counts = self.collections
        if collection in counts:
            return f"{collection} has {counts[collection]:,} items, and not this one"
        more = f" and {len(counts) - _SHOWN:,} more" if len(counts) > _SHOWN else ""
        return f"its collections are {', '.join([*counts][:_SHOWN])}{more}"

    def traits(self, row: int) -> tuple[Trait, ...]:
        """Traits of one row."""
        return tuple((pair["type"], pair["value"]) for pair in self.column("traits")[row].as_py())

    def last_sale(self, row: int) -> LastSale | None:
        """The sale shown for one row, or None."""
        price = self.column("last_price")[row].as_py()
        if price is None:
            return None
        currency, date = self.column("last_currency")[row], self.column("last_date")[row]
        return LastSale(price, currency.as_py(), date.as_py())

    def integers(self, name: str, missing: int = -1) -> NDArray[np.int32]:
        """An int32 column as an array, ``missing`` where it is null."""
        return numbers(self.column(name), missing)

    @cached_property
    def _collections(self) -> tuple[NDArray[np.int32], list[str]]:
        return codes(self.column("collection"))

    @property
    def collection_codes(self) -> NDArray[np.int32]:
        """int32 (n,): each row's place in ``list(collections)``."""
        return self._collections[0]

    @property
    def collections(self) -> dict[str, int]:
        """Number of items of each collection, in order of appearance."""
        code, names = self._collections
        counts = np.bincount(code, minlength=len(names))
        return dict(zip(names, counts.tolist(), strict=True))


_PLACE_COLUMNS = ["kind", "path", "member", "background"]
_ITEM_COLUMNS = ["collection", "token_id", *_PLACE_COLUMNS, "split", "traits"]


def _schema() -> "pyarrow.Schema":
    import pyarrow as pa

    pair = pa.struct([("type", pa.string()), ("value", pa.string())])
    return pa.schema(
        {name: pa.string() for name in _ITEM_COLUMNS}
        | {"traits": pa.list_(pair), "content_hash": pa.string(), "pixel_hash": pa.string()}
        | {"width": pa.int32(), "height": pa.int32(), "cluster": pa.int32()}
        | {"last_price": pa.float64(), "last_usd": pa.float64()}
        | {"last_currency": pa.string(), "last_date": pa.date32()}
    )
