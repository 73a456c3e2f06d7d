"""The answer to "what is it worth": a price, its interval, and the sales that both rest on."""

import datetime as dt
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from simsearch.errors import SalesError
from simsearch.neighbors import SAME
from simsearch.pricing.comparables import Candidates, weights
from simsearch.pricing.estimator import PriceEstimator
from simsearch.pricing.forward import Asked
from simsearch.pricing.levels import LEVEL_DAYS, Level, SaleHistory, level_at, wander

SHOWN = 10
"""Comparables, and excluded sales, that an answer lists."""
OLD = 30
"""Days after which the newest sale is called old."""
EPOCH = dt.date(1970, 1, 1).toordinal()
WIDENED = "the interval is widened by what the price level may have moved since the newest sale"
ALWAYS = (
    "a picture does not prove which contract it belongs to: a copy shows its original's value",
    "an estimate is no advice",
)


@dataclass(frozen=True)
class Comparable:
    """A sale that the estimate rests on.

    Attributes:
        item: row of the token in its collection.
        sale: place of the sale in the arrays given to ``SaleHistory.from_arrays``.
        date: day of the sale.
        price: what was paid.
        price_today: the same at the price level of the estimate's day.
        distance: cosine distance of the pictures; 0 for the token's own sale.
        weight: share in the comparables' mean; the rest belongs to others and to the level.
    """

    item: int
    sale: int
    date: dt.date
    price: float
    price_today: float
    distance: float
    weight: float


@dataclass(frozen=True)
class ExcludedSale:
    """A sale of the token or of one that looks like it, left out by hygiene; fields as above."""

    item: int
    sale: int
    date: dt.date
    price: float
    reason: str


@dataclass(frozen=True)
class PriceEstimate:
    """What a token would sell for, how sure that is, and what it rests on.

    Attributes:
        low, price, high: the estimate and its interval, in ``currency``.
        as_of: the estimate uses sales of strictly earlier days.
        nominal_coverage: share of sales that such intervals are meant to hold.
        realised_coverage: share they held in the past; None where nothing was forecast before, or
            the newest sale is so old that the interval was widened: such ones were never tried.
        level: the collection's price level.
        warnings: sentences that must travel with the number.
        comparables: the weightiest first.
        excluded: the newest first.
    """

    low: float
    price: float
    high: float
    currency: str
    as_of: dt.date
    nominal_coverage: float
    realised_coverage: float | None
    level: float
    warnings: tuple[str, ...]
    comparables: tuple[Comparable, ...]
    excluded: tuple[ExcludedSale, ...]


def value(
    model: PriceEstimator,
    asked: Asked,
    as_of: dt.date,
    *,
    currency: str,
    reasons: NDArray[np.str_] | None = None,
) -> PriceEstimate:
    """Price one token or picture.

    Args:
        model: fitted on the sales of its collection in ``currency``.
        asked: the one query.
        as_of: day of the estimate.
        currency: goes into the answer.
        reasons: for each sale in the caller's order why hygiene left it out, else empty.

    Raises:
        SalesError: nothing usable was sold before that day.
    """
    day = as_of.toordinal() - EPOCH
    level, snapshot = level_at(model.history_, day), model.snapshot(day)
    if level is None or snapshot is None:
        raise SalesError(
            f"no price: no usable sale of this collection in {currency} is earlier than {as_of}; "
            "ask for a later day, or add sales"
        )
    forecast, shown = model.predict(asked, day), model.conformal_[0]
    log, error = float(forecast.log_price[0]), float(forecast.error[0])
    unseen = wander(model.history_, day) * NormalDist().inv_cdf((1 + shown.nominal) / 2)
    widened = bool(unseen) and level.age > OLD
    low, high = (
        float(np.hypot(bound * error, unseen))
        for bound in shown.bounds(model.history_, model.score_, day)
    )
    weight = weights(forecast.found, snapshot.kernel, model.scale_)[0]
    share = weight / (weight.sum() + snapshot.kernel.shrinkage)
    return PriceEstimate(
        low=_price(log - low),
        price=_price(log),
        high=_price(log + high),
        currency=currency,
        as_of=as_of,
        nominal_coverage=shown.nominal,
        realised_coverage=None if widened else shown.realised(model.history_, model.score_, day),
        level=_price(level.log),
        warnings=(
            *_level_warnings(level, as_of),
            *_comparable_warnings(share, asked),
            *_interval_warnings(model, day),
            *([WIDENED] if widened else []),
            *ALWAYS,
        ),
        comparables=_comparables(model.history_, forecast.found, share, level),
        excluded=_excluded(model.history_, asked, day, reasons),
    )


