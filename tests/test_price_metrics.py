"""Price measures by hand, the block bootstrap by a loop."""

import numpy as np
import pytest

from simsearch.evaluation.price_metrics import interval_scores, scores, skill_interval, slices


def test_scores_by_hand():
    actual = np.log([10.0, 10.0, 20.0, 40.0])
    estimate = np.log([10.0, 11.0, 15.0, np.nan])
    level = np.log([20.0, 20.0, 20.0, 20.0])
    found = scores(estimate, actual, level, np.zeros(4, int))
    assert found["answered"] == 0.75
    assert found["mdape"] == pytest.approx(0.1)
    assert [found[f"ppe{p}"] for p in (5, 10, 20)] == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    error = np.array([0, np.log(1.1), np.log(0.75)])
    assert found["male"] == pytest.approx(np.abs(error).mean())
    assert found["rmsle"] == pytest.approx(np.sqrt((error**2).mean()))
    assert found["bias"] == pytest.approx(error.mean())
    assert found["skill"] == pytest.approx(1 - np.abs(error).sum() / (2 * np.log(2)))
    assert found["r2_floor"] == pytest.approx(1 - (error**2).sum() / (2 * np.log(2) ** 2))
    spread = np.log([10, 10, 20]) - np.log([10, 10, 20]).mean()
    assert found["r2_log"] == pytest.approx(1 - (error**2).sum() / (spread**2).sum())
    assert found["spearman"] == pytest.approx(np.sqrt(3) / 2)


def test_the_trailing_median_has_no_skill_and_a_perfect_model_has_all():
    rng = np.random.default_rng(0)
    actual, level = rng.normal(size=50), rng.normal(size=50)
    group = np.zeros(50, int)
    assert scores(level, actual, level, group)["skill"] == 0
    perfect = scores(actual, actual, level, group)
    assert (perfect["skill"], perfect["r2_floor"], perfect["mdape"]) == (1, 1, 0)


def test_spearman_is_taken_within_groups():
    actual = np.array([1.0, 2, 3, 11, 12, 13])
    estimate = np.array([3.0, 2, 1, 13, 12, 11])
    group = np.array([0, 0, 0, 1, 1, 1])
    assert scores(estimate, actual, actual, group)["spearman"] == pytest.approx(-1)
    assert scores(estimate, actual, actual, group * 0)["spearman"] > 0


@pytest.mark.parametrize(
    ("estimate", "actual"), [([np.nan, np.nan], [1.0, 2.0]), ([1.0], [1.0]), ([], [])]
)
def test_what_cannot_be_measured_is_none_and_never_nan(estimate, actual):
    estimate, actual = np.array(estimate), np.array(actual)
    found = scores(estimate, actual, actual, np.zeros(len(actual), int))
    assert all(value is None or np.isfinite(value) for value in found.values())
    assert found["skill"] is None
    assert skill_interval(estimate, actual, actual, np.zeros(len(actual), int)) is None


def test_the_skill_interval_resamples_iso_weeks():
    rng = np.random.default_rng(1)
    monday = np.datetime64("2021-06-07", "D").astype(int)
    day = monday + rng.integers(0, 70, 300)
    actual = rng.normal(size=300)
    estimate, level = actual + rng.normal(0, 0.3, 300), actual + rng.normal(0, 0.6, 300)
    found = skill_interval(estimate, actual, level, day)
    weeks = [(day - monday) // 7 == week for week in range(10)]
    ours = np.array([np.abs(estimate - actual)[week].sum() for week in weeks])
    theirs = np.array([np.abs(level - actual)[week].sum() for week in weeks])
    drawn = np.random.default_rng(0).integers(0, 10, (1000, 10))
    resampled = [1 - ours[d].sum() / theirs[d].sum() for d in drawn]
    assert found == pytest.approx(tuple(np.quantile(resampled, [0.025, 0.975])))
    skill = scores(estimate, actual, level, day * 0)["skill"]
    assert found[0] < skill < found[1]
    shifted = skill_interval(estimate, actual, level, day + 7)
    assert shifted == found


def test_intervals_by_hand():
    low, high = np.array([0.0, 0.0, 0.0, np.nan]), np.array([1.0, 2.0, 3.0, 1.0])
    actual = np.array([0.5, 2.5, -1.0, 0.0])
    found = interval_scores(low, high, actual, 0.8)
    assert found["coverage"] == pytest.approx(1 / 3)
    assert found["width"] == pytest.approx(2.0)
    assert found["winkler"] == pytest.approx((1 + (2 + 10 * 0.5) + (3 + 10 * 1.0)) / 3)
    assert interval_scores(low[:0], high[:0], actual[:0], 0.8)["coverage"] is None


def test_slices_measure_each_value():
    actual = np.zeros(4)
    estimate = np.log1p([0.1, 0.1, 0.5, 0.5])
    months = np.array(["2021-01", "2021-01", "2021-02", "2021-02"])
    inside = np.array([True, True, True, False])
    found = slices({"month": months}, estimate, actual, actual + 1, inside)
    assert [(row["slice"], row["value"], row["n"]) for row in found] == [
        ("month", "2021-01", 2),
        ("month", "2021-02", 2),
    ]
    assert [row["mdape"] for row in found] == pytest.approx([0.1, 0.5])
    assert [row["coverage"] for row in found] == [1.0, 0.5]
