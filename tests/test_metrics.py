"""Metrics against hand-computed cases and a slow brute force in plain Python."""

import math
import random

import numpy as np
import pytest

from simsearch import draws
from simsearch.evaluation import metrics
from simsearch.neighbors import Neighbors
from simsearch.space.trait_matrix import TraitMatrix


def trait_sets(sets):
    width = max((t for s in sets for t in s), default=0) + 1
    indptr = np.cumsum([0, *map(len, sets)])
    indices = np.array([t for s in sets for t in sorted(s)], dtype=np.int32)
    return TraitMatrix([("c", "t", str(t)) for t in range(width)], indptr, indices)


def found(rows):
    ids = np.array(rows, dtype=np.int64)
    return Neighbors(ids, np.zeros(ids.shape, dtype=np.float32))


def jaccard(a, b):
    return len(a & b) / len(a | b) if a | b else 0.0


def slow_overlap(rows, asked, indexed, collections, sets, k):
    result = {}
    for code in set(collections[a] for a in asked):
        pool = [i for i in indexed if collections[i] == code]
        parts = []
        for row, query in zip(rows, asked, strict=True):
            if collections[query] != code or not sets[query] or not pool:
                continue
            every = sorted((jaccard(sets[query], sets[i]) for i in pool), reverse=True)
            near = [
                jaccard(sets[query], sets[i]) if i >= 0 and collections[i] == code else 0.0
                for i in row
            ]
            most = min(k, len(pool))
            parts.append((sum(near) / most, sum(every) / len(every), sum(every[:k]) / most))
        if parts:
            result[code] = [sum(column) / len(parts) for column in zip(*parts, strict=True)]
    return result


def test_overlap_of_a_case_computed_by_hand():
    # Collection 0: rows 0..3, collection 1: row 4. Row 0 asks.
    sets = [{0, 1}, {0, 1}, {0, 2}, {3}, {0, 1}]
    overlap = metrics.trait_overlap(
        found([[4, 2]]),
        np.array([0]),
        np.array([1, 2, 3, 4]),
        np.array([0, 0, 0, 0, 1]),
        trait_sets(sets),
    )[0]
    # Row 4 is of another collection: 0; row 2 shares one of three.
    assert overlap.found == pytest.approx((0 + 1 / 3) / 2)
    assert overlap.random == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert overlap.best == pytest.approx((1 + 1 / 3) / 2)
    assert overlap.score == pytest.approx((1 / 6 - 4 / 9) / (2 / 3 - 4 / 9))
    assert overlap.queries == 1


@pytest.mark.parametrize("seed", range(8))
def test_overlap_equals_brute_force(seed, monkeypatch):
    monkeypatch.setattr(metrics, "_CHUNK_CELLS", 60)
    draw = random.Random(seed)
    n, k = 60, 5
    collections = [draw.randrange(4) for _ in range(n)]
    sets = [set(draw.sample(range(12), draw.randrange(5))) for _ in range(n)]
    asked, indexed = list(range(0, n, 3)), [i for i in range(n) if i % 3]
    rows = [[*draw.sample(indexed, k - 1), draw.choice([-1, indexed[0]])] for _ in asked]
    fast = metrics.trait_overlap(
        found(rows), np.array(asked), np.array(indexed), np.array(collections), trait_sets(sets)
    )
    slow = slow_overlap(rows, asked, indexed, collections, sets, k)
    assert fast.keys() == slow.keys()
    for code, expected in slow.items():
        one = fast[code]
        assert [one.found, one.random, one.best] == pytest.approx(expected)


