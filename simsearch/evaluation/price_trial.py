"""What a walk through the sales of a test period leaves behind, sale by sale."""

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simsearch.pricing.estimator import PriceEstimator
from simsearch.pricing.levels import Floats, Ints

EPOCH = dt.date(1970, 1, 1).toordinal()

Bounds = dict[float, tuple[Floats, Floats]]


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
        period: first and last test day.
        models: estimates by model.
        intervals: lower and upper bound by nominal coverage.
        other_intervals: the same with sales hygiene switched the other way.
        estimators: market → the estimator that was walked through its sales.
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
    period: tuple[int, int]
    models: dict[str, Floats] = field(default_factory=dict)
    intervals: Bounds = field(default_factory=dict)
    other_intervals: Bounds = field(default_factory=dict)
    estimators: dict[int, PriceEstimator] = field(default_factory=dict)


def join_trials(parts: list[Trial]) -> Trial:
    """Trials of several markets as one; a model that one market lacks answers nothing there."""
    sizes = [len(part.day) for part in parts]
    models = sorted({name for part in parts for name in part.models})
    columns = ("market", "row", "item", "day", "actual", "level", "repeat", "comparables")
    return Trial(
        **{name: np.concatenate([getattr(p, name) for p in parts]) for name in columns},
        identical=np.concatenate([part.identical for part in parts]),
        period=parts[0].period,
        models={
            name: np.concatenate(
                [
                    part.models.get(name, np.full(size, np.nan))
                    for part, size in zip(parts, sizes, strict=True)
                ]
            )
            for name in models
        },
        intervals=_joined_bounds([part.intervals for part in parts]),
        other_intervals=_joined_bounds([part.other_intervals for part in parts]),
        estimators={number: model for part in parts for number, model in part.estimators.items()},
    )


def _joined_bounds(parts: list[Bounds]) -> Bounds:
    return {
        nominal: (
            np.concatenate([part[nominal][0] for part in parts]),
            np.concatenate([part[nominal][1] for part in parts]),
        )
        for nominal in parts[0]
    }


def date_of(day: int) -> dt.date:
    """The date of a day number."""
    return dt.date.fromordinal(int(day) + EPOCH)
