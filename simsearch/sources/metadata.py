"""Traits and token ids as tables and ERC-721 metadata state them."""

import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from simsearch.catalog import Trait
from simsearch.errors import SourceError
from simsearch.sources.cells import is_inline
from simsearch.sources.contents import Intake
from simsearch.tables import BadCell, Row, cell_text, read_rows

_ID_FIELDS = ("token_id", "tokenId", "tokenID", "id", "edition")
_UNTYPED = "property"  # what an attribute without a trait_type is


def trait_values(cell: object, separator: str = "") -> list[str]:
    """Values of one cell: several where a separator is given; empty and "none" mean absent."""
    parts = cell if isinstance(cell, list) else [cell]
    texts = [cell_text(part) for part in parts]
    if separator:
        texts = [value.strip() for text in texts for value in text.split(separator)]
    return [text for text in texts if text.casefold() not in ("", "none")]


def traits_of_columns(columns: Mapping[str, object], separator: str = "") -> tuple[Trait, ...]:
    """Traits of a row: the column's name is the type; each pair once, in the row's order."""
    pairs = [
        (cell_text(kind), value)
        for kind, cell in columns.items()
        for value in trait_values(cell, separator)
    ]
    return tuple(dict.fromkeys(pairs))


def traits_of_attributes(attributes: object, separator: str = "") -> tuple[Trait, ...]:
    """Traits of ERC-721 ``attributes``: a list of ``{trait_type, value}``, a mapping, or its JSON.

    Raises:
        BadCell: ``bad-attributes``, it is none of these.
    """
    if isinstance(attributes, str):
        attributes = _from_json(attributes)
    if isinstance(attributes, Mapping):
        return traits_of_columns(attributes, separator)
    pairs: list[Trait] = []
    for entry in attributes if isinstance(attributes, list) else [attributes]:
        if entry is None:
            continue
        if not isinstance(entry, Mapping):
            raise BadCell("bad-attributes", "attributes are no list of trait_type and value")
        kind = cell_text(entry.get("trait_type")) or _UNTYPED
        pairs += [(kind, value) for value in trait_values(entry.get("value"), separator)]
    return tuple(dict.fromkeys(pairs))


def _from_json(text: str) -> object:
    try:
        return json.loads(text) if text.strip() else None
    except (ValueError, RecursionError) as error:
        raise BadCell("bad-attributes", f"attributes are no JSON ({error})") from error


def token_id_in(row: Row, column: str = "token_id") -> str:
    """Token id of a row: the column or a field of that use; else ``#7`` in the name, the file name.

    Empty where none of these says it.
    """
    fields = [name for name in (column, *_ID_FIELDS) if name in row]
    if fields:
        return next((text for name in fields if (text := cell_text(row[name]))), "")
    if number := re.search(r"#\s*(\d+)\s*$", cell_text(row.get("name"))):
        return number[1]
    image = row.get("image")
    named = isinstance(image, str) and not is_inline(image)
    return PurePosixPath(str(image)).stem if named else ""


def read_traits(
    path: Path, intake: Intake, column: str = "token_id", separator: str = ""
) -> dict[str, tuple[Trait, ...]]:
    """Traits by token id of a CSV, Parquet or JSONL file; the first row of a token wins.

    Rows of ERC-721 metadata have ``attributes``; in others each column is a trait type.

    Raises:
        SourceError: the file cannot be read, or has no such column.
    """
    traits: dict[str, tuple[Trait, ...]] = {}
    for line, row in read_rows(path):
        if row is not None and not traits and not _is_metadata(row) and column not in row:
            raise SourceError(f"{path}: no column '{column}'; it has {', '.join(map(str, row))}")
        try:
            token_id, found = _traits_of(row, column, separator)
            if token_id in traits:
                raise BadCell("duplicate-key", f"token {token_id} has traits already; they stay")
            traits[token_id] = found
        except BadCell as problem:
            intake.skip(f"{path}:{line}", problem.code, f"no usable traits: {problem}")
    return traits


def _is_metadata(row: Row) -> bool:
    return "attributes" in row or ("image" in row and "name" in row)


def _traits_of(row: Row | None, column: str, separator: str) -> tuple[str, tuple[Trait, ...]]:
    if row is None:
        raise BadCell("bad-row", "not a JSON object")
    if _is_metadata(row):
        token_id = token_id_in(row, column)
        found = traits_of_attributes(row.get("attributes"), separator)
    else:
        token_id = cell_text(row.get(column))
        cells = {name: cell for name, cell in row.items() if name != column}
        found = traits_of_columns(cells, separator)
    if not token_id:
        raise BadCell("no-token", "no token id")
    return token_id, found
