"""Sales files, the sales table and exchange rates, against hand-computed answers."""

import datetime as dt
import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsearch.errors import SalesError, SourceError
from simsearch.sales.rates import Rates
from simsearch.sales.table import NEVER, Sale, SalesTable, day_number, read_sales

COLUMNS = {name: name for name in ("id", "date", "price", "currency")}
WALLETS = {"seller": "seller", "buyer": "buyer"}
SHARED = Path(__file__).parents[2] / "shared"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def sale(token="1", date="2021-01-01", price=1.0, currency="ETH", **more) -> Sale:
    return Sale("apes", token, dt.date.fromisoformat(date), price, currency, **more)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_table_form_gives_the_same_sales(tmp_path, suffix):
    rows = [
        {"id": "7", "date": "2021-05-01", "price": "1.5", "currency": "ETH", "seller": "a"},
        {"id": "08", "date": "2021-05-02T23:30:00-02:00", "price": "0", "currency": "wei.x"},
    ]
    names = [*COLUMNS, "seller"]
    path = tmp_path / f"sales{suffix}"
    if suffix == ".jsonl":
        write(path, "\n".join(json.dumps(row) for row in rows))
    elif suffix == ".parquet":
        columns = {name: [row.get(name) for row in rows] for name in names}
        pq.write_table(pa.table(columns), path)
    else:
        mark = "," if suffix == ".csv" else "\t"
        lines = [mark.join(row.get(name, "") for name in names) for row in rows]
        write(path, "\n".join([mark.join(names), *lines]))
    sales, skipped = read_sales(path, "apes", COLUMNS | {"seller": "seller"})
    assert skipped == []
    first_line = 2 if suffix in (".csv", ".tsv") else 1
    assert sales == [
        sale("7", "2021-05-01", 1.5, seller="a", file=str(path), line=first_line),
        sale("08", "2021-05-03", 0.0, "wei.x", file=str(path), line=first_line + 1),
    ]


def test_typed_parquet_cells(tmp_path):
    table = pa.table(
        {
            "id": pa.array([7.0, 12.0]),
            "date": pa.array([dt.datetime(2021, 1, 2, 5), dt.datetime(2021, 1, 3)]),
            "price": pa.array([1.25, math.nan]),
            "currency": ["ETH", "ETH"],
            "n": pa.array([2, 1]),
        }
    )
    pq.write_table(table, tmp_path / "s.parquet")
    sales, skipped = read_sales(tmp_path / "s.parquet", "apes", COLUMNS | {"quantity": "n"})
    assert [(s.token_id, s.date, s.price, s.quantity) for s in sales] == [
        ("7", dt.date(2021, 1, 2), 1.25, 2)
    ]
    assert [(s.source, s.code) for s in skipped] == [(f"{tmp_path}/s.parquet:2", "bad-price")]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (",2021-01-01,1,ETH,1", "no-token"),
        ("1,,1,ETH,1", "bad-date"),
        ("1,01/02/2021,1,ETH,1", "bad-date"),
        ("1,2021-02-30,1,ETH,1", "bad-date"),
        ("1,2021-01-01,,ETH,1", "bad-price"),
        ("1,2021-01-01,abc,ETH,1", "bad-price"),
        ("1,2021-01-01,-1,ETH,1", "bad-price"),
        ("1,2021-01-01,2e15,ETH,1", "bad-price"),
        ("1,2021-01-01,nan,ETH,1", "bad-price"),
        ("1,2021-01-01,inf,ETH,1", "bad-price"),
        ("1,2021-01-01,1,,1", "unknown-currency"),
        ("1,2021-01-01,1,unknown,1", "unknown-currency"),
        ("1,2021-01-01,1,0x0123,1", "unknown-currency"),
        ("1,2021-01-01,1,ETH,0", "bad-quantity"),
        ("1,2021-01-01,1,ETH,1.5", "bad-quantity"),
    ],
)
def test_a_bad_row_is_named_with_file_line_and_code(tmp_path, row, code):
    text = f"id,date,price,currency,quantity\n9,2021-01-01,3,ETH,\n{row}\n8,2021-01-01,4,ETH,2\n"
    path = write(tmp_path / "s.csv", text)
    sales, skipped = read_sales(path, "apes", COLUMNS | {"quantity": "quantity"})
    assert [(s.token_id, s.quantity, s.line) for s in sales] == [("9", 1, 2), ("8", 2, 4)]
    assert [(s.source, s.code) for s in skipped] == [(f"{path}:3", code)]


