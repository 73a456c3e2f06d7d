"""What similar tokens sold for: kernel-weighted residuals of each token's latest earlier sale."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simsearch.neighbors import Neighbors
from simsearch.pricing.levels import Floats, Ints, SaleHistory

NO_OWN_SALE = 12.0
"""Log age in days that stands for "never sold before": older than any sale."""


class Kernel(NamedTuple):
    """How fast a comparable's weight falls.

    Attributes:
        bandwidth: distance, in units of the collection's typical distance to the tenth nearest, at
            which the weight has fallen to 1/e.
        half_life: age in days at which the weight has halved.
        shrinkage: weight of the price level itself, as if it were one more comparable.
    """

    bandwidth: float
    half_life: float
    shrinkage: float


@dataclass(frozen=True)
class Candidates:
    """Earlier sales of q queries' own tokens (column 0) and of their neighbours' tokens.

    Attributes:
        sale: int64 (q, 1 + k), row of the token's latest usable sale, -1 where it has none.
        distance: float64 (q, 1 + k), cosine distance; 0 in column 0.
        age: float64 (q, 1 + k), days from the sale to the estimate's day.
        residual: float64 (q, 1 + k), the sale's residual; 0 where there is no sale.
    """

    sale: Ints
    distance: Floats
    age: Floats
    residual: Floats

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which places hold a sale."""
        return self.sale >= 0

    def without_own(self) -> "Candidates":
        """The same with the queries' own earlier sales removed."""
        sale = self.sale.copy()
        sale[:, 0] = -1
        return Candidates(sale, self.distance, self.age, np.where(sale < 0, 0.0, self.residual))


def latest_sales(history: SaleHistory, items: int, day: int) -> Ints:
    """Row of each item's latest usable sale before ``day`` that has a residual, -1 where none."""
    rows = history.usable(day)
    rows = rows[~np.isnan(history.residual[rows])]
    latest = np.full(items, -1, dtype=np.int64)
    latest[history.item[rows]] = rows  # of repeated items NumPy keeps the last, the latest sale
    return latest


def candidates(
    history: SaleHistory, latest: Ints, near: Neighbors, own: Ints, day: int
) -> Candidates:
    """Look up the sales of the neighbours and of the queries' own tokens.

    Args:
        history: the sales.
        latest: what ``latest_sales`` gave for ``day``.
        near: neighbours of the queries among the collection's items.
        own: int64 (q,), row of the query itself, -1 for a picture that is no item.
        day: the estimate's day.
    """
    others = np.where(near.ids == own[:, None], -1, near.ids)
    items = np.concatenate([own[:, None], others], axis=1)
    sale = np.where(items >= 0, latest[items], -1)
    distance = np.concatenate([np.zeros((len(own), 1)), near.distances], axis=1)
    age = np.where(sale >= 0, day - history.day[sale], 0).astype(np.float64)
    residual = np.where(sale >= 0, history.residual[sale], 0.0)
    return Candidates(sale, np.maximum(distance, 0.0), age, residual)


def weights(found: Candidates, kernel: Kernel, scale: float) -> Floats:
    """Weight of every candidate, float64 (q, 1 + k); 0 where there is no sale."""
    nearness = np.exp(-found.distance / (kernel.bandwidth * scale))
    return np.where(found.found, nearness * 0.5 ** (found.age / kernel.half_life), 0.0)


def weighted_residual(weight: Floats, residual: Floats, shrinkage: float) -> Floats:
    """Weighted mean residual pulled towards 0, the level, where the weights say little."""
    mean: Floats = (weight * residual).sum(axis=1) / (weight.sum(axis=1) + shrinkage)
    return mean


def describe(found: Candidates, kernel: Kernel, scale: float) -> Floats:
    """What the comparables say, as seven numbers a query; float64 (q, 7), never NaN.

    Weighted residual; log weight it stands on; the same without the own sale; spread of the
    residuals; log mean age; the own earlier sale's residual (0 without one) and log age.
    """
    weight = weights(found, kernel, scale)
    total = weight.sum(axis=1) + kernel.shrinkage
    mean = weighted_residual(weight, found.residual, kernel.shrinkage)
    others = weighted_residual(weight[:, 1:], found.residual[:, 1:], kernel.shrinkage)
    spread = np.sqrt((weight * (found.residual - mean[:, None]) ** 2).sum(axis=1) / total)
    age = np.log1p((weight * found.age).sum(axis=1) / total)
    own_age = np.where(found.found[:, 0], np.log1p(found.age[:, 0]), NO_OWN_SALE)
    own = found.residual[:, 0]
    return np.stack([mean, np.log(total), others, spread, age, own, own_age], axis=1)


def typical_distance(near: Neighbors) -> float:
    """Median distance to the tenth nearest (or the last there is): the unit of bandwidths.

    Known from the pictures alone. 1 where no two items differ.
    """
    found = near.ids >= 0
    place = np.minimum(found.sum(axis=1), 10) - 1
    rows = np.flatnonzero(place >= 0)
    if len(rows) == 0:
        return 1.0
    return float(np.median(near.distances[rows, place[rows]])) or 1.0


def by_day(history: SaleHistory) -> Iterator[tuple[int, Ints]]:
    """Days in order, each with the rows of its sales."""
    for day in history.days.tolist():
        yield day, history.on(day)
