"""Premiums: planted ones come back within their errors, and nothing is told of too little."""

import numpy as np
import pytest

from simsearch.pricing.levels import SaleHistory
from simsearch.pricing.premiums import FEWEST, SPARE, trait_premiums
from tests.made_market import make_market

TYPES = [f"type{n // 5}" for n in range(20)]


def against_others(market):
    """What each planted value is worth against the mix of the others of its type."""
    share = market.traits.mean(axis=0)
    truth = np.empty(20)
    for place in range(20):
        others = [n for n in range(20) if n // 5 == place // 5 and n != place]
        mix = np.average(market.premiums[others], weights=share[others])
        truth[place] = market.premiums[place] - mix
    return truth


@pytest.mark.parametrize("own", [0.0, 0.3])
def test_planted_premiums_come_back_within_their_errors(own):
    """With items that have a worth of their own, too, which no trait tells."""
    misses = []
    for seed in range(6):
        market = make_market(items=300, sales=900, seed=seed)
        worth = np.random.default_rng(seed).normal(0, own, 300)
        price = market.price * np.exp(worth[market.item])
        history = SaleHistory.from_arrays(market.item, market.day, price)
        found = trait_premiums(history, market.traits > 0, TYPES)
        misses.append((found.premium - against_others(market)) / found.error)
    misses = np.concatenate(misses)
    assert np.isfinite(misses).all()
    assert (np.abs(misses) < 2).mean() > 0.9
    assert 0.7 < np.sqrt((misses**2).mean()) < 1.3


def test_equals_ordinary_least_squares_where_every_item_is_sold_once():
    rng = np.random.default_rng(0)
    has = rng.random((80, 3)) < 0.4
    history, residual = sold_once(has @ [0.5, -0.2, 0.1] + rng.normal(0, 0.2, 80))
    x = np.column_stack([has, np.ones(80)])[-len(residual) :]
    fitted, squares, *_ = np.linalg.lstsq(x, residual, rcond=None)
    covariance = squares[0] / (len(x) - 4) * np.linalg.inv(x.T @ x)
    found = trait_premiums(history, has, ["a", "b", "c"])
    np.testing.assert_allclose(found.premium, fitted[:3], atol=1e-6)
    np.testing.assert_allclose(found.error, np.sqrt(np.diag(covariance))[:3], rtol=1e-4)


def sold_once(log_price):
    """One sale a day in the order of items; what is left of each after the level before it."""
    count = len(log_price)
    history = SaleHistory.from_arrays(np.arange(count), np.arange(count), np.exp(log_price))
    residual = history.residual
    return history, residual[np.isfinite(residual)]


def test_counts_leave_excluded_sales_out():
    day = np.arange(8)
    known = np.full(8, np.iinfo(np.int32).max)
    known[[2, 7]] = 7
    has = np.array([[True, False], [True, True], [False, False]])
    history = SaleHistory.from_arrays([0, 1, 1, 1, 2, 0, 0, 0], day, np.full(8, 2.0), known)
    found = trait_premiums(history, has, ["a", "b"])
    # The first sale has no level before it, so it says nothing.
    assert found.sales.tolist() == [4, 2]
    assert found.items.tolist() == [2, 1]
    assert np.isnan(found.premium).all()


def test_nothing_is_told_of_too_few():
    rng = np.random.default_rng(1)
    has = np.zeros((FEWEST + SPARE + 30, 2), dtype=bool)
    has[1:FEWEST, 0] = True  # one item short: the first sale has no level
    has[1 : FEWEST + 1, 1] = True
    history, _ = sold_once(rng.normal(0, 1, len(has)))
    found = trait_premiums(history, has, ["a", "b"])
    assert found.items.tolist() == [FEWEST - 1, FEWEST]
    assert np.isnan(found.premium[0])
    assert np.isfinite(found.premium[1])
    short, _ = sold_once(rng.normal(0, 1, SPARE + 2))
    assert np.isnan(trait_premiums(short, has[: SPARE + 2], ["a", "b"]).premium).all()


def test_traits_that_never_come_apart_are_told_as_they_come():
    rng = np.random.default_rng(2)
    has = rng.random((2000, 3)) < 0.5
    has[:, 1] = has[:, 0]
    has[:, 2] |= has[:, 0] & (rng.random(2000) < 0.5)  # comes more often with the two
    history, _ = sold_once(has @ [0.5, 0.25, 1.0] + rng.normal(0, 0.1, 2000))
    found = trait_premiums(history, has, ["a", "b", "c"])
    assert found.alike.tolist() == [True, True, False]
    one, other = has[has[:, 0]].mean(axis=0), has[~has[:, 0]].mean(axis=0)
    truth = [*[(one - other) @ [0.5, 0.25, 1.0]] * 2, 1.0]
    assert (np.abs(found.premium - truth) < 4 * found.error).all()
    assert (found.error < 0.05).all()


def test_several_values_of_a_type_are_each_compared_with_their_absence():
    rng = np.random.default_rng(3)
    has = rng.random((3000, 2)) < 0.5
    history, _ = sold_once(has @ [1.0, -1.0] + rng.normal(0, 0.1, 3000))
    found = trait_premiums(history, has, ["a", "a"], frozenset({"a"}))
    assert (np.abs(found.premium - [1, -1]) < 4 * found.error).all()
    assert (found.error < 0.05).all()


def test_prices_that_are_all_equal():
    rng = np.random.default_rng(4)
    history, _ = sold_once(np.zeros(50))
    found = trait_premiums(history, rng.random((50, 2)) < 0.5, ["a", "b"])
    np.testing.assert_allclose(found.premium, 0, atol=1e-9)


def test_no_sales_and_no_traits():
    nothing = SaleHistory.from_arrays([], [], [])
    found = trait_premiums(nothing, np.ones((5, 2), dtype=bool), ["a", "b"])
    assert found.sales.tolist() == [0, 0]
    assert np.isnan(found.premium).all()
    assert len(trait_premiums(nothing, np.ones((5, 0), dtype=bool), []).premium) == 0
