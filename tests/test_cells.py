"""Weights of cells: planted layers share the vote, still cells have none; distances of look."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simsearch.colours import MATCH_SCALE
from simsearch.space.cells import RIDGE, even_weights, fit_cell_weights, look_distance

CELLS = 64


def layered(count: int, sizes: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Pictures whose first cells move together, then the next ones; the rest stand still."""
    rng = np.random.default_rng(seed)
    grids = np.full((count, CELLS, 3), 0.5, dtype=np.float16)
    start = 0
    for size in sizes:
        grids[:, start : start + size] = rng.choice([0.1, 0.4, 0.9], (count, 1, 3))
        start += size
    return grids.reshape(count, -1)


def test_even_weights():
    weights = even_weights(8)
    assert weights.dtype == np.float32
    assert weights.tolist() == [0.125] * 8


def test_each_layer_has_its_share_whatever_its_size():
    weights = fit_cell_weights(layered(500, (40, 4)))
    big, small, still = weights[:40], weights[40:44], weights[44:]
    # Within a layer the correlation is 1, between layers 0, so (R + ridge) w = 1 gives each cell
    # of a layer of n cells 1 / (n + ridge).
    layers = np.array([40 / (40 + RIDGE), 4 / (4 + RIDGE)])
    np.testing.assert_allclose([big.sum(), small.sum()], layers / layers.sum(), atol=0.02)
    assert small.sum() == pytest.approx(0.5, abs=0.1)
    assert np.ptp(big) < 1e-4
    assert np.ptp(small) < 1e-4
    assert not still.any()
    assert weights.sum() == pytest.approx(1, abs=1e-5)


def test_a_layer_that_repeats_another_gets_no_vote_of_its_own():
    alone = fit_cell_weights(layered(500, (10, 10)))
    grids = layered(500, (10, 10)).reshape(500, CELLS, 3)
    grids[:, 20:40] = grids[:, :1]
    doubled = fit_cell_weights(grids.reshape(500, -1))
    assert alone[:10].sum() == pytest.approx(0.5, abs=0.03)
    assert doubled[:10].sum() + doubled[20:40].sum() == pytest.approx(0.52, abs=0.04)


@pytest.mark.parametrize("count", [1, 2, 50])
def test_pictures_that_do_not_differ_give_even_weights(count):
    picture = np.random.default_rng(0).random((1, CELLS * 3)).astype(np.float16)
    weights = fit_cell_weights(picture.repeat(count, axis=0))
    np.testing.assert_array_equal(weights, even_weights(CELLS))


def test_two_pictures_that_differ_in_one_cell():
    """Every pair of different pictures differs alike, so that no cell moves."""
    grids = layered(2, (1,))
    grids[:, :3] = [[0, 0, 0], [1, 1, 1]]
    np.testing.assert_array_equal(fit_cell_weights(grids), even_weights(CELLS))
    three = np.concatenate([grids, grids[:1]])
    np.testing.assert_array_equal(fit_cell_weights(three), np.eye(CELLS)[0])


@settings(max_examples=20, deadline=None)
@given(arrays(np.float16, st.tuples(st.integers(1, 6), st.just(12)), elements=st.floats(0, 1)))
def test_weights_are_finite_not_negative_and_sum_to_one(grids):
    weights = fit_cell_weights(grids)
    assert weights.dtype == np.float32
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1, abs=1e-5)


def test_equal_pictures_and_seeds_give_equal_weights():
    grids = layered(100, (30, 6, 2))
    np.testing.assert_array_equal(fit_cell_weights(grids, 3), fit_cell_weights(grids, 3))
    assert np.abs(fit_cell_weights(grids, 3) - fit_cell_weights(grids, 4)).max() > 0


def test_look_distance_by_hand():
    weights = np.array([0.75, 0.25], dtype=np.float32)
    query = np.array([0.5, 0.5, 0.5, 0.1, 0.2, 0.3], dtype=np.float32)
    grids = query + np.array(
        [[0, 0, 0, 0, 0, 0], [MATCH_SCALE, 0, 0, 0, 0, 0], [0, 0, 0, 0, 3 * MATCH_SCALE, 0]],
        dtype=np.float32,
    )
    found = look_distance(query, grids, weights)
    np.testing.assert_allclose(found, [0, 0.75 / 2, 0.25 * 9 / 10], rtol=1e-4)
    own = np.array([[1, 0], [0, 1], [0.5, 0.5]], dtype=np.float32)
    np.testing.assert_allclose(look_distance(query, grids, own), [0, 0, 0.45], rtol=1e-4)


@given(
    arrays(np.float16, 192, elements=st.floats(0, 1)),
    arrays(np.float32, CELLS, elements=st.floats(0, 1, width=32)),
)
def test_a_picture_is_at_distance_nought_from_itself_and_never_below(picture, raw):
    weights = (raw + 1e-3) / (raw + 1e-3).sum()
    other = np.flip(picture)
    same, apart = look_distance(picture, np.stack([picture, other]), weights)
    assert same == 0
    assert 0 <= apart <= 1 + 1e-6
