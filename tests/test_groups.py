"""Groups of descriptors: outlines by hand, planted collections, one file that keeps all."""

import numpy as np
import pytest
from planted import SPANS, Table, collection, joined, noisy

from simsearch.catalog import Catalog
from simsearch.errors import StoreError, UsageError
from simsearch.evaluation.cluster_metrics import agreement
from simsearch.grouping.groups import (
    NAME,
    WIDTH,
    Grouped,
    Groups,
    GroupSpace,
    keep_groups,
)
from simsearch.space.outlines import outlines


@pytest.fixture(scope="module")
def pair():
    """Two planted collections of which one has its layers elsewhere."""
    one, other = (noisy(collection(name, 60, seed), seed) for name, seed in (("a", 1), ("b", 2)))
    turned = other.grids.reshape(60, 32, 32, 3)[:, ::-1].reshape(60, -1)
    catalog, table = joined(one, type(other)(other.name, turned, other.choices))
    return catalog.collection_codes, table


def fitted(pair, k=2):
    codes, table = pair
    return Groups.fit(table, codes, SPANS, k)


def test_outlines_by_hand():
    grid = np.zeros((2, 2, 3))
    grid[0, 1] = [0.3, 0.6, 0.9]  # mean change of .6 from its left, and to what is below it
    assert np.allclose(outlines(grid.reshape(1, -1)), [[0.6, 0.6, 0, 0]])


def test_outlines_of_one_colour_are_none_and_do_not_know_which():
    plain = np.full((1, 48), 0.4)
    assert np.allclose(outlines(plain), 0)
    draw = np.random.default_rng(0).random((3, 48)) / 2
    assert np.allclose(outlines(draw), outlines(draw + 0.5), atol=1e-6)


def test_points_are_of_unit_length_and_narrow(pair):
    _, table = pair
    space = GroupSpace.fit(table.descriptors, SPANS)
    points = space.transform(table.descriptors)
    assert points.shape[1] <= WIDTH + 1
    assert np.allclose(np.linalg.norm(points, axis=1), 1, atol=1e-5)
    assert np.array_equal(space.points(table, 120), points)


def test_descriptors_without_a_grid_are_taken_as_they_are():
    descriptors = np.random.default_rng(0).normal(size=(50, 12)).astype(np.float32)
    points = GroupSpace.fit(descriptors, [("deep", 0, 12)]).transform(descriptors)
    assert points.shape == (50, 13)


def test_planted_collections_are_found(pair):
    codes, table = pair
    groups = fitted(pair)
    found = groups.describe(table, len(codes))
    labels, medoids, apart = found.labels, found.medoids, found.distances
    assert agreement(codes, labels)["ami"] == pytest.approx(1)
    assert np.array_equal(labels, groups.labels(table.descriptors))
    assert labels[medoids].tolist() == [0, 1]
    for group, row in enumerate(medoids):
        assert apart[row] == apart[labels == group].min()


def test_the_number_is_chosen_and_explained(pair):
    choice = fitted(pair, None).choice
    assert choice.k in choice.tried
    assert "stability" in choice.reason


def test_no_label_but_the_even_draw_is_used(pair):
    codes, table = pair
    shuffled = np.random.default_rng(0).permutation(codes)
    one, other = fitted(pair), Groups.fit(table, shuffled, SPANS, 2)
    assert np.array_equal(one.centers, other.centers)


def test_a_file_keeps_all(pair, tmp_path):
    groups = fitted(pair, None)
    groups.save(tmp_path / "g.safetensors")
    again = Groups.open(tmp_path / "g.safetensors")
    assert again.choice == groups.choice
    assert again.space.spans == groups.space.spans
    assert np.array_equal(again.labels(pair[1].descriptors), groups.labels(pair[1].descriptors))


@pytest.mark.parametrize("content", [None, b"", b"no tensors here"])
def test_a_damaged_file_says_so(tmp_path, content):
    path = tmp_path / "g.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError, match="simsearch cluster"):
        Groups.open(path)


