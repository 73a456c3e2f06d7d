"""Two-stage search against a slow reference of its definition, for every kind of vector index."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import SPANS, Table, collection, joined, noisy

from simsearch import retrieval
from simsearch.catalog import Catalog
from simsearch.colours import MATCH_SCALE
from simsearch.index import KINDS, build_index
from simsearch.neighbors import Neighbors
from simsearch.retrieval import TRAITS, VOTERS, Retriever
from simsearch.space import cells
from simsearch.space.spaces import Spaces

PLAIN = (("pixels", 0, 3072),)
SIZES = {"masks": 150, "moths": 110, "bare": 40}


def make(spans=SPANS) -> tuple[Catalog, np.ndarray]:
    """Two collections with traits, one without; every tenth item has lost its own."""
    made = [noisy(collection(name, size, size), size) for name, size in SIZES.items()]
    catalog, table = joined(*made)
    items = [
        dataclasses.replace(one, traits=()) if one.collection == "bare" or row % 10 == 0 else one
        for row, one in enumerate(catalog.items())
    ]
    return Catalog.from_items(items), table.descriptors


def retriever(spans=SPANS, kind="flat") -> Retriever:
    catalog, descriptors = make()
    spaces = Spaces.fit(Table(descriptors), catalog, spans)
    index = build_index(kind, spaces.look.transform(descriptors))
    return Retriever(spaces, index, Table(descriptors), catalog)


@pytest.fixture(scope="module", autouse=True)
def _quick():
    """Short lists, so that what is not on them matters; weights of cells need no precision."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retrieval, "SHORTLIST", 20)
        patch.setattr(cells, "PAIRS", 300)
        yield


@pytest.fixture(scope="module")
def found(_quick) -> Retriever:
    return retriever()


@pytest.fixture(scope="module", params=KINDS)
def any_kind(request, found) -> Retriever:
    index = build_index(request.param, found.index.vectors)
    assert index.kind == request.param
    return dataclasses.replace(found, index=index)


def look(one: Retriever, descriptor: np.ndarray, row: int, weighed_as: str) -> float:
    weights = one.spaces.cell_weights(weighed_as).astype(float)
    apart = (descriptor.astype(float) - one.descriptors.rows([row])[0]).reshape(-1, 3)
    return float(weights @ (1 - 1 / (1 + (apart**2).sum(axis=1) / MATCH_SCALE**2)))


def overlap(one: Retriever, descriptor: np.ndarray, row: int) -> float:
    """Soft Jaccard of what the head reads and of what is known, trait by trait."""
    item = one.catalog.item(row)
    scores = one.spaces.trait_scores(descriptor, item.collection)
    read = dict(zip(one.spaces.vocabulary[item.collection], scores.tolist(), strict=True))
    shared = sum(read[trait] for trait in item.traits)
    return shared / (sum(read.values()) + len(item.traits) - shared)


def majority(one: Retriever, rows: list[int]) -> str:
    votes = Counter(one.catalog.item(row).collection for row in rows)
    order = list(one.catalog.collections)
    return min(votes, key=lambda name: (-votes[name], order.index(name)), default="")


def plain_search(
    one: Retriever, descriptor: np.ndarray, k: int, balance: float, allowed: np.ndarray
) -> list[tuple[float, int]]:
    """(distance, row) of all that is compared in full, by the definition, in loops."""
    vector = one.spaces.look.transform(descriptor[None])[0].astype(float)
    rows = np.flatnonzero(allowed).tolist()
    by_vector = sorted(rows, key=lambda row: (1 - one.index.vectors[row] @ vector, row))
    candidates = by_vector[: max(retrieval.SHORTLIST, 2 * k)]
    own = majority(one, one.shortlist(descriptor[None], k).ids[0][:VOTERS].tolist())
    distance = {row: look(one, descriptor, row, own) for row in candidates}
    nearest = sorted(candidates, key=lambda row: (distance[row], row))[:VOTERS]
    voted = majority(one, nearest)
    if balance > 0 and voted in one.spaces.vocabulary:
        members = [row for row in rows if one.catalog.item(row).collection == voted]
        shared = {row: overlap(one, descriptor, row) for row in members}
        best = sorted(members, key=lambda row: (-shared[row], row))[: len(candidates)]
        distance = {
            row: balance * (1 - shared.get(row, 0))
            + (1 - balance) * look(one, descriptor, row, own)
            for row in {*candidates, *best}
        }
    return sorted((value, row) for row, value in distance.items())


