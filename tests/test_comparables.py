"""Comparables against hand-computed weights and a plain loop."""

import numpy as np
import pytest

from simsearch.neighbors import Neighbors
from simsearch.pricing.comparables import (
    Kernel,
    candidates,
    describe,
    latest_sales,
    typical_distance,
    weighted_residual,
    weights,
)
from simsearch.pricing.levels import NEVER, SaleHistory

KERNEL = Kernel(bandwidth=0.5, half_life=10.0, shrinkage=0.1)


@pytest.fixture
def sales():
    """Item 0 sold at 1 on day 1; items 1, 2, 1 on days 2, 3, 4."""
    return SaleHistory.from_arrays([0, 1, 2, 1], [1, 2, 3, 4], np.exp([0.0, 1.0, 3.0, 2.0]))


def near(ids, distances):
    return Neighbors(np.array([ids]), np.array([distances], dtype=np.float32))


def test_each_token_votes_with_its_latest_earlier_sale(sales):
    assert latest_sales(sales, 4, 5).tolist() == [-1, 3, 2, -1]  # day 1 has no level before it
    assert latest_sales(sales, 4, 4).tolist() == [-1, 1, 2, -1]


def test_an_excluded_sale_gives_way_to_the_one_before():
    sales = SaleHistory.from_arrays([0, 1, 1], [1, 2, 3], [1.0, 2.0, 9.0], [NEVER, NEVER, 6])
    assert latest_sales(sales, 2, 5).tolist() == [-1, 2]
    assert latest_sales(sales, 2, 6).tolist() == [-1, 1]


def test_weights_fall_with_distance_and_age(sales):
    latest = latest_sales(sales, 4, 6)
    found = candidates(sales, latest, near([1, 2, 3], [0.1, 0.2, 0.3]), np.array([-1]), 6)
    assert found.sale.tolist() == [[-1, 3, 2, -1]]
    assert found.age.tolist() == [[0, 2, 3, 0]]
    weight = weights(found, KERNEL, scale=0.4)
    expected = [0, np.exp(-0.1 / 0.2) * 0.5**0.2, np.exp(-0.2 / 0.2) * 0.5**0.3, 0]
    assert weight[0] == pytest.approx(expected, rel=1e-6)
    residual = [sales.residual[3], sales.residual[2]]
    mean = (expected[1] * residual[0] + expected[2] * residual[1]) / (sum(expected) + 0.1)
    shrunk = weighted_residual(weight, found.residual, KERNEL.shrinkage)
    assert shrunk == pytest.approx([mean], rel=1e-6)
    assert describe(found, KERNEL, 0.4)[0, 0] == pytest.approx(mean, rel=1e-6)


def test_the_own_sale_stands_at_distance_zero_and_is_no_neighbour_of_itself(sales):
    latest = latest_sales(sales, 4, 6)
    found = candidates(sales, latest, near([1, 2], [0.0, 0.2]), np.array([1]), 6)
    assert found.sale.tolist() == [[3, -1, 2]]
    assert found.distance[0, 0] == 0
    told = describe(found, KERNEL, 0.4)[0]
    assert told[5] == pytest.approx(sales.residual[3])
    assert told[6] == pytest.approx(np.log1p(2))
    without = describe(found.without_own(), KERNEL, 0.4)[0]
    assert without[5] == 0
    assert without[0] == pytest.approx(without[2])


def test_where_nothing_has_sold_the_level_is_the_answer(sales):
    found = candidates(sales, np.full(4, -1), near([1, -1], [0.1, np.inf]), np.array([-1]), 6)
    told = describe(found, KERNEL, 0.4)
    assert told[0, 0] == 0
    assert np.isfinite(told).all()


def test_typical_distance_is_the_median_tenth():
    ids = np.tile(np.arange(12), (3, 1))
    distances = np.arange(12)[None] * np.array([[0.01], [0.02], [0.05]])
    assert typical_distance(Neighbors(ids, distances.astype(np.float32))) == pytest.approx(0.18)
    assert typical_distance(Neighbors.empty(2, 3)) == 1.0
    same = Neighbors(ids, np.zeros((3, 12), dtype=np.float32))
    assert typical_distance(same) == 1.0
