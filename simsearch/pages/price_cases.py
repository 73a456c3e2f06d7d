"""Test sales to look at: where pictures helped most, and the worst estimates."""

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from simsearch.engine import SearchEngine
from simsearch.evaluation.price_result import PriceResult
from simsearch.evaluation.price_trial import date_of
from simsearch.images import load_image
from simsearch.pages.price_tables import amount
from simsearch.pricing.estimator import join_descriptors
from simsearch.pricing.forward import Asked
from simsearch.pricing.valuation import Comparable, PriceEstimate, value
from simsearch.report import Case, Report, Shot

_NEAR = float(np.log(1.1))
_CASES = 8
"""Sales shown of a kind, one of each token at most."""
_FOUND = 6
"""Comparables shown of a sale."""


def add_cases(report: Report, result: PriceResult, engine: SearchEngine) -> None:
    """Show the best and the worst estimates with the sales they rest on."""
    trial = result.trial
    error = np.abs(trial.models["simsearch"] - trial.actual)
    missed = np.where(error < _NEAR, np.abs(trial.level - trial.actual), np.nan)
    best = [_case(result, engine, place) for place in _highest(result, missed)]
    worst = [_case(result, engine, place) for place in _highest(result, error)]
    told = "Beside each the sales with most weight in its estimate."
    if best:
        note = f"Of the estimates within 10% those that the trailing median missed by most. {told}"
        report.cases("Best cases", best, note)
    if worst:
        report.cases("Worst cases", worst, f"The largest errors. {told}")


def _highest(result: PriceResult, values: NDArray[np.float64]) -> list[int]:
    """Places of the test sales with the highest values, the first of each token."""
    first: dict[int, int] = {}
    for place in np.argsort(-values, kind="stable").tolist():
        if np.isfinite(values[place]) and len(first) < _CASES:
            first.setdefault(result.row(place), place)
    return list(first.values())


def _case(result: PriceResult, engine: SearchEngine, place: int) -> Case:
    trial, market = result.trial, int(result.trial.market[place])
    one, item, day = result.traded[market], int(trial.item[place]), date_of(trial.day[place])
    said = _said(result, market, item, day)
    paid = f"paid {amount(float(np.exp(trial.actual[place])))} {said.currency}"
    lines = [
        *(f"{engine.catalog.key(result.row(place))}", paid, f"on {day}"),
        f"estimate {amount(said.price)}",
        f"80%: {amount(said.low)} to {amount(said.high)}",
        f"level {amount(said.level)}",
    ]
    found = [
        Shot(
            _picture(engine, int(one.ledger.members[sale.item])), _sold(result, market, item, sale)
        )
        for sale in said.comparables[:_FOUND]
    ]
    return Case(Shot(_picture(engine, result.row(place)), lines), found)


def _said(result: PriceResult, market: int, item: int, day: dt.date) -> PriceEstimate:
    """What the estimator says of an item for a day, with its comparables."""
    view = result.traded[market].market.view
    every = Asked(view.near, np.arange(len(view.vectors)), view.vectors)
    asked = every.take(np.array([item]))
    traits = None if view.traits is None else view.traits[[item]]
    asked = asked._replace(descriptors=join_descriptors(asked.descriptors, traits))
    currency = result.traded[market].market.currency
    return value(result.trial.estimators[market], asked, day, currency=currency)


def _sold(result: PriceResult, market: int, item: int, sale: Comparable) -> list[str]:
    """Caption of a comparable."""
    one = result.traded[market]
    same = sale.item == item
    lines = [
        "its own sale" if same else f"distance {sale.distance:.3f}",
        f"{amount(sale.price)} {one.market.currency}",
        f"on {sale.date}",
        f"at level {amount(sale.price_today)}",
        f"weight {sale.weight:.0%}",
    ]
    traits = one.market.view.traits
    if traits is not None and not same:
        common = int((traits[item] * traits[sale.item]).sum())
        lines.append(f"{common} of {int(traits[item].sum())} traits")
    return lines


def _picture(engine: SearchEngine, row: int) -> NDArray[np.uint8]:
    return load_image(engine.thumbnails[row])
