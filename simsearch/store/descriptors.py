"""Descriptors on disk: a float16 ``.npy`` file written as a stream and read in pieces."""

import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simsearch.errors import StoreError

NAME = "descriptors.npy"


class DescriptorWriter:
    """Append descriptors to a file; memory holds no more than the piece being written."""

    def __init__(self, path: Path, dim: int) -> None:
        self.dim = dim
        self.rows = 0
        self._file = path.open("wb")
        weakref.finalize(self, self._file.close)
        self._write_header()

    def _write_header(self) -> None:
        """NumPy pads the header so that the number of rows can be written over later."""
        self._file.seek(0)
        shape = (self.rows, self.dim)
        header = {"descr": "<f2", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)

    def append(self, descriptors: NDArray[np.float32] | NDArray[np.float16]) -> None:
        """Append (n, dim)."""
        if descriptors.ndim != 2 or descriptors.shape[1] != self.dim:
            raise ValueError(f"descriptors {descriptors.shape} do not fit (n, {self.dim})")
        self._file.write(np.ascontiguousarray(descriptors, dtype="<f2").data)
        self.rows += len(descriptors)

    def close(self) -> None:
        """Write the final number of rows."""
        self._write_header()
        self._file.close()

    def __enter__(self) -> "DescriptorWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self._file.close()


class Descriptors:
    """Descriptors in catalog order, read piece by piece, never mapped: memory stays small.

    The file stays open, so that pieces of one index are read even after another replaced it.

    Attributes:
        shape: (items, dim).
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb")
            weakref.finalize(self, self._file.close)
            if np.lib.format.read_magic(self._file) != (1, 0):
                raise ValueError("unexpected .npy version")
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(self._file)
            if fortran or dtype != np.dtype("<f2") or len(shape) != 2:
                raise ValueError("no float16 matrix")
        except (OSError, ValueError) as error:
            raise StoreError(f"{path}: unreadable ({error}); build the index again") from error
        self.path = path
        self.shape = (int(shape[0]), int(shape[1]))
        self._start = self._file.tell()
        self._lock = threading.Lock()
        if path.stat().st_size < self._start + 2 * self.shape[0] * self.shape[1]:
            raise StoreError(f"{path}: the file ends too early; build the index again")

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def dim(self) -> int:
        """Width of a descriptor."""
        return self.shape[1]

    def slice(self, start: int, stop: int) -> NDArray[np.float16]:
        """Rows ``start`` to ``stop`` as float16 (stop - start, dim)."""
        found = np.empty((stop - start, self.dim), dtype="<f2")
        with self._lock:
            self._file.seek(self._start + 2 * self.dim * start)
            self._file.readinto(found.data)
        return found

    def rows(self, ids: ArrayLike) -> NDArray[np.float16]:
        """Some rows in the order asked for, float16 (len(ids), dim); runs are read at once."""
        wanted = np.asarray(ids, dtype=np.int64)
        found = np.empty((len(wanted), self.dim), dtype=np.float16)
        order = np.argsort(wanted, kind="stable")
        for run in np.split(order, np.flatnonzero(np.diff(wanted[order]) != 1) + 1):
            if len(run):
                found[run] = self.slice(int(wanted[run[0]]), int(wanted[run[-1]]) + 1)
        return found

    def chunks(self, size: int = 4096) -> Iterator[tuple[int, NDArray[np.float16]]]:
        """All rows in pieces: (first row, float16 (up to size, dim))."""
        for start in range(0, len(self), size):
            yield start, self.slice(start, min(start + size, len(self)))