def test_seconds_and_milliseconds_are_dates(tmp_path):
    rows = "1,1609459199,1,ETH\n1,1609459200000,1,ETH\n"
    path = write(tmp_path / "s.csv", "id,date,price,currency\n" + rows)
    sales, _ = read_sales(path, "apes", COLUMNS)
    assert [s.date for s in sales] == [dt.date(2020, 12, 31), dt.date(2021, 1, 1)]


def test_a_broken_json_line_is_skipped(tmp_path):
    good = json.dumps({"id": 1, "date": "2021-01-01", "price": 1, "currency": "ETH"})
    path = write(tmp_path / "s.jsonl", f"{good}\n{{oops\n[1]\n")
    sales, skipped = read_sales(path, "apes", COLUMNS)
    assert len(sales) == 1
    assert [(s.source, s.code) for s in skipped] == [
        (f"{path}:2", "bad-row"),
        (f"{path}:3", "bad-row"),
    ]


def test_wrong_columns_and_files_are_errors(tmp_path):
    path = write(tmp_path / "s.csv", "id,date,price\n1,2021-01-01,1\n")
    with pytest.raises(SalesError, match="no column currency; it has date, id, price"):
        read_sales(path, "apes", COLUMNS)
    with pytest.raises(SalesError, match="correct currency"):
        read_sales(path, "apes", {"id": "id", "date": "date", "price": "price"})
    with pytest.raises(SourceError, match="no such file"):
        read_sales(tmp_path / "none.csv", "apes", COLUMNS)
    with pytest.raises(SourceError, match="not a table"):
        read_sales(write(tmp_path / "s.txt", ""), "apes", COLUMNS)
    with pytest.raises(SourceError, match="Parquet"):
        read_sales(write(tmp_path / "s.parquet", "no"), "apes", COLUMNS)
    assert read_sales(write(tmp_path / "empty.csv", ""), "apes", COLUMNS) == ([], [])


def test_table_is_ordered_and_keeps_identical_sales_once(tmp_path):
    early, late = sale("2", "2020-01-01"), sale("1", "2021-01-01", line=5)
    again = sale("1", "2021-01-01", line=9)
    table = SalesTable.from_sales([late, early, again])
    assert [table.sale(row) for row in range(len(table))] == [early, late]
    merged = table.merge(SalesTable.from_sales([again, sale("3", "2020-06-01")]))
    assert merged.text("token_id") == ["2", "3", "1"]
    assert merged.sale(2) == late


def test_sales_that_differ_in_anything_but_their_place_all_stay():
    base = sale()
    others = [sale(price=2.0), sale(currency="USD"), sale(seller="a"), sale(tx="t"), sale("2")]
    assert len(SalesTable.from_sales([base, *others, sale(file="f", line=3)])) == 6


@given(
    st.lists(
        st.builds(
            Sale,
            st.sampled_from(["a", "b/ü"]),
            st.text(max_size=3),
            st.dates(dt.date(1970, 1, 1)),
            st.floats(0, 1e300),
            st.sampled_from(["ETH", "USD"]),
            quantity=st.integers(1, 1000),
        ),
        max_size=20,
    )
)
def test_parquet_round_trip(tmp_path_factory, sales):
    path = tmp_path_factory.mktemp("sales") / "sales.parquet"
    table = SalesTable.from_sales(sales)
    table.write(path)
    back = SalesTable.read(path)
    assert back.table.equals(table.table)
    assert {back.sale(row) for row in range(len(back))} == set(sales)


