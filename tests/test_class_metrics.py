"""Metrics of answers with a probability, against hand counts and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from simsearch.evaluation.class_metrics import (
    auroc,
    class_scores,
    confusion,
    false_alarm,
    reliability,
)

TRUTH = np.array([0, 0, 0, 1, 1, 2])
SAID = np.array([0, 0, 1, 1, 1, 0])


def test_confusion_counts_true_rows_and_said_columns():
    assert confusion(TRUTH, SAID, 3).tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]


def test_scores_by_hand():
    scores = class_scores(confusion(TRUTH, SAID, 3))
    assert np.allclose(scores.recall, [2 / 3, 1, 0])
    assert np.allclose(scores.precision, [2 / 3, 2 / 3, 0])
    assert np.allclose(scores.f1, [2 / 3, 0.8, 0])
    assert scores.support.tolist() == [3, 2, 1]
    assert scores.accuracy == pytest.approx(4 / 6)
    assert scores.macro("f1") == pytest.approx((2 / 3 + 0.8) / 3)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_scores_are_those_of_scikit_learn(pairs):
    truth, said = np.array(pairs).T
    scores = class_scores(confusion(truth, said, 4))
    labels = np.unique(truth)
    known = metrics.precision_recall_fscore_support(truth, said, labels=labels, zero_division=0)
    for mine, theirs in zip((scores.precision, scores.recall, scores.f1), known, strict=False):
        assert np.allclose(mine[labels], theirs)
        assert np.isnan(np.delete(mine, labels)).all()
    assert scores.accuracy == pytest.approx(float((truth == said).mean()))


def test_reliability_by_hand():
    found = reliability(np.array([0.95, 0.91, 1.0, 0.35]), np.array([True, False, True, False]))
    assert found.count.tolist() == [1, 3]
    assert np.allclose(found.confidence, [0.35, (0.95 + 0.91 + 1) / 3])
    assert np.allclose(found.accuracy, [0, 2 / 3])
    assert found.ece == pytest.approx((0.35 + 3 * abs(2.86 / 3 - 2 / 3)) / 4)


def test_calibrated_answers_have_no_error():
    probability = np.random.default_rng(0).random(50_000)
    right = np.random.default_rng(1).random(50_000) < probability
    assert reliability(probability, right).ece < 0.01


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=30),
    st.lists(st.integers(0, 9), min_size=1, max_size=30),
)
def test_auroc_is_that_of_scikit_learn(low, high):
    known = metrics.roc_auc_score([0] * len(low) + [1] * len(high), low + high)
    assert auroc(np.array(low, float), np.array(high, float)) == pytest.approx(known)


def test_false_alarm_by_hand():
    high = np.arange(100.0) + 10  # 95 of them are 15 or more
    assert false_alarm(np.array([0.0, 14.9, 15.0, 200.0]), high) == 0.5
    assert false_alarm(np.array([0.0]), np.array([1.0])) == 0


def test_nothing_to_compare_is_no_number():
    none, some = np.empty(0), np.ones(3)
    assert np.isnan(auroc(none, some))
    assert np.isnan(auroc(some, none))
    assert np.isnan(false_alarm(some, none))
