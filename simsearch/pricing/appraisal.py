"""Prices for an index: its sales, look and traits brought to one estimator per collection."""

import contextlib
import json
import threading
import weakref
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.arrow import equals, row_numbers
from simsearch.catalog import Catalog
from simsearch.errors import SalesError, StoreError
from simsearch.pricing.arrays import from_arrays, to_arrays
from simsearch.pricing.estimator import PriceEstimator, join_descriptors
from simsearch.pricing.levels import SaleHistory
from simsearch.pricing.markets import View
from simsearch.pricing.price_space import PriceSpace
from simsearch.sales.table import SalesTable
from simsearch.space.look import LookSpace
from simsearch.space.spaces import Rows, Spaces
from simsearch.space.trait_matrix import trait_matrix

NAME = "prices.npz"
_DAMAGE = (
    *(OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error),
    *(MemoryError, TokenError),  # of headers that promise too much, or are none
)
FORMAT = "3"
"""Of this file; raised where estimators change so that what was fitted before no longer serves."""
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Ledger:
    """The sales of one collection in the currency most of them are in.

    Attributes:
        currency: of the prices.
        members: int64 (n,), catalog rows of the collection; item i of the history is members[i].
        history: the sales.
        sales: int64, row in the sales table of each sale given to the history.
        others: how many sales are in other currencies and left out.
    """

    currency: str
    members: NDArray[np.int64]
    history: SaleHistory
    sales: NDArray[np.int64]
    others: int

    @classmethod
    def of(
        cls, collection: str, catalog: Catalog, sales: SalesTable, *, before: int | None = None
    ) -> "Ledger | None":
        """The ledger of a collection, None where nothing of it was sold.

        Args:
            collection: its id.
            catalog: all items.
            sales: all sales.
            before: choose the currency by sales before this day, as days since 1970-01-01, if there
                are such; otherwise by all.

        Raises:
            StoreError: a sale is of no item.
        """
        rows = np.flatnonzero(equals(sales.table["collection"], collection))
        if not len(rows):
            return None
        own = sales.take(rows)
        currency = _main_currency(own, before)
        members = members_of(catalog, collection)
        tokens = catalog.column("token_id").take(row_numbers(members)).to_pylist()
        place = {token: item for item, token in enumerate(tokens)}
        items = np.array([place.get(token, -1) for token in own.text("token_id")], dtype=np.int64)
        if (items < 0).any():
            key = own.keys()[int(items.argmin())]
            raise StoreError(f"a sale of {key}, which is no item; build the index again")
        amounts = own.amounts(currency)
        history = SaleHistory.from_arrays(items, own.days, amounts, own.known_since)
        return cls(currency, members, history, rows, int(np.isnan(amounts).sum()))

    def is_of(self, model: PriceEstimator, space: PriceSpace) -> bool:
        """Whether these were fitted on these items and sales."""
        sales = zip(astuple(self.history), astuple(model.history_), strict=True)
        same = all(np.array_equal(own, fitted) for own, fitted in sales)
        return same and model.items_ == len(space.halves) == len(self.members)


def _main_currency(sales: SalesTable, before: int | None) -> str:
    numbers, names = sales.codes("currency")
    early = numbers[sales.days < before] if before is not None else numbers
    return names[int(np.bincount(early if len(early) else numbers).argmax())]


def members_of(catalog: Catalog, collection: str) -> NDArray[np.int64]:
    """Catalog rows of a collection, ascending."""
    return np.flatnonzero(equals(catalog.column("collection"), collection))


def known_traits(spaces: Spaces, catalog: Catalog, collection: str) -> NDArray[np.float32] | None:
    """Traits of a collection's items that its head knows, float32 (n, t); None without a head."""
    vocabulary = spaces.vocabulary.get(collection)
    if vocabulary is None:
        return None
    columns = [(collection, kind, value) for kind, value in vocabulary]
    known = trait_matrix(catalog, members_of(catalog, collection)).restricted(columns)
    return known.dense().astype(np.float32)


