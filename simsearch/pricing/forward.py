"""A walk through the sales in time: each month is forecast by what was fitted before it.

What is used for a day was fitted on sales before that day's month, and looks up sales before that
day. So the forecasts that the walk leaves behind are honest ones, and what it fitted last serves
the days to come.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simsearch.neighbors import Neighbors
from simsearch.pricing.boosting import BoostingSettings, Trees, grow
from simsearch.pricing.comparables import (
    Candidates,
    Kernel,
    candidates,
    describe,
    latest_sales,
)
from simsearch.pricing.hedonic import HedonicRidge
from simsearch.pricing.levels import LEVEL_DAYS, NEVER, Floats, Ints, SaleHistory

Shares = tuple[float, float, float]
"""Parts that comparables, ridge and trees have in a forecast."""
COMPARABLES: Shares = (1.0, 0.0, 0.0)
PAIR: Shares = (1 / 2, 1 / 2, 0.0)
ALL: Shares = (1 / 3, 1 / 3, 1 / 3)
DRIFT_SALES = 20
"""Forecasts that the market's drift is read from."""


@dataclass(frozen=True)
class PriceSettings:
    """Settings of ``PriceEstimator``.

    Attributes:
        kernels: the weightings tried; each month takes the one that did best in the year before.
        neighbors: how many nearest tokens are looked at.
        penalty, half_life: of the hedonic ridge.
        boosting: how the trees are grown.
        paired_on: sales needed before the ridge has a share.
        trained_on: sales needed before trees are grown.
        judged_on: forecasts needed before a kernel other than the first, or shares other than those
            of comparables and ridge, are chosen.
        own: whether the token's own earlier sales may be used.
        coverages: nominal coverages of the intervals; the first is the one shown.
    """

    kernels: tuple[Kernel, ...] = tuple(
        Kernel(bandwidth, half_life, shrinkage=0.03)
        for bandwidth in (0.4, 0.25, 0.6)
        for half_life in (120.0, 45.0, 365.0)
    )
    neighbors: int = 128
    penalty: float = 1.0
    half_life: float = 365.0
    boosting: BoostingSettings = BoostingSettings()
    paired_on: int = 30
    trained_on: int = 300
    judged_on: int = 100
    own: bool = True
    coverages: tuple[float, ...] = (0.8, 0.9)


class Asked(NamedTuple):
    """Tokens or pictures to be priced.

    Attributes:
        near: q neighbours lists among the collection's items, the item itself in it or not.
        own: int64 (q,), item that each query is, -1 for a picture that is no item.
        descriptors: float (q, f), as given to ``fit``.
    """

    near: Neighbors
    own: Ints
    descriptors: NDArray[np.floating]

    def take(self, rows: Ints) -> "Asked":
        """Some of the queries."""
        near = Neighbors(self.near.ids[rows], self.near.distances[rows])
        return Asked(near, self.own[rows], self.descriptors[rows])


@dataclass(frozen=True)
class Snapshot:
    """What was fitted on the sales before ``origin`` and serves until the next snapshot.

    Attributes:
        origin: first day it may be used for.
        kernel: weighting of the comparables.
        coefficients: float64 (f + 1,) of the hedonic ridge.
        shares: of comparables, ridge and trees: those that had come nearest.
        trees: None where they have no share.
    """

    origin: int
    kernel: Kernel
    coefficients: Floats
    shares: Shares
    trees: Trees | None


def look_up(
    settings: PriceSettings, history: SaleHistory, asked: Asked, day: int, items: int
) -> Candidates:
    """The comparables of every query for one day, among the collection's ``items`` items."""
    latest = latest_sales(history, items, day)
    found = candidates(history, latest, asked.near, asked.own, day)
    return found if settings.own else found.without_own()


def market_pace(history: SaleHistory, day: int) -> float:
    """Log of the days that the last 50 usable sales before ``day`` cover; 0 without a sale."""
    last = history.usable(day)[-50:]
    return float(np.log1p(day - history.day[last[0]])) if len(last) else 0.0


def drift(history: SaleHistory, forecast: Floats, day: int) -> float:
    """By how much forecasts have lately been too high: the market has moved since the level.

    Half the median error of the last 20 forecasts of the 90 days before ``day``: half, because it
    is noisy. 0 where there are fewer than 10.

    Args:
        history: the sales.
        forecast: float64 (n,), residual forecast for each, not corrected for drift.
        day: the estimate's day.
    """
    error = forecast - history.residual
    last = history.usable(day)
    last = last[np.isfinite(error[last])][-DRIFT_SALES:]
    last = last[history.day[last] >= day - LEVEL_DAYS]
    return float(np.median(error[last])) / 2 if len(last) >= DRIFT_SALES // 2 else 0.0


def features(told: Floats, worth: Floats, pace: Floats) -> Floats:
    """What the trees are asked about: comparables, hedonic premium, pace of the market."""
    return np.concatenate([told, worth[:, None], pace[:, None]], axis=1)


def blended(parts: Floats, shares: Shares) -> Floats:
    """Weighted mean of comparables, ridge and trees, float64 (n, 3); those without share unread.

    The shares are equal ones: together they err less than each, and weights that are learned err
    more (the forecast combination puzzle, Stock and Watson 2004).
    """
    total = np.zeros(len(parts))
    for part, share in zip(parts.T, shares, strict=True):
        if share:
            total += share * part
    return total


def error_size(told: Floats, residual: Floats) -> Floats:
    """Expected size of the error: larger where comparables disagree, and far from the level."""
    size: Floats = 0.2 + told[:, 3] + np.abs(residual) / 4
    return size


