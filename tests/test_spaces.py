"""What is fitted on an index: from the given rows only, with planted answers, and kept on disk."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from planted import SPANS, Collection, Table, collection, joined, noisy

from simsearch.catalog import Catalog, Item, Picture
from simsearch.errors import StoreError
from simsearch.space import cells, spaces
from simsearch.space.cells import even_weights, fit_cell_weights
from simsearch.space.heads import HEAD_CODE, LEAST_ITEMS, TraitHead
from simsearch.space.spaces import Spaces

PLAIN = (("pixels", 0, 3072),)


@pytest.fixture(autouse=True, scope="module")
def _few_pairs():
    """What is tested here does not hang on how precise cell weights are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "PAIRS", 300)
        yield


@pytest.fixture(scope="module")
def three():
    """Two collections with traits, one of them too small for a head, and one without traits."""
    made = collection("masks", 60, 1), collection("moths", LEAST_ITEMS - 1, 2)
    catalog, table = joined(*(noisy(one, 5) for one in made))
    bare = noisy(collection("bare", 30, 3), 6)
    items = [*catalog.items(), *(dataclasses.replace(one, traits=()) for one in bare.items())]
    descriptors = np.concatenate([table.descriptors, bare.grids])
    return Catalog.from_items(items), descriptors


def saved(fitted: Spaces, folder: Path) -> bytes:
    folder.mkdir(exist_ok=True)
    fitted.save(folder)
    return (folder / spaces.NAME).read_bytes()


def test_everything_is_fitted_collection_by_collection(three):
    catalog, descriptors = three
    fitted = Spaces.fit(Table(descriptors), catalog, SPANS)
    assert fitted.grid == slice(0, 3072)
    rows = {"masks": slice(0, 60), "moths": slice(60, 79), "bare": slice(79, 109)}
    for name, part in rows.items():
        expected = fit_cell_weights(descriptors[part])
        np.testing.assert_array_equal(fitted.cell_weights(name), expected)
    assert list(fitted.vocabulary) == ["masks"]
    assert fitted.vocabulary["masks"] == sorted(
        {trait for one in catalog.items(range(60)) for trait in one.traits}
    )
    known = [
        [trait in one.traits for trait in fitted.vocabulary["masks"]]
        for one in catalog.items(range(60))
    ]
    head = TraitHead.fit(HEAD_CODE(descriptors[:60]), np.array(known))
    for row in (0, 33, 70, 100):
        scores = fitted.trait_scores(descriptors[row], "masks")
        expected = head.predict(HEAD_CODE(descriptors[row][None]))[0]
        np.testing.assert_allclose(scores, expected, atol=2e-3)


def test_a_collection_that_was_not_there_has_even_weights_and_no_head(three):
    catalog, descriptors = three
    fitted = Spaces.fit(Table(descriptors), catalog, SPANS)
    np.testing.assert_array_equal(fitted.cell_weights("new"), even_weights(1024))
    for name in ("new", "moths", "bare"):
        assert fitted.head(name) is None
        assert fitted.trait_scores(descriptors[0], name) is None


def others_changed(
    catalog: Catalog, descriptors: np.ndarray, rows: np.ndarray
) -> tuple[Catalog, Table]:
    """The same but for the pictures and the traits of all rows that are not given."""
    changed = np.random.default_rng(9).random(descriptors.shape).astype(np.float16)
    changed[rows] = descriptors[rows]
    items = catalog.items()
    for row in set(range(len(items))) - set(rows.tolist()):
        items[row] = dataclasses.replace(items[row], traits=(("hat", "none of these"),))
    return Catalog.from_items(items), Table(changed)


def test_nothing_but_the_given_rows_is_used(three, tmp_path):
    catalog, descriptors = three
    rows = np.sort(np.random.default_rng(4).permutation(len(catalog))[:70])
    other_catalog, other = others_changed(catalog, descriptors, rows)
    expected = saved(Spaces.fit(Table(descriptors), catalog, SPANS, rows=rows), tmp_path)
    found = saved(Spaces.fit(other, other_catalog, SPANS, rows=rows), tmp_path)
    assert found == expected
    assert set(np.concatenate(other.read)) <= set(rows)


def test_a_planted_leak_is_seen(three, tmp_path):
    """The comparison above must fail for a fit that uses a single row more."""
    catalog, descriptors = three
    rows = np.sort(np.random.default_rng(4).permutation(len(catalog))[:70])
    other_catalog, other = others_changed(catalog, descriptors, rows)
    leak = np.append(rows, np.setdiff1d(np.arange(60), rows)[0])
    expected = saved(Spaces.fit(Table(descriptors), catalog, SPANS, rows=leak), tmp_path)
    assert saved(Spaces.fit(other, other_catalog, SPANS, rows=leak), tmp_path) != expected
    only_traits = Spaces.fit(Table(descriptors), other_catalog, SPANS, rows=leak)
    assert saved(only_traits, tmp_path) != expected


