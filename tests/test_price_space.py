"""Spaces of single collections: against plain arithmetic, and where a shared one sees nothing."""

import datetime as dt

import numpy as np
import pytest
from planted import SPANS, Collection, Table, joined
from test_space import BOTH, both, by_hand

from simsearch.errors import StoreError
from simsearch.pricing.appraisal import Appraiser
from simsearch.pricing.desk import PriceDesk, Subject
from simsearch.pricing.price_space import LEAST_AXES, PriceSpace
from simsearch.sales.hygiene import mark
from simsearch.sales.table import Sale, SalesTable
from simsearch.space import spaces
from simsearch.space.look import LookSpace
from simsearch.space.spaces import Spaces

DAY = dt.date(2022, 1, 1)


def test_vectors_are_those_of_the_definition_on_the_members_alone():
    data, members = both(90), np.arange(10, 70)
    space = PriceSpace.fit(Table(data), members, BOTH)
    expected = by_hand(data[members], data[members])
    np.testing.assert_allclose(np.linalg.norm(space.vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(space.vectors @ space.vectors.T, expected @ expected.T, atol=2e-3)
    asked = by_hand(data[members], data[80:])
    found = np.stack([space.vector(one) for one in data[80:]])
    np.testing.assert_allclose(found @ space.vectors.T, asked @ expected.T, atol=2e-3)


def test_no_more_than_was_drawn_and_nobody_else_is_read(monkeypatch):
    monkeypatch.setattr(spaces, "OWN_ITEMS", 30)
    monkeypatch.setattr(spaces, "_CHUNK", 25)
    table, members = Table(both(90)), np.arange(20, 80)
    space = PriceSpace.fit(table, members, BOTH, seed=1)
    assert [len(rows) for rows in table.read] == [30, 25, 25, 10]
    assert set(np.concatenate(table.read)) == set(members)
    assert space.look.width == 30  # thirty centred pictures span 29 directions
    again, other = (PriceSpace.fit(table, members, BOTH, seed=seed) for seed in (1, 2))
    assert np.array_equal(again.halves, space.halves)
    assert not np.array_equal(other.halves, space.halves)


@pytest.mark.parametrize("different", [1, 2, LEAST_AXES, LEAST_AXES + 1, 60])
def test_pictures_of_few_kinds_are_seen_in_the_space_that_all_share(different):
    data = np.resize(both(different), (60, both(1).shape[1]))
    shared = LookSpace.fit(both(50, seed=5), BOTH)
    space = PriceSpace.fit(Table(data), np.arange(60), BOTH, otherwise=shared)
    assert (space.look is shared) == (different <= LEAST_AXES)
    kept = space.arrays(shared)
    assert ("look/mean" in kept) == (different > LEAST_AXES)
    again = PriceSpace.from_arrays(kept, shared)
    assert np.array_equal(again.vectors, space.vectors)
    stranger = both(60, seed=9)[7]
    assert np.array_equal(again.vector(stranger), space.vector(stranger))
    gaps = 1 - space.vectors @ space.vector(stranger)
    assert gaps.min() > 1e-3  # whatever the kinds, a stranger is nobody's double


def test_a_picture_of_an_item_lies_where_the_item_lies():
    data = both(70)
    space = PriceSpace.fit(Table(data), np.arange(70), BOTH)
    found = np.stack([space.vector(one) for one in data])
    assert ((found - space.vectors) ** 2).sum(axis=1).max() / 2 < 1e-7


# A market whose prices hang on a detail that is lost among loud neighbours.


def of_grids(name: str, grids: np.ndarray) -> Collection:
    flat = grids.reshape(len(grids), -1).astype(np.float16)
    return Collection(name, flat, np.zeros((len(grids), 3), dtype=np.int64))


def loud(count: int) -> Collection:
    """Pictures that have nothing in common below an even sky."""
    grids = np.random.default_rng(0).random((count, 16, 16, 3)).repeat(2, 1).repeat(2, 2)
    grids[:, :8] = 0.5
    return of_grids("loud", grids)


def subtle(count: int) -> Collection:
    """Blanks with six faint spots, and a faint star that is dark or light by turns."""
    grids = np.full((count, 32, 32, 3), 0.5)
    spots = np.random.default_rng(1).uniform(0.495, 0.505, (count, 6, 3))
    for place in range(6):
        grids[:, :2, 4 * place : 4 * place + 2] = spots[:, place, None, None]
    grids[::2, 4:8, 12:20], grids[1::2, 4:8, 12:20] = 0.495, 0.505
    return of_grids("subtle", grids)


def sold(tokens: range) -> SalesTable:
    """Three sales of each item: at 1 ETH, at 4 where its star is light, give or take 5%."""
    rng = np.random.default_rng(3)
    day = dt.date(2021, 6, 1)
    sales = [
        Sale(
            *("subtle", str(token), day + dt.timedelta(int(rng.integers(0, 200)))),
            (4.0 if token % 2 else 1.0) * float(np.exp(rng.normal(0, 0.05))),
            *("ETH", f"a{token}{turn}", f"b{token}{turn}"),
        )
        for turn in range(3)
        for token in tokens
    ]
    return mark(SalesTable.from_sales(sales))


@pytest.fixture(scope="module")
def market():
    """Catalog, descriptors, spaces without traits, and sales of the first 60 of 70 items."""
    catalog, table = joined(loud(400), subtle(70))
    bare = catalog.with_columns(traits=[[] for _ in range(len(catalog))])
    return bare, table, Spaces.fit(table, bare, SPANS), sold(range(60))


def desk_of(market, appraiser=None) -> PriceDesk:
    catalog, table, fitted, sales = market
    appraiser = appraiser or Appraiser.fit(fitted, table, catalog, sales)
    return PriceDesk(catalog, fitted, appraiser, sales)


@pytest.fixture(scope="module")
def desk(market):
    return desk_of(market)


@pytest.mark.parametrize("item", [True, False])
def test_a_detail_that_a_shared_space_loses_has_its_price(market, desk, item):
    _, table, fitted, _ = market
    shared = fitted.look.transform(table.descriptors[400:])
    assert (shared @ shared.T).min() > 1 - 1e-6  # they are all the same to it
    for row in range(460, 470):
        subject = Subject(table.descriptors[row], row if item else -1)
        found = desk.price(subject, "subtle", DAY)
        assert abs(np.log(found.estimate.price / (4 if row % 2 else 1))) < 0.4
        near = [one.row % 2 for one in found.comparables]
        assert near.count(row % 2) > 0.8 * len(near)


def test_an_opened_file_prices_to_the_last_bit_as_what_was_fitted(market, desk, tmp_path):
    _, table, fitted, _ = market
    desk.appraiser.save(tmp_path)
    opened = desk_of(market, Appraiser.open(tmp_path, fitted.look))
    for subject in (
        Subject(table.descriptors[463], 463),
        Subject(table.descriptors[463]),
        Subject(table.descriptors[3]),
    ):
        assert opened.price(subject, "subtle", DAY) == desk.price(subject, "subtle", DAY)


@pytest.mark.parametrize("lost", ["vectors", "look/components"])
def test_a_space_that_is_not_whole_is_named(market, desk, tmp_path, lost):
    arrays = {name: one for name, one in desk.appraiser._arrays.items() if not name.endswith(lost)}
    Appraiser(desk.appraiser.currencies, desk.appraiser.look, arrays).save(tmp_path)
    with pytest.raises(StoreError, match="build the index again"):
        Appraiser.open(tmp_path, market[2].look).space("subtle")


@pytest.mark.parametrize(
    "damage",
    [
        lambda one: one[:, :-1],
        lambda one: one[0],
        lambda one: one * np.float16("nan"),
        lambda one: one * 0,
        lambda one: one.astype("U9"),
    ],
)
def test_vectors_that_are_none_are_refused(market, desk, damage):
    arrays = desk.appraiser.space("subtle").arrays(market[2].look)
    with pytest.raises(ValueError, match="not of its look space"):
        PriceSpace.from_arrays(arrays | {"vectors": damage(arrays["vectors"])}, market[2].look)
