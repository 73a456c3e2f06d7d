"""Charts of ``evaluate price``: predicted against sold, errors and coverage over time."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from simsearch import plots
from simsearch.evaluation.price_result import PriceResult

_BINS = 10


def sold_charts(result: PriceResult) -> Iterator[tuple[str, plots.Chart]]:
    """Estimates against prices, one chart for each currency."""
    trial = result.trial
    currencies = np.array([one.market.currency for one in result.traded])[trial.market]
    for currency in np.unique(currencies).tolist():
        own = (currencies == currency) & np.isfinite(trial.models["simsearch"])
        labels = f"paid, {currency}", f"estimate, {currency}"
        paid, said = np.exp(trial.actual[own]), np.exp(trial.models["simsearch"][own])
        if own.any():
            yield currency, plots.scatter(paid, said, labels, log=True)


def error_chart(result: PriceResult) -> plots.Chart:
    """Median error of each month, beside that of the trailing median and of the own last sale."""
    trial = result.trial
    months, place = _months(result)
    series = {}
    for name, text in (
        ("simsearch", "simsearch"),
        ("trailing_median", "trailing median"),
        ("own_last_sale", "own last sale × level"),
    ):
        error = np.abs(np.expm1(trial.models[name] - trial.actual))
        series[text] = _by_place(error, place, len(months), np.median)
    return plots.lines(series, ("month", "median error"), ticks=months)


def coverage_chart(result: PriceResult) -> plots.Chart:
    """Share of each month's sales that lay in their interval."""
    months, place = _months(result)
    series = {
        f"{nominal:.0%} interval": _by_place(inside, place, len(months), np.mean)
        for nominal, inside, _ in _inside(result)
    }
    levels = list(result.trial.intervals)
    return plots.lines(series, ("month", "share inside"), ticks=months, levels=levels)


def width_chart(result: PriceResult) -> plots.Chart | None:
    """Share inside by how wide the interval is; None where nothing has one."""
    series = {}
    for nominal, inside, width in _inside(result):
        known = np.flatnonzero(np.isfinite(width))
        if not len(known):
            return None
        order = known[np.argsort(width[known], kind="stable")]
        groups = [group for group in np.array_split(order, _BINS) if len(group)]
        factor = [float(np.exp(np.median(width[group]))) for group in groups]
        series[f"{nominal:.0%} interval"] = factor, [float(inside[g].mean()) for g in groups]
    levels = list(result.trial.intervals)
    return plots.lines(series, ("upper bound / lower bound", "share inside"), levels=levels)


def _inside(
    result: PriceResult,
) -> Iterator[tuple[float, NDArray[np.float64], NDArray[np.float64]]]:
    """Nominal coverage, 1 or 0 for each sale (NaN without an interval), and log width."""
    actual = result.trial.actual
    for nominal, (low, high) in result.trial.intervals.items():
        inside = ((actual >= low) & (actual <= high)).astype(np.float64)
        yield nominal, np.where(np.isfinite(high - low), inside, np.nan), high - low


def _months(result: PriceResult) -> tuple[list[str], NDArray[np.int64]]:
    """Months with test sales, and the place of each sale's month among them."""
    month = result.trial.day.astype("datetime64[D]").astype("datetime64[M]").astype(str)
    names, place = np.unique(month, return_inverse=True)
    return names.tolist(), place


def _by_place(
    values: NDArray[np.float64],
    place: NDArray[np.int64],
    count: int,
    mean: Callable[[NDArray[np.float64]], np.floating],
) -> tuple[list[float], list[float]]:
    """Places, and a mean of the known values at each; places without one are left out."""
    known = [values[(place == number) & np.isfinite(values)] for number in range(count)]
    there = [number for number in range(count) if len(known[number])]
    return [float(number) for number in there], [float(mean(known[number])) for number in there]
