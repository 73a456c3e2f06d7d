"""The markets of an index: collections that were sold, as prices are evaluated on them."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simsearch.arrow import row_numbers
from simsearch.catalog import Catalog
from simsearch.engine import SPACES, SearchEngine
from simsearch.errors import SalesError, UsageError
from simsearch.evaluation.blocks import Block, look_vectors
from simsearch.evaluation.price_trial import EPOCH
from simsearch.neighbors import Neighbors
from simsearch.pricing.appraisal import Ledger, known_traits
from simsearch.pricing.markets import Market, View
from simsearch.sales.hygiene import mark
from simsearch.sales.table import SalesTable
from simsearch.store import store

Floats = NDArray[np.float32]
_CHUNK = 512


@dataclass(frozen=True)
class PricePlan:
    """How prices are evaluated.

    Attributes:
        since: first test day; None = the first of the month in which the last third begins.
        until: last test day; None = that of the last sale.
        collection: the only one tested; None = all that were sold.
        hygiene: whether sales that hygiene marks are left out of the past.
        space: what neighbours are near in: ``look`` or ``traits``.
        parts: whether it is measured what each part of a picture's description adds.
        seed: of shuffled pictures and of spaces.
        progress: told how far each stage is.
    """

    since: dt.date | None = None
    until: dt.date | None = None
    collection: str | None = None
    hygiene: bool = True
    space: str = "look"
    parts: bool = True
    seed: int = 0
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None


@dataclass(frozen=True)
class Traded:
    """One collection: its market, and the ledger that says which rows of the index it came from."""

    market: Market
    ledger: Ledger


def ledgers_of(engine: SearchEngine, plan: PricePlan) -> dict[str, Ledger]:
    """Sales of every collection that was sold, marked by hygiene anew; no picture is looked at.

    Raises:
        UsageError: the index has no such collection.
        SalesError: nothing was sold.
    """
    names = list(engine.catalog.collections)
    if plan.collection is not None and plan.collection not in names:
        known = ", ".join(names)
        raise UsageError(f"no collection '{plan.collection}' in this index; it has {known}")
    sales = mark(SalesTable.read(engine.folder / store.SALES))
    before = None if plan.since is None else plan.since.toordinal() - EPOCH
    found = {
        name: ledger
        for name in ([plan.collection] if plan.collection else names)
        if (ledger := Ledger.of(name, engine.catalog, sales, before=before))
    }
    if not found:
        whose = f"of {plan.collection}" if plan.collection else "in this index"
        raise SalesError(f"no sale {whose}, so no price can be tested; add sales and build again")
    return found


def markets_of(
    engine: SearchEngine, ledgers: dict[str, Ledger], plan: PricePlan, blocks: Sequence[Block] = ()
) -> list[Traded]:
    """Every collection with how its items are seen.

    Args:
        engine: the index.
        ledgers: what was sold.
        plan: space and seed.
        blocks: parts of descriptors that look is fitted on; by default the vectors that the index
            prices with.
    """
    found = []
    for number, (name, ledger) in enumerate(ledgers.items()):
        plan.progress("looking up neighbours", number, len(ledgers))
        if blocks:
            vectors = look_vectors(blocks, ledger.members, plan.seed)
        else:
            vectors = engine.desk.appraiser.space(name).vectors
        plain = View.of(vectors)
        traits = known_traits(engine.retriever.spaces, engine.catalog, name)
        view = seen_with(plain, traits, plan.space)
        twin = _twins(engine.catalog, ledger.members)
        market = Market(
            *(name, ledger.history, view, None if traits is None else plain),
            currency=ledger.currency,
            twin=twin,
        )
        found.append(Traded(market, ledger))
    return found


def seen_with(plain: View, traits: Floats | None, space: str) -> View:
    """The same pictures with their traits known, neighbours by look or by traits."""
    if traits is None:
        return plain
    if space == "look":
        return replace(plain, traits=traits)
    return View(near_by_traits(plain.vectors, traits, plain.near.k), plain.vectors, traits)


def near_by_traits(vectors: Floats, traits: Floats, k: int) -> Neighbors:
    """The k nearest by known traits (Jaccard), those of equal traits by look; the item itself too.

    Args:
        vectors: float32 (n, d), unit length.
        traits: float32 (n, t), 0 or 1.
        k: neighbours wanted.
    """
    balance = np.float32(SPACES["traits"])
    sizes, k = traits.sum(axis=1), min(k, len(vectors))
    found = Neighbors.empty(len(vectors), k)
    for start in range(0, len(vectors), _CHUNK):
        part = slice(start, start + _CHUNK)
        shared = traits[part] @ traits.T
        either = sizes[part, None] + sizes - shared
        apart = balance * (1 - shared / np.maximum(either, 1))
        apart += (1 - balance) * np.maximum(1 - vectors[part] @ vectors.T, 0)
        nearest = np.argsort(apart, axis=1, kind="stable")[:, :k]
        found.ids[part] = nearest
        found.distances[part] = np.take_along_axis(apart, nearest, axis=1)
    return found


def _twins(catalog: Catalog, members: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the picture of an item is pixel for pixel that of another one of its collection."""
    hashes = np.array(
        catalog.column("pixel_hash").take(row_numbers(members)).fill_null("").to_pylist()
    )
    _, place, count = np.unique(hashes, return_inverse=True, return_counts=True)
    twin: NDArray[np.bool_] = (count[place] > 1) & (hashes != "")
    return twin
