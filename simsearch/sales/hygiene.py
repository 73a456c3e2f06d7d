"""Sales hygiene: which sales say nothing about a price, why, and from which day that is known."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.arrow import codes, numbers
from simsearch.sales.table import NEVER, SalesTable

Days = NDArray[np.int32]
Codes = NDArray[np.int64]

DUST_SHARE = 0.01
"""A price below this share of the trailing level is dust."""
DUST_ABSOLUTE = 1e-6
"""A price below this many units of any currency is dust, with or without a level."""
LEVEL_DAYS = 30
"""The trailing level is the median of the daily medians of this many earlier trading days."""
LEVEL_SALES = 3
"""Without this many earlier sales there is no level."""
REPEATS = 3
"""A wallet that buys one token this often is not an ordinary buyer."""


def mark(sales: SalesTable) -> SalesTable:
    """Mark every sale that the rules exclude with its reason code and the first day it is known.

    The rules, in order of precedence where several are known on the same day:

    - ``zero-price``: the price is 0.
    - ``dust``: the price is below 1e-6, or below 1% of the trailing level of its collection and
      currency: the median of the daily medians of the last 30 earlier trading days.
    - ``self-trade``: seller and buyer are one wallet.
    - ``several-units``: more than one unit was sold at once.
    - ``bundle``: the same transaction sold several tokens.
    - ``back-and-forth``: the two wallets traded this token in both directions.
    - ``repeat-buyer``: the buyer bought this token three or more times.

    An exclusion is known from the day after the last sale it rests on, so that an estimate for day
    t, which asks ``sales.excluded_at(t)``, depends on sales of strictly earlier days only. A sale
    with an empty wallet or transaction is not touched by the rules that need one.
    """
    if len(sales) == 0:
        return sales
    columns = _Columns.of(sales)
    revealed = np.stack([rule(columns) for rule in RULES.values()])
    first = revealed.argmin(axis=0)
    day = revealed.min(axis=0)
    names = list(RULES)
    reasons = [names[rule] if when < NEVER else None for rule, when in zip(first, day, strict=True)]
    return sales.with_marks(reasons, day + (day < NEVER))


def unmark(sales: SalesTable) -> SalesTable:
    """Remove all marks: hygiene switched off."""
    return sales.with_marks([None] * len(sales), np.full(len(sales), NEVER, np.int32))


@dataclass(frozen=True)
class _Columns:
    """What the rules look at; wallets and transactions are -1 where unknown."""

    day: Days
    price: NDArray[np.float64]
    quantity: NDArray[np.int32]
    market: Codes
    token: Codes
    seller: Codes
    buyer: Codes
    tx: Codes

    @classmethod
    def of(cls, sales: SalesTable) -> "_Columns":
        seller, buyer = _wallets(sales)
        collection = sales.codes("collection")[0].astype(np.int64)
        return cls(
            day=sales.days,
            price=sales.prices,
            quantity=numbers(sales.table["quantity"], 1),
            market=_pairs(collection, sales.codes("currency")[0]),
            token=_pairs(collection, sales.codes("token_id")[0]),
            seller=seller,
            buyer=buyer,
            tx=_known(*sales.codes("tx")),
        )


def _wallets(sales: SalesTable) -> tuple[Codes, Codes]:
    """One numbering for both columns; addresses differ in case only by their checksum."""
    import pyarrow as pa
    import pyarrow.compute as pc

    both = pa.chunked_array([*sales.table["seller"].chunks, *sales.table["buyer"].chunks])
    numbered = _known(*codes(pc.utf8_lower(both)))
    return numbered[: len(sales)], numbered[len(sales) :]


def _known(numbered: NDArray[np.int32], values: list[str]) -> Codes:
    empty = np.array([not value for value in values], dtype=bool)
    return np.where(empty[numbered], -1, numbered).astype(np.int64)


def _pairs(left: Codes, right: NDArray[np.int32] | Codes) -> Codes:
    """Number the pairs that occur, from 0."""
    combined = left * (int(right.max(initial=0)) + 1) + right
    numbers: Codes = np.unique(combined, return_inverse=True)[1]
    return numbers


def _own_day(columns: _Columns, hit: NDArray[np.bool_]) -> Days:
    """The sale itself shows it."""
    return np.where(hit, columns.day, NEVER)


def _zero(columns: _Columns) -> Days:
    return _own_day(columns, columns.price == 0)


def _dust(columns: _Columns) -> Days:
    low = np.full(len(columns.day), DUST_ABSOLUTE)
    paid = columns.price > 0
    level = _trailing_level(columns.market[paid], columns.day[paid], columns.price[paid])
    low[paid] = np.fmax(DUST_ABSOLUTE, DUST_SHARE * level)
    return _own_day(columns, columns.price < low)


def _self_trade(columns: _Columns) -> Days:
    return _own_day(columns, (columns.seller == columns.buyer) & (columns.seller >= 0))


def _several_units(columns: _Columns) -> Days:
    return _own_day(columns, columns.quantity > 1)


def _bundle(columns: _Columns) -> Days:
    revealed = np.full(len(columns.day), NEVER, dtype=np.int32)
    rows = np.flatnonzero(columns.tx >= 0)
    order, start = _runs(columns.tx[rows], columns.day[rows])
    rows = rows[order]
    first_token = columns.token[rows][start]
    second = np.where(columns.token[rows] != first_token, columns.day[rows], NEVER)
    revealed[rows] = _later(columns.day[rows], _run_minimum(second, start))
    return revealed


def _back_and_forth(columns: _Columns) -> Days:
    revealed = np.full(len(columns.day), NEVER, dtype=np.int32)
    known = (columns.seller >= 0) & (columns.buyer >= 0) & (columns.seller != columns.buyer)
    rows = np.flatnonzero(known)
    low = np.minimum(columns.seller, columns.buyer)[rows]
    high = np.maximum(columns.seller, columns.buyer)[rows]
    order, start = _runs(_pairs(columns.token[rows], _pairs(low, high)), columns.day[rows])
    rows = rows[order]
    upward = columns.seller[rows] < columns.buyer[rows]
    day = columns.day[rows]
    there = _run_minimum(np.where(upward, day, NEVER), start)
    back = _run_minimum(np.where(upward, NEVER, day), start)
    revealed[rows] = _later(day, np.maximum(there, back))
    return revealed


def _repeat_buyer(columns: _Columns) -> Days:
    revealed = np.full(len(columns.day), NEVER, dtype=np.int32)
    rows = np.flatnonzero(columns.buyer >= 0)
    order, start = _runs(_pairs(columns.token[rows], columns.buyer[rows]), columns.day[rows])
    rows = rows[order]
    day = columns.day[rows]
    rank = np.arange(len(rows)) - start
    third = _run_minimum(np.where(rank == REPEATS - 1, day, NEVER), start)
    revealed[rows] = _later(day, third)
    return revealed


RULES: dict[str, Callable[[_Columns], Days]] = {
    "zero-price": _zero,
    "dust": _dust,
    "self-trade": _self_trade,
    "several-units": _several_units,
    "bundle": _bundle,
    "back-and-forth": _back_and_forth,
    "repeat-buyer": _repeat_buyer,
}
MEANINGS = {
    "zero-price": "the price is 0",
    "dust": "far below what its collection sold for",
    "self-trade": "seller and buyer are one wallet",
    "several-units": "several units at once",
    "bundle": "one transaction sold several tokens",
    "back-and-forth": "two wallets traded it in both directions",
    "repeat-buyer": "one wallet bought it three times or more",
}
"""What the reason of an exclusion says of the sale, for people."""


def _runs(group: Codes, day: Days) -> tuple[Codes, Codes]:
    """Order by group, then day, and for each place of that order where its group starts."""
    order = np.lexsort((day, group))
    ordered = group[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return order, np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))


def _run_minimum(values: Days, start: Codes) -> Days:
    """Smallest value of the run that each place belongs to."""
    smallest = np.full(len(values), NEVER, dtype=np.int32)
    np.minimum.at(smallest, start, values)
    return smallest[start]


def _later(day: Days, revealed: Days) -> Days:
    """A sale after the revealing one is judged on its own day."""
    return np.maximum(day, revealed)


def _trailing_level(market: Codes, day: Days, price: NDArray[np.float64]) -> NDArray[np.float64]:
    """Level of each sale's market before its day; NaN where fewer than three sales came earlier."""
    level = np.full(len(day), np.nan)
    by_day, day_start = _runs(_pairs(market, day - day.min(initial=0)), day)
    heads = np.flatnonzero(day_start == np.arange(len(day)))
    medians = _medians(price[by_day], day_start, heads)
    day_market = market[by_day][heads]
    place = np.searchsorted(heads, day_start)
    for bounds in np.split(np.arange(len(heads)), np.flatnonzero(np.diff(day_market)) + 1):
        if len(bounds):
            enough = heads[bounds] - heads[bounds[0]] >= LEVEL_SALES
            medians[bounds] = np.where(enough, _trailing_median(medians[bounds]), np.nan)
    level[by_day] = medians[place]
    return level


def _medians(price: NDArray[np.float64], start: Codes, heads: Codes) -> NDArray[np.float64]:
    """Median price of each run of one market and day."""
    ordered = price[np.lexsort((price, start))]
    count = np.diff(np.append(heads, len(price)))
    middle: NDArray[np.float64] = ordered[heads + (count - 1) // 2] + ordered[heads + count // 2]
    return middle / 2


def _trailing_median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of up to 30 values before each place; infinite before the second."""
    padded = np.concatenate([np.full(LEVEL_DAYS, np.inf), values[:-1]])
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(padded, LEVEL_DAYS), axis=1)
    count = np.minimum(np.arange(len(values)), LEVEL_DAYS)
    place = np.arange(len(values))
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    middle: NDArray[np.float64] = windows[place, low] + windows[place, high]
    return middle / 2
