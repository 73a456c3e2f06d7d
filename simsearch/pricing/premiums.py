"""Premiums: how much more the items with a trait are sold for than those without it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.pricing.levels import NEVER, Floats, Ints, SaleHistory

FEWEST = 5
"""Sold items with a trait, and without it, from which its premium is told."""
SPARE = 10
"""Sold items that there must be beyond the number of premiums that are estimated at once."""
_HALVINGS = 30


@dataclass(frozen=True)
class Premiums:
    """What each trait of a collection is worth, on the log scale: exp(premium) − 1 is the share.

    Attributes:
        sales: int64 (t,), sales of items with the trait that count.
        items: int64 (t,), how many items these are of.
        premium: float64 (t,), log price against items without the trait, all else equal; NaN
            where too few were sold.
        error: float64 (t,), its standard error; NaN likewise.
        alike: bool (t,), where all else cannot be equal, for the trait never comes without, or
            never with, some others: the items with it, as they are, against all that lack it.
    """

    sales: Ints
    items: Ints
    premium: Floats
    error: Floats
    alike: NDArray[np.bool_]


@dataclass(frozen=True)
class _Sold:
    """Items that were sold, each as one observation: mean residual, and how many sales it is of."""

    item: Ints
    count: Ints
    mean: Floats
    noise: float


def trait_premiums(
    history: SaleHistory,
    has: NDArray[np.bool_],
    types: Sequence[str],
    several: frozenset[str] = frozenset(),
) -> Premiums:
    """Estimate all premiums of a collection at once, a hedonic regression (Rosen 1974).

    Each item that was sold is one observation: the mean of its sales' log prices less the level
    before each. It varies with the item's own worth, which its traits do not tell, and the less
    so with the noise of sales, the more of them there were. The first part is found by the method
    of Paule and Mandel (1982), so that an item sold often does not count as many.

    Args:
        history: sales; those that hygiene excludes, whenever that became known, are left out.
        has: bool (n, t), which item has which trait.
        types: (t,), type of each trait.
        several: types of which an item may have more than one value. Having one of these is
            compared with not having it; a value of another type with the mix of the other values,
            none among them.
    """
    sold = _sold(history)
    own = has[sold.item]
    sales, items = sold.count @ own, own.sum(axis=0)
    told = np.flatnonzero((items >= FEWEST) & (len(own) - items >= FEWEST))
    premium, error = (np.full(has.shape[1], np.nan) for _ in range(2))
    alike = np.zeros(has.shape[1], dtype=bool)
    if len(told) + 1 + SPARE <= len(own):
        kinds = np.array(types, dtype=object)[told]
        contrasts = _contrasts(has[:, told], kinds, several)
        premium[told], error[told], alike[told] = _estimate(own[:, told], sold, contrasts)
    return Premiums(sales.astype(np.int64), items.astype(np.int64), premium, error, alike)


def _sold(history: SaleHistory) -> _Sold:
    kept = (history.known_since == NEVER) & np.isfinite(history.residual)
    residual = history.residual[kept]
    item, place, count = np.unique(history.item[kept], return_inverse=True, return_counts=True)
    mean = np.bincount(place, residual, len(item)) / count
    spare = len(residual) - len(item)
    spread = float(((residual - mean[place]) ** 2).sum())
    return _Sold(item, count, mean, spread / spare if spare else 0.0)


def _contrasts(
    has: NDArray[np.bool_], kinds: NDArray[np.object_], several: frozenset[str]
) -> Floats:
    """Rows that turn coefficients, the intercept last, into premiums over items without."""
    rows = np.eye(has.shape[1], has.shape[1] + 1)
    share = has.mean(axis=0)
    for place, kind in enumerate(kinds.tolist()):
        if kind not in several:
            others = kinds == kind
            others[place] = False
            rows[place, :-1][others] = -share[others] / (1 - share[place])
    return rows


def _estimate(
    own: NDArray[np.bool_], sold: _Sold, contrasts: Floats
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Weighted least squares in the space that the traits span, and its contrasts with errors."""
    x = np.concatenate([own, np.ones((len(own), 1))], axis=1).astype(np.float64)
    _, size, directions = np.linalg.svd(x, full_matrices=False)
    basis = directions[size > 1e-9 * size[0]].T
    x = x @ basis
    weight = 1 / _variances(x, sold)
    coefficients, system = _solved(x, sold.mean, weight)
    inside = contrasts @ basis
    # What the sold items do not tell apart has a part outside of the space that they span.
    alike = ((contrasts - inside @ basis.T) ** 2).sum(axis=1) > 1e-12
    for place in np.flatnonzero(alike).tolist():
        inside[place] = x[own[:, place]].mean(axis=0) - x[~own[:, place]].mean(axis=0)
    variance = (inside * np.linalg.solve(system, inside.T).T).sum(axis=1)
    return inside @ coefficients, np.sqrt(variance), alike


def _solved(x: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
    system = (x * weight[:, None]).T @ x
    return np.linalg.solve(system, x.T @ (weight * y)).astype(np.float64), system


def _variances(x: Floats, sold: _Sold) -> Floats:
    """Variance of each item's mean: noise of its sales, and items' own worth by bisection.

    The latter is what makes the weighted squares of the residuals sum to their degrees of freedom.
    """
    noise, spare = sold.noise / sold.count, len(x) - x.shape[1]

    def excess(own: float) -> float:
        weight = 1 / (noise + own)
        gaps: Floats = sold.mean - x @ _solved(x, sold.mean, weight)[0]
        return float((weight * gaps**2).sum() - spare)

    low, high = 1e-12, 1e-12 + float(sold.mean.var()) * len(x) / spare
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return noise + low