def _comparables(
    history: SaleHistory, found: Candidates, share: NDArray[np.float64], level: Level
) -> tuple[Comparable, ...]:
    places = np.argsort(-share, kind="stable")[: min(SHOWN, int((share > 0).sum()))]
    return tuple(
        Comparable(
            item=int(history.item[sale]),
            sale=int(history.row[sale]),
            date=_date(history.day[sale]),
            price=float(history.price[sale]),
            price_today=_price(level.log + history.residual[sale]),
            distance=float(found.distance[0, place]),
            weight=float(share[place]),
        )
        for place, sale in zip(places, found.sale[0, places], strict=True)
    )


def _excluded(
    history: SaleHistory, asked: Asked, day: int, reasons: NDArray[np.str_] | None
) -> tuple[ExcludedSale, ...]:
    """Excluded sales of the token itself and of those nearest to it."""
    items = [int(asked.own[0]), *asked.near.ids[0, :SHOWN].tolist()]
    past = history.before(day)
    out = np.isin(history.item[:past], items) & (history.known_since[:past] <= day)
    return tuple(
        ExcludedSale(
            item=int(history.item[sale]),
            sale=int(history.row[sale]),
            date=_date(history.day[sale]),
            price=float(history.price[sale]),
            reason="" if reasons is None else str(reasons[history.row[sale]]),
        )
        for sale in np.flatnonzero(out)[::-1][:SHOWN]
    )


def _level_warnings(level: Level, as_of: dt.date) -> list[str]:
    if level.stale:
        return [
            f"no sale in the {LEVEL_DAYS} days before {as_of}: the price level rests on the last "
            f"{_count(level.sales, 'sale')}, the newest {_count(level.age, 'day')} old"
        ]
    old = [f"the newest sale is {level.age} days old"] if level.age > OLD else []
    if level.sales < SHOWN:
        return [*old, f"the price level rests on {_count(level.sales, 'sale')} only"]
    return old


def _comparable_warnings(share: NDArray[np.float64], asked: Asked) -> list[str]:
    said = []
    if share.sum() < 0.5:
        said.append(
            "nothing similar has sold lately: the estimate is little more than the price level"
        )
    elif (count := share.sum() ** 2 / (share**2).sum()) < 3:
        said.append(f"few comparables: their weight is that of {count:.1f} equal ones")
    near = asked.near
    same = (near.distances[0] < SAME) & (near.ids[0] != asked.own[0]) & (near.ids[0] >= 0)
    if same.any():
        noun = "other item" if asked.own[0] >= 0 else "indexed item"
        said.append(f"the same picture is shown by {_count(int(same.sum()), noun)}")
    return said


def _interval_warnings(model: PriceEstimator, day: int) -> list[str]:
    past = model.history_.usable(day)
    count = int(np.isfinite(model.score_[past]).sum())
    return [f"the interval rests on {_count(count, 'earlier forecast')} only"] if count < 50 else []


def _price(log: float) -> float:
    """A price of its logarithm, a finite one however far the interval reaches."""
    return float(np.exp(np.clip(log, -700, 700)))


def _date(day: np.int64) -> dt.date:
    return dt.date.fromordinal(int(day) + EPOCH)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
