"""Hygiene of sales: each rule by hand, all of them against a plain loop, and never a look ahead."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simsearch.sales.hygiene import MEANINGS, RULES, mark, unmark
from simsearch.sales.table import Sale, SalesTable, read_sales

START = dt.date(2021, 1, 1)
SHARED = Path(__file__).parents[2] / "shared"


def sale(token: str, day: int, price: float = 1.0, wallets: str = "", **more) -> Sale:
    seller, _, buyer = wallets.partition(">")
    date = START + dt.timedelta(days=day)
    return Sale("apes", token, date, price, "ETH", seller=seller, buyer=buyer, **more)


def marks(*sales: Sale) -> list[tuple[str, int] | None]:
    """Reason and the day (counted from START) from which it is known, in table order."""
    table = mark(SalesTable.from_sales(sales))
    known = table.table["known_since"].to_pylist()
    return [
        (reason, (day - START).days) if reason else None
        for reason, day in zip(table.text("reason"), known, strict=True)
    ]


def test_zero_price_and_absolute_dust_are_known_the_day_after():
    assert marks(sale("1", 0, 0.0), sale("2", 0, 9e-7), sale("3", 0, 2e-6)) == [
        ("zero-price", 1),
        ("dust", 1),
        None,
    ]


def test_dust_is_relative_to_earlier_sales_of_the_same_collection_and_currency():
    cheap = [sale("1", 0, 0.05), sale("2", 1, 0.06), sale("3", 2, 0.04)]
    assert marks(*cheap, sale("4", 3, 0.00049))[-1] == ("dust", 4)
    assert marks(*cheap, sale("4", 3, 0.00051))[-1] is None
    dear = [sale(str(n), n, 50.0) for n in range(3)]
    assert marks(*dear, sale("4", 3, 0.49))[-1] == ("dust", 4)
    assert marks(*dear[:2], sale("4", 2, 0.49))[-1] is None, "two sales are no level"
    other = Sale("apes", "9", START + dt.timedelta(days=3), 0.49, "SOL")
    assert marks(*dear, other)[-1] is None


def test_sales_of_the_same_day_do_not_make_each_other_dust():
    assert marks(*[sale(str(n), 0, 50.0) for n in range(9)], sale("x", 0, 0.01))[-1] is None


def test_self_trade_ignores_the_case_of_addresses_and_needs_a_wallet():
    assert marks(sale("1", 0, wallets="0xAb>0xaB")) == [("self-trade", 1)]
    assert marks(sale("1", 0, wallets=">")) == [None]


def test_several_units_and_bundles():
    rows = [
        sale("1", 0, quantity=2),
        sale("2", 1, tx="t"),
        sale("3", 1, tx="t"),
        sale("4", 2, tx="u"),
        sale("5", 2),
        sale("6", 2),
    ]
    assert marks(*rows) == [("several-units", 1), ("bundle", 2), ("bundle", 2), None, None, None]


def test_a_bundle_is_known_when_its_second_token_appears():
    assert (
        marks(sale("1", 0, tx="t"), sale("1", 1, tx="t"), sale("2", 5, tx="t"))
        == [("bundle", 6)] * 3
    )


def test_back_and_forth_marks_both_ways_from_the_day_it_showed():
    rows = [
        sale("1", 0, wallets="a>b"),
        sale("1", 3, wallets="c>d"),
        sale("1", 5, wallets="b>a"),
        sale("1", 9, wallets="a>b"),
        sale("2", 9, wallets="b>a"),
    ]
    back = "back-and-forth"
    assert marks(*rows) == [(back, 6), None, (back, 6), (back, 10), None]


def test_repeat_buyer_is_known_after_the_third_purchase():
    rows = [sale("1", day, wallets=f"s{day}>b") for day in (0, 2, 4, 8)]
    again = "repeat-buyer"
    assert marks(*rows) == [(again, 5), (again, 5), (again, 5), (again, 9)]
    assert marks(*rows[:2]) == [None, None]


def test_the_earliest_known_reason_wins():
    rows = [sale("1", day, 0.0 if day == 0 else 1.0, f"s{day}>b") for day in (0, 1, 2)]
    assert marks(*rows) == [("zero-price", 1), ("repeat-buyer", 3), ("repeat-buyer", 3)]


def test_switched_off_nothing_is_excluded():
    table = unmark(mark(SalesTable.from_sales([sale("1", 0, 0.0)])))
    assert table.counts() == {}
    assert not table.excluded_at(START + dt.timedelta(days=99)).any()
    assert len(mark(SalesTable.from_sales([]))) == 0


SALES = st.lists(
    st.builds(
        Sale,
        st.sampled_from(["a", "b"]),
        st.sampled_from("12"),
        st.integers(0, 8).map(lambda day: START + dt.timedelta(days=day)),
        st.sampled_from([0.0, 1e-9, 0.004, 0.3, 1.0, 90.0]),
        st.sampled_from(["ETH", "USD"]),
        seller=st.sampled_from(["", "x", "y", "Z"]),
        buyer=st.sampled_from(["", "x", "y", "z"]),
        tx=st.sampled_from(["", "", "t", "u"]),
        quantity=st.sampled_from([1, 1, 2]),
        line=st.integers(1, 9),
    ),
    max_size=25,
)


def level_before(sale: Sale, sales: list[Sale]) -> float | None:
    market = [
        s
        for s in sales
        if (s.collection, s.currency) == (sale.collection, sale.currency)
        and s.date < sale.date
        and s.price > 0
    ]
    if len(market) < 3:
        return None
    days = sorted({s.date for s in market})[-30:]
    return float(np.median([np.median([s.price for s in market if s.date == d]) for d in days]))


def excluded(sale: Sale, sales: list[Sale]) -> bool:
    """What the rules say of one sale when ``sales`` is all that is known: a plain loop."""
    level = level_before(sale, sales)
    seller, buyer = sale.seller.lower(), sale.buyer.lower()
    token = [s for s in sales if (s.collection, s.token_id) == (sale.collection, sale.token_id)]
    turned = [s for s in token if (s.seller.lower(), s.buyer.lower()) == (buyer, seller)]
    bought = [s for s in token if s.buyer.lower() == buyer]
    bundled = {(s.collection, s.token_id) for s in sales if s.tx == sale.tx}
    return (
        sale.price < 1e-6
        or (level is not None and sale.price < 0.01 * level)
        or bool(seller and buyer and (seller == buyer or turned))
        or sale.quantity > 1
        or bool(sale.tx and len(bundled) > 1)
        or bool(buyer and len(bought) >= 3)
    )


@settings(max_examples=150, deadline=None)
@given(SALES)
def test_equal_to_a_plain_loop_that_only_sees_the_past(sales):
    table = mark(SalesTable.from_sales(sales))
    unique = [table.sale(row) for row in range(len(table))]
    for day in range(11):
        today = START + dt.timedelta(days=day)
        past = [s for s in unique if s.date < today]
        found = table.excluded_at(today)
        for row, one in enumerate(unique):
            if one.date < today:
                assert found[row] == excluded(one, past), (one, today)
            else:
                assert not found[row]


@settings(max_examples=50, deadline=None)
@given(SALES, SALES, st.integers(0, 8))
def test_later_sales_change_nothing_for_an_earlier_day(sales, others, day):
    today = START + dt.timedelta(days=day)
    past = [s for s in sales if s.date < today]

    def known(future: list[Sale]) -> list[tuple[Sale, bool]]:
        table = mark(SalesTable.from_sales(past + [s for s in future if s.date >= today]))
        rows = np.flatnonzero([s < today for s in table.table["date"].to_pylist()])
        return [(table.sale(int(row)), bool(table.excluded_at(today)[row])) for row in rows]

    assert known(sales) == known(others) == known([])


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the real collections are not beside the checkout")
def test_counts_of_real_sales():
    names = {"id": "token_id"} | {
        name: name for name in ("date", "price", "currency", "seller", "buyer")
    }
    path = SHARED / "data/cryptopunks/sales.csv"
    table = mark(SalesTable.from_sales(read_sales(path, "cryptopunks", names)[0]))
    counts = table.counts()
    assert counts["zero-price"] == int((table.prices == 0).sum())
    assert set(counts) <= set(RULES)
    assert (table.last_sales().prices > 0).all()


def test_every_reason_has_a_meaning():
    assert list(MEANINGS) == list(RULES)
