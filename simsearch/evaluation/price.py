"""Rolling-origin evaluation of prices: every model's errors, intervals, and where they lie."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simsearch.evaluation.price_metrics import (
    Table,
    interval_scores,
    scores,
    skill_interval,
    slices,
)
from simsearch.evaluation.price_run import run_trial
from simsearch.evaluation.price_trial import Trial, date_of
from simsearch.pricing.levels import Floats, Ints
from simsearch.pricing.markets import Market


def evaluate_prices(
    markets: Sequence[Market],
    *,
    since: dt.date | None = None,
    until: dt.date | None = None,
    seed: int = 0,
) -> Table:
    """Rolling-origin evaluation: ``summarise`` of ``run_trial``, which see."""
    return summarise(run_trial(markets, since=since, until=until, seed=seed), markets)


def summarise(trial: Trial, markets: Sequence[Market]) -> Table:
    """The trial as one JSON document: models side by side, skill, intervals, slices."""
    ours = trial.models["simsearch"]
    low, high = next(iter(trial.intervals.values()))
    inside = (trial.actual >= low) & (trial.actual <= high)
    split = trial.models["random_split"]
    held, forward = np.isfinite(split), trial.models["simsearch_comparables"]

    def measured(estimate: Floats, rows: NDArray[np.bool_] | slice = slice(None)) -> Table:
        columns = trial.actual[rows], trial.level[rows], trial.market[rows]
        return scores(estimate[rows], *columns)

    return {
        "test": {
            "from": str(date_of(trial.period[0])),
            "until": str(date_of(trial.period[1])),
            "n": len(trial.day),
            "identical_pictures": int(trial.identical.sum()),
        },
        "models": {
            name: measured(estimate)
            for name, estimate in sorted(trial.models.items())
            if name != "random_split"
        },
        "skill_interval": skill_interval(ours, trial.actual, trial.level, trial.day),
        "intervals": {
            str(nominal): interval_scores(*bounds, trial.actual, nominal)
            for nominal, bounds in trial.intervals.items()
        },
        "slices": slices(price_columns(trial, markets), ours, trial.actual, trial.level, inside),
        "random_split": {
            "n": int(held.sum()),
            **measured(split, held),
            "skill_forward": measured(forward, held)["skill"],
        },
    }


def price_columns(trial: Trial, markets: Sequence[Market]) -> dict[str, NDArray[np.str_]]:
    """Text of each test sale that slices go by."""
    bands = np.array(["0", "1-4", "5-19", "20 or more"])
    months = trial.day.astype("datetime64[D]").astype("datetime64[M]")
    return {
        "collection": np.array([market.name for market in markets])[trial.market],
        "price_decile": np.char.zfill(_deciles(trial, markets).astype(np.str_), 2),
        "month": months.astype(np.str_),
        "comparables": bands[np.searchsorted([1, 5, 20], trial.comparables, side="right")],
        "sale": np.where(trial.repeat, "repeat", "first"),
        "picture": np.where(trial.identical, "several tokens show it", "one token shows it"),
    }


def _deciles(trial: Trial, markets: Sequence[Market]) -> Ints:
    """Decile 1 to 10 of each price among the test sales in its currency."""
    decile = np.zeros(len(trial.day), dtype=np.int64)
    currencies = np.array([market.currency for market in markets])[trial.market]
    for currency in np.unique(currencies):
        own = np.flatnonzero(currencies == currency)
        rank = np.argsort(np.argsort(trial.actual[own], kind="stable"), kind="stable")
        decile[own] = 10 * rank // len(own) + 1
    return decile
