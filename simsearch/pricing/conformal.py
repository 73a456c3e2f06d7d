"""Conformal intervals for forecasts in time: recent errors count more, missed coverage is made up.

The interval is split conformal (Vovk, Gammerman and Shafer 2005, Algorithmic Learning in a Random
World) with weights that halve every few hundred sales (Barber, Candès, Ramdas and Tibshirani 2023,
Conformal prediction beyond exchangeability); the share of misses aimed at follows the misses seen
(Gibbs and Candès 2021, Adaptive conformal inference under distribution shift).
"""

from dataclasses import dataclass

import numpy as np

from simsearch.pricing.levels import Floats, Ints, SaleHistory

MEMORY = 4000
"""Errors looked at."""
JUDGED = 1000
"""Sales that the realised coverage is taken over."""
DUST_SHARE = 0.01
"""A sale below this share of the price level is dust, which no interval should hold."""
UNSEEN = 5.0
"""A score that stands for the errors not yet seen, in place of the infinity of the theory."""


@dataclass(frozen=True)
class Conformal:
    """Calibration of one nominal coverage over a history of forecasts.

    Attributes:
        nominal: share of sales that the interval shall cover.
        day: int64 (m,), days with sales, ascending.
        misses: float64 (m + 1,), share of misses aimed at before each of those days, then after.
        low, high: float64 (n,), bounds in score units that each sale was given before its day;
            NaN where the sale has no score.
    """

    nominal: float
    day: Ints
    misses: Floats
    low: Floats
    high: Floats

    def bounds(self, history: SaleHistory, score: Floats, day: int) -> tuple[float, float]:
        """Lower and upper bound in score units for an estimate of ``day``."""
        past = scored_before(history, score, day)
        return bounds(score[past], float(self.misses[np.searchsorted(self.day, day)]))

    def realised(self, history: SaleHistory, score: Floats, day: int) -> float | None:
        """Share of the last 1,000 sales before ``day`` inside their bounds; None without any."""
        past = promised(history, np.arange(history.before(day)))[-JUDGED:]
        if len(past) == 0:
            return None
        inside = (score[past] >= self.low[past]) & (score[past] <= self.high[past])
        return float(inside.mean())


def scored_before(history: SaleHistory, score: Floats, day: int) -> Ints:
    """The last usable sales before ``day`` that have a score, oldest first."""
    past = history.usable(day)
    return past[np.isfinite(score[past])][-MEMORY:]


def promised(history: SaleHistory, rows: Ints) -> Ints:
    """Those of some sales that an interval should have held: all with a level, but dust."""
    kept: Ints = rows[history.residual[rows] > np.log(DUST_SHARE)]
    return kept


def half_life(count: int) -> float:
    """Sales after which an error counts half: an eighth of those there are, at least 30.

    While an estimator still learns, its errors shrink; old ones must be forgotten soon.
    """
    return max(30.0, count / 8)


def bounds(score: Floats, misses: float) -> tuple[float, float]:
    """Two-sided weighted conformal bounds of scores in the order of time, the newest last.

    Args:
        score: float64 (n,), signed errors divided by their expected size.
        misses: share that may lie outside, half on either side.

    Returns:
        A bound not above 0 and one not below: the forecast itself is always inside.
    """
    weight = 0.5 ** (np.arange(len(score))[::-1] / half_life(len(score)))
    order = np.argsort(score, kind="stable")
    high = _upper(score[order], weight[order], 1 - misses / 2)
    low = -_upper(-score[order][::-1], weight[order][::-1], 1 - misses / 2)
    return min(low, 0.0), max(high, 0.0)


def _upper(score: Floats, weight: Floats, share: float) -> float:
    """Smallest score below which lies the share of all weight, the new sale's own (1) included."""
    place = int(np.searchsorted(np.cumsum(weight), share * (weight.sum() + 1)))
    return float(score[place]) if place < len(score) else float(score.max(initial=UNSEEN))


def calibrate(history: SaleHistory, score: Floats, nominal: float) -> Conformal:
    """Walk through the days: give bounds, see the day's sales, correct the share aimed at.

    Errors of excluded sales give no bounds. But every sale that is not dust counts as covered or
    missed: the coverage is promised for sales as they come, and not all of them are fair.

    Args:
        history: the sales.
        score: float64 (n,), (log price - forecast) / expected size of the error; NaN without one.
        nominal: coverage wanted.
    """
    low, high = np.full(len(score), np.nan), np.full(len(score), np.nan)
    misses = [1 - nominal]
    for day in history.days.tolist():
        rows = history.on(day)
        past = scored_before(history, score, day)
        low[rows], high[rows] = bounds(score[past], misses[-1])
        seen = promised(history, rows)
        missed = ((score[seen] < low[seen]) | (score[seen] > high[seen])).sum()
        step = 0.5 / half_life(len(past))
        aim = misses[-1] + step * ((1 - nominal) * len(seen) - missed)
        misses.append(float(np.clip(aim, 0.01, 0.5)))
    return Conformal(nominal, history.days, np.array(misses), low, high)
