"""Prices of an opened index: the same numbers as by hand, and sales that name their items."""

import dataclasses
import datetime as dt
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from simsearch.errors import SalesError, StoreError
from simsearch.neighbors import Neighbors
from simsearch.pricing.appraisal import Appraiser, known_traits
from simsearch.pricing.desk import Subject
from simsearch.pricing.estimator import PriceEstimator, join_descriptors
from simsearch.pricing.forward import Asked
from simsearch.pricing.price_space import PriceSpace
from simsearch.pricing.valuation import value

DAY = dt.date(2023, 4, 1)


@pytest.fixture(scope="module")
def engine(sample_index):
    return sample_index.engine


def subject_of(engine, key):
    row = engine.catalog.row(key)
    descriptor = engine.retriever.descriptors.rows([row])[0]
    return Subject(descriptor, row)


def scanned(vectors):
    """The 128 nearest of every item among all, itself included, by plain arithmetic."""
    gaps = vectors[:, None].astype(np.float64) - vectors[None]
    apart = (gaps**2).sum(axis=2) / 2
    order = np.argsort(apart, axis=1, kind="stable")[:, :129]
    return Neighbors(order, np.take_along_axis(apart, order, axis=1).astype(np.float32))


@pytest.mark.parametrize("key", ["teapots/7", "teapots/2", "masks/mask-0003", "lighthouses/11"])
def test_the_estimate_is_that_of_the_estimator_on_plain_arrays(engine, key):
    name = key.partition("/")[0]
    desk = engine.desk
    ledger = desk.ledger(name)
    vectors = desk.appraiser.space(name).vectors
    near = scanned(vectors)
    seen = join_descriptors(vectors, known_traits(engine.retriever.spaces, engine.catalog, name))
    model = PriceEstimator().fit(ledger.history, near, seen)
    item = int(np.flatnonzero(ledger.members == engine.catalog.row(key))[0])
    asked = Asked(near, np.arange(len(seen)), seen).take(np.array([item]))
    expected = value(model, asked, DAY, currency=ledger.currency)
    found = desk.price(subject_of(engine, key), name, DAY)
    told = found.estimate
    assert (told.low, told.price, told.high) == pytest.approx(
        (expected.low, expected.price, expected.high), rel=1e-5
    )
    assert told.level == expected.level
    assert [one.sale.item for one in found.comparables] == [
        one.item for one in expected.comparables
    ]
    assert [one.sale.distance for one in found.comparables] == pytest.approx(
        [one.distance for one in expected.comparables], abs=1e-6
    )


def test_comparables_are_sales_of_the_index_earlier_than_the_day(engine):
    found = engine.desk.price(subject_of(engine, "teapots/7"), "teapots", DAY)
    own = set(engine.catalog.traits(engine.catalog.row("teapots/7")))
    sales = [
        (sale["token_id"], sale["date"], sale["price"])
        for sale in engine.desk.sales.table.to_pylist()
        if sale["collection"] == "teapots" and sale["reason"] is None
    ]
    assert found.comparables
    assert len({one.item.key for one in found.comparables}) == len(found.comparables)
    for one in found.comparables:
        assert one.sale.date < DAY
        assert (one.item.token_id, one.sale.date, one.sale.price) in sales
        assert set(one.common_traits) == own & set(one.item.traits)
        assert engine.catalog.key(one.row) == one.item.key


def test_excluded_sales_say_why(engine):
    found = engine.desk.price(subject_of(engine, "teapots/7"), "teapots", dt.date(2023, 12, 1))
    reasons = {
        (sale["token_id"], sale["date"], sale["price"]): sale["reason"]
        for sale in engine.desk.sales.table.to_pylist()
        if sale["collection"] == "teapots"
    }
    assert found.excluded
    for token, sale in found.excluded:
        assert sale.reason == reasons[token, sale.date, sale.price] != ""


def test_a_picture_of_an_item_has_it_as_a_comparable_at_no_distance(engine):
    item = subject_of(engine, "teapots/7")
    picture = Subject(item.descriptor)
    day = dt.date(2023, 6, 20)
    found = engine.desk.price(picture, "teapots", day)
    nearest = min(found.comparables, key=lambda one: one.sale.distance)
    assert nearest.item.key == "teapots/7"
    assert nearest.sale.distance == pytest.approx(0, abs=1e-6)


def test_without_an_earlier_sale_there_is_no_price(engine):
    with pytest.raises(SalesError, match="no usable sale of this collection in ETH is earlier"):
        engine.desk.price(subject_of(engine, "teapots/7"), "teapots", dt.date(2001, 1, 1))


def test_many_threads_read_one_file(sample_index, engine):
    names = [*engine.desk.appraiser.currencies] * 8
    scales = [engine.desk.appraiser.model(name).scale_ for name in names]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            shared = Appraiser.open(sample_index.folder, engine.retriever.spaces.look)
            assert [one.scale_ for one in pool.map(shared.model, names)] == scales


@pytest.mark.parametrize("damage", ["empty", "middle"])
def test_damaged_estimators_are_named(sample_index, engine, tmp_path, damage):
    content = bytearray((sample_index.folder / "prices.npz").read_bytes())
    if damage == "middle":
        half = len(content) // 2
        content[half : half + 4000] = bytes(4000)
    (tmp_path / "prices.npz").write_bytes(b"" if damage == "empty" else content)

    def read_all() -> None:
        opened = Appraiser.open(tmp_path, engine.retriever.spaces.look)
        for name in opened.currencies:
            opened.model(name)

    with pytest.raises(StoreError, match=r"prices\.npz.* build "):
        read_all()


def header(promise: str) -> bytes:
    """Of an array in a file, with nothing behind it."""
    return b"\x93NUMPY\x01\x00" + len(promise).to_bytes(2, "little") + promise.encode()


@pytest.mark.parametrize(
    "content",
    [
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000, 9)}\n"),
        header("{'descr': (((\n"),
        b"no array",
    ],
)
@pytest.mark.parametrize("name", ["currencies", "teapots/vectors", "teapots/day"])
def test_arrays_that_are_none_are_named(sample_index, engine, tmp_path, content, name):
    with (
        zipfile.ZipFile(sample_index.folder / "prices.npz") as old,
        zipfile.ZipFile(tmp_path / "prices.npz", "w") as new,
    ):
        for one in old.namelist():
            new.writestr(one, content if one == f"{name}.npy" else old.read(one))
    with pytest.raises(StoreError, match=r"build (it|the index) again"):
        Appraiser.open(tmp_path, engine.retriever.spaces.look).model("teapots")


@pytest.mark.parametrize("kept", [0, -1])
def test_what_was_fitted_on_other_items_or_sales_prices_nothing(engine, kept):
    """The prices of another index, put in the place of one's own."""
    desk, subject = engine.desk, subject_of(engine, "teapots/7")
    sales = desk.sales.take(np.arange(len(desk.sales.table))[:kept])
    foreign = dataclasses.replace(desk, sales=sales, _ledgers={})
    with pytest.raises(StoreError, match=r"prices\.npz is not of these sales of teapots"):
        foreign.price(subject, "teapots", DAY)
    ledger, space = desk.ledger("teapots"), desk.appraiser.space("teapots")
    model, fewer = desk.appraiser.model("teapots"), PriceSpace(space.look, space.halves[1:])
    assert ledger.is_of(model, space)
    assert not ledger.is_of(model, fewer)