@dataclass
class Appraiser:
    """The fitted estimators of an index, and how each sees its collection.

    Those of a collection are read from the file when it is first asked for.

    Safe to share between threads; one reads at a time, since Python 3.11 cannot parse the headers
    of several arrays at once ("AST constructor recursion depth mismatch").

    Attributes:
        currencies: collection → the currency it is priced in.
        look: the space of collections that have none of their own.
    """

    currencies: Mapping[str, str]
    look: LookSpace
    _arrays: Arrays
    _read: dict[str, tuple[PriceEstimator, PriceSpace]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def fit(
        cls, spaces: Spaces, descriptors: Rows, catalog: Catalog, sales: SalesTable, seed: int = 0
    ) -> "Appraiser":
        """Fit a space and an estimator for every collection that has sales."""
        currencies: dict[str, str] = {}
        arrays: dict[str, NDArray[Any]] = {}
        for name in catalog.collections:
            ledger = Ledger.of(name, catalog, sales)
            if ledger is None:
                continue
            space = PriceSpace.fit(
                descriptors, ledger.members, spaces.look.spans, seed, otherwise=spaces.look
            )
            view = View.of(space.vectors, known_traits(spaces, catalog, name))
            seen = join_descriptors(view.vectors, view.traits)
            model = PriceEstimator().fit(ledger.history, view.near, seen)
            currencies[name] = ledger.currency
            found = to_arrays(model) | space.arrays(spaces.look)
            arrays |= {f"{name}/{key}": array for key, array in found.items()}
        return cls(currencies, spaces.look, arrays)

    def save(self, folder: Path) -> None:
        """Write ``prices.npz``."""
        with (folder / NAME).open("wb") as file:
            names = np.array(json.dumps(self.currencies))
            facts = {"format": np.array(FORMAT), "currencies": names}
            np.savez(file, allow_pickle=False, **facts, **dict(self._arrays))

    @classmethod
    def open(cls, folder: Path, look: LookSpace) -> "Appraiser":
        """Open what ``save`` wrote; nothing of a collection is read before it is asked for.

        Args:
            folder: of the index.
            look: its space.

        Raises:
            StoreError: missing or damaged.
        """
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context((folder / NAME).open("rb"))
                arrays = np.load(file, allow_pickle=False)
                if (found := str(arrays["format"])) != FORMAT:
                    raise ValueError(f"format {found}, not {FORMAT}")
                made = cls(dict(json.loads(str(arrays["currencies"]))), look, arrays)
            except _DAMAGE as error:
                raise StoreError(
                    f"{folder / NAME}: unreadable ({error}); build it again"
                ) from error
            weakref.finalize(made, stack.pop_all().close)
        return made

    def model(self, collection: str) -> PriceEstimator:
        """The estimator of a collection.

        Raises:
            SalesError: nothing of it was ever sold.
            StoreError: the file is damaged.
        """
        return self._of(collection)[0]

    def space(self, collection: str) -> PriceSpace:
        """How the estimator of a collection sees pictures; raises what ``model`` raises."""
        return self._of(collection)[1]

    def _of(self, collection: str) -> tuple[PriceEstimator, PriceSpace]:
        if collection not in self.currencies:
            raise SalesError(f"no price: the index holds no sale of {collection}; add its sales")
        with self._lock:
            if collection not in self._read:
                self._read[collection] = self._load(collection)
            return self._read[collection]

    def _load(self, collection: str) -> tuple[PriceEstimator, PriceSpace]:
        start = f"{collection}/"
        names = [name for name in self._arrays if name.startswith(start)]
        try:
            held = {name.removeprefix(start): np.asarray(self._arrays[name]) for name in names}
            return from_arrays(held), PriceSpace.from_arrays(held, self.look)
        except _DAMAGE as error:
            raise StoreError(f"{NAME} is damaged ({error}); build the index again") from error
