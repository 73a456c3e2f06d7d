"""Hedonic price model: a ridge from an item's descriptor to its price relative to the level."""

import numpy as np
from numpy.typing import NDArray

from simsearch.pricing.levels import Floats, Ints


class HedonicRidge:
    """Ridge regression on sales that arrive in the order of time; old ones count less.

    The premium of each feature is learned as in hedonic price studies (Rosen 1974, Hedonic Prices
    and Implicit Markets); the sums it needs are kept, so that learning one more month of sales
    costs one month, not the whole history.

    Args:
        descriptors: float (items, f), what an item is: a vector of its picture, its traits, or
            both side by side.
        penalty: weight of the squared coefficients.
        half_life: days after which a sale counts half.
    """

    def __init__(self, descriptors: NDArray[np.floating], penalty: float, half_life: float) -> None:
        self.penalty = penalty
        self.half_life = half_life
        self._x = _with_intercept(descriptors)
        width = self._x.shape[1]
        self._gram = np.zeros((width, width))
        self._moment = np.zeros(width)
        self._count = np.zeros(len(self._x))
        self._sum = np.zeros(len(self._x))
        self._now: int | None = None

    def learn(self, item: Ints, day: Ints, residual: Floats, now: int, share: Ints) -> None:
        """Age what was learned to ``now``, then add sales (share 1) or take them back (-1)."""
        fade = 1.0 if self._now is None else 0.5 ** ((now - self._now) / self.half_life)
        weight = share * 0.5 ** ((now - day) / self.half_life)
        x = self._x[item]
        self._gram = fade * self._gram + (x * weight[:, None]).T @ x
        self._moment = fade * self._moment + x.T @ (weight * residual)
        self._count = fade * self._count + np.bincount(item, weight, len(self._x))
        self._sum = fade * self._sum + np.bincount(item, weight * residual, len(self._x))
        self._now = now

    def coefficients(self) -> Floats:
        """Coefficients for the descriptor's numbers, the intercept last."""
        return np.linalg.solve(self._system(), self._moment).astype(np.float64)

    def _system(self) -> Floats:
        ridge = self.penalty * np.eye(len(self._moment))
        ridge[-1, -1] = 1e-9  # the intercept is not shrunk, yet solvable before any sale
        return self._gram + ridge

    def premiums(self, items: Ints, *, without_own: bool = False) -> Floats:
        """Expected residual of items (q,), float64 (q,).

        With ``without_own`` each is what a fit without the item's own sales would say (the
        leave-one-out formula of linear smoothers, applied to all sales of one item at once).
        """
        x = self._x[items]
        fitted = _fitted(x, self.coefficients())
        if not without_own:
            return fitted
        leverage = (x * np.linalg.solve(self._system(), x.T).T).sum(axis=1)
        others = fitted - leverage * self._sum[items]
        left_out: Floats = others / (1.0 - leverage * self._count[items])
        return left_out


def premium(descriptors: NDArray[np.floating], coefficients: Floats) -> Floats:
    """Expected residual of any descriptors (q, f) under stored coefficients."""
    return _fitted(_with_intercept(descriptors), coefficients)


def _fitted(x: Floats, coefficients: Floats) -> Floats:
    """Row by row, so that no row's last bit depends on how many rows are asked (BLAS's does)."""
    fitted: Floats = (x * coefficients).sum(axis=1)
    return fitted


def _with_intercept(descriptors: NDArray[np.floating]) -> Floats:
    x = np.asarray(descriptors, dtype=np.float64)
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)
