"""Prices estimated as they would have been at the time, for every sale of a test period."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from simsearch.errors import SalesError
from simsearch.evaluation.price_baselines import last_sales, past_median, random_split, trait_ridge
from simsearch.neighbors import Neighbors
from simsearch.pricing.comparables import weights
from simsearch.pricing.estimator import PriceEstimator, join_descriptors
from simsearch.pricing.forward import Asked, PriceSettings
from simsearch.pricing.levels import NEVER, Floats, Ints, SaleHistory
from simsearch.pricing.markets import Market, View

DUST = 0.01
"""Test sales cost at least this many units of the currency."""
EPOCH = dt.date(1970, 1, 1).toordinal()
SAME = 1e-6
"""Cosine distance below which two pictures count as the same."""


@dataclass(frozen=True)
class Trial:
    """Estimates for the test sales of all markets, one after the other, each in order of time.

    All arrays have one entry a sale; prices are natural logs, NaN where there is no answer.

    Attributes:
        market, row, item, day: number of the market, the caller's row of the sale, its item, day.
        actual: what was paid.
        level: the trailing median before that day.
        repeat: whether the token had been sold before.
        comparables: how many earlier sales had a say in the estimate.
        identical: whether another item shows the very same picture.
        models: estimates by model.
        intervals: lower and upper bound by nominal coverage.
    """

    market: Ints
    row: Ints
    item: Ints
    day: Ints
    actual: Floats
    level: Floats
    repeat: NDArray[np.bool_]
    comparables: Ints
    identical: NDArray[np.bool_]
    models: dict[str, Floats] = field(default_factory=dict)
    intervals: dict[float, tuple[Floats, Floats]] = field(default_factory=dict)


def run_trial(
    markets: Sequence[Market],
    *,
    since: dt.date | None = None,
    until: dt.date | None = None,
    seed: int = 0,
) -> Trial:
    """Let every model estimate every test sale from sales of strictly earlier days.

    Args:
        markets: collections with their sales, all in one currency.
        since: first test day; None = the first of the month in which the last third begins.
        until: last test day; None = that of the last sale.
        seed: of the shuffled pictures.

    Raises:
        SalesError: there is no sale to test on.
    """
    first, last = _period(markets, since, until)
    tested = [_test_rows(market.history, first, last) for market in markets]
    if not sum(map(len, tested)):
        raise SalesError(
            f"no sale at {DUST} or more from {date_of(first)} to {date_of(last)}; "
            "choose other days, or index a collection that has sales"
        )
    parts = [
        _try_market(market, number, rows, seed)
        for number, (market, rows) in enumerate(zip(markets, tested, strict=True))
        if len(rows)
    ]
    trial = _joined(parts)
    everywhere = [market.history for market in markets]
    days, place = np.unique(trial.day, return_inverse=True)
    trial.models["global_median"] = past_median(everywhere, days)[place]
    return trial


def _period(
    markets: Sequence[Market], since: dt.date | None, until: dt.date | None
) -> tuple[int, int]:
    days = np.sort([day for market in markets for day in market.history.day.tolist()])
    if len(days) == 0:
        raise SalesError("no sales to evaluate on: index a collection whose folder has sales")
    third = np.datetime64(int(days[2 * len(days) // 3]), "D").astype("datetime64[M]")
    start = third.astype("datetime64[D]").astype(np.int64)
    return (
        int(start) if since is None else since.toordinal() - EPOCH,
        int(days[-1]) if until is None else until.toordinal() - EPOCH,
    )


def _test_rows(history: SaleHistory, first: int, last: int) -> Ints:
    rows = np.arange(history.before(first), history.before(last + 1))
    return rows[history.price[rows] >= DUST]


def _try_market(market: Market, number: int, rows: Ints, seed: int) -> Trial:
    history, near = market.history, market.view.near
    model = _fitted(history, market.view, PriceSettings())
    own, mean, repeat = last_sales(history, near, rows)
    days, place = np.unique(history.day[rows], return_inverse=True)
    trial = Trial(
        market=np.full(len(rows), number),
        row=history.row[rows],
        item=history.item[rows],
        day=history.day[rows],
        actual=history.log_price[rows],
        level=history.level[rows],
        repeat=repeat,
        comparables=_comparables(model, market.view, rows),
        identical=_identical(near)[history.item[rows]],
        models={
            "past_median": past_median([history], days)[place],
            "trailing_median": history.level[rows],
            "own_last_sale": own,
            "neighbor_mean": mean,
            "random_split": random_split(history, near, rows, model.snapshots_[-1].kernel),
            "simsearch": model.log_forecast_[rows],
            **_variants(market, rows, seed),
        },
    )
    for conformal in model.conformal_:
        low, high = (
            model.log_forecast_ + bound * model.error_ for bound in (conformal.low, conformal.high)
        )
        trial.intervals[conformal.nominal] = low[rows], high[rows]
    return trial


def _variants(market: Market, rows: Ints, seed: int) -> dict[str, Floats]:
    """The estimator with a part taken away, and the ridge from traits alone."""
    history, view, usual = market.history, market.view, PriceSettings()
    alone = replace(usual, own=False)
    tried = {
        "simsearch_comparables": (history, view, replace(usual, trained_on=NEVER)),
        "simsearch_no_own": (history, view, alone),
        "simsearch_shuffled": (history, view.shuffled(seed), alone),
    }
    if market.plain is not None or view.traits is not None:
        plain = market.plain or replace(view, traits=None)
        tried["simsearch_no_traits"] = history, plain, usual
    if (unmarked := _without_hygiene(history)) is not None:
        tried["simsearch_no_hygiene"] = unmarked, view, usual
    found = {name: _fitted(*given).log_forecast_[rows] for name, given in tried.items()}
    if view.traits is not None:
        found["trait_ridge"] = trait_ridge(history, view.traits)[rows]
    return found


def _fitted(history: SaleHistory, view: View, settings: PriceSettings) -> PriceEstimator:
    seen = join_descriptors(view.vectors, view.traits)
    return PriceEstimator(settings).fit(history, view.near, seen)


def _without_hygiene(history: SaleHistory) -> SaleHistory | None:
    """The same sales with nothing but the unpriced left out; None where that changes nothing."""
    since = np.where(history.price > 0, NEVER, history.known_since)
    return None if (since == history.known_since).all() else replace(history, known_since=since)


def _comparables(model: PriceEstimator, view: View, rows: Ints) -> Ints:
    """How many sales had at least 1% of the weight in each estimate."""
    history = model.history_
    seen = join_descriptors(view.vectors, view.traits)
    counts = np.zeros(len(rows), dtype=np.int64)
    for day in np.unique(history.day[rows]).tolist():
        places = np.flatnonzero(history.day[rows] == day)
        own = history.item[rows[places]]
        asked = Asked(view.near, np.arange(len(view.vectors)), seen).take(own)
        snapshot, forecast = model.snapshot(day), model.predict(asked, day)
        if snapshot is not None:
            weight = weights(forecast.found, snapshot.kernel, model.scale_)
            total = weight.sum(axis=1, keepdims=True) + snapshot.kernel.shrinkage
            counts[places] = (weight >= total / 100).sum(axis=1)
    return counts


def _identical(near: Neighbors) -> NDArray[np.bool_]:
    """Whether another item's picture is the same, for every item."""
    others = near.ids != np.arange(len(near.ids))[:, None]
    twin: NDArray[np.bool_] = ((near.distances < SAME) & others & (near.ids >= 0)).any(axis=1)
    return twin


def _joined(parts: list[Trial]) -> Trial:
    """Trials of several markets as one; a model that one market lacks answers nothing there."""
    sizes = [len(part.day) for part in parts]
    models = sorted({name for part in parts for name in part.models})
    columns = ("market", "row", "item", "day", "actual", "level", "repeat", "comparables")
    return Trial(
        **{name: np.concatenate([getattr(p, name) for p in parts]) for name in columns},
        identical=np.concatenate([part.identical for part in parts]),
        models={
            name: np.concatenate(
                [
                    part.models.get(name, np.full(size, np.nan))
                    for part, size in zip(parts, sizes, strict=True)
                ]
            )
            for name in models
        },
        intervals={
            nominal: (
                np.concatenate([part.intervals[nominal][0] for part in parts]),
                np.concatenate([part.intervals[nominal][1] for part in parts]),
            )
            for nominal in parts[0].intervals
        },
    )


def date_of(day: int) -> dt.date:
    """The date of a day number."""
    return dt.date.fromordinal(int(day) + EPOCH)
