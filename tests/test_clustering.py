"""Groups of points: planted ones come back, their number too, and odd input has clear answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsearch.errors import UsageError
from simsearch.evaluation.cluster_metrics import matched_share
from simsearch.grouping.clustering import KMeans, choose_k, medoids, nearest


def blobs(sizes, seed=0, spread=0.1, width=8):
    """Points around corners far apart, and which corner each belongs to."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    noise = spread * np.random.default_rng(seed).normal(size=(len(labels), width))
    return (np.eye(width)[labels] + noise).astype(np.float32), labels


def test_planted_groups_come_back_largest_first():
    points, labels = blobs([20, 50, 30])
    model = KMeans(3).fit(points)
    assert np.bincount(model.labels_).tolist() == [50, 30, 20]
    assert matched_share(labels, model.labels_) == 1
    for group in range(3):
        assert np.allclose(model.centers_[group], points[model.labels_ == group].mean(0), atol=1e-5)
    gaps = ((points - model.centers_[model.labels_]) ** 2).sum(axis=1)
    assert model.inertia_ == pytest.approx(gaps.mean(), rel=1e-4)


def test_the_same_seed_gives_the_same_groups():
    points, _ = blobs([30] * 5, spread=0.5)
    one, other = (KMeans(5, seed=3).fit(points) for _ in range(2))
    assert np.array_equal(one.labels_, other.labels_)
    assert np.array_equal(one.centers_, other.centers_)


@given(st.integers(1, 5), st.integers(1, 40), st.integers(0, 99))
def test_the_nearest_centre_is_that_of_brute_force(k, count, seed):
    draw = np.random.default_rng(seed)
    centers, points = (draw.normal(size=(n, 3)).astype(np.float32) for n in (k, count))
    gaps = ((points[:, None] - centers) ** 2).sum(axis=2)
    found = nearest(centers, points)
    assert np.allclose(gaps[np.arange(count), found], gaps.min(axis=1), atol=1e-5)


def test_predicting_the_fitted_points_gives_their_groups():
    points, _ = blobs([30, 20])
    model = KMeans(2).fit(points)
    assert np.array_equal(model.predict(points), model.labels_)
    assert model.predict(points[:0]).shape == (0,)


def test_medoids_are_those_of_brute_force():
    points, labels = blobs([7, 9, 5])
    centers = np.stack([points[labels == group].mean(axis=0) for group in range(3)])
    expected = []
    for group in range(3):
        rows = np.flatnonzero(labels == group)
        sums = ((points[rows, None] - points[rows]) ** 2).sum(axis=(1, 2))
        expected.append(rows[sums.argmin()])
    assert medoids(points, labels, centers).tolist() == expected


def test_a_group_without_members_has_no_medoid():
    points, labels = blobs([3, 3])
    assert medoids(points, labels, np.zeros((3, 8), np.float32))[2] == -1


@pytest.mark.parametrize(("k", "count"), [(0, 5), (-1, 5), (6, 5), (1, 0)])
def test_impossible_numbers_of_groups_are_refused(k, count):
    with pytest.raises(UsageError, match="ask for 1 to 5|no items"):
        KMeans(k).fit(np.zeros((count, 2), np.float32))


def test_fewer_different_points_than_groups_make_fewer_groups():
    points = np.repeat(np.eye(3, dtype=np.float32), [5, 4, 3], axis=0)
    model = KMeans(8).fit(points)
    assert model.labels_.tolist() == [0] * 5 + [1] * 4 + [2] * 3
    assert np.allclose(model.centers_, np.eye(3), atol=1e-5)
    same = KMeans(4).fit(np.ones((9, 2), np.float32))
    assert same.centers_.tolist() == [[1, 1]]
    assert same.labels_.tolist() == [0] * 9


def test_one_point_is_one_group():
    model = KMeans(1).fit(np.ones((1, 4), np.float32))
    assert model.labels_.tolist() == [0]
    assert model.inertia_ == pytest.approx(0)


@pytest.mark.parametrize("count", [3, 6])
def test_the_planted_number_of_groups_is_chosen(count):
    points, labels = blobs([40] * count, spread=0.12)
    choice = choose_k(points)
    assert choice.k == count
    place = choice.tried.index(count)
    assert choice.stability[place] == pytest.approx(1)
    assert choice.silhouette[place] == max(choice.silhouette)
    assert choice.inertia == sorted(choice.inertia, reverse=True)
    assert all(
        len(curve) == len(choice.tried)
        for curve in (choice.inertia, choice.silhouette, choice.stability)
    )
    assert str(count) in choice.reason
    assert KMeans(choice.k).fit(points).centers_.shape == (count, 8)
    assert matched_share(labels, KMeans(choice.k).fit(points).labels_) == 1


def test_progress_ends_below_its_total():
    told = []
    choose_k(blobs([20, 20])[0], progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == list(range(len(told)))
    assert all(done < total for done, total in told)


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (np.zeros((1, 3)), "too few items"),
        (np.random.default_rng(0).random((5, 3)), "too few items"),
        (np.ones((50, 3)), "look the same"),
    ],
)
def test_nothing_to_tell_apart_is_one_group(points, reason):
    choice = choose_k(points.astype(np.float32))
    assert choice.k == 1
    assert reason in choice.reason
