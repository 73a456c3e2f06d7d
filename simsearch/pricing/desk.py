"""The sales of an opened index, ready to price a picture as a member of a collection."""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Catalog, Item, Trait
from simsearch.errors import StoreError
from simsearch.index.exact import scan
from simsearch.pricing.appraisal import NAME, Appraiser, Ledger
from simsearch.pricing.estimator import PriceEstimator, join_descriptors
from simsearch.pricing.forward import Asked
from simsearch.pricing.price_space import PriceSpace
from simsearch.pricing.valuation import Comparable, ExcludedSale, PriceEstimate, value
from simsearch.sales.table import SalesTable
from simsearch.space.spaces import Spaces
from simsearch.space.trait_matrix import trait_matrix
from simsearch.store import store

SHOWN = 0.5
"""Score from which a trait counts as shown by a picture that is no item."""


@dataclass(frozen=True)
class Subject:
    """What is to be priced: a picture, or an item where ``row`` is its catalog row, else -1.

    Attributes:
        descriptor: (dim,).
    """

    descriptor: NDArray[np.floating]
    row: int = -1


@dataclass(frozen=True)
class ComparableSale:
    """A sale behind an estimate, with the item that was sold.

    Attributes:
        row: catalog row of the item.
        item: the item.
        sale: date, prices, distance and weight.
        common_traits: traits of the item that the subject has, or shows, as well.
    """

    row: int
    item: Item
    sale: Comparable
    common_traits: tuple[Trait, ...]


@dataclass(frozen=True)
class Valuation:
    """What an item of a collection would fetch.

    Attributes:
        collection: the collection that the price is for.
        estimate: the numbers and the warnings that belong to them.
        comparables: the sales behind them, the weightiest first.
        excluded: sales of the subject and its look-alikes that hygiene left out, with the token.
    """

    collection: str
    estimate: PriceEstimate
    comparables: tuple[ComparableSale, ...]
    excluded: tuple[tuple[str, ExcludedSale], ...]


@dataclass(frozen=True)
class PriceDesk:
    """Prices pictures from the sales of an index.

    Attributes:
        catalog, spaces: parts of the index.
        appraiser: the estimators fitted at build, and how they see pictures.
        sales: all sales of the index.
    """

    catalog: Catalog
    spaces: Spaces
    appraiser: Appraiser
    sales: SalesTable
    _ledgers: dict[str, Ledger | None] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, folder: Path, catalog: Catalog, spaces: Spaces) -> "PriceDesk":
        """Open what an index holds of prices, beside parts that are open already.

        Raises:
            StoreError: something is missing or damaged.
        """
        sales = SalesTable.read(folder / store.SALES)
        return cls(catalog, spaces, Appraiser.open(folder, spaces.look), sales)

    def ledger(self, collection: str) -> Ledger | None:
        """The sales of one collection, None where nothing of it was sold."""
        if collection not in self._ledgers:
            self._ledgers[collection] = Ledger.of(collection, self.catalog, self.sales)
        return self._ledgers[collection]

    def fitted(self, collection: str) -> tuple[Ledger, PriceEstimator, PriceSpace]:
        """The sales of one collection, and what was fitted on them.

        Raises:
            SalesError: nothing of it was ever sold.
            StoreError: what was fitted is damaged, or was fitted on other items or sales.
        """
        model, space = self.appraiser.model(collection), self.appraiser.space(collection)
        ledger = self.ledger(collection)
        if ledger is None or not ledger.is_of(model, space):
            raise StoreError(f"{NAME} is not of these sales of {collection}; build the index again")
        return ledger, model, space

    def price(self, subject: Subject, collection: str, as_of: dt.date) -> Valuation:
        """Price one picture as a member of a collection.

        Raises:
            SalesError: nothing usable of the collection was sold before that day.
            StoreError: what was fitted is damaged, or was fitted on other items or sales.
        """
        ledger, model, space = self.fitted(collection)
        reasons = np.array([reason or "" for reason in self._reasons(ledger)], dtype=np.str_)
        shown = self._shown(subject, collection)
        vocabulary = self.spaces.vocabulary.get(collection, [])
        own = {vocabulary[place] for place in np.flatnonzero(shown >= SHOWN)}
        item = int(np.searchsorted(ledger.members, subject.row)) if subject.row >= 0 else -1
        vector = space.vectors[item] if item >= 0 else space.vector(subject.descriptor)
        asked = Asked(
            scan(space.vectors, vector[None], model.settings.neighbors + 1),
            np.array([item]),
            join_descriptors(vector[None], shown[None] if len(shown) else None),
        )
        currency = self.appraiser.currencies[collection]
        found = value(model, asked, as_of, currency=currency, reasons=reasons)
        return Valuation(
            collection,
            found,
            tuple(self._named(one, ledger, own) for one in found.comparables),
            tuple((self._token(ledger.members[one.item]), one) for one in found.excluded),
        )

    def _reasons(self, ledger: Ledger) -> list[str | None]:
        return self.sales.take(ledger.sales).text("reason")

    def _shown(self, subject: Subject, collection: str) -> NDArray[np.float32]:
        """Traits of the collection's vocabulary, 0 to 1: known of an item, else as read."""
        vocabulary = self.spaces.vocabulary.get(collection)
        if vocabulary is None:
            return np.zeros(0, dtype=np.float32)
        if subject.row >= 0 and self.catalog.traits(subject.row):
            columns = [(collection, kind, name) for kind, name in vocabulary]
            known = trait_matrix(self.catalog, np.array([subject.row])).restricted(columns)
            return np.asarray(known.dense()[0], dtype=np.float32)
        scores = self.spaces.trait_scores(subject.descriptor, collection)
        return np.zeros(len(vocabulary), np.float32) if scores is None else scores

    def _named(self, sale: Comparable, ledger: Ledger, own: set[Trait]) -> ComparableSale:
        row = int(ledger.members[sale.item])
        item = self.catalog.item(row)
        return ComparableSale(row, item, sale, tuple(t for t in item.traits if t in own))

    def _token(self, row: int) -> str:
        return str(self.catalog.column("token_id")[int(row)])
