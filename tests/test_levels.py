"""Past sales and the price level: order, what is usable when, the three fallbacks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simsearch.errors import SalesError
from simsearch.pricing.levels import NEVER, SaleHistory, level_at, wander


def history(days, prices, known=None):
    return SaleHistory.from_arrays(np.zeros(len(days), int), days, prices, known)


def test_sales_are_ordered_by_day_then_item_then_price_and_remember_their_row():
    made = SaleHistory.from_arrays([2, 1, 0, 1], [5, 5, 9, 5], [1.0, 3.0, 4.0, 2.0])
    assert made.row.tolist() == [3, 1, 0, 2]
    assert made.day.tolist() == [5, 5, 5, 9]
    assert made.price.tolist() == [2.0, 3.0, 1.0, 4.0]


def test_before_is_strict_and_on_is_one_day():
    made = history([1, 3, 3, 7], [1.0, 1.0, 1.0, 1.0])
    assert [made.before(day) for day in (1, 3, 4, 8)] == [0, 1, 3, 4]
    assert made.on(3).tolist() == [1, 2]
    assert made.on(5).tolist() == []


def test_an_exclusion_holds_from_the_day_it_is_known():
    made = history([1, 2, 3], [1.0, 2.0, 3.0], [NEVER, 5, NEVER])
    assert made.usable(4).tolist() == [0, 1, 2]
    assert made.usable(5).tolist() == [0, 2]


def test_a_price_of_zero_is_kept_on_record_and_never_used():
    made = history([1, 2, 3], [0.0, 2.0, np.nan])
    assert made.price.tolist() == [0.0, 2.0]
    assert made.usable(9).tolist() == [1]
    assert level_at(made, 9).log == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    ("items", "prices"), [([-1], [1.0]), ([0], [-1.0]), ([0], [np.inf]), ([0, 0], [1.0])]
)
def test_impossible_sales_are_refused(items, prices):
    with pytest.raises(SalesError):
        SaleHistory.from_arrays(items, [1] * len(items), prices)


def test_level_is_the_median_of_fifty_in_ninety_days():
    days = np.arange(100)
    made = history(days, np.exp(days / 10))
    assert level_at(made, 100).log == pytest.approx(np.median(days[50:]) / 10)
    assert level_at(made, 100).sales == 50
    few = history([0, 20, 100], [1.0, 4.0, 16.0])
    assert level_at(few, 105).log == pytest.approx((np.log(4) + np.log(16)) / 2)
    assert level_at(few, 105).age == 5


def test_level_is_of_the_last_sales_at_any_age_and_stale_where_none_is_recent():
    made = history([0, 1], [2.0, 8.0])
    level = level_at(made, 1000)
    assert level.log == pytest.approx(np.log(4))
    assert (level.sales, level.age, level.stale) == (2, 999, True)
    assert not level_at(made, 91).stale
    assert level_at(made, 92).stale


def test_without_an_earlier_sale_there_is_no_level():
    assert level_at(history([5], [1.0]), 5) is None
    assert level_at(history([], []), 5) is None


@given(
    st.lists(st.tuples(st.integers(0, 40), st.floats(0.1, 10)), min_size=1, max_size=30),
    st.integers(0, 45),
)
@settings(max_examples=60, deadline=None)
def test_level_is_that_of_a_plain_loop_and_knows_no_order(rows, day):
    shuffled = sorted(rows, key=lambda row: row[1])
    level = level_at(history(*map(list, zip(*shuffled, strict=True))), day)
    past = [price for at, price in rows if at < day]
    if not past:
        assert level is None
    else:
        assert level.log == pytest.approx(np.median(np.log(past)))


def test_residuals_are_against_the_level_before_the_sale():
    made = history([1, 2, 3], [2.0, 8.0, 5.0])
    assert np.isnan(made.residual[0])
    assert made.residual[1:] == pytest.approx([np.log(4), np.log(5 / 4)])


def steps(days, moves):
    """One sale a day, the level moving by known steps: level at day n is that of the 50 before."""
    return history(days, np.exp(np.cumsum(moves)))


def test_what_the_level_may_have_moved_unseen_by_hand():
    rng = np.random.default_rng(3)
    made = steps(np.arange(400), rng.normal(0, 0.1, 400))
    level = made.level
    assert wander(made, 400) == 0.0  # sales come daily: a wait of one day is the usual one
    for wait in (10, 60):  # day 399 is the last with a sale; one day of waiting is usual
        moves = np.array([level[d] - level[d - wait] for d in range(wait + 1, 400)])
        expected = np.sqrt(np.mean(moves**2))
        assert wander(made, 400 + wait) == pytest.approx(expected)
    ninety = np.array([level[d] - level[d - 90] for d in range(91, 400)])
    far = np.sqrt(np.mean(ninety**2) * 1000 / 90)
    assert wander(made, 1400) == pytest.approx(far)


def test_too_short_a_record_tells_nothing_of_the_level_to_come():
    assert wander(history([], []), 5) == 0.0
    assert wander(history([1, 2], [1.0, 3.0]), 900) == 0.0
    assert wander(history([1, 2, 3], [2.0, 2.0, 2.0]), 900) == 0.0


def test_a_later_sale_tells_nothing_of_an_earlier_day():
    rng = np.random.default_rng(1)
    prices = np.exp(np.cumsum(rng.normal(0, 0.1, 100)))
    one = history([*range(100), 150], [*prices, 1.0])
    other = history([*range(100), 150], [*prices, 999.0])
    assert wander(one, 150) == wander(other, 150) == wander(history(range(100), prices), 150) > 0
