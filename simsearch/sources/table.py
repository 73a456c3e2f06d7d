"""A table with one row per item: collection, token id, picture, and what else is known of it."""

import os
from pathlib import Path

from simsearch.catalog import Item, Picture, Trait
from simsearch.errors import SourceError
from simsearch.sales.table import parse_sale
from simsearch.sources.cells import is_inline
from simsearch.sources.contents import Intake
from simsearch.sources.metadata import token_id_in, traits_of_attributes, traits_of_columns
from simsearch.sources.names import is_inside, split_name
from simsearch.tables import BadCell, Row, cell_text, read_rows

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")

_SALE_COLUMNS = ("date", "price", "currency", "seller", "buyer", "tx", "quantity")
_TRAIT_PREFIX = "trait:"


def read_table(path: Path, intake: Intake, collection: str = "", background: str = "") -> None:
    """Take the items of a CSV, TSV, Parquet or JSONL file (of ERC-721 metadata, too).

    Columns: ``collection`` (else the file's name; the argument replaces both), ``token_id`` (else
    what ERC-721 metadata offers), ``image`` (path relative to the table, ``data:`` URI, base64 or
    bytes), and optionally ``price, currency, date`` (one sale), ``trait:<type>``, ``attributes``,
    ``split``.

    Raises:
        SourceError: the file cannot be read, or its first row has no ``image``.
    """
    for number, (line, row) in enumerate(read_rows(path), start=1):
        where = f"{path}:{line}"
        if number == 1 and row is not None and "image" not in row:
            raise SourceError(f"{path}: no column 'image'; it has {', '.join(map(str, row))}")
        try:
            if row is None:
                raise BadCell("bad-row", "not a JSON object")
            picture = _picture(row.get("image"), path, number, background)
            item = _item(row, collection or _collection_of(row, path.stem), picture)
            intake.add(item, where)
            _add_sale(row, item, where, intake)
        except BadCell as problem:
            intake.skip(where, problem.code, f"no usable row: {problem}")


def _collection_of(row: Row, fallback: str) -> str:
    cell = row.get("collection")
    collection = "" if isinstance(cell, dict) else cell_text(cell)
    if "/" in collection:
        raise BadCell("bad-collection", f"'{collection}' has a slash; write a plain name")
    return collection or fallback


def _item(row: Row, collection: str, picture: Picture) -> Item:
    token_id = token_id_in(row)
    if not token_id:
        raise BadCell("no-token", "no token id")
    split = split_name(cell_text(row.get("split")))
    return Item(collection, token_id, picture, _traits(row), split)


def _picture(cell: object, table: Path, number: int, background: str) -> Picture:
    if is_inline(cell):
        return Picture("inline", str(table), f"{number}:image", background)
    text = cell_text(cell.get("path") if isinstance(cell, dict) else cell)
    if not text:
        raise BadCell("missing", "no picture is named")
    if "://" in text:
        raise BadCell("remote", f"'{text[:200]}' is not fetched; download it and name the file")
    try:
        return Picture("file", str(_file_beside(table, text)), background=background)
    except BadCell:
        raise
    except (OSError, ValueError) as error:  # too long or strange for a file name
        raise BadCell("missing", f"no file '{text[:200]}' beside the table") from error


def _file_beside(table: Path, name: str) -> Path:
    path = Path(os.path.abspath(table.parent / name))
    if not is_inside(table.parent, path):
        raise BadCell("outside", f"'{name[:200]}' leads out of the table's folder; move it inside")
    if not path.is_file():
        raise BadCell("missing", f"no file '{name[:200]}' beside the table")
    return path


def _traits(row: Row) -> tuple[Trait, ...]:
    columns = {
        name.removeprefix(_TRAIT_PREFIX): cell
        for name, cell in row.items()
        if name.startswith(_TRAIT_PREFIX)
    }
    pairs = traits_of_columns(columns) + traits_of_attributes(row.get("attributes"))
    return tuple(dict.fromkeys(pairs))


def _add_sale(row: Row, item: Item, where: str, intake: Intake) -> None:
    """The one sale that a row states; a row without a price states none."""
    if not cell_text(row.get("price")):
        return
    file, _, line = where.rpartition(":")
    columns = {name: name for name in _SALE_COLUMNS}
    try:
        sale = parse_sale(
            {**row, "id": item.token_id}, item.collection, {"id": "id", **columns}, file, int(line)
        )
    except BadCell as problem:
        intake.skip(where, problem.code, f"no usable sale: {problem}")
    else:
        intake.sales.append(sale)
