"""A collection's market: its tables equal counts by hand, its charts are complete."""

import datetime as dt

import numpy as np
import pytest

from simsearch.catalog import Catalog, Item, Picture
from simsearch.panels import market
from simsearch.panels.market import ALIKE, FEW, Market, sales_of, trait_table
from simsearch.sales.hygiene import RULES, mark
from simsearch.sales.table import Sale, SalesTable

DAY = dt.date(2021, 1, 4)


def made(prices, traits):
    """One sale a day in the order of items."""
    place = Picture("file", "/a.png")
    items = [Item("apes", str(n), place, own) for n, own in enumerate(traits)]
    sales = [
        Sale("apes", str(n), DAY + dt.timedelta(n), price, "ETH", f"s{n}", f"b{n}")
        for n, price in enumerate(prices)
    ]
    return Catalog.from_items(items), mark(SalesTable.from_sales(sales))


def test_traits_with_premiums():
    rng = np.random.default_rng(0)
    hats = rng.random(400) < 0.5
    hats[0] = True
    prices = np.exp(1 + 0.7 * hats + rng.normal(0, 0.05, 400))
    traits = [(("hat", "red"),) if hat else (("hat", "blue"),) for hat in hats]
    traits[0] = (("hat", "red"), ("eye", "one"))
    catalog, sales = made(prices, traits)
    found = trait_table(Market.of("apes", catalog, sales)).set_index(["type", "value"])
    red, blue = hats.sum(), 400 - hats.sum()
    assert found["items"].to_dict() == {
        ("eye", "one"): 1,
        ("hat", "blue"): blue,
        ("hat", "red"): red,
    }
    assert found["share"][("hat", "red")] == pytest.approx(red / 4)
    premium, error = found["premium"][("hat", "red")], found["±"][("hat", "red")]
    assert abs(premium - 100 * np.expm1(0.7)) < 3 * error
    assert error < 5
    assert found["note"].to_dict() == {
        ("eye", "one"): FEW,
        ("hat", "blue"): "",
        ("hat", "red"): "",
    }


def test_traits_that_always_go_together_are_marked():
    rng = np.random.default_rng(1)
    traits = [(("a", "x"), ("b", "y")) if odd else () for odd in rng.random(60) < 0.5]
    catalog, sales = made(np.exp(rng.normal(0, 0.1, 60)), traits)
    assert trait_table(Market.of("apes", catalog, sales))["note"].tolist() == [ALIKE, ALIKE]


def test_a_collection_without_sales_has_rarity_alone():
    catalog, sales = made([], [(("hat", "red"),), ()])
    found = Market.of("apes", catalog, sales)
    assert found.ledger is None
    assert trait_table(found).to_dict("records") == [
        {"type": "hat", "value": "red", "items": 1, "share": 50.0}
    ]


def test_sales_of_an_item_tell_why_they_are_left_out():
    catalog, sales = made([1.0, 0.0, 2.0], [(), (), ()])
    assert sales_of(sales, "apes", "1")["left out, for"].tolist() == ["price is 0"]
    assert sales_of(sales, "apes", "2").to_dict("records") == [
        {
            "date": DAY + dt.timedelta(2),
            "price": 2.0,
            "currency": "ETH",
            "seller": "s2",
            "buyer": "b2",
            "left out, for": "",
        }
    ]
    assert len(sales_of(sales, "bears", "1")) == 0
    assert Market.of("apes", catalog, sales).counted.tolist() == [1, 2]


def test_every_reason_is_explained():
    assert set(market.REASONS) == set(RULES)


@pytest.mark.parametrize("spread", [1.0, 100.0])
def test_charts_hold_what_was_sold(spread):
    catalog, sales = made([1.0, spread, 2.0, 2.0], [()] * 4)
    found = Market.of("apes", catalog, sales)
    bars = market.price_chart(found.counted, "ETH").to_dict()
    rows = next(iter(bars["datasets"].values()))
    assert sum(row["sales"] for row in rows) == 4
    assert all(row["from"] < row["to"] for row in rows)
    lines = market.floor_chart(found.periods, "ETH").to_dict()
    rows = next(iter(lines["datasets"].values()))
    assert [row["price"] for row in rows] == pytest.approx(
        [float(np.median([1, spread, 2, 2])), float(np.quantile([1, spread, 2, 2], 0.1))]
    )
    assert [row["of"] for row in rows] == ["median", "floor"]
