"""Maps: planes equal to a brute-force SVD, neighbourhoods kept, and files of the right build."""

import numpy as np
import pytest

from simsearch import maps
from simsearch.errors import StoreError
from simsearch.maps import keep_map, kept_map, pca_map, principal_axes, tsne_map
from simsearch.store.manifest import EncoderStamp, Manifest


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    made = rng.normal(0, 1, (300, 12)) * np.linspace(3, 0.2, 12)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def test_the_plane_is_that_of_a_singular_value_decomposition(vectors):
    rows, shown = np.arange(0, 300, 2), np.array([1, 5, 6, 299])
    mean = vectors[rows].mean(axis=0)
    _, _, right = np.linalg.svd(vectors[rows].astype(np.float64) - mean, full_matrices=False)
    truth = (vectors[shown] - mean) @ right[:2].T
    made = pca_map(vectors, rows, shown)
    signs = np.sign((made.points * truth).sum(axis=0))
    np.testing.assert_allclose(made.points * signs, truth, atol=1e-5)
    assert made.rows.tolist() == shown.tolist()


def test_an_axis_points_to_where_its_largest_number_is_positive(vectors):
    _, axes = principal_axes(vectors, np.arange(300), 5)
    assert axes.shape == (12, 5)
    assert (axes[np.abs(axes).argmax(axis=0), np.arange(5)] > 0).all()


def test_chunks_change_nothing(vectors, monkeypatch):
    whole = pca_map(vectors, np.arange(300), np.arange(300))
    monkeypatch.setattr(maps, "_CHUNK", 7)
    parts = pca_map(vectors, np.arange(300), np.arange(300))
    np.testing.assert_allclose(parts.points, whole.points, atol=1e-4)


def test_vectors_of_one_number_lie_on_a_line():
    made = pca_map(np.array([[1.0], [-1.0], [1.0]], np.float32), np.arange(3), np.arange(3))
    assert made.points.shape == (3, 2)
    np.testing.assert_allclose(made.points[:, 1], 0)


def test_neighbourhoods_stay_together():
    rng = np.random.default_rng(1)
    centers = rng.normal(0, 1, (4, 20))
    group = rng.integers(0, 4, 200)
    vectors = (centers[group] + rng.normal(0, 0.1, (200, 20))).astype(np.float32)
    made = tsne_map(vectors, np.zeros(200, int), most=120, seed=0)
    assert len(made.rows) == 120
    gaps = ((made.points[:, None] - made.points[None]) ** 2).sum(axis=2)
    np.fill_diagonal(gaps, np.inf)
    own = group[made.rows]
    assert (own[gaps.argmin(axis=1)] == own).all()


def test_few_items_have_a_map_too():
    made = tsne_map(np.eye(6, dtype=np.float32), np.zeros(6, int))
    assert np.isfinite(made.points).all()
    assert made.points.shape == (6, 2)


def test_part_of_a_map():
    points = np.arange(8, dtype=np.float32).reshape(4, 2)
    made = maps.Map(np.array([2, 4, 6, 8]), points, "PCA").of(np.array([4, 5, 8]))
    assert made.rows.tolist() == [4, 8]
    assert made.points.tolist() == [[2, 3], [6, 7]]


def test_a_map_is_kept_for_its_build_alone(tmp_path, vectors):
    made = pca_map(vectors, np.arange(300), np.arange(300))
    place = tmp_path / "index"
    place.mkdir()
    Manifest(EncoderStamp("pixels"), 12, 300, build_id="one").write(place)
    assert kept_map(place, "one") is None
    keep_map(place, "one", made)
    found = kept_map(place, "one")
    assert found.rows.tolist() == made.rows.tolist()
    assert found.points.tolist() == made.points.tolist()
    assert kept_map(place, "two") is None
    with pytest.raises(StoreError, match="built again meanwhile"):
        keep_map(place, "two", made)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"no map at all" * 99])
def test_a_damaged_map_is_none(tmp_path, content):
    (tmp_path / maps.NAME).write_bytes(content)
    assert kept_map(tmp_path, "one") is None
