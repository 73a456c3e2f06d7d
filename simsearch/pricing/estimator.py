"""The price estimator: what a token would sell for, learned from sales in the order of time."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simsearch.errors import SalesError
from simsearch.neighbors import Neighbors
from simsearch.pricing.comparables import Candidates, describe, typical_distance
from simsearch.pricing.conformal import Conformal, calibrate
from simsearch.pricing.forward import (
    Asked,
    PriceSettings,
    Snapshot,
    Walk,
    blended,
    drift,
    error_size,
    features,
    look_up,
    market_pace,
    spans,
)
from simsearch.pricing.hedonic import premium
from simsearch.pricing.levels import Floats, SaleHistory, level_at

TRAIT_WEIGHT = 0.5
"""Length of one trait beside a vector of length 1."""


class Forecast(NamedTuple):
    """Log estimates of q queries for one day.

    Attributes:
        log_price: float64 (q,), estimate; NaN everywhere where there is no price level.
        error: float64 (q,), expected size of the error, the unit of the interval.
        found: the comparables looked at.
    """

    log_price: Floats
    error: Floats
    found: Candidates


class PriceEstimator:
    """Price level, comparables, hedonic ridge and boosted trees, walked forward in time.

    Learned:
        history_: the sales.
        items_: number of items in the collection.
        scale_: unit of the kernels' bandwidths.
        snapshots_: what was fitted, by origin.
        forecast_: float64 (n,), residual forecast for each sale before its day, not corrected for
            the market's drift; NaN without.
        log_forecast_: float64 (n,), the log price forecast with it.
        error_: float64 (n,), expected size of the forecast's error.
        conformal_: one calibration per nominal coverage.
    """

    history_: SaleHistory
    items_: int
    scale_: float
    snapshots_: list[Snapshot]
    forecast_: Floats
    log_forecast_: Floats
    error_: Floats
    conformal_: list[Conformal]

    def __init__(self, settings: PriceSettings | None = None) -> None:
        self.settings = settings or PriceSettings()

    def fit(
        self, history: SaleHistory, near: Neighbors, descriptors: NDArray[np.floating]
    ) -> "PriceEstimator":
        """Walk through the sales of one collection, on one thread (see ``boosting.grow``).

        Args:
            history: its sales in one currency.
            near: for each of its n items the nearest others, an item itself in its list or not.
            descriptors: float (n, f), what the ridge sees: see ``join_descriptors``.

        Raises:
            SalesError: neighbours, descriptors and sales do not speak of the same items.
        """
        from threadpoolctl import threadpool_limits

        _check(history, near, descriptors)
        asked = Asked(near.top(self.settings.neighbors), np.arange(len(near.ids)), descriptors)
        self.history_, self.items_ = history, len(near.ids)
        self.scale_ = typical_distance(asked.near)
        with threadpool_limits(1):
            walk = Walk(self.settings, history, asked, self.scale_)
            self.snapshots_ = [walk.step(origin, end) for origin, end in spans(history)]
        self.forecast_, self.error_ = walk.forecast, walk.error
        moved = {day: drift(history, walk.forecast, day) for day in history.days.tolist()}
        drifts = np.array([moved[day] for day in history.day.tolist()])
        self.log_forecast_ = history.level + (walk.forecast - drifts)
        self.conformal_ = [
            calibrate(history, self.score_, nominal) for nominal in self.settings.coverages
        ]
        return self

    @property
    def score_(self) -> Floats:
        """(log price - forecast) / expected error of each sale; NaN without a forecast."""
        score: Floats = (self.history_.log_price - self.log_forecast_) / self.error_
        return score

    def snapshot(self, day: int) -> Snapshot | None:
        """The newest snapshot that may be used for a day."""
        usable = [snapshot for snapshot in self.snapshots_ if snapshot.origin <= day]
        return usable[-1] if usable else None

    def predict(self, asked: Asked, day: int) -> Forecast:
        """Estimate every query for one day from what was known before it.

        Raises:
            SalesError: the descriptors are not as wide as those given to ``fit``.
        """
        snapshot, level = self.snapshot(day), level_at(self.history_, day)
        if snapshot is None or level is None:
            return _nothing(len(asked.own))
        if asked.descriptors.shape[1] != len(snapshot.coefficients) - 1:
            raise SalesError(
                f"descriptors of {asked.descriptors.shape[1]} numbers, not of the "
                f"{len(snapshot.coefficients) - 1} of the fit: join vectors and traits as there"
            )
        asked = asked._replace(near=asked.near.top(self.settings.neighbors))
        found = look_up(self.settings, self.history_, asked, day, self.items_)
        told = describe(found, snapshot.kernel, self.scale_)
        worth = premium(asked.descriptors, snapshot.coefficients)
        grown = np.full(len(told), np.nan)
        if snapshot.trees is not None:
            pace = np.full(len(told), market_pace(self.history_, day))
            grown = snapshot.trees.predict(features(told, worth, pace))
        residual = blended(np.stack([told[:, 0], worth, grown], axis=1), snapshot.shares)
        moved = drift(self.history_, self.forecast_, day)
        return Forecast(level.log + (residual - moved), error_size(told, residual), found)


def join_descriptors(
    vectors: NDArray[np.floating], traits: NDArray[np.floating] | None = None
) -> NDArray[np.float32]:
    """What the hedonic ridge sees of items: their unit vectors and, beside them, their traits.

    Args:
        vectors: float (n, d), unit length.
        traits: float (n, t), 1 where an item has a trait, or the probability that it has.
    """
    if traits is None:
        return np.asarray(vectors, dtype=np.float32)
    return np.concatenate([vectors, TRAIT_WEIGHT * traits], axis=1, dtype=np.float32)


def _check(history: SaleHistory, near: Neighbors, descriptors: NDArray[np.floating]) -> None:
    if len(near.ids) != len(descriptors):
        raise SalesError(f"{len(near.ids)} neighbour lists for {len(descriptors)} descriptors")
    if len(history) and history.item.max() >= len(descriptors):
        raise SalesError(
            f"a sale of item {history.item.max()} in a collection of {len(descriptors)} items: "
            "leave out the sales of unknown tokens"
        )


def _nothing(queries: int) -> Forecast:
    blank, nan = np.zeros((queries, 1)), np.full(queries, np.nan)
    return Forecast(nan, nan, Candidates(np.full((queries, 1), -1), blank, blank, blank))
