"""The catalog, its filters and its trait matrix, against plain loops over items."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simsearch.catalog import Catalog, Item, LastSale, Picture
from simsearch.errors import ItemNotFoundError, StoreError, UsageError
from simsearch.filters import Filter
from simsearch.space.trait_matrix import trait_matrix

TRAITS = st.lists(
    st.tuples(st.sampled_from(["hat", "eyes", "fur"]), st.sampled_from(["red", "blue", "ü"])),
    max_size=4,
).map(tuple)
ITEMS = st.lists(
    st.builds(
        Item,
        st.sampled_from(["b", "a", "c c"]),
        st.text(min_size=1, max_size=4),
        st.builds(
            Picture, st.sampled_from(["file", "zip"]), st.text(max_size=5), st.text(max_size=3)
        ),
        TRAITS,
        st.sampled_from(["", "train"]),
    ),
    max_size=12,
    unique_by=lambda item: item.key,
)


def item(key: str, *traits: tuple[str, str]) -> Item:
    collection, token = key.split("/")
    return Item(collection, token, Picture("file", f"/p/{key}.png"), traits)


def priced() -> Catalog:
    items = [
        item("apes/1", ("hat", "red"), ("fur", "gold")),
        item("apes/2", ("hat", "red"), ("hat", "blue")),
        item("cats/1", ("hat", "blue")),
        item("cats/2"),
    ]
    return Catalog.from_items(
        items,
        last_price=[2.0, 5.0, 900.0, None],
        last_usd=[4000.0, None, 900.0, None],
        last_currency=["ETH", "ETH", "USD", None],
        last_date=[dt.date(2021, 1, 1), dt.date(2021, 2, 1), dt.date(2021, 3, 1), None],
    )


@settings(deadline=None)
@given(ITEMS)
def test_items_survive_the_catalog_and_its_file(tmp_path_factory, items):
    path = tmp_path_factory.mktemp("catalog") / "catalog.parquet"
    catalog = Catalog.from_items(items, width=range(len(items)))
    catalog.write(path)
    back = Catalog.read(path)
    assert len(back) == len(items)
    assert back.items() == catalog.items() == items
    assert back.keys() == [one.key for one in items]
    assert back.integers("width").tolist() == list(range(len(items)))
    assert back.integers("cluster").tolist() == [-1] * len(items)
    assert back.table.equals(catalog.table)
    for row, one in enumerate(items):
        assert back.item(row) == one
        assert back.picture(row) == one.picture
        assert back.traits(row) == one.traits
        assert back.key(row) == one.key
        assert back.row(one.key) == row


@settings(deadline=None)
@given(ITEMS)
def test_collections_and_trait_matrix_equal_a_plain_loop(items):
    catalog = Catalog.from_items(items)
    names = list(dict.fromkeys(one.collection for one in items))
    assert list(catalog.collections) == names
    assert [names[code] for code in catalog.collection_codes] == [i.collection for i in items]
    assert sum(catalog.collections.values()) == len(items)
    matrix = trait_matrix(catalog)
    expected = [{(one.collection, *trait) for trait in one.traits} for one in items]
    assert matrix.vocabulary == sorted(set().union(*expected))
    for row, traits in enumerate(expected):
        assert [matrix.vocabulary[c] for c in matrix.row(row)] == sorted(traits)
        assert set(np.flatnonzero(matrix.dense()[row])) == set(matrix.row(row))
    assert matrix.indptr.dtype == np.int64
    assert matrix.indices.dtype == np.int32


@settings(deadline=None)
@given(ITEMS, st.data())
def test_trait_matrix_of_some_rows_and_some_traits_equals_a_plain_loop(items, data):
    catalog = Catalog.from_items(items)
    rows = data.draw(st.lists(st.sampled_from(range(len(items))), unique=True)) if items else []
    known = sorted({(one.collection, *trait) for one in items for trait in one.traits})
    wanted = data.draw(st.lists(st.sampled_from(known), unique=True)) if known else []
    wanted = sorted([*wanted, ("no such collection", "hat", "red")])
    matrix = trait_matrix(catalog, np.array(rows, dtype=np.int64))
    chosen = matrix.restricted(wanted)
    expected = [{(items[row].collection, *trait) for trait in items[row].traits} for row in rows]
    assert matrix.vocabulary == sorted(set().union(*expected))
    assert chosen.vocabulary == wanted
    for place, traits in enumerate(expected):
        assert [matrix.vocabulary[c] for c in matrix.row(place)] == sorted(traits)
        assert [wanted[c] for c in chosen.row(place)] == sorted(traits & set(wanted))
    owners = [place for place, traits in enumerate(expected) for _ in traits]
    assert matrix.items.tolist() == owners


DAYS = st.dates() | st.dates(dt.date(2021, 1, 1), dt.date(2021, 1, 4))


@settings(deadline=None)
@given(ITEMS, st.data())
def test_filters_equal_a_plain_loop(items, data):
    prices = [data.draw(st.none() | st.floats(0, 10)) for _ in items]
    currencies = [None if price is None else "ETH" for price in prices]
    days = [None if price is None else data.draw(DAYS) for price in prices]
    catalog = Catalog.from_items(items, last_price=prices, last_currency=currencies, last_date=days)
    traits = sorted({trait for one in items for trait in one.traits})
    wanted = data.draw(st.lists(st.sampled_from(traits), max_size=2)) if traits else []
    names = (
        data.draw(st.lists(st.sampled_from(list(catalog.collections)), max_size=2)) if items else []
    )
    low, high = data.draw(st.none() | st.floats(0, 10)), data.draw(st.none() | st.floats(0, 10))
    since, until = data.draw(st.none() | DAYS), data.draw(st.none() | DAYS)
    asked = Filter(tuple(names), tuple(wanted), low, high, since=since, until=until)
    mask = asked.mask(catalog)
    for row, one in enumerate(items):
        price = prices[row]
        assert mask[row] == (
            (not names or one.collection in names)
            and set(wanted) <= set(one.traits)
            and (low is None or (price is not None and price >= low))
            and (high is None or (price is not None and price <= high))
            and (since is None or (days[row] is not None and days[row] >= since))
            and (until is None or (days[row] is not None and days[row] <= until))
        )


def test_prices_of_several_currencies_are_never_compared():
    catalog = priced()
    with pytest.raises(UsageError, match="ETH, USD"):
        Filter(min_price=1.0).mask(catalog)
    assert Filter(("apes",), min_price=3.0).mask(catalog).tolist() == [False, True, False, False]
    assert Filter(currency="ETH").mask(catalog).tolist() == [True, True, False, False]
    assert Filter(max_price=5000.0, currency="USD").mask(catalog).tolist() == [
        *(True, False, True, False)
    ]
    assert Filter(currency="eth").mask(catalog).tolist() == [True, True, False, False]
    with pytest.raises(UsageError, match="no last sale is in 'SOL'; currencies are ETH, USD"):
        Filter(currency="SOL").mask(catalog)
    assert not Filter(("cats",), (), 1.0).mask(catalog.take(np.array([2, 3])))[1]


def test_traits_are_joined_by_and():
    mask = Filter(traits=(("hat", "red"), ("hat", "blue"))).mask(priced())
    assert mask.tolist() == [False, True, False, False]
    assert Filter().mask(priced()).all()
    assert not Filter()
    assert Filter(("a",))


def test_a_filter_that_names_nothing_says_what_there_is():
    with pytest.raises(UsageError, match="no collection 'dogs' in this index; it has apes, cats"):
        Filter(("dogs",)).mask(priced())
    with pytest.raises(UsageError, match="values of hat are blue, red"):
        Filter(traits=(("hat", "green"),)).mask(priced())
    with pytest.raises(UsageError, match="types are fur, hat$"):
        Filter(traits=(("shoes", "green"),)).mask(priced())
    two = Catalog.from_items([item("apes/1", ("fur", "blue")), item("cats/1", ("hat", "red"))])
    with pytest.raises(UsageError, match="types are hat$"):
        Filter(("cats",), (("shoes", "green"),)).mask(two)


def test_a_trait_is_found_in_any_case_where_one_is_meant():
    items = [
        item("apes/1", ("Hat", "Red")),
        item("apes/2", ("Hat", "red"), ("Fur", "Blue")),
        item("cats/1", ("fur", "Blue"), ("Hat", "Green")),
    ]
    catalog = Catalog.from_items(items)
    assert Filter(traits=(("hat", "GREEN"),)).mask(catalog).tolist() == [False, False, True]
    assert Filter(traits=(("hat", "red"),)).mask(catalog).tolist() == [False, True, False]
    assert Filter(traits=(("fur", "blue"),)).mask(catalog).tolist() == [False, False, True]
    with pytest.raises(UsageError, match="values of Hat are Green, Red, red"):
        Filter(traits=(("HAT", "RED"),)).mask(catalog)
    with pytest.raises(UsageError, match="types are Fur, Hat, fur"):
        Filter(traits=(("FUR", "Blue"),)).mask(catalog)


def test_last_sale_and_lookup():
    catalog = priced()
    assert catalog.last_sale(1) == LastSale(5.0, "ETH", dt.date(2021, 2, 1))
    assert catalog.last_sale(3) is None
    with pytest.raises(ItemNotFoundError, match="apes/9"):
        catalog.row("apes/9")
    with pytest.raises(ItemNotFoundError):
        catalog.row("apes")


def test_take_and_columns():
    catalog = priced()
    some = catalog.take(np.array([2, 0]))
    assert some.keys() == ["cats/1", "apes/1"]
    assert catalog.take(np.array([False, True, False, True])).keys() == ["apes/2", "cats/2"]
    grouped = catalog.with_columns(cluster=np.array([3, 1, 2, 0]), last_price=[np.nan, 1, 2, 3])
    assert grouped.integers("cluster").tolist() == [3, 1, 2, 0]
    assert grouped.last_sale(0) is None
    assert catalog.integers("cluster").tolist() == [-1] * 4


def test_a_column_of_another_length_is_refused():
    with pytest.raises(StoreError, match="vectors has 3 rows, the catalog 4"):
        priced().require_rows(3, "vectors")
    with pytest.raises(StoreError, match="cluster has 1 rows"):
        priced().with_columns(cluster=[1])


def test_a_missing_or_damaged_file_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="unreadable"):
        Catalog.read(tmp_path / "catalog.parquet")
    (tmp_path / "catalog.parquet").write_bytes(b"PAR1 nothing of the kind PAR1")
    with pytest.raises(StoreError, match="unreadable"):
        Catalog.read(tmp_path / "catalog.parquet")
