"""How good an answer is: trait overlap, same-collection precision, recall of edited copies.

Every function takes plain arrays. Rows are catalog rows throughout: ``neighbors.ids``, ``asked``
and ``indexed`` all number the same catalog that ``collections`` and ``traits`` describe.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simsearch.draws import by_collection
from simsearch.neighbors import Neighbors
from simsearch.space.trait_matrix import TraitMatrix

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_CHUNK_CELLS = 4_000_000
"""Largest block of a query x item table held at once (float64: 32 MB)."""


@dataclass(frozen=True)
class TraitOverlap:
    """Trait overlap@k of the queries of one collection.

    Attributes:
        found: mean Jaccard with the k nearest, a neighbour of another collection counting 0.
        random: mean Jaccard with every indexed item of the collection.
        best: mean Jaccard with the k indexed items of the collection that share most.
        queries: how many queries have traits.
    """

    found: float
    random: float
    best: float
    queries: int

    @property
    def score(self) -> float:
        """0 = random, 1 = best possible; NaN where these two are equal and nothing can be told."""
        span = self.best - self.random
        return (self.found - self.random) / span if span > 1e-12 else float("nan")


@dataclass(frozen=True)
class Ceiling:
    """What any answer could reach, query by query; NaN where trait overlap says nothing.

    Attributes:
        random: float64 (q,), mean Jaccard with every indexed item of the query's collection.
        best: float64 (q,), mean Jaccard with the k of them that share most.
        places: int64 (q,), k, or how many items there are where these are fewer.
    """

    random: NDArray[np.float64]
    best: NDArray[np.float64]
    places: NDArray[np.int64]


def trait_overlap(
    neighbors: Neighbors,
    asked: NDArray[np.int64],
    indexed: NDArray[np.int64],
    collections: NDArray[np.integer[Any]],
    traits: TraitMatrix,
) -> dict[int, TraitOverlap]:
    """Trait overlap@k by collection, k being the width of ``neighbors``.

    Queries without traits are left out, as are collections without such queries or without indexed
    items. A collection with fewer than k indexed items is measured over as many as it has, so that
    1 stays within reach.

    Args:
        neighbors: answers to ``asked``, (q, k).
        asked: (q,), rows that asked.
        indexed: (m,), rows that could be found.
        collections: int (n,), collection of each catalog row.
        traits: trait sets of the n rows.

    Returns:
        Collection code → overlap.
    """
    ceiling = trait_ceiling(asked, indexed, collections, traits, neighbors.k)
    shared = shared_traits(neighbors, asked, collections, traits)
    return mean_overlaps(shared, ceiling, collections[asked])


def trait_ceiling(
    asked: NDArray[np.int64],
    indexed: NDArray[np.int64],
    collections: NDArray[np.integer[Any]],
    traits: TraitMatrix,
    k: int,
) -> Ceiling:
    """What answers of k could reach; arguments as ``trait_overlap``."""
    table = _ones(traits)
    sizes = np.diff(table.indptr)
    unknown = np.full(len(asked), np.nan)
    ceiling = Ceiling(unknown, unknown.copy(), np.full(len(asked), k))
    for code, rows in by_collection(collections[asked]):
        rows = rows[sizes[asked[rows]] > 0]
        pool = indexed[collections[indexed] == code]
        if len(rows) and len(pool):
            places = min(k, len(pool))
            ceiling.places[rows] = places
            ceiling.random[rows], ceiling.best[rows] = _random_and_best(
                table, sizes, asked[rows], pool, places
            )
    return ceiling


def shared_traits(
    neighbors: Neighbors,
    asked: NDArray[np.int64],
    collections: NDArray[np.integer[Any]],
    traits: TraitMatrix,
) -> NDArray[np.float64]:
    """Jaccard (q, k) of each query with each neighbour; 0 for none or of another collection."""
    table = _ones(traits)
    shared = _neighbor_jaccard(table, np.diff(table.indptr), asked, neighbors)
    shared[collections[neighbors.ids] != collections[asked][:, None]] = 0.0
    return shared


def mean_overlaps(
    shared: NDArray[np.float64], ceiling: Ceiling, own: NDArray[np.integer[Any]]
) -> dict[int, TraitOverlap]:
    """Overlap by collection, from what the answers share and could share.

    Args:
        shared: (q, k), from ``shared_traits``.
        ceiling: of the same queries.
        own: int (q,), collection of each query.
    """
    found = shared.sum(axis=1) / ceiling.places
    result = {}
    for code, rows in by_collection(own):
        rows = rows[~np.isnan(ceiling.best[rows])]
        if len(rows):
            result[code] = TraitOverlap(
                found=float(found[rows].mean()),
                random=float(ceiling.random[rows].mean()),
                best=float(ceiling.best[rows].mean()),
                queries=len(rows),
            )
    return result


def collection_precision(
    neighbors: Neighbors, asked: NDArray[np.int64], collections: NDArray[np.integer[Any]]
) -> dict[int, float]:
    """Same-collection precision@k by collection; a place left empty counts as wrong."""
    own = collections[asked]
    right = (collections[neighbors.ids] == own[:, None]) & (neighbors.ids >= 0)
    return {code: float(right[rows].mean()) for code, rows in by_collection(own)}


def recall_at_1(
    neighbors: Neighbors, originals: NDArray[np.int64], pixels: NDArray[np.integer[Any]]
) -> float:
    """Share of edited copies whose original comes first.

    Args:
        neighbors: answers to the copies, (q, k).
        originals: (q,), rows the copies were made from.
        pixels: int (n,), the same number for two catalog rows exactly where their pictures are
            identical pixel for pixel; such a twin counts as the original.

    Returns:
        0 to 1; NaN without copies.
    """
    if not len(originals):
        return float("nan")
    first = neighbors.ids[:, 0]
    return float(((pixels[first] == pixels[originals]) & (first >= 0)).mean())


def mean_of(values: list[float]) -> float:
    """Mean over collections of what could be measured; NaN where nothing could."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _ones(traits: TraitMatrix) -> "csr_matrix":
    """The same matrix as scipy knows it."""
    from scipy.sparse import csr_matrix

    ones = np.ones(len(traits.indices))
    shape = (len(traits.indptr) - 1, len(traits.vocabulary))
    return csr_matrix((ones, traits.indices, traits.indptr), shape)