def spans(history: SaleHistory) -> list[tuple[int, int]]:
    """First day and end of each stretch that one snapshot serves, the first before any sale.

    A new snapshot is due on the first of a month if something was sold in the month before, so
    whether there is one depends on earlier sales only.
    """
    months = np.unique(history.day.astype("datetime64[D]").astype("datetime64[M]"))
    starts = np.union1d(months[:1], months + 1).astype("datetime64[D]").astype(np.int64).tolist()
    return list(zip(starts, [*starts[1:], NEVER], strict=False))


class Walk:
    """The state of a walk through the sales, stretch by stretch.

    Rows of every array belong to sales. They are filled in when the walk reaches a sale's month,
    from what was known before the sale's day.

    Attributes:
        told: per kernel, what comparables said of each sale's token before its day.
        pace: float64 (n,), pace of the market.
        parts: float64 (n, 3), residuals forecast by comparables, ridge and trees; NaN = none.
        forecast: float64 (n,), what those of them say that had come nearest before.
        error: float64 (n,), expected size of its error.
    """

    def __init__(
        self, settings: PriceSettings, history: SaleHistory, asked: Asked, scale: float
    ) -> None:
        self.settings, self.history = settings, history
        self.told = tell(settings, history, asked, scale)
        self.pace, self.forecast, self.error = np.full((3, len(history)), np.nan)
        self.parts = np.full((len(history), 3), np.nan)
        self._ridge = HedonicRidge(asked.descriptors, settings.penalty, settings.half_life)
        self._learned = np.zeros(len(history), dtype=bool)

    def step(self, origin: int, end: int) -> Snapshot:
        """Fit on the sales before ``origin`` and forecast those from there to ``end``."""
        past = self.history.usable(origin)
        past = past[np.isfinite(self.history.residual[past])]
        recent = past[self.history.day[past] >= origin - 365]
        self._learn(past, origin)
        kernel = self._best_kernel(recent)
        trees = self._grow(past, kernel)
        shares = self._best_shares(past, recent, trees is not None)
        rows = np.arange(self.history.before(origin), self.history.before(end))
        self._forecast(rows, kernel, trees)
        self.forecast[rows] = blended(self.parts[rows], shares)
        self.error[rows] = error_size(self.told[kernel][rows], self.forecast[rows])
        trees = trees if shares == ALL else None
        return Snapshot(origin, kernel, self._ridge.coefficients(), shares, trees)

    def _learn(self, past: Ints, origin: int) -> None:
        """Tell the ridge of new sales, and take back those found to be no fair ones."""
        now = np.zeros(len(self._learned), dtype=bool)
        now[past] = True
        change = now.astype(np.int64) - self._learned
        rows = np.flatnonzero(change)
        item, day = self.history.item[rows], self.history.day[rows]
        self._ridge.learn(item, day, self.history.residual[rows], origin, change[rows])
        self._learned = now

    def _best_kernel(self, recent: Ints) -> Kernel:
        """The kernel whose comparables alone came nearest to the recent sales."""
        if len(recent) < self.settings.judged_on:
            return self.settings.kernels[0]
        actual = self.history.residual[recent]
        errors = [np.abs(told[recent, 0] - actual).mean() for told in self.told.values()]
        return self.settings.kernels[int(np.argmin(errors))]

    def _grow(self, past: Ints, kernel: Kernel) -> Trees | None:
        if len(past) < self.settings.trained_on:
            return None
        return grow(self._x(past, kernel), self.history.residual[past], self.settings.boosting)

    def _best_shares(self, past: Ints, recent: Ints, grown: bool) -> Shares:
        """The shares whose forecasts so far came nearest, next to those of comparables alone."""
        if len(past) < self.settings.paired_on:
            return COMPARABLES
        best, shares = np.inf, PAIR
        for tried in (COMPARABLES, PAIR, ALL) if grown else (COMPARABLES, PAIR):
            rows = recent[np.isfinite(blended(self.parts[recent], tried))]
            if len(rows) >= self.settings.judged_on:
                actual, parts = self.history.residual[rows], self.parts[rows]
                error = np.abs(blended(parts, tried) - actual).sum()
                ratio = float(error / max(np.abs(parts[:, 0] - actual).sum(), 1e-12))
                best, shares = min((best, shares), (ratio, tried))
        return shares

    def _forecast(self, rows: Ints, kernel: Kernel, trees: Trees | None) -> None:
        item, without_own = self.history.item[rows], not self.settings.own
        self.parts[rows, 0] = self.told[kernel][rows, 0]
        self.parts[rows, 1] = self._ridge.premiums(item, without_own=without_own)
        for day in np.unique(self.history.day[rows]).tolist():
            self.pace[self.history.on(day)] = market_pace(self.history, day)
        if trees is not None:
            self.parts[rows, 2] = trees.predict(self._x(rows, kernel))

    def _x(self, rows: Ints, kernel: Kernel) -> Floats:
        return features(self.told[kernel][rows], self.parts[rows, 1], self.pace[rows])


def tell(
    settings: PriceSettings, history: SaleHistory, asked: Asked, scale: float
) -> dict[Kernel, Floats]:
    """What comparables said of each sale's token before its day, under every kernel.

    Args:
        settings: kernels, and whether own sales are seen.
        history: the sales.
        asked: all items of the collection, in order.
        scale: unit of the bandwidths.
    """
    told = {kernel: np.zeros((len(history), 7)) for kernel in settings.kernels}
    for day in history.days.tolist():
        rows = history.on(day)
        queries = asked.take(history.item[rows])
        found = look_up(settings, history, queries, day, len(asked.own))
        for kernel in settings.kernels:
            told[kernel][rows] = describe(found, kernel, scale)
    return told
