"""A collection as the price estimator takes it: its sales, and how its items are seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.index import build_index
from simsearch.neighbors import Neighbors
from simsearch.pricing.forward import PriceSettings
from simsearch.pricing.levels import SaleHistory


@dataclass(frozen=True)
class View:
    """One way to see the items of a collection.

    Attributes:
        near: neighbours of every item among the items, 128 of them where there are as many.
        vectors: float32 (n, d), unit length.
        traits: float32 (n, t), 0 or 1; None where the collection has no traits.
    """

    near: Neighbors
    vectors: NDArray[np.float32]
    traits: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, vectors: NDArray[np.float32], traits: NDArray[np.float32] | None = None) -> "View":
        """Look up the neighbours of all items; vectors of no numbers at all have none."""
        if vectors.shape[1] == 0:
            return cls(Neighbors.empty(len(vectors), 1), vectors, traits)
        most = min(PriceSettings().neighbors + 1, len(vectors))
        return cls(build_index("flat", vectors).search(vectors, most), vectors, traits)

    def shuffled(self, seed: int) -> "View":
        """Every item with the picture and the traits of another, drawn at random."""
        given = np.random.default_rng(seed).permutation(len(self.vectors))
        holder = np.argsort(given)  # who shows the picture of item i now
        ids = np.where(self.near.ids >= 0, holder[self.near.ids], -1)[given]
        traits = None if self.traits is None else self.traits[given]
        near = Neighbors(ids.astype(np.int64), self.near.distances[given])
        return View(near, self.vectors[given], traits)


@dataclass(frozen=True)
class Market:
    """The sales of one collection in one currency, and its items.

    Attributes:
        name: the collection's id.
        history: all its sales, with hygiene's marks or without.
        view: how the estimator sees the items.
        plain: how it sees them without traits; None where that is the same.
        currency: of the prices.
        twin: bool (n,), whether another item shows the very same picture; None where unknown.
    """

    name: str
    history: SaleHistory
    view: View
    plain: View | None = None
    currency: str = ""
    twin: NDArray[np.bool_] | None = None
