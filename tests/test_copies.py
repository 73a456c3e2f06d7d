"""Edited copies: colour edits against answers made by hand, and copies that must be found."""

import colorsys

import numpy as np
import pytest
from planted import SPANS, Table

from simsearch.catalog import Catalog, Item, Picture
from simsearch.copies import CopyFinder
from simsearch.engine import SearchEngine
from simsearch.errors import StoreError
from simsearch.evaluation.edits import EDITS, enlarged
from simsearch.images import load_image
from simsearch.index import build_index
from simsearch.space.edited import lit, regrounded, share_ground, turned
from simsearch.space.outlines import OutlineSpace
from simsearch.space.spaces import Spaces

EDITED = ("border", "screenshot", "crop", "flip", "rotate", "brightness", "recolour")


@pytest.fixture
def grids():
    """Six pictures of flat patches, (6, 64, 3); cells of one patch lie together."""
    rng = np.random.default_rng(0)
    patches = rng.uniform(0.05, 0.9, (6, 4, 4, 3)).astype(np.float32)
    return patches.repeat(2, axis=1).repeat(2, axis=2).reshape(6, 64, 3)


def apart(query, shown):
    return np.abs(shown - query).max(axis=(1, 2))


def test_the_original_made_brighter_is_the_copy(grids):
    query = np.minimum(grids[2] * np.float32(1.3), 1)
    gaps = apart(query, lit(query, grids))
    assert gaps[2] < 1e-5
    assert np.delete(gaps, 2).min() > 0.1


def test_a_darker_copy_too(grids):
    query = grids[4] * np.float32(0.6)
    gaps = apart(query, lit(query, grids))
    assert gaps[4] < 1e-5
    assert gaps.argmin() == 4


def test_the_original_turned_in_hue_is_the_copy(grids):
    def edit(colour):
        hue, saturation, value = colorsys.rgb_to_hsv(*colour)
        return colorsys.hsv_to_rgb((hue + 1 / 12) % 1, min(1, 1.4 * saturation), value)

    query = np.array([edit(cell.tolist()) for cell in grids[1]], dtype=np.float32)
    gaps = apart(query, turned(query, grids))
    assert gaps[1] < 0.01
    assert np.delete(gaps, 1).min() > 0.1


def test_the_original_on_another_ground_is_the_copy():
    rng = np.random.default_rng(3)
    figures = rng.uniform(0, 1, (5, 8, 8, 3)).astype(np.float32)
    old = np.array([0.9, 0.8, 0.1], dtype=np.float32)
    grids = np.empty((5, 16, 16, 3), dtype=np.float32)
    grids[:] = old
    grids[:, 4:12, 4:12] = figures
    rim = (grids[:, 3, 4:12] + figures[:, 0]) / 2  # half ground, half figure
    grids[:, 3, 4:12] = rim
    new = np.array([0.1, 0.2, 0.7], dtype=np.float32)
    query = np.where((grids[3] == old).all(axis=2, keepdims=True), new, grids[3])
    query[3, 4:12] += (new - old) / 2
    query, flat = query.reshape(-1, 3), grids.reshape(5, -1, 3)
    gaps = apart(query, regrounded(query, flat))
    assert gaps[3] < 1e-4
    assert np.delete(gaps, 3).min() > 0.1
    assert not share_ground(query, flat).any()
    assert share_ground(flat[0], flat).all()


def test_outline_vectors_do_not_know_brightness_or_colour():
    rng = np.random.default_rng(5)
    grids = rng.uniform(0, 0.7, (60, 16, 16, 3)).repeat(2, 1).repeat(2, 2).reshape(60, -1)
    space = OutlineSpace.fit(grids)
    vectors = space.transform(grids)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(space.transform(grids * 1.3), vectors, atol=1e-4)
    swapped = grids.reshape(60, -1, 3)[:, :, ::-1].reshape(60, -1)
    np.testing.assert_allclose(space.transform(swapped), vectors, atol=1e-4)
    again = OutlineSpace.from_tensors(space.space.tensors())
    np.testing.assert_array_equal(again.transform(grids), vectors)


def ask(engine: SearchEngine, rgb: np.ndarray) -> tuple[str, str]:
    """What was undone, and the key that is found first."""
    encoder = engine.encoder
    own = encoder.encode(encoder.prepare(rgb)[None])[0].astype(np.float16)
    descriptor, undone = engine.undo_edits(rgb, own)
    first = engine.retriever.search(descriptor[None], 1).ids[0, 0]
    return undone, engine.catalog.key(int(first))


