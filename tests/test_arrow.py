"""Arrow columns against pyarrow's own conversions, and what reading an index may not import."""

import datetime as dt
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simsearch.arrow import codes, equals, numbers, open_parquet, row_numbers
from simsearch.catalog import Catalog, Item, Picture
from simsearch.errors import StoreError
from simsearch.sales.table import Sale, SalesTable


@settings(deadline=None)
@given(
    st.sampled_from([pa.int32(), pa.int64(), pa.float64(), pa.date32()]),
    st.lists(st.none() | st.integers(0, 99), max_size=30),
    st.integers(0, 9),
    st.booleans(),
)
def test_numbers_equal_pyarrows(kind, values, start, chunked):
    array = pa.array(values, pa.int32()).cast(kind)
    column = pa.chunked_array([array, array]) if chunked else array.slice(start)
    found = numbers(column, -7)
    listed = values * 2 if chunked else values[start:]
    assert found.tolist() == [-7 if value is None else value for value in listed]
    assert found.dtype == (np.int32 if pa.types.is_date32(kind) else kind.to_pandas_dtype())


def test_missing_numbers_may_be_nan():
    assert math.isnan(numbers(pa.array([None, 1.0]), math.nan)[0])


@settings(deadline=None)
@given(st.lists(st.none() | st.sampled_from(["", "a", "ü"]), max_size=9), st.sampled_from("aüx"))
def test_text_codes_and_equality(values, wanted):
    column = pa.chunked_array([pa.array(values, pa.string())])
    code, words = codes(column)
    assert [None if number < 0 else words[number] for number in code] == values
    assert equals(column, wanted).tolist() == [value == wanted for value in values]


def test_row_numbers_take_numbers_and_masks():
    column = pa.array([5, 6, 7])
    assert column.take(row_numbers([2, 0])).to_pylist() == [7, 5]
    assert column.take(row_numbers(np.array([True, False, True]))).to_pylist() == [5, 7]
    assert column.take(row_numbers([])).to_pylist() == []


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=r"x\.parquet: unreadable"):
        open_parquet(tmp_path / "x.parquet")


def test_reading_an_index_imports_no_pandas(tmp_path):
    item = Item("apes", "1", Picture("file", "/x.png"), (("hat", "red"),))
    facts = {"last_price": [1.0], "last_currency": ["ETH"], "last_date": [dt.date(2021, 1, 1)]}
    Catalog.from_items([item], **facts).write(tmp_path / "catalog.parquet")
    sale = Sale("apes", "1", dt.date(2021, 1, 1), 1.0, "ETH")
    SalesTable.from_sales([sale]).write(tmp_path / "sales.parquet")
    code = """
import sys
from pathlib import Path
from simsearch.catalog import Catalog
from simsearch.filters import Filter
from simsearch.sales.table import SalesTable
folder = Path(sys.argv[1])
catalog = Catalog.read(folder / "catalog.parquet")
assert Filter(("apes",), (("hat", "red"),), 0.5, 2.0).mask(catalog).tolist() == [True]
assert catalog.row("apes/1") == 0 and catalog.key(0) == "apes/1" and catalog.keys() == ["apes/1"]
assert catalog.collections == {"apes": 1} and catalog.last_sale(0).price == 1.0
assert catalog.items([0])[0].traits == catalog.traits(0)
assert catalog.integers("cluster").tolist() == [-1]
sales = SalesTable.read(folder / "sales.parquet")
assert sales.amounts("USD").shape == sales.days.shape == sales.excluded_at(0).shape
assert sales.codes("token_id")[1] == sales.text("token_id") == ["1"]
assert sales.sale(0).price == sales.prices[0] and len(sales.take(sales.prices > 5)) == 0
print(sorted({"pandas", "torch", "sklearn", "scipy"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    root = Path(__file__).parents[1]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (found.stdout, found.stderr) == ("[]\n", "")
