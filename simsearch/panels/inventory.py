"""What the page tells of an index: counts of each collection, and what was left out."""

from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from simsearch.arrow import numbers
from simsearch.catalog import Catalog, Skipped
from simsearch.sales.table import SalesTable
from simsearch.store.manifest import Manifest

if TYPE_CHECKING:
    import pandas


def collection_table(manifest: Manifest, catalog: Catalog, sales: SalesTable) -> "pandas.DataFrame":
    """One row a collection: items, with traits, sales, their first and last day and currencies."""
    import pandas
    import pyarrow.compute as pc

    names, code = list(catalog.collections), catalog.collection_codes
    some = numbers(pc.list_value_length(catalog.column("traits")), 0) > 0
    frame = pandas.DataFrame(
        {
            "collection": names,
            "name": [str(manifest.names.get(name, {}).get("name", "")) for name in names],
            "items": list(catalog.collections.values()),
            "with traits": np.bincount(code[some], minlength=len(names)),
        }
    )
    told = sales.table.group_by("collection").aggregate(
        [("date", "count"), ("date", "min"), ("date", "max"), ("currency", "distinct")]
    )
    sold = pandas.DataFrame(
        {
            "collection": told["collection"].to_pylist(),
            "sales": told["date_count"].to_pylist(),
            "first": told["date_min"].to_pylist(),
            "last": told["date_max"].to_pylist(),
            "currencies": [", ".join(sorted(own)) for own in told["currency_distinct"].to_pylist()],
        }
    )
    return frame.merge(sold, on="collection", how="left").astype({"sales": "Int64"})


def skipped_table(skipped: list[Skipped]) -> "pandas.DataFrame":
    """What was left out and why; of a path only its end is told: visitors see this."""
    import pandas

    rows = [(one.code, _end(one.source), _told(one)) for one in skipped]
    return pandas.DataFrame(rows, columns=["reason", "source", "what happened"])


def _told(skipped: Skipped) -> str:
    parent = str(PurePath(skipped.source).parent)
    text = skipped.message.replace(skipped.source, _end(skipped.source))
    return text.replace(parent, "…") if len(parent) > 1 else text


def _end(source: str) -> str:
    return "/".join(PurePath(source).parts[-2:])
