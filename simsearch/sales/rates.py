"""Exchange rates: what a price was worth in US dollars on the day of its sale."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Skipped
from simsearch.errors import SalesError
from simsearch.sales.table import SalesTable, day_number
from simsearch.tables import BadCell, Row, cell_currency, cell_day, cell_price, read_rows

STALE_DAYS = 7
"""A rate older than this converts nothing."""


@dataclass(frozen=True)
class _Series:
    """Rates of one currency: days ascending, each once, and dollars for one unit."""

    days: NDArray[np.int32]
    usd: NDArray[np.float64]

    def at(self, days: NDArray[np.int32]) -> NDArray[np.float64]:
        """The last rate at or before each day; NaN where there is none or it is stale."""
        place = np.searchsorted(self.days, days, side="right") - 1
        fresh = (place >= 0) & (days - self.days[place] <= STALE_DAYS)
        return np.where(fresh, self.usd[place], np.nan)


class Rates:
    """US dollars for one unit of each currency, by day. The dollar itself needs no rates."""

    def __init__(self, series: dict[str, _Series]) -> None:
        self._series = series

    @classmethod
    def read(cls, path: Path) -> "Rates":
        """Read a table with the columns ``date``, ``currency``, ``usd`` (upper or lower case).

        Raises:
            SalesError: a row is no rate (a wrong rate would be a wrong price: none is guessed),
                or the file has none.
            SourceError: the file cannot be read.
        """
        found: dict[str, dict[int, float]] = {}
        for line, row in read_rows(path):
            try:
                currency, day, usd = _rate(row or {})
            except BadCell as cell:
                raise SalesError(f"{path}:{line}: {cell}; correct the rate table") from cell
            found.setdefault(currency, {})[day] = usd
        if not found:
            raise SalesError(f"{path}: no rates; give columns date, currency, usd")
        return cls({name: _series(rates) for name, rates in found.items()})

    @property
    def currencies(self) -> list[str]:
        """Currencies that can be converted, in alphabetical order."""
        return sorted({*self._series, "USD"})

    def usd(self, currency: str, days: NDArray[np.int32]) -> NDArray[np.float64]:
        """Dollars for one unit on each day (days since 1970); NaN where no fresh rate is known.

        Raises:
            SalesError: the table has no such currency.
        """
        if currency.upper() == "USD":
            return np.ones(len(days))
        series = self._series.get(currency.upper())
        if series is None:
            known = ", ".join(self.currencies)
            raise SalesError(f"the rate table has no currency '{currency}'; it has {known}")
        return series.at(days)

    def convert(self, sales: SalesTable) -> tuple[SalesTable, list[Skipped]]:
        """Add the dollar price of each sale at its own day.

        Returns:
            The sales whose currency the table knows, their price as given and ``usd`` beside it;
            and one ``Skipped`` for each that was dropped (``unknown-currency``) or kept without a
            dollar price (``no-rate``).
        """
        codes, names = sales.codes("currency")
        amounts = np.full(len(sales), np.nan)
        known = np.zeros(len(sales), dtype=bool)
        days, prices = sales.days, sales.prices
        for code, name in enumerate(names):
            if name.upper() in self.currencies:
                rows = codes == code
                known |= rows
                amounts[rows] = prices[rows] * self.usd(name, days[rows])
        skipped = _notes(sales, np.flatnonzero(~known), "unknown-currency", "no usable sale: no")
        unconverted = np.flatnonzero(known & np.isnan(amounts))
        skipped += _notes(
            sales, unconverted, "no-rate", "sale kept without a dollar price: no fresh"
        )
        return sales.with_usd(amounts).take(known), skipped


def _rate(row: Row) -> tuple[str, int, float]:
    cells = {name.lower(): cell for name, cell in row.items()}
    usd = cell_price(cells.get("usd"))
    if usd == 0:
        raise BadCell("bad-price", "a rate of 0 converts nothing")
    day: dt.date = cell_day(cells.get("date"))
    return cell_currency(cells.get("currency")).upper(), day_number(day), usd


def _series(rates: dict[int, float]) -> _Series:
    days = sorted(rates)
    return _Series(np.array(days, np.int32), np.array([rates[day] for day in days]))


def _notes(sales: SalesTable, rows: NDArray[np.int64], code: str, what: str) -> list[Skipped]:
    columns = ["file", "line", "currency", "date"]
    noted = sales.take(rows).table.select(columns).to_pylist()
    return [
        Skipped(
            f"{sale['file']}:{sale['line']}",
            code,
            f"{what} rate of '{sale['currency']}' on {sale['date']}",
        )
        for sale in noted
    ]
