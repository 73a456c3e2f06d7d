"""Agreement of groups with labels, by hand."""

import numpy as np
import pytest

from simsearch.evaluation.cluster_metrics import (
    MEASURES,
    agreement,
    matched_share,
    mean_and_deviation,
    trait_agreement,
)


def test_renamed_labels_agree_wholly():
    found = agreement(["a", "a", "b", "b", "c"], [2, 2, 0, 0, 1])
    assert tuple(found) == MEASURES
    assert all(value == pytest.approx(1) for value in found.values())


def test_random_groups_agree_by_chance_only():
    draw = np.random.default_rng(0)
    found = agreement(draw.integers(0, 8, 4000), draw.integers(0, 8, 4000))
    assert abs(found["ami"]) < 0.01
    assert abs(found["ari"]) < 0.01
    assert found["accuracy"] < 0.2


def test_split_groups_are_pure_but_not_complete():
    found = agreement([0, 0, 0, 0, 1, 1], [0, 0, 1, 1, 2, 2])
    assert found["homogeneity"] == pytest.approx(1)
    assert found["completeness"] < 0.8
    assert found["accuracy"] == pytest.approx(4 / 6)


def test_the_matching_is_one_to_one():
    # Each label would like group 0; one of them must take group 1.
    assert matched_share([0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 1]) == pytest.approx(4 / 6)


def test_traits_that_do_not_vary_are_left_out():
    values = {"hat": ["cap", "", "cap", ""], "kind": ["x", "x", "x", "x"]}
    assert trait_agreement(values, np.array([0, 1, 0, 1])) == {"hat": pytest.approx(1)}


def test_mean_and_deviation():
    found = mean_and_deviation([{"ami": 0.2}, {"ami": 0.4}])
    assert found["ami"]["mean"] == pytest.approx(0.3)
    assert found["ami"]["std"] == pytest.approx(0.1)
    assert mean_and_deviation([]) == {}
