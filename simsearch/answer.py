"""What goes into an engine and what comes out: a picture that asks, and all that is said of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Catalog, LastSale, Trait
from simsearch.images import RGB
from simsearch.neighbors import Neighbors
from simsearch.pricing.desk import Valuation
from simsearch.recognition.membership import Membership
from simsearch.retrieval import Retriever


@dataclass(frozen=True)
class Query:
    """One picture that asks.

    Attributes:
        name: what people call it: a file name, ``-`` or a key.
        descriptor: (dim,), float16 as the index keeps them: an indexed picture equals its own.
        rgb: its pixels; of an indexed item its thumbnail.
        row: its catalog row where it is an indexed item, else -1.
        undone: the edit that was undone where it is a copy of an indexed picture, else empty.
        timing_ms: milliseconds spent on ``decode`` and ``encode``.
    """

    name: str
    descriptor: NDArray[np.floating[Any]]
    rgb: RGB
    row: int = -1
    undone: str = ""
    timing_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Neighbor:
    """One item of an answer; ``distance`` is the final score, 0 to 2, smaller is nearer."""

    rank: int
    row: int
    collection: str
    token_id: str
    distance: float
    last_sale: LastSale | None
    traits: tuple[Trait, ...]
    cluster: int | None

    @property
    def key(self) -> str:
        """``collection/token_id``."""
        return f"{self.collection}/{self.token_id}"


@dataclass(frozen=True)
class Answer:
    """What the index says of one picture.

    Attributes:
        query: the picture.
        neighbors: the items nearest to it, nearest first.
        among: how many items could be found: those that meet the conditions.
        membership: the collection it belongs to, or that it belongs to none.
        value: what it would fetch, None where that cannot be said.
        no_value: why there is no value; empty where there is one.
        cluster: its group, None where the index has no groups.
        timing_ms: milliseconds spent on ``decode``, ``encode``, ``search``, ``value`` and in
            ``total``.
        notes: what has to be known of the answer: where it is another than was asked for.
    """

    query: Query
    neighbors: list[Neighbor]
    among: int
    membership: Membership
    value: Valuation | None
    no_value: str
    cluster: int | None
    timing_ms: Mapping[str, float]
    notes: tuple[str, ...] = ()


def describe(
    catalog: Catalog, rows: NDArray[np.int64], distances: NDArray[np.float32]
) -> list[Neighbor]:
    """Rows that were found, as neighbours in their order."""
    clusters, items = catalog.column("cluster"), catalog.items(rows.tolist())
    return [
        Neighbor(
            rank=place + 1,
            row=row,
            collection=item.collection,
            token_id=item.token_id,
            distance=float(distances[place]),
            last_sale=catalog.last_sale(row),
            traits=item.traits,
            cluster=clusters[row].as_py(),
        )
        for place, (row, item) in enumerate(zip(rows.tolist(), items, strict=True))
    ]


def order_notes(retriever: Retriever, found: Neighbors, balance: float) -> tuple[str, ...]:
    """Say where traits were to order the answer to one picture, and look alone did."""
    there = found.ids[0] >= 0
    if balance == 0 or not there.any():
        return ()
    collection = retriever.collection_of(found.ids[0][there], found.distances[0][there])
    if collection in retriever.spaces.vocabulary:
        return ()
    return (f"ordered by look alone: no traits of {collection} were learned",)
