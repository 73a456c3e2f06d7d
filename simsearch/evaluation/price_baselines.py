"""What an estimate has to beat: medians, last sales, traits alone, and a split that flatters."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simsearch.neighbors import Neighbors
from simsearch.pricing.comparables import (
    Candidates,
    Kernel,
    candidates,
    latest_sales,
    typical_distance,
    weighted_residual,
    weights,
)
from simsearch.pricing.forward import spans
from simsearch.pricing.hedonic import HedonicRidge
from simsearch.pricing.levels import LEVEL_SALES, Floats, Ints, SaleHistory

NEAREST = 10
"""Neighbours whose last prices the plain mean takes."""


def past_median(histories: Sequence[SaleHistory], days: Ints) -> Floats:
    """Median log price of all usable sales before each of the days; NaN where there is none."""
    found = np.full(len(days), np.nan)
    for place, day in enumerate(days.tolist()):
        past = np.concatenate([history.log_price[history.usable(day)] for history in histories])
        found[place] = np.median(past) if len(past) else np.nan
    return found


def last_sales(
    history: SaleHistory, near: Neighbors, rows: Ints
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Two baselines from last sales, for some of the sales.

    Args:
        history: the sales.
        near: neighbours of every item.
        rows: int64 (q,), sales to be estimated, in the order of time.

    Returns:
        The own last sale carried along with the level and the plain mean of the ten nearest sold
        tokens' last prices, both float64 (q,) logs with NaN where there is no such sale; and
        whether the token had been sold before.
    """
    own, mean = np.full((2, len(rows)), np.nan)
    for place, day in _by_day(history, rows):
        item = history.item[rows[place]]
        latest = latest_sales(history, len(near.ids), day)
        own[place] = np.where(latest[item] >= 0, history.residual[latest[item]], np.nan)
        own[place] += history.level[rows[place]]
        lists = Neighbors(near.ids[item], near.distances[item])
        found = candidates(history, latest, lists, item, day).without_own()
        rank = np.cumsum(found.found, axis=1)
        taken = found.found & (rank <= NEAREST)
        total = np.where(taken, history.price[found.sale], 0.0).sum(axis=1)
        count = taken.sum(axis=1)
        mean[place] = np.log(total / np.where(count, count, np.nan))
    return own, mean, np.isfinite(own)


def trait_ridge(history: SaleHistory, traits: NDArray[np.floating]) -> Floats:
    """Level plus the premium of the traits, fitted again every month; float64 (n,) logs."""
    ridge = HedonicRidge(traits, penalty=1.0, half_life=365.0)
    premiums, learned = np.full(len(history), np.nan), 0
    for origin, end in spans(history):
        until = history.before(origin)
        new = np.arange(learned, until)
        new = new[(history.known_since[new] > origin) & np.isfinite(history.residual[new])]
        ones = np.ones(len(new), dtype=np.int64)
        ridge.learn(history.item[new], history.day[new], history.residual[new], origin, ones)
        learned = until
        rows = np.arange(until, history.before(end))
        premiums[rows] = ridge.premiums(history.item[rows])
    estimate: Floats = history.level + premiums
    return estimate


def random_split(
    history: SaleHistory, near: Neighbors, rows: Ints, kernel: Kernel, share: float = 0.2
) -> Floats:
    """How a random split flatters: each estimate sees later sales as well as earlier ones.

    A share of the sales is held out at random; the others, of whatever day, give the level around
    a sale's day and the comparables nearest to it in time. Nobody could have done this then.

    Args:
        history: the sales.
        near: neighbours of every item.
        rows: int64 (q,), the test sales that may be held out, in the order of time.
        kernel: weighting of the comparables.
        share: how many of them are.

    Returns:
        float64 (q,) logs, NaN for the sales that were not held out.
    """
    held = np.random.default_rng(0).random(len(rows)) < share
    train = np.setdiff1d(history.usable(np.iinfo(np.int32).max - 1), rows[held])
    estimates, scale = np.full(len(rows), np.nan), typical_distance(near)
    if len(train) == 0:
        return estimates
    level = {day: _level_around(history, train, day) for day in history.days.tolist()}
    residual = history.log_price - np.array([level[day] for day in history.day.tolist()])
    for place, day in _by_day(history, rows):
        place = place[held[place]]
        nearest_last = train[np.argsort(-np.abs(history.day[train] - day), kind="stable")]
        latest = np.full(len(near.ids), -1, dtype=np.int64)
        latest[history.item[nearest_last]] = nearest_last
        item = history.item[rows[place]]
        lists = Neighbors(near.ids[item], near.distances[item])
        found = candidates(history, latest, lists, item, day)
        seen = np.where(found.found, residual[found.sale], 0.0)
        found = Candidates(found.sale, found.distance, np.abs(found.age), seen)
        mean = weighted_residual(weights(found, kernel, scale), seen, kernel.shrinkage)
        estimates[place] = level[day] + mean
    return estimates


def _level_around(history: SaleHistory, train: Ints, day: int) -> float:
    gap = np.abs(history.day[train] - day)
    closest = np.argsort(gap, kind="stable")[:LEVEL_SALES]
    return float(np.median(history.log_price[train[closest]]))


def _by_day(history: SaleHistory, rows: Ints) -> list[tuple[Ints, int]]:
    """Places in ``rows`` (ordered by time) of each day's sales, and the day."""
    days, start = np.unique(history.day[rows], return_index=True)
    places = np.split(np.arange(len(rows)), start[1:]) if len(rows) else []
    return list(zip(places, days.tolist(), strict=True))
