"""Prices by week or month: what the cheapest and the middle sale of each was."""

from dataclasses import dataclass

import numpy as np

from simsearch.pricing.levels import NEVER, Floats, Ints, SaleHistory

FLOOR = 0.1
"""Share of a period's sales that lie below its floor: one odd sale is no floor."""
_WEEKS = 120
"""Weeks of history up to which weeks are told, beyond which months."""
_MONDAY = 4  # 1970-01-05


@dataclass(frozen=True)
class Periods:
    """Weeks, or calendar months, in which something was sold.

    Attributes:
        unit: ``week`` or ``month``.
        start: int64 (p,), first day of each, days since 1970-01-01.
        sales: int64 (p,), sales that count.
        floor: float64 (p,), the price that a tenth of them were below.
        median: float64 (p,), of their prices.
    """

    unit: str
    start: Ints
    sales: Ints
    floor: Floats
    median: Floats


def price_periods(history: SaleHistory) -> Periods:
    """Floor and median of each week, of each month where the history is long.

    Sales that hygiene excludes, whenever that became known, are left out.
    """
    kept = history.known_since == NEVER
    day, price = history.day[kept], history.price[kept]
    long = len(day) > 0 and day[-1] - day[0] > 7 * _WEEKS
    start = _months(day) if long else day - (day - _MONDAY) % 7
    starts, first = np.unique(start, return_index=True)
    parts = np.split(price, first[1:]) if len(day) else []
    floor, median = (np.array([np.quantile(part, q) for part in parts]) for q in (FLOOR, 0.5))
    sales = np.array([len(part) for part in parts], dtype=np.int64)
    return Periods("month" if long else "week", starts, sales, floor, median)


def _months(day: Ints) -> Ints:
    months = day.astype("datetime64[D]").astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)
