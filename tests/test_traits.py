"""Traits: read from layered art by value, hidden labels found, rare ones not missed."""

import subprocess
import sys

import numpy as np
import pytest
from layered import BLUE, CROWN, GEM, GEMS, LONG, RED, SCAR, SIDE, VOCABULARY, layered
from PIL import Image

from simsearch.catalog import Catalog, Item, Picture
from simsearch.errors import StoreError
from simsearch.images import load_image
from simsearch.tensors import load_state, save_state
from simsearch.traits.canvas import find_side, native_side, on_canvas
from simsearch.traits.choices import Choices
from simsearch.traits.evidence import Evidence, folds
from simsearch.traits.hidden import CellRule, ceiling, hidden_labels
from simsearch.traits.labelled import LEAST_ITEMS, labelled_rows, read_labelled
from simsearch.traits.recogniser import TraitRecogniser, best_threshold
from simsearch.traits.recognisers import TraitRecognisers
from simsearch.traits.trees import Grove, fit_tree


@pytest.fixture(scope="module")
def art():
    return layered()


@pytest.fixture(scope="module")
def recogniser(art):
    return TraitRecogniser.fit(art.pictures, art.labels, VOCABULARY)


def noise(side, seed=0):
    draw = np.random.default_rng(seed).normal(size=(side, side, 3))
    smooth = np.cumsum(np.cumsum(draw, axis=0), axis=1)
    scaled = (smooth - smooth.min()) / np.ptp(smooth) * 255
    return scaled.astype(np.uint8)


# -- the grid ---------------------------------------------------------------------------------


def enlarged(picture, factor):
    return picture.reshape(SIDE, SIDE, 3).repeat(factor, axis=0).repeat(factor, axis=1)


@pytest.mark.parametrize("factor", [1, 2, 5, 12])
def test_the_grid_of_enlarged_art_is_found(art, factor):
    assert native_side(enlarged(art.pictures[0], factor)) == SIDE


def test_the_grid_of_enlarged_art_is_found_under_the_noise_of_jpeg(art, tmp_path):
    Image.fromarray(enlarged(art.pictures[0], 10)).save(tmp_path / "a.jpg", quality=75)
    assert native_side(load_image((tmp_path / "a.jpg").read_bytes())) == SIDE


def test_smooth_and_plain_pictures_have_no_grid_but_their_own():
    assert native_side(noise(60)) == 60
    assert native_side(np.full((48, 48, 3), 7, dtype=np.uint8)) == 48


def test_the_commonest_side_serves_a_collection_and_large_art_is_reduced(art):
    small = [enlarged(picture, 3) for picture in art.pictures[:5]]
    assert find_side([*small, noise(90)]) == SIDE
    assert find_side([noise(90, seed) for seed in range(3)]) == 64


def test_cells_of_enlarged_art_are_its_pixels(art):
    cells = on_canvas([enlarged(picture, 7) for picture in art.pictures[:4]], SIDE)
    np.testing.assert_array_equal(cells, art.pictures[:4])


# -- choices ----------------------------------------------------------------------------------


def test_exclusive_types_are_found_from_labels(art):
    choices = Choices.of(art.labels, VOCABULARY)
    assert choices.exclusive == ("ground", "hair", "hat")
    assert [group.tolist() for group in choices.groups] == [[2, 3], [4, 5], [6, 7]]
    assert choices.optional == (False, True, True)
    full, groups = choices.with_absence(art.labels)
    assert [group.tolist() for group in groups] == [[2, 3], [4, 5, 8], [6, 7, 9]]
    np.testing.assert_array_equal(full[:, 8], ~art.labels[:, [LONG, RED]].any(axis=1))
    assert all((full[:, group].sum(axis=1) == 1).all() for group in groups)


def test_where_nothing_is_exclusive_nothing_is_ruled_out():
    labels = np.ones((3, 2), dtype=bool)
    choices = Choices.of(labels, [("a", "x"), ("a", "y")])
    assert choices == Choices((), (), ())
    np.testing.assert_array_equal(
        choices.conditioned(np.full((1, 2), 0.7)), np.float32([[0.7] * 2])
    )
    assert choices.decide(np.full((1, 2), 0.7), np.full(2, 0.5)).all()


