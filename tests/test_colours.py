"""Colours of cells: hand-computed matches, and codes against the kernel that they stand for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simsearch.colours import MATCH_SCALE, ColourCode, cell_matches


def test_cell_matches_by_hand():
    query = np.array([0.5, 0.5, 0.5, 0.1, 0.2, 0.3], dtype=np.float32)
    grids = np.array(
        [
            [0.5, 0.5, 0.5, 0.1, 0.2, 0.3],
            [0.525, 0.5, 0.5, 0.125, 0.225, 0.325],
            [0.5, 0.55, 0.5, 0.1, 0.2, 0.4],
        ],
        dtype=np.float32,
    )
    found = cell_matches(query, grids)
    assert found.dtype == np.float32
    assert found[0].tolist() == [1, 1]
    np.testing.assert_allclose(found, [[1, 1], [1 / 2, 1 / 4], [1 / 5, 1 / 17]], rtol=1e-5)


grids_of_two = arrays(np.float16, (2, 12), elements=st.floats(0, 1, width=16))


@given(grids_of_two, grids_of_two)
def test_cell_matches_are_a_cauchy_kernel_of_the_colour_distance(left, right):
    found = cell_matches(left, right)
    for n in range(2):
        for cell in range(4):
            a, b = (one[n, 3 * cell : 3 * cell + 3].astype(float) for one in (left, right))
            expected = 1 / (1 + ((a - b) ** 2).sum() / MATCH_SCALE**2)
            assert found[n, cell] == pytest.approx(expected, rel=1e-4)
    np.testing.assert_array_equal(found, cell_matches(right, left))
    np.testing.assert_array_equal(cell_matches(left[0], right)[0], found[0])


def mean_gaussian(left: np.ndarray, right: np.ndarray, sigma: float) -> float:
    apart = (left.astype(float) - right.astype(float)).reshape(-1, 3)
    return float(np.exp(-(apart**2).sum(axis=1) / (2 * sigma**2)).mean())


@pytest.mark.parametrize("features", [16, 256, 4096])
@pytest.mark.parametrize("sigma", [0.08, 0.5])
def test_products_of_codes_approximate_the_mean_gaussian(features, sigma):
    rng = np.random.default_rng(1)
    left = rng.random((20, 4 * 4 * 3), dtype=np.float32)
    right = np.clip(left + rng.normal(0, sigma, left.shape), 0, 1).astype(np.float32)
    code = ColourCode(side=4, features=features, sigma=sigma)
    found = (code(left) * code(right)).sum(axis=1)
    expected = [mean_gaussian(a, b, sigma) for a, b in zip(left, right, strict=True)]
    # A cosine of a random phase deviates by at most .71; 4 deviations of the mean of features / 2.
    assert np.abs(found - expected).max() < 4 * 0.71 / (features / 2) ** 0.5


def test_a_code_has_unit_length():
    grids = np.random.default_rng(0).random((5, 8 * 8 * 3))
    code = ColourCode(side=8, features=6, sigma=0.1)(grids)
    assert code.shape == (5, 8 * 8 * 6)
    assert code.dtype == np.float32
    np.testing.assert_allclose((code**2).sum(axis=1), 1, rtol=1e-5)


def test_a_finer_grid_is_averaged_cell_by_cell():
    rng = np.random.default_rng(2)
    fine = rng.random((3, 4, 4, 3))
    coarse = np.empty((3, 2, 2, 3))
    for row in range(2):
        for column in range(2):
            block = fine[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            coarse[:, row, column] = block.mean(axis=(1, 2))
    code = ColourCode(side=2, features=10, sigma=0.3)
    np.testing.assert_allclose(code(fine.reshape(3, -1)), code(coarse.reshape(3, -1)), atol=1e-5)


def test_the_directions_are_the_same_for_ever():
    """Stored spaces depend on them: the first normal numbers of PCG64 with seed 0."""
    first = np.array([0.12573022, -0.13210486, 0.64042265])
    code = ColourCode(side=1, features=2, sigma=0.5)
    for colour in np.eye(3):
        angle = 2 * colour @ first
        np.testing.assert_allclose(code(colour[None])[0], [np.cos(angle), np.sin(angle)], atol=1e-6)
