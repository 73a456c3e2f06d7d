"""Baselines against brute force in plain loops, and on planted answers."""

import numpy as np
import pytest

from simsearch.evaluation import baselines
from simsearch.evaluation.baselines import BASELINES


def pictures(count, seed=0, side=32, colours=6):
    """Blocky random pictures of few colours, as pixel art is."""
    draw = np.random.default_rng(seed)
    palette = draw.integers(0, 256, (colours, 3), dtype=np.uint8)
    small = palette[draw.integers(0, colours, (count, side // 4, side // 4))]
    return small.repeat(4, axis=1).repeat(4, axis=2)


def shares(queries, indexed):
    """Share of differing pixels of each pair, slowly."""
    return np.array([[(q != i).any(axis=2).mean() for i in indexed] for q in queries])


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(baselines, "_INDEXED_BLOCK", 37)
    monkeypatch.setattr(baselines, "_QUERY_BLOCK", 11)


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "random"])
def test_a_copy_finds_its_original_first(name):
    indexed = pictures(120)
    found = BASELINES[name](indexed, indexed[[5, 80, 119]], 4)
    assert found.ids[:, 0].tolist() == [5, 80, 119]
    assert found.distances[:, 0] == pytest.approx(0, abs=1e-5)
    assert (np.diff(found.distances, axis=1) >= 0).all()


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_fills_what_it_cannot_find(name):
    indexed = pictures(3)
    found = BASELINES[name](indexed, pictures(2, seed=1), 5)
    assert found.ids.shape == (2, 5)
    assert (np.sort(found.ids[:, :3], axis=1) == [0, 1, 2]).all()
    assert (found.ids[:, 3:] == -1).all()
    assert np.isinf(found.distances[:, 3:]).all()
    assert np.isfinite(found.distances[:, :3]).all()


@pytest.mark.parametrize("name", BASELINES)
def test_answers_do_not_depend_on_who_else_asks(name):
    if name == "random":
        pytest.skip("chance draws one sequence for all queries")
    indexed, queries = pictures(90), pictures(30, seed=1)
    together = BASELINES[name](indexed, queries, 3)
    alone = BASELINES[name](indexed, queries[7:8], 3)
    assert together.distances[7] == pytest.approx(alone.distances[0], abs=1e-5)


def test_pixels_equal_a_scan():
    indexed, queries = pictures(100), pictures(25, seed=1)
    flat = indexed.reshape(100, -1) / 255
    mean = flat.mean(axis=0)
    left, right = queries.reshape(25, -1) / 255 - mean, flat - mean
    cosine = left @ right.T
    cosine /= np.linalg.norm(left, axis=1)[:, None] * np.linalg.norm(right, axis=1)
    found = baselines.pixels(indexed, queries, 6)
    assert found.distances == pytest.approx(np.sort(1 - cosine, axis=1)[:, :6], abs=1e-5)
    rows = np.arange(25)[:, None]
    assert (1 - cosine)[rows, found.ids] == pytest.approx(found.distances, abs=1e-5)


def test_whitening_gives_unit_variance_in_every_direction_it_keeps():
    # Two independent planted directions, one much stronger: whitened, both count alike.
    draw = np.random.default_rng(0)
    strong, weak = draw.choice([-1, 1], 200), draw.choice([-1, 1], 200)
    indexed = np.full((200, 32, 32, 3), 128, dtype=np.uint8)
    indexed[:, :16] += (100 * strong).astype(np.uint8)[:, None, None, None]
    indexed[:, 30:, :4] += (8 * weak).astype(np.uint8)[:, None, None, None]
    found = baselines.whitened_pixels(indexed, indexed[:20], 10)
    assert (strong[found.ids] == strong[:20, None]).all()
    assert (weak[found.ids] == weak[:20, None]).all()


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("count", [1, 2])
def test_pictures_that_are_all_the_same_are_no_fault(name, count):
    same = np.full((count, 32, 32, 3), 7, dtype=np.uint8)
    found = BASELINES[name](same, same[:1], 2)
    assert sorted(found.ids[0, :count].tolist()) == list(range(count))
    assert np.isfinite(found.distances[0, :count]).all()


def test_equal_pixels_equal_a_scan():
    indexed, queries = pictures(150), pictures(20, seed=0)
    queries[:, :4, :4] = 255
    found = baselines.equal_pixels(indexed, queries, 5)
    table = shares(queries, indexed)
    assert found.distances == pytest.approx(np.sort(table, axis=1)[:, :5])
    assert table[np.arange(20)[:, None], found.ids] == pytest.approx(found.distances)


def test_the_sketch_keeps_the_true_neighbours_in_a_short_list(monkeypatch):
    monkeypatch.setattr(baselines, "_SHORTLIST", 60)
    draw = np.random.default_rng(3)
    indexed = pictures(600, colours=3)
    queries = indexed[:15].copy()
    hit = draw.random(queries.shape[:3]) < 0.2
    queries[hit] = 7
    found = baselines.equal_pixels(indexed, queries, 1)
    assert found.ids[:, 0].tolist() == list(range(15))


def test_hash_of_a_picture_computed_by_hand():
    # One cosine wave across: only the frequency (0, 3) stands above the median, beside the mean.
    wave = np.cos(np.pi / 32 * (np.arange(32) + 0.5) * 3)
    grey = np.round(128 + 100 * wave).astype(np.uint8)
    picture = np.broadcast_to(grey[None, :, None], (32, 32, 3))
    bits = np.unpackbits(baselines.dct_hash(picture[None])).reshape(8, 8)
    assert bits[0, 0] == bits[0, 3] == 1


def test_hash_distance_is_the_share_of_differing_bits():
    indexed, queries = pictures(50), pictures(9, seed=1)
    left, right = (np.unpackbits(baselines.dct_hash(p), axis=1) for p in (queries, indexed))
    table = (left[:, None] != right[None]).mean(axis=2)
    found = baselines.perceptual_hash(indexed, queries, 4)
    assert found.distances == pytest.approx(np.sort(table, axis=1)[:, :4])
    assert (left.sum(axis=1) <= 32).all()


def test_chance_is_even_and_repeatable():
    indexed, queries = pictures(20, side=4), np.zeros((4000, 4, 4, 3), dtype=np.uint8)
    found = baselines.chance(indexed, queries, 5)
    assert np.array_equal(found.ids, baselines.chance(indexed, queries, 5).ids)
    assert (np.diff(np.sort(found.ids, axis=1), axis=1) > 0).all()
    assert np.bincount(found.ids.ravel()) == pytest.approx(1000, rel=0.12)
