"""Points of a map as the page sends them."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from simsearch.catalog import Catalog, Item, Picture
from simsearch.maps import Map
from simsearch.panels import atlas
from simsearch.panels.atlas import NONE, OTHER


def catalog():
    place = Picture("file", "/a.png")
    items = [
        Item("apes", "0", place, (("hat", "red"),)),
        Item("apes", "1", place, (("hat", "red"), ("hat", "blue"))),
        Item("bears", "0", place, (("eye", "one"),)),
        Item("bears", "1", place),
        Item("cats", "0", place, (("hat", "red"),)),
    ]
    return Catalog.from_items(
        items,
        cluster=[0, 0, 1, None, 1],
        last_price=[2.0, 8.0, 5.0, None, 0.0],
        last_currency=["ETH", "ETH", "SOL", None, "ETH"],
    )


def named(kinds):
    return [kinds.names[place] for place in kinds.of.tolist()]


def test_points_by_collection_group_and_trait():
    rows = np.arange(5)
    assert named(atlas.by_collection(catalog(), rows)) == ["apes", "apes", "bears", "bears", "cats"]
    assert named(atlas.by_group(catalog(), rows)) == [
        *("group 0", "group 0", "group 1", NONE, "group 1")
    ]
    found = atlas.by_trait(catalog(), rows, "hat")
    assert named(found) == ["red", "blue + red", NONE, NONE, "red"]
    assert found.names[0] == "red"  # the largest first
    assert len(set(found.colours)) == len(found.names) == 3
    assert named(atlas.by_trait(catalog(), np.array([2, 4]), "eye")) == ["one", NONE]


def test_points_by_price_are_of_one_currency():
    found = atlas.by_price(catalog(), np.arange(5))
    assert found.currency == "ETH"
    np.testing.assert_array_equal(found.prices, [2, 8, np.nan, np.nan, np.nan])
    none = atlas.by_price(catalog(), np.array([3]))
    assert none.currency == ""
    assert np.isnan(none.prices).all()


def test_small_kinds_are_others(monkeypatch):
    monkeypatch.setattr(atlas, "MOST", 1)
    found = atlas.by_trait(catalog(), np.arange(5), "hat")
    assert found.names == ["red", OTHER, NONE]
    assert named(found) == ["red", OTHER, NONE, NONE, "red"]


def test_trait_types_of_collections():
    assert atlas.trait_kinds(catalog(), []) == ["eye", "hat"]
    assert atlas.trait_kinds(catalog(), ["apes"]) == ["hat"]
    assert atlas.rows_of(catalog(), ["cats", "apes"]).tolist() == [0, 1, 4]


@pytest.mark.parametrize("count", [0, 1, 2, 16, 24])
def test_colours_differ(count):
    found = atlas.palette(count)
    assert len(set(found)) == count
    assert all(len(colour) == 7 and int(colour[1:], 16) >= 0 for colour in found)


def test_the_sample_is_even_and_its_plane_that_of_all(sample_index, monkeypatch):
    monkeypatch.setattr(atlas, "SHOWN", 30)
    engine = sample_index.engine
    found = atlas.laid_out(engine, None, [])
    codes = engine.catalog.collection_codes[found.rows]
    assert np.bincount(codes).tolist() == [10, 10, 10]
    vectors = engine.retriever.index.vectors
    whole = vectors - vectors.mean(axis=0)
    right = np.linalg.svd(whole, full_matrices=False)[2][:2]
    truth = whole[found.rows] @ right.T
    signs = np.sign((truth * found.points).sum(axis=0))
    np.testing.assert_allclose(found.points * signs, truth, atol=1e-4)


def test_a_kept_map_is_thinned_within_the_collections(sample_index):
    engine = sample_index.engine
    rows = np.arange(0, len(engine.catalog), 3)
    kept = Map(rows, np.stack([rows, -rows], axis=1).astype(np.float32), "t-SNE")
    name = list(engine.catalog.collections)[1]
    found = atlas.laid_out(engine, kept, [name])
    members = atlas.rows_of(engine.catalog, [name])
    assert found.rows.tolist() == [row for row in rows if row in members]
    assert found.points[:, 0].tolist() == found.rows.tolist()


@pytest.mark.parametrize("side", [8, 96])
def test_hover_pictures_are_small(side):
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    head, _, data = atlas.hover_picture(buffer.getvalue()).partition(",")
    assert head.startswith("data:image/")
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert max(image.size) == min(side, atlas.SIDE)
    assert len(data) < 3000