def test_what_is_opened_answers_as_what_was_saved(three, tmp_path):
    catalog, descriptors = three
    fitted = Spaces.fit(Table(descriptors), catalog, SPANS, seed=3)
    first = saved(fitted, tmp_path)
    opened = Spaces.open(tmp_path)
    assert opened.vocabulary == fitted.vocabulary
    assert opened.look.spans == fitted.look.spans
    vectors = fitted.look.transform(descriptors)
    np.testing.assert_array_equal(opened.look.transform(descriptors), vectors)
    for name in ("masks", "moths", "bare", "new"):
        np.testing.assert_array_equal(opened.cell_weights(name), fitted.cell_weights(name))
        scores = [one.trait_scores(descriptors[0], name) for one in (opened, fitted)]
        np.testing.assert_array_equal(scores[0], scores[1])
    assert saved(opened, tmp_path / "again") == first
    assert saved(Spaces.fit(Table(descriptors), catalog, SPANS, seed=3), tmp_path) == first


def test_without_a_grid_heads_read_vectors():
    made = noisy(collection("masks", 200, 1), 5)
    catalog, table = joined(made)
    fitted = Spaces.fit(table, catalog, PLAIN, rows=np.arange(150))
    assert fitted.grid is None
    assert not [name for name in fitted.tensors if name.startswith("cells/")]
    values = [int(value[1:]) for _, value in fitted.vocabulary["masks"]]
    assert values == [0, 1, 2, 3] * 3  # background, body, eyes
    scores = np.array([fitted.trait_scores(made.grids[row], "masks") for row in range(150, 200)])
    read = scores.reshape(50, 3, 4).argmax(axis=2)
    np.testing.assert_array_equal(read, made.choices[150:])


def test_only_the_commonest_traits_are_learned(monkeypatch):
    made = collection("masks", 40, 1)
    items = [
        dataclasses.replace(one, traits=(*one.traits, ("number", one.token_id)))
        for one in made.items()
    ]
    monkeypatch.setattr(spaces, "MOST_TRAITS", 12)
    fitted = Spaces.fit(Table(made.grids), Catalog.from_items(items), SPANS)
    assert {kind for kind, _ in fitted.vocabulary["masks"]} == {"background", "body", "eyes"}
    assert len(fitted.trait_scores(made.grids[0], "masks")) == 12


def test_one_item_of_one_collection():
    catalog = Catalog.from_items([Item("one", "1", Picture("file", "1.png"), (("hat", "red"),))])
    descriptors = np.full((1, 3072), 0.5, dtype=np.float16)
    fitted = Spaces.fit(Table(descriptors), catalog, SPANS)
    assert fitted.look.transform(descriptors).tolist() == [[1.0]]
    np.testing.assert_array_equal(fitted.cell_weights("one"), even_weights(1024))
    assert fitted.vocabulary == {}


def read_sizes(made: list[Collection], **limits: int) -> Table:
    catalog, table = joined(*made)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in limits.items():
            patch.setattr(spaces, name, value)
        Spaces.fit(table, catalog, SPANS)
    return table


def test_the_look_space_is_fitted_on_as_many_items_of_each_collection():
    made = [collection("big", 90, 1), collection("mid", 40, 2), collection("small", 4, 3)]
    sample = read_sizes(made, FIT_ITEMS=60).read[0]
    codes = np.repeat([0, 1, 2], [90, 40, 4])
    assert np.bincount(codes[sample]).tolist() == [20, 20, 4]
    assert (np.diff(sample) > 0).all()
    assert len(read_sizes(made, FIT_NUMBERS=3072 * 30).read[0]) == 10 + 10 + 4


def test_cells_and_heads_are_fitted_on_a_bounded_number_of_items():
    limits = {"CELL_ITEMS": 25, "MOST_ITEMS": 30, "_CHUNK": 7}
    read = read_sizes([collection("masks", 80, 1)], **limits).read
    assert [len(rows) for rows in read] == [80, 25, 7, 7, 7, 7, 2]
    assert len(np.unique(np.concatenate(read[2:]))) == 30


def test_reading_in_pieces_changes_nothing(three, tmp_path, monkeypatch):
    catalog, descriptors = three
    whole = saved(Spaces.fit(Table(descriptors), catalog, SPANS), tmp_path)
    monkeypatch.setattr(spaces, "_CHUNK", 7)
    assert saved(Spaces.fit(Table(descriptors), catalog, SPANS), tmp_path) == whole


@pytest.mark.parametrize(
    "damage", ["missing", "empty", "cut", "no notes", "other tensors", "older"]
)
def test_a_damaged_file_is_refused_with_the_remedy(three, tmp_path, damage):
    catalog, descriptors = three
    content = saved(Spaces.fit(Table(descriptors), catalog, SPANS), tmp_path)
    path = tmp_path / spaces.NAME
    if damage == "missing":
        path.unlink()
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        old, new = {
            "no notes": (b'"spans"', b'"spens"'),
            "other tensors": (b"look/", b"book/"),
            "older": (f'"format": "{spaces.FORMAT}"'.encode(), b'"format": "0"'),
        }[damage]
        assert old in content
        path.write_bytes(content.replace(old, new))
    with pytest.raises(StoreError, match="build it again") as caught:
        Spaces.open(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
