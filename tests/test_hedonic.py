"""The ridge against its normal equations, and the planted premiums."""

import numpy as np
import pytest
from made_market import make_market

from simsearch.pricing.hedonic import HedonicRidge, premium


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    item, day = rng.integers(0, 30, 200), np.sort(rng.integers(0, 400, 200))
    return rng.normal(size=(30, 5)), item, day, rng.normal(size=200)


def closed_form(x, item, day, residual, now, penalty=2.0, half_life=100.0):
    design = np.column_stack([x, np.ones(len(x))])[item]
    weight = 0.5 ** ((now - day) / half_life)
    shrink = np.diag([penalty] * x.shape[1] + [1e-9])
    return np.linalg.solve((design.T * weight) @ design + shrink, design.T @ (weight * residual))


def test_learning_bit_by_bit_equals_one_weighted_ridge(data):
    x, item, day, residual = data
    ridge = HedonicRidge(x, penalty=2.0, half_life=100.0)
    for first, end, now in ((0, 80, 250), (80, 80, 300), (80, 200, 400)):
        ones = np.ones(end - first, int)
        ridge.learn(item[first:end], day[first:end], residual[first:end], now, ones)
    expected = closed_form(x, item, day, residual, 400)
    assert ridge.coefficients() == pytest.approx(expected, rel=1e-9)
    assert premium(x, expected) == pytest.approx(ridge.premiums(np.arange(30)), rel=1e-9)


def test_a_sale_can_be_taken_back(data):
    x, item, day, residual = data
    ridge = HedonicRidge(x, penalty=2.0, half_life=100.0)
    ridge.learn(item, day, residual, 400, np.ones(200, int))
    ridge.learn(item[:50], day[:50], residual[:50], 420, np.full(50, -1))
    expected = closed_form(x, item[50:], day[50:], residual[50:], 420)
    assert ridge.coefficients() == pytest.approx(expected, rel=1e-8)


def test_without_own_equals_a_fit_without_the_items_sales(data):
    x, item, day, residual = data
    ridge = HedonicRidge(x, penalty=2.0, half_life=100.0)
    ridge.learn(item, day, residual, 400, np.ones(200, int))
    left_out = ridge.premiums(np.arange(30), without_own=True)
    for one in (0, 7, 29):
        others = item != one
        coefficients = closed_form(x, item[others], day[others], residual[others], 400)
        assert left_out[one] == pytest.approx(premium(x[[one]], coefficients)[0], rel=1e-8)


def test_nothing_learned_means_no_premium(data):
    ridge = HedonicRidge(data[0], penalty=1.0, half_life=100.0)
    empty = np.zeros(0, int)
    ridge.learn(empty, empty, np.zeros(0), 10, empty)
    assert ridge.premiums(np.arange(30)).tolist() == [0.0] * 30


def test_planted_premiums_come_back_within_two_standard_errors():
    market = make_market(sales=1500, sigma=0.15, seed=3)
    noise = np.log(market.price) - market.level[market.day - 18_000]
    ridge = HedonicRidge(market.traits, penalty=1e-6, half_life=1e9)
    ridge.learn(market.item, market.day, noise, 18_420, np.ones(len(noise), int))
    design = np.column_stack([market.traits, np.ones(len(market.traits))])
    gram = design[market.item].T @ design[market.item] + 1e-6 * np.eye(21)
    error = 0.15 * np.sqrt(((design @ np.linalg.inv(gram)) * design).sum(axis=1))
    z = (ridge.premiums(np.arange(120)) - market.traits @ market.premiums) / error
    assert (np.abs(z) < 2).mean() > 0.9
    assert np.abs(z).max() < 4
