"""A classifier fitted on an index: nobody is his own neighbour, strangers are truly unseen."""

import numpy as np
import pytest
from planted import SPANS, Table, collection, joined

from simsearch.errors import StoreError
from simsearch.index import build_index
from simsearch.recognition.membership import (
    Described,
    Recogniser,
    ask_as_strangers,
    ask_itself,
    fit_on_index,
    open_classifier,
    save_classifier,
)
from simsearch.space.look import LookSpace


@pytest.fixture(scope="module")
def items():
    catalog, table = joined(*(collection(f"c{seed}", 50, seed) for seed in range(3)))
    return Described(table, SPANS, catalog.collection_codes)


def index_of(items):
    rows = np.arange(len(items.codes))
    descriptors = items.descriptors.rows(rows)
    return build_index("flat", LookSpace.fit(descriptors, SPANS).transform(descriptors))


def test_nobody_is_his_own_neighbour(items):
    index = index_of(items)
    known, codes = ask_itself(index, items.codes, most=20)
    assert np.bincount(codes).tolist() == [20, 20, 20]
    for vector, found, near in zip(known.vectors, known.collections, known.distances, strict=True):
        row = np.flatnonzero((index.vectors == vector).all(axis=1))[0]
        others = np.delete(np.arange(index.size), row)
        distances = np.sort(1 - index.vectors[others] @ vector)[:10]
        assert np.allclose(near, distances, atol=1e-5)
        assert len(found) == 10


def test_twins_do_not_hide_that_it_is_left_out():
    vectors = np.zeros((30, 4), np.float32)
    vectors[:, 0] = 1
    known, _ = ask_itself(build_index("flat", vectors), np.zeros(30, dtype=np.int64))
    assert known.distances.shape == (30, 10)
    assert (known.distances == 0).all()


def test_the_only_item_of_a_collection_does_not_ask(items):
    codes = items.codes.copy()
    codes[7] = 3
    _, own = ask_itself(index_of(items), codes)
    assert np.bincount(own, minlength=4).tolist() == [49, 50, 50, 0]


def test_strangers_find_other_collections_only(items):
    strangers = ask_as_strangers(items)
    assert len(strangers) == 150
    own = np.repeat([0, 1, 2], 50)  # folds are collections here, in order
    assert (strangers.collections != own[:, None]).all()


def test_a_space_has_not_seen_its_strangers(items):
    changed = Table(items.descriptors.descriptors.copy())
    changed.descriptors[items.codes == 2] = np.random.default_rng(0).random((50, SPANS[-1][2]))
    other = Described(changed, SPANS, items.codes)
    one, two = ask_as_strangers(items), ask_as_strangers(other)
    # The strangers of the last fold differ; the space they ask in was fitted on the others alone.
    look = LookSpace.fit(items.descriptors.rows(np.flatnonzero(items.codes < 2)), SPANS)
    asking = look.transform(changed.descriptors[items.codes == 2])
    assert np.allclose(two.vectors[100:], asking[:, : two.vectors.shape[1]], atol=1e-5)
    assert not np.allclose(one.vectors[100:], two.vectors[100:])


def test_one_collection_has_no_strangers(items):
    alone = Described(items.descriptors, SPANS, np.zeros(150, dtype=np.int64))
    assert ask_as_strangers(alone) is None
    assert fit_on_index(index_of(items), alone).strangeness_.usual_.shape == (2, 2)


def test_fitting_twice_gives_the_same(items):
    index = index_of(items)
    names = ["a", "b", "c"]
    assert fit_on_index(index, items).state(names) == fit_on_index(index, items).state(names)


def test_an_index_of_single_items_still_gets_a_classifier():
    vectors = np.eye(4, dtype=np.float32)
    descriptors = Table(np.random.default_rng(0).random((4, SPANS[-1][2])))
    items = Described(descriptors, SPANS, np.arange(4))
    fitted = fit_on_index(build_index("flat", vectors), items)
    assert np.isfinite(fitted.strangeness_.usual_).all()


def test_a_file_keeps_the_classifier(items, tmp_path):
    index = index_of(items)
    fitted = fit_on_index(index, items)
    names = ["a", "b", "c"]
    save_classifier(tmp_path, fitted, names)
    assert open_classifier(tmp_path, names).state(names) == fitted.state(names)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"usual_elsewhere": 1}'])
def test_a_damaged_file_says_so(tmp_path, content):
    if content is not None:
        (tmp_path / "collections.json").write_text(content)
    with pytest.raises(StoreError, match="build it again"):
        open_classifier(tmp_path, ["a"])


def test_a_picture_is_named_and_a_foreign_one_is_not(items):
    look = LookSpace.fit(items.descriptors.rows(np.arange(150)), SPANS)
    vectors = look.transform(items.descriptors.rows(np.arange(150)))
    index = build_index("flat", vectors)
    named = Recogniser(fit_on_index(index, items), index, items.codes, ["a", "b", "c"])
    rng = np.random.default_rng(0)
    for row in (3, 70, 149):
        like = vectors[row] + rng.normal(0, 0.02, vectors.shape[1]).astype(np.float32)
        found = named.identify(like / np.linalg.norm(like))
        assert (found.name, found.known) == ("abc"[row // 50], True)
        assert found.probability > 0.8
    foreign = collection("d", 20, 9)
    found = [named.identify(one) for one in look.transform(foreign.grids)]
    assert sum(one.known for one in found) <= 2
    assert all(one.probability < 0.5 for one in found if not one.known)


def test_a_picture_that_is_in_the_index_belongs_where_it_stands():
    noise = Table(np.random.default_rng(0).random((12, SPANS[-1][2])).astype(np.float32))
    items = Described(noise, SPANS, np.repeat([0, 1], 6))
    look = LookSpace.fit(noise.descriptors, SPANS)
    vectors = look.transform(noise.descriptors)
    index = build_index("flat", vectors)
    named = Recogniser(fit_on_index(index, items), index, items.codes, ["a", "b"])
    found = [named.identify(vector) for vector in vectors]
    assert [(one.name, one.known) for one in found] == [("a", True)] * 6 + [("b", True)] * 6
