"""Put the tables and arrays of an index together from encoded pictures and sales."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simsearch.catalog import Catalog, Item, Skipped
from simsearch.sales import hygiene
from simsearch.sales.rates import Rates
from simsearch.sales.table import Sale, SalesTable
from simsearch.store import descriptors
from simsearch.store.descriptors import DescriptorWriter
from simsearch.store.manifest import Manifest
from simsearch.store.shelves import Place, Shelves
from simsearch.store.thumbnails import ThumbnailWriter

GATHER_ROWS = 1024

Chosen = tuple[Place, Item | None]
"""Where an item's picture stands, and the item; None where the index before describes it."""


def changes(chosen: Sequence[Chosen], known: int, old: Manifest | None) -> dict[str, int]:
    """What became of an index: items ``removed``, or else ``added`` and ``replaced``.

    Args:
        chosen: what it holds now.
        known: how many of these have the key of an item before.
        old: the index before; where there was none, nothing became of it.
    """
    if old is None:
        return {}
    if known < old.items:
        return {"removed": old.items - known}
    added, given = len(chosen) - known, sum(item is not None for _, item in chosen)
    return {"added": added, "replaced": given - added}


def assemble_catalog(chosen: Sequence[Chosen], shelves: Shelves) -> Catalog:
    """The catalog of the chosen items in their order; rows of the index before stay as they are."""
    import pyarrow

    new = [(place, item) for place, item in chosen if item is not None]
    facts = shelves.facts([place for place, _ in new])
    tables = [Catalog.from_items([item for _, item in new], **facts).table]
    if shelves.previous is not None:
        kept = np.array([place.row for place, item in chosen if item is None], dtype=np.int64)
        tables.append(shelves.previous.catalog.table.take(kept))
    is_kept = np.array([item is None for _, item in chosen])
    order = np.argsort(np.argsort(is_kept, kind="stable"))  # new rows first, then kept ones
    return Catalog.from_table(pyarrow.concat_tables(tables).take(order))


def write_arrays(folder: Path, places: Sequence[Place], shelves: Shelves) -> None:
    """Write descriptors and thumbnails in the order of ``places``, a piece at a time."""
    thumbnails = ThumbnailWriter(folder)
    with DescriptorWriter(folder / descriptors.NAME, shelves.dim) as writer:
        for start in range(0, len(places), GATHER_ROWS):
            piece = places[start : start + GATHER_ROWS]
            writer.append(shelves.gather(piece))
            for place in piece:
                thumbnails.append(shelves.thumbnail(place))
    thumbnails.close()


def join_sales(
    old: SalesTable, new: Sequence[Sale], catalog: Catalog, rates: Rates | None
) -> tuple[SalesTable, list[Skipped]]:
    """Old and new sales of the items in the catalog, not marked yet; what of the new is skipped."""
    known = set(catalog.keys())
    skipped = [
        Skipped(f"{sale.file}:{sale.line}", "unknown-token", f"no usable sale: no item {key}")
        for sale in new
        if (key := f"{sale.collection}/{sale.token_id}") not in known
    ]
    sales = old.merge(SalesTable.from_sales(new))
    sales = sales.take(np.array(list(map(known.__contains__, sales.keys())), dtype=bool))
    if rates is None:
        return sales, skipped
    converted, unconverted = rates.convert(sales)
    return converted, skipped + unconverted


def mark_sales(sales: SalesTable, on: bool) -> SalesTable:
    """Apply sales hygiene, or remove its marks."""
    return hygiene.mark(sales) if on else hygiene.unmark(sales)


def with_last_sales(catalog: Catalog, sales: SalesTable) -> Catalog:
    """Fill in the sale shown for each item."""
    import pyarrow

    last = sales.last_sales()
    rows = {key: row for row, key in enumerate(last.keys())}
    found = pyarrow.array(list(map(rows.get, catalog.keys())), pyarrow.int64())
    columns = {"last_price": "price", "last_usd": "usd"}
    columns |= {"last_currency": "currency", "last_date": "date"}
    taken = {own: last.table[name].take(found).to_pylist() for own, name in columns.items()}
    return catalog.with_columns(**taken)
