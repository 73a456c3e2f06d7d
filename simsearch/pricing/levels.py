"""Past sales on arrays and the price level they give: what was known before a day, and no more."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simsearch.errors import SalesError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEVER = np.iinfo(np.int32).max
"""``known_since`` of a sale that nothing excludes: later than every date."""
LEVEL_SALES = 50
LEVEL_DAYS = 90


@dataclass(frozen=True)
class SaleHistory:
    """Sales of one collection in one currency, ordered by day, then item, then price.

    Attributes:
        item: int64 (n,), row of the token in its collection.
        day: int64 (n,), days since 1970-01-01.
        price: float64 (n,), what was paid.
        known_since: int64 (n,), first day an estimate must leave the sale out, ``NEVER`` if none.
        row: int64 (n,), the sale's place in the arrays the caller gave.

    A sale at price 0 stays on record, and is never used.
    """

    item: Ints
    day: Ints
    price: Floats
    known_since: Ints
    row: Ints

    @classmethod
    def from_arrays(
        cls, item: ArrayLike, day: ArrayLike, price: ArrayLike, known_since: ArrayLike | None = None
    ) -> "SaleHistory":
        """Order the sales; those without a price (NaN: another currency) are left out.

        Raises:
            SalesError: the arrays differ in length, or hold a negative item, or a negative or
                infinite price.
        """
        items, days = np.asarray(item, np.int64), np.asarray(day, np.int64)
        prices = np.asarray(price, np.float64)
        until = np.full(len(items), NEVER) if known_since is None else np.asarray(known_since)
        if len({len(items), len(days), len(prices), len(until)}) != 1:
            raise SalesError("items, days, prices and known_since of the sales differ in length")
        if (items < 0).any() or (prices < 0).any() or np.isinf(prices).any():
            raise SalesError(
                "a sale of an unknown item, or at a negative or infinite price: leave it out"
            )
        until = np.where(prices == 0, np.minimum(until, days), until).astype(np.int64)
        kept = np.flatnonzero(~np.isnan(prices))
        order = kept[np.lexsort((prices[kept], items[kept], days[kept]))]
        return cls(items[order], days[order], prices[order], until[order], order)

    def __len__(self) -> int:
        return len(self.item)

    def before(self, day: int) -> int:
        """How many sales have a strictly earlier day: they are rows 0 to that number."""
        return int(np.searchsorted(self.day, day, side="left"))

    def usable(self, day: int) -> Ints:
        """Rows an estimate for ``day`` may use: earlier days, not excluded by what was known."""
        return np.flatnonzero(self.known_since[: self.before(day)] > day)

    def on(self, day: int) -> Ints:
        """Rows of one day."""
        return np.arange(self.before(day), self.before(day + 1))

    @cached_property
    def log_price(self) -> Floats:
        """Natural log of the price, float64 (n,); minus infinity at price 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.price)

    @cached_property
    def days(self) -> Ints:
        """The distinct days on which something was sold, ascending."""
        return np.unique(self.day)

    @cached_property
    def level(self) -> Floats:
        """Log price level just before each sale's own day; NaN where there was none."""
        known = {day: level_at(self, day) for day in self.days.tolist()}
        return np.array([np.nan if (at := known[day]) is None else at.log for day in self.day])

    @cached_property
    def residual(self) -> Floats:
        """Log price minus the level before its own day; NaN where there was no level."""
        return self.log_price - self.level


@dataclass(frozen=True)
class Level:
    """The price level of a collection before a day.

    Attributes:
        log: natural log of the level.
        sales: how many sales it is the median of.
        age: days since the newest of them.
        stale: no sale in the last ``LEVEL_DAYS`` days; the last sales at any age were taken.
    """

    log: float
    sales: int
    age: int
    stale: bool


def level_at(history: SaleHistory, day: int) -> Level | None:
    """Median log price of up to 50 sales of the 90 days before ``day``, else of the last 50.

    ``None`` where no usable sale is earlier.
    """
    last = history.usable(day)[-LEVEL_SALES:]
    if len(last) == 0:
        return None
    recent = last[history.day[last] >= day - LEVEL_DAYS]
    rows = recent if len(recent) else last
    log = float(np.median(history.log_price[rows]))
    return Level(log, len(rows), int(day - history.day[last[-1]]), len(recent) == 0)


def wander(history: SaleHistory, day: int) -> float:
    """How far the level may have moved, unseen, since the newest usable sale before ``day``.

    The typical move (root mean square) of the level over as long a wait, as the past shows it; a
    wait longer than 90 days, or than half the record, is a random walk of such steps. A wait that
    is usual between two days with sales counts as none: the errors of past forecasts hold it.

    Returns:
        Standard deviation of the log level; 0 where the record is too short to tell.
    """
    past = history.usable(day)
    days, first = np.unique(history.day[past], return_index=True)
    if len(days) < 3:
        return 0.0
    wait = float(day - days[-1] - np.median(np.diff(days)))
    step = min(int(wait), LEVEL_DAYS, int(days[-1] - days[0]) // 2)
    level = history.level[past][first]
    before = np.searchsorted(days, days - step, side="right") - 1
    moves = (level - level[before])[before >= 0]
    moves = moves[np.isfinite(moves)]
    if step < 1 or len(moves) == 0:
        return 0.0
    return float(np.sqrt(np.mean(moves**2) * wait / step))
