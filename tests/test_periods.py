"""Prices by week and month, by hand."""

import datetime as dt

import numpy as np

from simsearch.pricing.levels import NEVER, SaleHistory
from simsearch.pricing.periods import price_periods


def days(*dates):
    return [(dt.date.fromisoformat(date) - dt.date(1970, 1, 1)).days for date in dates]


def test_weeks_begin_on_monday():
    # Monday 2 March, Sunday 8, Monday 9, and a week without a sale.
    sold = days("2020-03-02", "2020-03-08", "2020-03-09", "2020-03-26", "2020-03-26")
    known = [NEVER, NEVER, NEVER, NEVER, 0]
    history = SaleHistory.from_arrays(range(5), sold, [1.0, 2.0, 5.0, 7.0, 99.0], known)
    found = price_periods(history)
    assert found.unit == "week"
    assert found.start.tolist() == days("2020-03-02", "2020-03-09", "2020-03-23")
    assert found.sales.tolist() == [2, 1, 1]
    np.testing.assert_allclose(found.floor, [1.1, 5, 7])
    np.testing.assert_allclose(found.median, [1.5, 5, 7])


def test_a_long_history_is_told_by_months():
    sold = days("2018-01-01", "2018-01-31", "2018-02-01", "2021-12-24")
    found = price_periods(SaleHistory.from_arrays(range(4), sold, [1.0, 3.0, 4.0, 8.0]))
    assert found.unit == "month"
    assert found.start.tolist() == days("2018-01-01", "2018-02-01", "2021-12-01")
    np.testing.assert_allclose(found.floor, [1.2, 4, 8])
    np.testing.assert_allclose(found.median, [2, 4, 8])


def test_nothing_that_counts():
    found = price_periods(SaleHistory.from_arrays([0], [9], [1.0], [0]))
    assert [len(found.start), len(found.floor), len(found.median), len(found.sales)] == [0] * 4
