"""Trees asked with NumPy answer as the library that grew them."""

import dataclasses

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from simsearch.pricing.boosting import BoostingSettings, grow


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 4))
    return x, x[:, 0] * 2 + np.abs(x[:, 1]) + rng.normal(0, 0.1, 500)


def test_numpy_gives_what_scikit_learn_gives(data):
    x, y = data
    settings = BoostingSettings(trees=30, leaves=6, samples=5, rate=0.2, smoothing=0.5)
    theirs = HistGradientBoostingRegressor(
        loss="absolute_error",
        learning_rate=0.2,
        max_iter=30,
        max_leaf_nodes=6,
        min_samples_leaf=5,
        l2_regularization=0.5,
        early_stopping=False,
        random_state=0,
    ).fit(x, y)
    ours = grow(x, y, settings)
    new = np.random.default_rng(1).normal(0, 2, (300, 4))
    assert len(ours.roots) == 30
    assert ours.predict(new) == pytest.approx(theirs.predict(new), abs=1e-12)
    assert ours.predict(x) == pytest.approx(theirs.predict(x), abs=1e-12)


def test_a_row_does_not_depend_on_its_company(data):
    trees = grow(*data, BoostingSettings())
    together = trees.predict(data[0])
    alone = [trees.predict(row[None])[0] for row in data[0][:50]]
    assert together[:50].tolist() == alone


def test_a_constant_is_learned(data):
    trees = grow(data[0], np.full(500, 3.0), BoostingSettings())
    assert trees.predict(data[0][:5]).tolist() == [3.0] * 5


def test_grown_trees_lead_down_and_others_are_told_apart(data):
    trees = grow(*data, BoostingSettings())
    assert trees.lead_down()
    ring = trees.left.copy()
    ring[trees.left[0]] = 0
    assert not dataclasses.replace(trees, left=ring).lead_down()
    assert not dataclasses.replace(trees, right=trees.right + 1).lead_down()
    assert not dataclasses.replace(trees, roots=trees.roots - 1).lead_down()