def test_marks_last_sale_and_counts():
    table = SalesTable.from_sales(
        [
            sale("1", "2021-01-01", 5.0),
            sale("1", "2021-01-03", 6.0, line=1),
            sale("1", "2021-01-03", 7.0, line=2),
            sale("1", "2021-01-09", 0.0),
            sale("2", "2021-01-02", 0.0),
        ]
    )
    day = day_number(dt.date(2021, 1, 10))
    since = np.array([NEVER, day - 7, NEVER, NEVER, day], np.int32)
    marked = table.with_marks([None, "dust", None, None, "zero-price"], since)
    last = marked.last_sales()
    assert [(last.sale(i).token_id, last.sale(i).price) for i in range(len(last))] == [("1", 7.0)]
    assert marked.counts() == {"dust": 1, "zero-price": 1}
    assert marked.known_since.tolist() == since.tolist()
    assert marked.excluded_at(dt.date(2021, 1, 9)).tolist() == [False, True, False, False, False]
    assert marked.excluded_at(dt.date(2021, 1, 10)).tolist() == [False, True, False, False, True]
    assert marked.merge(marked).counts() == {}


def test_empty_table():
    empty = SalesTable.from_sales([])
    assert len(empty) == len(empty.merge(empty)) == len(empty.last_sales()) == 0
    assert empty.counts() == {}
    assert empty.amounts("USD").shape == empty.excluded_at(0).shape == (0,)


RATES = """date,currency,usd
2021-01-01,ETH,700
2021-01-03,eth,1000
2021-01-01,BTC,30000
"""


def test_rates_convert_at_the_sales_own_day(tmp_path):
    rates = Rates.read(write(tmp_path / "rates.csv", RATES))
    sales = [
        sale("1", "2020-12-31", 1.0),  # before the first rate
        sale("2", "2021-01-02", 2.0),
        sale("3", "2021-01-10", 3.0),  # seven days old: fresh
        sale("4", "2021-01-11", 4.0),  # stale
        sale("5", "2021-01-11", 5.0, "USD"),
        sale("6", "2021-01-02", 6.0, "DOGE", file="s.csv", line=7),
    ]
    table, skipped = rates.convert(SalesTable.from_sales(sales))
    assert table.text("token_id") == ["1", "2", "3", "4", "5"]
    expected = [math.nan, 1400.0, 3000.0, math.nan, 5.0]
    np.testing.assert_array_equal(table.amounts("USD"), expected)
    assert table.amounts("ETH")[:4].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert np.isnan(table.amounts("ETH")[4])
    assert [(s.source, s.code) for s in skipped] == [
        ("s.csv:7", "unknown-currency"),
        (":0", "no-rate"),
        (":0", "no-rate"),
    ]
    assert rates.currencies == ["BTC", "ETH", "USD"]
    with pytest.raises(SalesError, match="no currency 'DOGE'; it has BTC, ETH, USD"):
        rates.usd("DOGE", np.array([0], np.int32))


def test_amounts_without_rates_never_mix_currencies():
    table = SalesTable.from_sales([sale(price=2.0), sale(price=900.0, currency="USD")])
    assert table.amounts("USD").tolist()[1] == 900.0
    assert np.isnan(table.amounts("USD")[0])
    assert np.isnan(table.amounts("SOL")).all()


@pytest.mark.parametrize("row", ["x,ETH,1", "2021-01-01,,1", "2021-01-01,ETH,0", "2021-01-01,ETH,"])
def test_a_wrong_rate_is_an_error_with_its_line(tmp_path, row):
    path = write(tmp_path / "rates.csv", RATES + row + "\n")
    with pytest.raises(SalesError, match=r"rates\.csv:5"):
        Rates.read(path)
    with pytest.raises(SalesError, match="no rates"):
        Rates.read(write(tmp_path / "none.csv", "date,currency,usd\n"))


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the real collections are not beside the checkout")
def test_real_sales_are_all_read():
    path = SHARED / "data/cryptopunks/sales.csv"
    names = {"id": "token_id", "date": "date", "price": "price", "currency": "currency"}
    sales, skipped = read_sales(path, "cryptopunks", names | WALLETS)
    assert (len(sales), len(skipped)) == (15412, 0)
    assert len(SalesTable.from_sales(sales)) == len({(*vars(s).values(),)[:9] for s in sales})
