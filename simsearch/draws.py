"""Seeded draws of items, collection by collection."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def split_queries(
    collections: NDArray[np.integer[Any]], share: float, seed: int
) -> NDArray[np.bool_]:
    """Mark the items that ask; the others are indexed.

    Each collection is drawn from a generator of its own, so neither the order nor the number of the
    other collections changes its draw.

    Args:
        collections: int (n,), collection of each catalog row.
        share: part of each collection that asks, 0 to 1; rounded, but a collection of two or more
            keeps at least one item on either side, and a single item is indexed.
        seed: of the draw.

    Returns:
        bool (n,), true where the item asks.
    """
    asks = np.zeros(len(collections), dtype=bool)
    for _, rows in by_collection(collections):
        count = min(max(round(share * len(rows)), 1), len(rows) - 1)
        asks[_drawn(rows, count, seed)] = True
    return asks


def at_most(
    chosen: NDArray[np.bool_], collections: NDArray[np.integer[Any]], most: int, seed: int
) -> NDArray[np.bool_]:
    """Keep a seeded random ``most`` of the chosen items of each collection, for a quicker run."""
    kept = np.zeros(len(chosen), dtype=bool)
    for _, rows in by_collection(collections):
        candidates = rows[chosen[rows]]
        kept[_drawn(candidates, min(most, len(candidates)), seed)] = True
    return kept


def evenly(collections: NDArray[np.integer[Any]], most: int, seed: int) -> NDArray[np.int64]:
    """About ``most`` positions, evenly from the collections; all where there are no more."""
    if len(collections) <= most:
        return np.arange(len(collections))
    share = max(most // max(len(np.unique(collections)), 1), 1)
    return np.flatnonzero(at_most(np.ones(len(collections), dtype=bool), collections, share, seed))


def by_collection(
    collections: NDArray[np.integer[Any]],
) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Each collection's code with its positions, ascending."""
    order = np.argsort(collections, kind="stable")
    codes, starts = np.unique(collections[order], return_index=True)
    yield from zip(codes.tolist(), np.split(order, starts[1:]), strict=False)


def _drawn(rows: NDArray[np.intp], count: int, seed: int) -> NDArray[np.intp]:
    """``count`` of the rows at random."""
    return rows[np.random.default_rng(seed).permutation(len(rows))[:count]]