@pytest.mark.parametrize("edit", EDITED)
def test_an_edited_copy_finds_its_original_first(sample_index, edit):
    engine = sample_index.engine
    found = []
    for row in range(0, len(engine.catalog), 25):
        rgb = enlarged(load_image(engine.thumbnails[row]))
        found.append(ask(engine, EDITS[edit](rgb))[1] == engine.catalog.key(row))
    assert len(found) == 4
    assert all(found)


@pytest.mark.parametrize("seed", range(4))
def test_a_strange_picture_is_no_copy(sample_index, seed):
    """A picture that is hardly more than a ground, or any other, can be painted over an item."""
    engine = sample_index.engine
    rng = np.random.default_rng(seed)
    flat = np.empty((64, 64, 3), dtype=np.uint8)
    flat[:] = rng.integers(0, 256, 3)
    spotted = flat.copy()
    spotted[20:44, 24:40] = rng.integers(0, 256, 3)
    blocks = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    assert [ask(engine, rgb)[0] for rgb in (flat, spotted, blocks)] == ["", "", ""]


def test_an_indexed_picture_is_asked_as_it_is(sample_index):
    engine = sample_index.engine
    rgb = load_image(sample_index.picture.read_bytes())
    assert ask(engine, rgb) == ("", "teapots/7")
    assert engine.read(sample_index.picture.read_bytes(), "x").undone == ""


def test_what_a_copy_shows_besides_is_kept(sample_index):
    """A mirrored copy with a large new patch is the original with that patch, mirrored back."""
    engine = sample_index.engine
    rgb = enlarged(load_image(engine.thumbnails[engine.catalog.row("teapots/7")]))
    marked = rgb.copy()
    marked[:60, :60] = (255, 0, 255)
    encoder = engine.encoder
    mirrored = marked[:, ::-1]
    own = encoder.encode(encoder.prepare(mirrored)[None])[0].astype(np.float16)
    descriptor, undone = engine.undo_edits(mirrored, own)
    assert undone == "mirrored"
    wanted = encoder.encode(encoder.prepare(marked)[None])[0]
    grid = engine.retriever.spaces.grid
    assert np.abs(descriptor[grid] - wanted[grid]).max() < 0.16
    patch = descriptor[grid].reshape(32, 32, 3)[1:6, 1:6]
    assert np.abs(patch - np.array([1, 0, 1])).max() < 0.02


def test_missing_outlines_are_told(sample_index, tmp_path):
    import shutil

    place = shutil.copytree(sample_index.folder, tmp_path / "index")
    (place / "outlines" / "vectors.npy").unlink()
    with pytest.raises(StoreError, match="build the index again"):
        SearchEngine.open(place)


def test_another_ground_is_undone_unless_the_collection_uses_it():
    rng = np.random.default_rng(8)
    grounds, figures = rng.uniform(0.1, 0.9, (3, 3)), rng.uniform(0, 1, (5, 20, 14, 3))

    def paint(ground, figure):
        grid = np.empty((32, 32, 3), dtype=np.float16)
        grid[:] = ground
        grid[12:32, 10:24] = figures[figure]
        return grid.ravel()

    pairs = [(ground, figure) for ground in (0, 1) for figure in range(5) if ground or figure]
    table = Table(np.stack([paint(grounds[ground], figure) for ground, figure in pairs]))
    items = [Item("one", str(row), Picture("file", "/x.png")) for row in range(len(pairs))]
    catalog = Catalog.from_items(items)
    spaces = Spaces.fit(table, catalog, SPANS)
    grid, colours = spaces.grid, table.descriptors
    vectors = spaces.look.transform(colours), spaces.outlines.transform(colours[:, grid])
    indexes = [build_index("flat", one) for one in vectors]
    finder = CopyFinder(spaces, spaces.outlines, grid, *indexes, table, catalog)
    twin = pairs.index((1, 0))
    unused = finder.undo(paint(grounds[2], 0), list)
    assert (unused.name, unused.row) == ("background", twin)
    np.testing.assert_allclose(unused.descriptor, colours[twin], atol=1e-3)
    assert finder.undo(paint(grounds[0], 0), list) is None
