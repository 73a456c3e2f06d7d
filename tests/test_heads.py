"""Trait heads: the same as scikit-learn's ridge, planted traits found, Jaccard as of sets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import LAYERS, collection, noisy
from sklearn.linear_model import Ridge

from simsearch.space.heads import HEAD_CODE, RIDGE, TraitHead, soft_jaccard


@pytest.mark.parametrize(("items", "width"), [(30, 80), (80, 30), (50, 50)])
def test_a_head_is_ridge_regression(items, width):
    rng = np.random.default_rng(items)
    features = (rng.normal(size=(items, width)) + rng.normal(size=width)).astype(np.float32)
    traits = rng.random((items, 7)) < 0.3
    asked = rng.normal(size=(20, width)).astype(np.float32) + features.mean(axis=0)
    centred = features - features.mean(axis=0)
    alpha = RIDGE * float((centred**2).sum()) / min(items, width)
    expected = Ridge(alpha=alpha).fit(features.astype(float), traits.astype(float)).predict(asked)
    found = TraitHead.fit(features.copy(), traits).predict(asked)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.clip(expected, 0, 1), atol=2e-3)
    assert ((expected < 0) | (expected > 1)).any()


def test_planted_traits_are_read_from_pictures_not_seen():
    made = noisy(collection("masks", 300, seed=1), seed=2)
    traits = (made.choices[:, :, None] == np.arange(4)).reshape(300, -1)
    features = HEAD_CODE(made.grids)
    head = TraitHead.fit(features[:200].copy(), traits[:200])
    scores = head.predict(features[200:])
    read = scores.reshape(100, len(LAYERS), 4).argmax(axis=2)
    np.testing.assert_array_equal(read, made.choices[200:])
    assert scores[traits[200:]].mean() > 0.8
    assert scores[~traits[200:]].mean() < 0.1


def test_pictures_that_do_not_differ_give_the_share_of_each_trait():
    features = np.ones((8, 5), dtype=np.float32)
    traits = np.arange(8)[:, None] < np.array([2, 8, 0])
    scores = TraitHead.fit(features.copy(), traits).predict(features)
    np.testing.assert_allclose(scores, np.tile([0.25, 1, 0], (8, 1)), atol=1e-5)


sets = st.sets(st.integers(0, 9))


@given(sets, st.lists(sets, min_size=1, max_size=8))
def test_sure_scores_give_the_jaccard_overlap_of_sets(asked, known):
    scores = np.array([number in asked for number in range(10)], dtype=np.float32)
    shared = np.array([len(asked & one) for one in known], dtype=np.float32)
    sizes = np.array([len(one) for one in known])
    expected = [len(asked & one) / max(len(asked | one), 1) for one in known]
    np.testing.assert_allclose(soft_jaccard(scores, shared, sizes), expected, rtol=1e-6)


def test_unsure_scores_by_hand():
    scores = np.array([0.5, 0.25, 0.25], dtype=np.float32)
    # An item with the first and the last trait: shared .75, joined 1 + 2 - .75.
    found = soft_jaccard(scores, np.array([0.75], dtype=np.float32), np.array([2]))
    assert found == pytest.approx(0.75 / 2.25)
