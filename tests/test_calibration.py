"""Calibration: factors and curves that were planted come back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsearch.recognition.calibration import LogisticCurve, Temperature, softmax


def test_softmax_rows_are_shares():
    shares = softmax(np.array([[0.0, np.log(3)], [1000.0, 0.0]]))
    assert np.allclose(shares, [[0.25, 0.75], [1, 0]])


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_a_planted_temperature_comes_back(factor):
    draw = np.random.default_rng(0)
    scores = draw.normal(size=(20_000, 4))
    edges = softmax(scores * factor).cumsum(axis=1)
    codes = (draw.random((len(scores), 1)) > edges).sum(axis=1)
    assert Temperature().fit(scores, codes).factor_ == pytest.approx(factor, rel=0.1)


def test_no_errors_do_not_become_certainty():
    scores = np.tile([[1.0, 0.0]], (100, 1))
    probability = Temperature().fit(scores, np.zeros(100, dtype=np.int64))(scores)[0, 0]
    assert probability == pytest.approx(1 - 1 / 102, abs=0.003)


def test_without_examples_scores_are_taken_as_they_are():
    fitted = Temperature().fit(np.empty((0, 3)), np.empty(0, dtype=np.int64))
    assert np.allclose(fitted(np.zeros((1, 3))), 1 / 3)


def test_one_class_is_certain():
    fitted = Temperature().fit(np.zeros((5, 1)), np.zeros(5, dtype=np.int64))
    assert fitted(np.zeros((2, 1))).tolist() == [[1.0], [1.0]]


def test_a_planted_curve_comes_back():
    values = np.random.default_rng(1).normal(size=200_000)
    low = np.random.default_rng(2).random(len(values)) < 1 / (1 + np.exp(3 * values))
    curve = LogisticCurve().fit(values[low], values[~low])
    assert curve.slope_ == pytest.approx(-3, rel=0.05)
    assert curve.offset_ == pytest.approx(0, abs=0.05)


def test_the_curve_turns_between_two_groups_whatever_their_sizes():
    curve = LogisticCurve().fit(np.linspace(0, 1, 1000), np.linspace(3, 4, 10))
    assert 1 < -curve.offset_ / curve.slope_ < 3
    assert curve(np.array([0.0]))[0] > 0.9
    assert curve(np.array([4.0]))[0] < 0.2
    assert curve(np.array([np.inf]))[0] == pytest.approx(0)


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20),
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20),
)
def test_any_two_groups_give_a_falling_curve(low, high):
    curve = LogisticCurve().fit(np.array(low), np.array(high))
    said = curve(np.linspace(-2e3, 2e3, 9))
    assert np.isfinite(said).all()
    assert (np.diff(said) <= 0).all()