def _neighbor_jaccard(
    table: "csr_matrix", sizes: NDArray[Any], asked: NDArray[np.int64], neighbors: Neighbors
) -> NDArray[np.float64]:
    """Jaccard of each query with each of its neighbours (q, k); 0 where there is none."""
    result = np.zeros(neighbors.ids.shape)
    for column in range(neighbors.k):
        ids = neighbors.ids[:, column]
        both = np.asarray(table[asked].multiply(table[ids]).sum(axis=1)).ravel()
        result[:, column] = _jaccard(both, sizes[asked], sizes[ids])
    result[neighbors.ids < 0] = 0.0
    return result


def _random_and_best(
    table: "csr_matrix",
    sizes: NDArray[Any],
    asked: NDArray[np.int64],
    pool: NDArray[np.int64],
    k: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean Jaccard of each query with the whole pool, and with the k of it that share most."""
    columns = table[pool].T.tocsr()
    random, best = np.empty(len(asked)), np.empty(len(asked))
    step = max(1, _CHUNK_CELLS // len(pool))
    for start in range(0, len(asked), step):
        part = slice(start, start + step)
        both = (table[asked[part]] @ columns).toarray()
        shared = _jaccard(both, sizes[asked[part]][:, None], sizes[pool][None, :])
        random[part] = shared.mean(axis=1)
        best[part] = np.partition(shared, len(pool) - k, axis=1)[:, -k:].mean(axis=1)
    return random, best


def _jaccard(
    both: NDArray[np.float64], left: NDArray[Any], right: NDArray[Any]
) -> NDArray[np.float64]:
    """Size of the intersection over size of the union; two empty sets share nothing."""
    joined: NDArray[np.float64] = left + right - both
    return np.divide(both, joined, out=np.zeros_like(joined), where=joined > 0)