def test_of_an_exclusive_type_the_likeliest_above_its_threshold_is_said():
    vocabulary = [("a", "x"), ("a", "y"), ("b", "p"), ("b", "q"), ("c", "m"), ("c", "n")]
    labels = np.array([[1, 0, 1, 1, 1, 0], [0, 1, 0, 1, 0, 1], [0, 0, 0, 0, 0, 1]], dtype=bool)
    choices = Choices.of(labels, vocabulary)
    assert choices.exclusive == ("a", "c")
    raw = np.array([[0.8, 0.6, 0.7, 0.8, 0.2, 0.1], [0.5, 0.5, 0.2, 0.6, 0.5, 0.75]])
    shares = choices.conditioned(raw)
    np.testing.assert_allclose(shares[:, :2], [[8 / 14, 6 / 14], [0.5, 0.5]], rtol=1e-5)
    np.testing.assert_allclose(shares[:, 2:4], raw[:, 2:4], rtol=1e-6)
    # Of "c" something is always there; of "a" there may be nothing.
    np.testing.assert_allclose(shares[:, 4:], [[2 / 3, 1 / 3], [0.4, 0.6]], rtol=1e-5)
    few = choices.conditioned(np.array([[0.2, 0.1, 0, 0, 0, 0]]))
    np.testing.assert_allclose(few[:, :2], [[0.2, 0.1]], rtol=1e-6)
    said = choices.decide(shares, np.full(6, 0.5))
    np.testing.assert_array_equal(said, [[1, 0, 1, 1, 1, 0], [0, 0, 0, 1, 0, 1]])


# -- evidence and trees -----------------------------------------------------------------------


def test_facts_are_counted_as_by_hand(art):
    evidence = Evidence.of(art.pictures)
    rows = np.arange(0, 400, 3)
    counts = evidence.count(rows)
    for fact in range(0, len(counts), 7):
        cell, colour, room = evidence.test_of(fact)
        equal = (art.pictures[rows, cell] == colour).all(axis=1)
        near = np.abs(art.pictures[rows, cell] - colour).max(axis=1) <= room
        assert counts[fact] == equal.sum() == near.sum()
        np.testing.assert_array_equal(evidence.shown(np.array([fact]), rows)[:, 0], equal)


def test_colours_that_never_come_again_are_made_coarser():
    draw = np.random.default_rng(0)
    base = np.where(draw.random((200, 4, 1)) < 0.5, 100, 180)
    noisy = (base + draw.integers(-9, 10, (200, 4, 3))).astype(np.uint8)
    evidence = Evidence.of(noisy)
    assert evidence.dropped > 0
    for fact in range(evidence.starts[-1]):
        cell, colour, room = evidence.test_of(fact)
        near = np.abs(noisy[:, cell] - colour).max(axis=1) <= room
        np.testing.assert_array_equal(
            near, evidence.shown(np.array([fact]), np.arange(200))[:, 0] == 1
        )