def check(one: Retriever, descriptor, k: int, balance: float, allowed: np.ndarray | None) -> None:
    neighbors = one.search(descriptor[None], k, balance=balance, allowed=allowed)
    mask = np.ones(len(one.catalog), dtype=bool) if allowed is None else allowed
    expected = plain_search(one, descriptor, k, balance, mask)
    count = min(k, mask.sum())
    assert len(expected) >= count
    assert neighbors.ids.shape == neighbors.distances.shape == (1, k)
    rows, distances = neighbors.ids[0, :count].tolist(), neighbors.distances[0, :count]
    np.testing.assert_allclose(distances, [value for value, _ in expected[:count]], atol=2e-6)
    of_row = {row: value for value, row in expected}
    np.testing.assert_allclose(distances, [of_row[row] for row in rows], atol=2e-6)
    assert len(set(rows)) == count
    assert (neighbors.ids[0, count:] == -1).all()
    assert np.isinf(neighbors.distances[0, count:]).all()
    assert (np.diff(distances) >= 0).all()
    assert ((distances >= 0) & (distances <= 2)).all()


@settings(max_examples=25, deadline=None)
@given(
    row=st.integers(0, sum(SIZES.values()) - 1),
    k=st.integers(1, 40),
    balance=st.sampled_from([0.0, 0.3, TRAITS, 1.0]),
    seed=st.integers(0, 99),
    share=st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0]),
)
def test_search_is_what_the_definition_says(any_kind, row, k, balance, seed, share):
    """With a mask, which no kind of index may answer but exactly."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.01, 3072)
    descriptor = (any_kind.descriptors.rows([row])[0] + noise).astype(np.float16)
    allowed = rng.random(len(any_kind.catalog)) < share
    check(any_kind, descriptor, k, balance, allowed)


@pytest.mark.parametrize("balance", [0.0, TRAITS, 1.0])
def test_without_a_mask_all_rows_may_be_found(found, balance):
    for row in (3, 170, 270):
        check(found, found.descriptors.rows([row])[0], 10, balance, None)
    check(found, found.descriptors.rows([3])[0], 500, balance, None)


def test_several_pictures_at_once_are_answered_as_one_by_one(found):
    descriptors = found.descriptors.rows([5, 200, 280, 5])
    allowed = np.arange(len(found.catalog)) % 3 > 0
    for balance in (0.0, TRAITS):
        together = found.search(descriptors, 7, balance=balance, allowed=allowed)
        alone = [found.search(d[None], 7, balance=balance, allowed=allowed) for d in descriptors]
        np.testing.assert_array_equal(together.ids, np.vstack([one.ids for one in alone]))
        distances = np.vstack([one.distances for one in alone])
        np.testing.assert_allclose(together.distances, distances, atol=1e-6)
    assert found.search(descriptors[:0], 7).ids.shape == (0, 7)


def test_every_item_finds_itself_at_distance_nought(any_kind):
    rows = np.arange(0, len(any_kind.catalog), 7)
    neighbors = any_kind.search(any_kind.descriptors.rows(rows), 1)
    np.testing.assert_array_equal(neighbors.ids[:, 0], rows)
    assert not neighbors.distances.any()


def test_collections_that_vary_in_a_few_cells_do_not_come_before_ones_own():
    rng = np.random.default_rng(5)
    families = rng.random((4, 1024, 3))
    drawn = families.repeat(20, axis=0)
    redrawn = rng.random((80, 1024)) < 0.4
    drawn[redrawn] = rng.random((redrawn.sum(), 3))
    plain = np.full((80, 1024, 3), 0.5)
    plain[:, :4] = rng.integers(0, 2, (80, 4, 1))  # the drawn ones show the same in these cells
    drawn[:, :4] = rng.integers(0, 2, (80, 4, 1))
    descriptors = np.concatenate([drawn, plain]).reshape(160, 3072).astype(np.float16)
    names = ["drawn"] * 80 + ["plain"] * 80
    catalog = Catalog.from_items(
        [
            dataclasses.replace(item, collection=name, token_id=str(row), traits=())
            for row, (item, name) in enumerate(
                zip(list(make()[0].items())[:160], names, strict=True)
            )
        ]
    )
    spaces = Spaces.fit(Table(descriptors), catalog, SPANS)
    one = Retriever(
        spaces, build_index("flat", spaces.look.transform(descriptors)), Table(descriptors), catalog
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retrieval, "SHORTLIST", 160)
        found = one.search(descriptors[:80:10], 10)
    assert (found.ids < 80).all()


def test_traits_find_an_item_that_no_vector_is_near(found):
    """The same traits in other shades: the head reads them, the shortlist of look does not."""
    catalog, descriptors = found.catalog, found.descriptors.descriptors.copy()
    asked, hidden = 12, 77
    items = catalog.items()
    items[hidden] = dataclasses.replace(items[hidden], traits=items[asked].traits)
    others = [row for row in range(150) if items[row].traits == items[asked].traits]
    allowed = np.ones(len(items), dtype=bool)
    allowed[[row for row in others if row != hidden]] = False
    changed = Retriever(found.spaces, found.index, Table(descriptors), Catalog.from_items(items))
    asking = descriptors[asked][None]
    assert hidden not in changed.shortlist(asking, 5, allowed).ids
    assert changed.search(asking, 5, balance=1.0, allowed=allowed).ids[0, 0] == hidden
    assert hidden not in changed.search(asking, 5, balance=0.0, allowed=allowed).ids


def test_a_collection_without_a_head_is_ordered_by_look(found):
    asked = found.descriptors.rows([270, 290])
    by_look, by_traits = found.search(asked, 10), found.search(asked, 10, balance=1.0)
    np.testing.assert_array_equal(by_look.ids, by_traits.ids)
    np.testing.assert_array_equal(by_look.distances, by_traits.distances)
    assert (by_look.ids >= 260).all()
    members, shared = found.trait_overlap(asked[0], "bare")
    assert members.tolist() == list(range(260, 300))
    assert not shared.any()


def test_a_collection_added_after_fitting_is_found_with_even_weights(found):
    new = noisy(collection("new", 30, 77), 78)
    catalog = Catalog.from_items([*found.catalog.items(), *new.items()])
    descriptors = np.concatenate([found.descriptors.descriptors, new.grids])
    index = build_index("flat", found.spaces.look.transform(descriptors))
    grown = Retriever(found.spaces, index, Table(descriptors), catalog)
    for row in (300, 320, 10):
        for balance in (0.0, TRAITS):
            check(grown, descriptors[row], 12, balance, None)
    assert grown.search(descriptors[300:], 1).ids[:, 0].tolist() == list(range(300, 330))
    np.testing.assert_array_equal(grown.spaces.cell_weights("new"), np.full(1024, 1 / 1024))


def test_without_a_grid_look_is_the_distance_of_vectors():
    one = retriever(PLAIN)
    asked = one.descriptors.rows([4, 155, 299])
    allowed = np.arange(len(one.catalog)) % 2 > 0
    for mask in (None, allowed):
        found = one.search(asked, 15, allowed=mask)
        exact = one.index.search(one.spaces.look.transform(asked), 15, allowed=mask)
        np.testing.assert_array_equal(found.ids, exact.ids)
        np.testing.assert_allclose(found.distances, exact.distances, atol=1e-6)
    by_traits = one.search(asked, 10, balance=1.0)
    assert one.catalog.traits(int(by_traits.ids[0, 1])) == one.catalog.traits(4)


def test_an_answer_needs_no_more_than_the_shortlist():
    one = retriever()
    one.search(one.descriptors.rows([4]), 3, balance=TRAITS)
    read = [len(rows) for rows in one.descriptors.read]
    assert read == [1, 20, read[2]]
    assert read[2] <= 20


def test_shortlist_is_the_first_stage(found):
    asked = found.descriptors.rows([4, 155])
    near = found.shortlist(asked, 30)
    exact = found.index.search(found.spaces.look.transform(asked), 60)
    assert isinstance(near, Neighbors)
    np.testing.assert_array_equal(near.ids, exact.ids)
    assert found.shortlist(asked).k == 20
    assert found.shortlist(asked, 10_000).k == len(found.catalog)


def test_agreement_is_the_match_of_each_cell_where_it_lies(found):
    descriptors = found.descriptors.rows([0, 7]).astype(np.float64)
    first, second = (row[: 3 * 1024].reshape(32, 32, 3) for row in descriptors)
    apart = ((first - second) ** 2).sum(axis=2) / MATCH_SCALE**2
    agreement = found.agreement(found.descriptors.rows([0])[0], 7)
    np.testing.assert_allclose(agreement, 1 / (1 + apart), rtol=1e-3)
    assert (found.agreement(found.descriptors.rows([7])[0], 7) == 1).all()


def test_without_a_grid_there_is_no_place_to_agree_in():
    plain = retriever(PLAIN)
    assert plain.agreement(plain.descriptors.rows([0])[0], 7) is None