def test_more_groups_than_items_are_refused(pair):
    with pytest.raises(UsageError, match="ask for 1 to 120"):
        fitted(pair, 121)


def test_too_many_groups_are_refused_before_anything_is_read(pair):
    codes, table = pair
    table.read.clear()
    with pytest.raises(UsageError, match="ask for 1 to 120"):
        Groups.fit(table, codes, SPANS, 121)
    assert not table.read


def test_identical_pictures_make_one_group():
    table = Table(np.full((30, SPANS[-1][2]), 0.5, dtype=np.float16))
    codes = np.zeros(30, dtype=np.int64)
    assert Groups.fit(table, codes, SPANS).choice.k == 1
    asked = Groups.fit(table, codes, SPANS, 5)
    assert len(asked.centers) == asked.choice.k == 1
    assert "differ" in asked.choice.reason


def test_a_single_item_is_a_group():
    table = Table(np.random.default_rng(0).random((1, SPANS[-1][2])).astype(np.float16))
    groups = Groups.fit(table, np.zeros(1, dtype=np.int64), SPANS)
    found = groups.describe(table, 1)
    assert (found.labels.tolist(), found.medoids.tolist()) == ([0], [0])
    assert found.distances[0] == pytest.approx(0, abs=1e-6)
    assert found.members(0, 5).tolist() == []


def test_members_go_from_the_middle_to_the_edge():
    labels = np.array([0, 0, 1, 0, 0, 0])
    distances = np.array([0.0, 0.5, 0.0, 0.1, 0.4, 0.2], dtype=np.float32)
    found = Grouped(labels, np.array([0, 2]), distances)
    assert found.sizes.tolist() == [5, 1]
    assert found.members(0, 9).tolist() == [3, 5, 4, 1]
    assert found.members(0, 2).tolist() == [3, 1]
    assert found.members(1, 9).tolist() == []


def test_collections_of_a_group_are_counted(pair):
    catalog, _ = joined(collection("a", 2, 0), collection("b", 3, 1))
    found = Grouped(np.array([0, 1, 0, 0, 1]), np.array([0, 1]), np.zeros(5, np.float32))
    assert list(found.collections(0, catalog).items()) == [("b", 2), ("a", 1)]


def test_groups_outlive_a_build_and_new_items_get_theirs(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
    catalog, table = joined(collection("a", 60, 0), collection("b", 60, 1))
    groups = Groups.fit(table, catalog.collection_codes, SPANS, 2)
    groups.save(old / NAME)
    told = np.where(np.arange(120) == 5, 1 - groups.labels(table.descriptors), 0)
    catalog.with_columns(cluster=told).write(old / "catalog.parquet")
    more, wider = joined(collection("a", 60, 0), collection("b", 60, 1), collection("c", 9, 2))
    rows = np.append(np.arange(120), np.full(9, -1))
    table.read.clear()
    keep_groups(old, new, more, wider, rows)
    found = Catalog.read(new / "catalog.parquet").column("cluster").to_numpy()
    assert np.array_equal(found[:120], told)  # what people have seen stays
    assert np.array_equal(found[120:], groups.labels(wider.descriptors[120:]))
    assert np.concatenate(wider.read).tolist() == list(range(120, 129))
    assert np.array_equal(Groups.open(new / NAME).centers, groups.centers)


def test_without_groups_nothing_is_written(tmp_path):
    catalog, table = joined(collection("a", 5, 0))
    keep_groups(tmp_path, tmp_path, catalog, table, np.full(5, -1))
    assert list(tmp_path.iterdir()) == []


def test_damaged_groups_do_not_stop_a_build(tmp_path):
    catalog, table = joined(collection("a", 5, 0))
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    (old / NAME).write_bytes(b"")
    keep_groups(old, new, catalog, table, np.full(5, -1))
    assert list(new.iterdir()) == []
