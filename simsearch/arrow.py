"""Arrow columns as NumPy arrays and back, and Parquet files opened with a clear error.

pyarrow's own conversions import pandas, which alone takes longer than a query may. These read the
buffers instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simsearch.errors import StoreError

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

_DTYPES = {"int32": "<i4", "date32[day]": "<i4", "int64": "<i8", "double": "<f8"}


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what a missing or damaged Parquet file makes of pyarrow into a ``StoreError``."""
    import pyarrow

    try:
        yield
    except (OSError, pyarrow.ArrowException) as error:
        raise StoreError(f"{path}: unreadable ({error}); build the index again") from error


def open_parquet(path: Path) -> "pyarrow.parquet.ParquetFile":
    """Open a Parquet file of an index; only its footer is read.

    Raises:
        StoreError: it is missing or damaged.
    """
    import pyarrow.parquet

    with readable(path):
        return pyarrow.parquet.ParquetFile(path)


def numbers(column: "pyarrow.Array | pyarrow.ChunkedArray", missing: float) -> NDArray[Any]:
    """A column of int32, int64, float64 or days (as int32), ``missing`` where it is null."""
    array = _whole(column)
    dtype = np.dtype(_DTYPES[str(array.type)])
    if len(array) == 0:
        return np.empty(0, dtype)
    valid, data = array.buffers()
    stop = array.offset + len(array)
    values: NDArray[Any] = np.frombuffer(data, dtype, stop)[array.offset :]
    if array.null_count == 0:
        return values
    bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")[array.offset : stop]
    return np.where(bits == 1, values, np.array(missing, dtype))


def codes(
    column: "pyarrow.Array | pyarrow.ChunkedArray",
) -> tuple[NDArray[np.int32], list[str]]:
    """A text column as numbers into the list of its distinct values; -1 where it is null."""
    encoded = _whole(column).dictionary_encode()
    return numbers(encoded.indices, -1), encoded.dictionary.to_pylist()


def equals(column: "pyarrow.Array | pyarrow.ChunkedArray", text: str) -> NDArray[np.bool_]:
    """Bool (n,): where a text column is this text."""
    code, words = codes(column)
    found: NDArray[np.bool_] = code == (words.index(text) if text in words else -2)
    return found


def row_numbers(rows: ArrayLike) -> "pyarrow.Array":
    """Row numbers, or a mask of all rows, as pyarrow's ``take`` wants them."""
    import pyarrow

    wanted = np.asarray(rows)
    wanted = np.flatnonzero(wanted) if wanted.dtype == np.bool_ else wanted.astype(np.int64)
    data = pyarrow.py_buffer(np.ascontiguousarray(wanted))
    return pyarrow.Array.from_buffers(pyarrow.int64(), len(wanted), [None, data])


def _whole(column: "pyarrow.Array | pyarrow.ChunkedArray") -> "pyarrow.Array":
    return column.combine_chunks() if hasattr(column, "combine_chunks") else column
