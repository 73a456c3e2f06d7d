"""Prices estimated as they would have been at the time, for every sale of a test period."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simsearch.errors import SalesError
from simsearch.evaluation.price_baselines import last_sales, past_median, random_split, trait_ridge
from simsearch.evaluation.price_trial import EPOCH, Bounds, Trial, date_of, join_trials
from simsearch.neighbors import SAME, Neighbors
from simsearch.pricing.comparables import weights
from simsearch.pricing.estimator import PriceEstimator, join_descriptors
from simsearch.pricing.forward import Asked, PriceSettings
from simsearch.pricing.levels import NEVER, Floats, Ints, SaleHistory
from simsearch.pricing.markets import Market, View

DUST = 0.01
"""Test sales cost at least this many units of the currency."""


def run_trial(
    markets: Sequence[Market],
    *,
    since: dt.date | None = None,
    until: dt.date | None = None,
    hygiene: bool = True,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Trial:
    """Let every model estimate every test sale from sales of strictly earlier days.

    Args:
        markets: collections with their sales.
        since: first test day; None = the first of the month in which the last third begins.
        until: last test day; None = that of the last sale.
        hygiene: leave sales out of the past that hygiene has marked.
        seed: of the shuffled pictures.
        progress: told how many markets are done, of how many.

    Raises:
        SalesError: there is no sale to test on.
    """
    period = period_of(markets, since, until)
    tested = [tested_rows(market.history, period) for market in markets]
    if not sum(map(len, tested)):
        raise SalesError(
            f"no sale at {DUST} or more from {date_of(period[0])} to {date_of(period[1])}; "
            "choose other days, or index a collection that has sales"
        )
    used = [_both_ways(market.history, hygiene) for market in markets]
    parts = []
    for number, rows in enumerate(tested):
        if len(rows):
            market = replace(markets[number], history=used[number][0])
            trial = _try_market(market, number, rows, period, seed)
            _add_other_hygiene(trial, market.view, used[number][1], rows, hygiene)
            parts.append(trial)
        progress(number + 1, len(markets))
    trial = join_trials(parts)
    trial.models["global_median"] = _global_median(trial, markets, [one for one, _ in used])
    return trial


def _global_median(
    trial: Trial, markets: Sequence[Market], histories: Sequence[SaleHistory]
) -> Floats:
    """Median of all past sales of any collection that are in the same currency."""
    found = np.full(len(trial.day), np.nan)
    currencies = np.array([market.currency for market in markets])
    for currency in np.unique(currencies):
        own = [
            history for history, one in zip(histories, currencies, strict=True) if one == currency
        ]
        here = currencies[trial.market] == currency
        days, place = np.unique(trial.day[here], return_inverse=True)
        found[here] = past_median(own, days)[place]
    return found


def period_of(
    markets: Sequence[Market], since: dt.date | None = None, until: dt.date | None = None
) -> tuple[int, int]:
    """First and last test day: those given, or the last third of all sales, by whole months.

    Raises:
        SalesError: there is no sale at all.
    """
    days = np.sort([day for market in markets for day in market.history.day.tolist()])
    if len(days) == 0:
        raise SalesError("no sales to evaluate on: index a collection whose folder has sales")
    third = np.datetime64(int(days[2 * len(days) // 3]), "D").astype("datetime64[M]")
    start = third.astype("datetime64[D]").astype(np.int64)
    return (
        int(start) if since is None else since.toordinal() - EPOCH,
        int(days[-1]) if until is None else until.toordinal() - EPOCH,
    )


def tested_rows(history: SaleHistory, period: tuple[int, int]) -> Ints:
    """The sales of a period that are tested: all but dust, whatever hygiene says of them."""
    rows = np.arange(history.before(period[0]), history.before(period[1] + 1))
    return rows[history.price[rows] >= DUST]


def _try_market(
    market: Market, number: int, rows: Ints, period: tuple[int, int], seed: int
) -> Trial:
    history, near = market.history, market.view.near
    model = fit_view(history, market.view)
    own, mean, repeat = last_sales(history, near, rows)
    days, place = np.unique(history.day[rows], return_inverse=True)
    twin = _identical(near) if market.twin is None else market.twin
    trial = Trial(
        market=np.full(len(rows), number),
        row=history.row[rows],
        item=history.item[rows],
        day=history.day[rows],
        actual=history.log_price[rows],
        level=history.level[rows],
        repeat=repeat,
        comparables=_comparables(model, market.view, rows),
        identical=twin[history.item[rows]],
        period=period,
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
    trial.intervals.update(_bounds(model, rows))
    trial.estimators[number] = model
    return trial


def _bounds(model: PriceEstimator, rows: Ints) -> Bounds:
    """Lower and upper bound of the log price of some sales by nominal coverage."""
    forecast, error = model.log_forecast_[rows], model.error_[rows]
    return {
        one.nominal: (forecast + one.low[rows] * error, forecast + one.high[rows] * error)
        for one in model.conformal_
    }


def _add_other_hygiene(
    trial: Trial, view: View, history: SaleHistory | None, rows: Ints, hygiene: bool
) -> None:
    """The level and the estimator with sales hygiene switched the other way."""
    label = "no_hygiene" if hygiene else "with_hygiene"
    model = trial.estimators[int(trial.market[0])] if history is None else fit_view(history, view)
    trial.models[f"trailing_median_{label}"] = model.history_.level[rows]
    trial.models[f"simsearch_{label}"] = model.log_forecast_[rows]
    trial.other_intervals.update(_bounds(model, rows))


def _variants(market: Market, rows: Ints, seed: int) -> dict[str, Floats]:
    """The estimator with a part taken away, and the ridge from traits alone."""
    history, view, usual = market.history, market.view, PriceSettings()
    alone = replace(usual, own=False)
    tried = {
        "simsearch_comparables": (history, view, replace(usual, paired_on=NEVER, trained_on=NEVER)),
        "simsearch_no_own": (history, view, alone),
        "simsearch_shuffled": (history, view.shuffled(seed), alone),
    }
    if market.plain is not None or view.traits is not None:
        plain = market.plain or replace(view, traits=None)
        tried["simsearch_no_traits"] = history, plain, usual
    found = {name: fit_view(*given).log_forecast_[rows] for name, given in tried.items()}
    if view.traits is not None:
        found["trait_ridge"] = trait_ridge(history, view.traits)[rows]
    return found


def fit_view(
    history: SaleHistory, view: View, settings: PriceSettings | None = None
) -> PriceEstimator:
    """Walk an estimator through sales whose items are seen in one way."""
    seen = join_descriptors(view.vectors, view.traits)
    return PriceEstimator(settings).fit(history, view.near, seen)


def _both_ways(history: SaleHistory, hygiene: bool) -> tuple[SaleHistory, SaleHistory | None]:
    """The sales with hygiene as asked, and the other way; None where both are the same.

    Without hygiene nothing but the unpriced is left out.
    """
    since = np.where(history.price > 0, NEVER, history.known_since)
    if (since == history.known_since).all():
        return history, None
    bare = replace(history, known_since=since)
    return (history, bare) if hygiene else (bare, history)


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
