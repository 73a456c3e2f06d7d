"""Visual similarity search for NFT art: look-alikes, collection, traits and price.

The names below are public; each is imported when it is first asked for, so that ``import
simsearch`` costs nothing.

    engine = SearchEngine.open(Path("indexes/mine"))
    answer = engine.answer(engine.read(Path("picture.png").read_bytes(), "picture.png"))
    for neighbor in answer.neighbors:
        print(neighbor.key, neighbor.distance, neighbor.last_sale)
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simsearch.answer import Answer, Neighbor, Query
    from simsearch.catalog import Catalog, Item, LastSale
    from simsearch.engine import SearchEngine
    from simsearch.errors import SimsearchError
    from simsearch.filters import Filter
    from simsearch.neighbors import Neighbors

__all__ = [
    "Answer",
    "Catalog",
    "Filter",
    "Item",
    "LastSale",
    "Neighbor",
    "Neighbors",
    "Query",
    "SearchEngine",
    "SimsearchError",
]

_HOMES = {
    "Answer": "answer",
    "Catalog": "catalog",
    "Filter": "filters",
    "Item": "catalog",
    "LastSale": "catalog",
    "Neighbor": "answer",
    "Neighbors": "neighbors",
    "Query": "answer",
    "SearchEngine": "engine",
    "SimsearchError": "errors",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'simsearch' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"simsearch.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