def test_trees_in_arrays_say_what_the_trees_say(art):
    evidence, rows = Evidence.of(art.pictures), np.arange(400)
    counts = evidence.count(rows)
    trees = [fit_tree(evidence, art.labels[:, c], rows, counts) for c in range(len(VOCABULARY))]
    found = Grove.of(trees, evidence).predict(art.pictures)
    expected = np.stack([tree.predict(evidence, rows) for tree in trees], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_split_must_pay_for_its_description():
    draw = np.random.default_rng(1)
    pictures = draw.integers(0, 2, (300, 50, 1)).repeat(3, axis=2).astype(np.uint8)
    evidence, rows = Evidence.of(pictures), np.arange(300)
    chance = fit_tree(evidence, draw.random(300) < 0.3, rows, evidence.count(rows))
    assert len(chance.fact) == 1
    told = fit_tree(evidence, pictures[:, 7, 0] == 1, rows, evidence.count(rows))
    assert len(told.fact) == 3


def test_folds_share_a_rare_trait_evenly():
    labels = np.arange(100) % 33 == 0
    for train, held in folds(labels, 4, seed=0):
        assert labels[held].sum() == 1
        assert len(held) == 25
        assert not set(train) & set(held)


# -- the recogniser ---------------------------------------------------------------------------


def test_all_that_can_be_seen_is_read_and_nothing_else(recogniser):
    fresh = layered(500, seed=7)
    said = recogniser.predict(fresh.pictures)
    np.testing.assert_array_equal(said[~fresh.covered], fresh.labels[~fresh.covered])
    assert fresh.labels[:, GEM].sum() == GEMS
    assert fresh.hidden.sum() > 100


def test_probabilities_of_a_type_leave_room_for_absence(recogniser):
    fresh = layered(200, seed=8)
    shares = recogniser.probabilities(fresh.pictures)
    assert shares.shape == (200, len(VOCABULARY))
    crowned = fresh.labels[:, CROWN]
    hair = shares[:, [LONG, RED]]
    assert (hair[crowned] < 0.5).all()  # none can be told from the others
    np.testing.assert_array_equal(hair[~crowned] > 0.8, fresh.labels[~crowned][:, [LONG, RED]])
    np.testing.assert_allclose(shares[:, [2, 3]].sum(axis=1), 1, rtol=1e-5)


def test_the_traits_of_one_picture_come_with_probabilities(recogniser):
    fresh = layered(50, seed=9)
    bare = int(np.flatnonzero(~fresh.labels[:, [LONG, RED, 6, CROWN, SCAR, GEM]].any(axis=1))[0])
    (trait, share), *rest = recogniser.shown(fresh.pictures[bare])
    assert trait == VOCABULARY[BLUE if fresh.labels[bare, BLUE] else 3]
    assert share > 0.95
    assert not rest


def test_slight_noise_of_a_copy_changes_nothing(recogniser):
    fresh = layered(100, seed=10)
    shift = np.random.default_rng(0).integers(-6, 7, fresh.pictures.shape)
    copy = np.clip(fresh.pictures + shift, 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(recogniser.predict(copy), recogniser.predict(fresh.pictures))


def test_a_trait_that_no_picture_has_is_never_said(art):
    labels = np.hstack([art.labels, np.zeros((400, 1), dtype=bool)])
    made = TraitRecogniser.fit(art.pictures, labels, [*VOCABULARY, ("extra", "ghost")])
    assert not made.predict(art.pictures)[:, -1].any()
    assert made.probabilities(art.pictures)[:, -1].max() == 0


def test_pictures_that_are_all_the_same_give_the_shares_of_the_labels():
    labels = np.array([[True, False]] * 30 + [[False, True]] * 10)
    made = TraitRecogniser.fit(np.zeros((40, 9, 3), np.uint8), labels, [("a", "x"), ("a", "y")])
    shares = made.probabilities(np.zeros((1, 9, 3), np.uint8))
    np.testing.assert_allclose(shares, [[0.75, 0.25]], atol=1e-6)


@pytest.mark.parametrize(
    ("shares", "labels", "expected"),
    [
        ([0.9, 0.8, 0.1, 0.0], [1, 1, 0, 0], 0.5),
        ([0.9, 0.45, 0.1, 0.0], [1, 1, 0, 0], 0.425),
        ([0.9, 0.6, 0.55, 0.0], [1, 0, 0, 0], 0.675),
        ([0.2, 0.1, 0.1, 0.0], [1, 0, 0, 0], 0.5),  # too far from even odds to be believed
    ],
)
def test_a_threshold_is_the_best_near_even_odds(shares, labels, expected):
    found = best_threshold(np.array(shares), np.array(labels, dtype=bool))
    assert found == pytest.approx(expected)


# -- hidden labels ----------------------------------------------------------------------------


def test_hidden_labels_are_those_that_a_layer_covers(art):
    choices = Choices.of(art.labels, VOCABULARY)
    found = hidden_labels(Evidence.of(art.pictures), art.labels, choices)
    np.testing.assert_array_equal(found, art.hidden)
    assert art.hidden.sum() > 100


def test_a_value_that_draws_nothing_can_be_seen_by_what_is_not_there(art):
    """Where every item has a value, the one of the bare picture is told by the others' lack."""
    bare = ~art.labels[:, [LONG, RED]].any(axis=1)
    labels = np.hstack([art.labels, bare[:, None]])
    vocabulary = [*VOCABULARY, ("hair", "none drawn")]
    choices = Choices.of(labels, vocabulary)
    found = hidden_labels(Evidence.of(art.pictures), labels, choices)
    np.testing.assert_array_equal(found[:, -1], bare & art.labels[:, CROWN])


def test_a_label_that_follows_from_another_is_not_hidden(art):
    kind = art.labels[:, [BLUE]]
    labels = np.hstack([art.labels, kind, ~kind])
    vocabulary = [*VOCABULARY, ("mood", "calm"), ("mood", "wild")]
    found = hidden_labels(Evidence.of(art.pictures), labels, Choices.of(labels, vocabulary))
    assert not found[:, [BLUE, 3, -2, -1]].any()


def test_the_ceiling_is_that_of_saying_what_can_be_seen():
    labels = np.ones((2, 4), dtype=bool)
    hidden = np.zeros((2, 4), dtype=bool)
    hidden[0, :2] = True
    assert ceiling(labels, hidden) == pytest.approx(2 * 6 / (8 + 6))
    assert np.isnan(ceiling(labels & False, hidden))


def test_a_rule_draws_the_cell_as_the_layers_do(art):
    cell = 3 * SIDE + 4
    colours, codes = np.unique(art.pictures[:, cell], axis=0, return_inverse=True)
    rule = CellRule.fit(codes.reshape(-1).astype(np.uint16), art.labels)
    drawn = rule.draw(lambda at, traits: art.labels[at, traits], len(art.labels))
    clear = art.labels[:, [LONG, RED, 6, CROWN]].any(axis=1)
    np.testing.assert_array_equal(colours[drawn][clear], art.pictures[clear, cell])


# -- files and catalogs -----------------------------------------------------------------------


def as_catalog(art, folder, suffix="png", mode="RGB"):
    items = []
    for number, (picture, labels) in enumerate(zip(art.pictures, art.labels, strict=True)):
        path = folder / f"{number}.{suffix}"
        Image.fromarray(enlarged(picture, 4)).convert(mode).save(path)
        traits = tuple(trait for trait, has in zip(VOCABULARY, labels, strict=True) if has)
        items.append(Item("faces", str(number), Picture("file", str(path)), traits))
    return Catalog.from_items(items)


def test_grey_and_cmyk_pictures_are_read_like_any(tmp_path):
    art = layered(240, seed=3)
    said = {}
    for mode, suffix in (("RGB", "png"), ("L", "png"), ("CMYK", "tiff")):
        folder = tmp_path / mode
        folder.mkdir()
        catalog = as_catalog(art, folder, suffix, mode)
        learned = TraitRecognisers.fit(catalog).by_collection["faces"]
        assert learned.side == SIDE
        known = read_labelled(catalog, np.arange(240))
        np.testing.assert_array_equal(known.labels, art.labels)
        said[mode] = learned.predict(known.pictures)
    np.testing.assert_array_equal(said["CMYK"], said["RGB"])
    for found in said.values():
        np.testing.assert_array_equal(found[~art.covered], art.labels[~art.covered])


def test_unreadable_pictures_and_small_collections_are_left_out(tmp_path):
    art = layered(60, seed=4)
    catalog = as_catalog(art, tmp_path)
    (tmp_path / "5.png").write_bytes(b"no picture")
    (tmp_path / "6.png").unlink()
    known = read_labelled(catalog, np.arange(60))
    assert known.rows.tolist() == [row for row in range(60) if row not in (5, 6)]
    few = Catalog.from_items(catalog.items()[: LEAST_ITEMS - 1])
    assert labelled_rows(few) == {}
    assert TraitRecognisers.fit(few).by_collection == {}
    for file in tmp_path.iterdir():
        file.unlink()
    assert TraitRecognisers.fit(catalog).by_collection == {}


def test_what_is_saved_reads_the_same_and_again_the_same_bytes(art, recogniser, tmp_path):
    kept = TraitRecognisers({"odd/name": recogniser, "b": recogniser}, seed=3)
    kept.save(tmp_path / "a.safetensors")
    kept.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    opened = TraitRecognisers.open(tmp_path / "a.safetensors")
    assert opened.seed == 3
    again = opened.by_collection["odd/name"]
    np.testing.assert_array_equal(
        again.probabilities(art.pictures), recogniser.probabilities(art.pictures)
    )
    assert opened.shown(enlarged(art.pictures[0], 9), "odd/name") == recogniser.shown(
        art.pictures[0]
    )
    assert opened.shown(enlarged(art.pictures[0], 9), "other") == []


def test_damaged_files_are_refused(recogniser, tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(StoreError, match="no trait recognisers"):
        TraitRecognisers.open(path)
    TraitRecognisers({"a": recogniser}).save(path)
    state = load_state(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(StoreError, match="make them anew"):
        TraitRecognisers.open(path)
    for name, value in (("present/a", 0), ("absent/a", 1e6), ("cell/a", 1e6), ("roots/a", 1e6)):
        TraitRecognisers({"a": recogniser}).save(path)
        from simsearch.tensors import read_metadata

        broken = dict(state)
        broken[name] = np.where(state[name] >= 0, np.float32(value), state[name])
        save_state(path, broken, read_metadata(path))
        with pytest.raises(StoreError, match="make them anew"):
            TraitRecognisers.open(path)


def test_reading_traits_needs_no_library_that_learning_needs(recogniser, tmp_path):
    TraitRecognisers({"a": recogniser}).save(tmp_path / "a.safetensors")
    code = f"""
import sys, numpy as np
from pathlib import Path
from simsearch.traits.recognisers import TraitRecognisers
found = TraitRecognisers.open(Path({str(tmp_path / "a.safetensors")!r}))
found.shown(np.zeros((12, 12, 3), np.uint8), "a")
print({{"torch", "sklearn", "scipy"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