def test_overlap_spans_zero_to_one():
    draw = np.random.default_rng(0)
    n, k = 400, 10
    sets = [set(draw.choice(20, 4, replace=False).tolist()) for _ in range(n)]
    asked, indexed = np.arange(100), np.arange(100, n)
    table = np.array([[jaccard(sets[a], sets[i]) for i in indexed] for a in asked])
    best = indexed[np.argsort(-table, axis=1)[:, :k]]
    code = np.zeros(n, dtype=np.int64)
    perfect = metrics.trait_overlap(found(best), asked, indexed, code, trait_sets(sets))[0]
    assert perfect.score == pytest.approx(1.0)
    any_k = np.array([draw.choice(indexed, k, replace=False) for _ in asked])
    chance = metrics.trait_overlap(found(any_k), asked, indexed, code, trait_sets(sets))[0]
    assert abs(chance.score) < 0.08


def test_overlap_leaves_out_what_it_cannot_measure():
    # Collection 0 has no traits, collection 1 no indexed item, collection 2 only equal sets.
    sets = [set(), set(), {1}, {2}, {2}]
    overlap = metrics.trait_overlap(
        found([[1], [1], [4]]),
        np.array([0, 2, 3]),
        np.array([1, 4]),
        np.array([0, 0, 1, 2, 2]),
        trait_sets(sets),
    )
    assert list(overlap) == [2]
    assert math.isnan(overlap[2].score)
    assert metrics.mean_of([0.5, overlap[2].score, 0.7]) == pytest.approx(0.6)
    assert math.isnan(metrics.mean_of([]))


def test_small_collection_can_still_reach_one():
    sets = [{0}, {0}, {1}, {0}]
    overlap = metrics.trait_overlap(
        found([[1, 2, 3, -1]]),
        np.array([0]),
        np.array([1, 2, 3]),
        np.array([0, 0, 0, 1]),
        trait_sets(sets),
    )[0]
    assert overlap.found == overlap.best == pytest.approx(0.5)


def test_precision_by_hand():
    neighbors = found([[2, 3, 4], [4, -1, -1], [3, 4, 2]])
    collections = np.array([7, 9, 7, 7, 9])
    precision = metrics.collection_precision(neighbors, np.array([0, 1, 0]), collections)
    assert precision == {7: pytest.approx((2 / 3 + 2 / 3) / 2), 9: pytest.approx(1 / 3)}


def test_recall_counts_a_pixel_twin_as_the_original():
    pixels = np.array([0, 1, 0, 2])  # rows 0 and 2 are the same picture
    neighbors = found([[0, 1], [2, 0], [3, 0], [-1, -1]])
    originals = np.array([0, 0, 0, 3])
    assert metrics.recall_at_1(neighbors, originals, pixels) == 0.5
    assert math.isnan(metrics.recall_at_1(Neighbors.empty(0, 1), originals[:0], pixels))


def test_split_takes_the_share_of_each_collection():
    collections = np.repeat([3, 1, 8, 5], [100, 10, 2, 1])
    asks = draws.split_queries(collections, 0.3, seed=1)
    counts = {int(c): int(asks[collections == c].sum()) for c in np.unique(collections)}
    assert counts == {3: 30, 1: 3, 8: 1, 5: 0}
    assert np.array_equal(asks, draws.split_queries(collections, 0.3, seed=1))
    assert not np.array_equal(asks, draws.split_queries(collections, 0.3, seed=2))


def test_split_of_a_collection_ignores_the_others():
    first = draws.split_queries(np.repeat([0, 1], [50, 80]), 0.3, seed=4)
    swapped = draws.split_queries(np.repeat([5, 2, 0], [80, 7, 50]), 0.3, seed=4)
    assert np.array_equal(first[:50], swapped[-50:])
    assert np.array_equal(first[50:], swapped[:80])


def test_at_most_keeps_only_chosen_rows():
    collections = np.repeat([0, 1], [200, 20])
    asks = draws.split_queries(collections, 0.3, seed=0)
    fewer = draws.at_most(asks, collections, 10, seed=0)
    assert not (fewer & ~asks).any()
    assert fewer[:200].sum() == 10
    assert fewer[200:].sum() == 6
