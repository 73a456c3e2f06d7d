"""Vector indexes: one contract, several kinds, all answering in cosine distance."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simsearch.errors import UsageError
from simsearch.neighbors import Neighbors

KINDS = ("flat", "hnsw", "ivfpq")
FILES = ("vectors.npy", "index.faiss", "index.json")  # what ``save`` writes into a folder
FLAT_BYTES = 1 << 30  # what one core scans in about 30 ms; see benchmarks/index.py

# FAISS's threads wait by spinning, which makes a batch ten times slower as soon as another program
# wants the processor. Read when FAISS is loaded; a user's own setting stands.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


class VectorIndex(Protocol):
    """Unit vectors in catalog order; row i of the catalog is vector i. An index never changes.

    Attributes:
        kind: one of ``KINDS``.
        vectors: float32 (size, dim), read-only; memory-mapped where the index was opened.
        recall: measured recall@10 against an exact scan; 1.0 for an exact kind.
    """

    kind: str
    vectors: NDArray[np.float32]
    recall: float

    @property
    def size(self) -> int:
        """Number of vectors."""
        ...

    @property
    def dim(self) -> int:
        """Width of a vector."""
        ...

    def search(
        self, queries: NDArray[np.float32], k: int, *, allowed: NDArray[np.bool_] | None = None
    ) -> Neighbors:
        """The k nearest; with ``allowed`` (size,) the exact k nearest among the allowed rows.

        Equal distances are ordered by row. Queries are float32 (q, dim) of unit length.

        Raises:
            VectorError: queries that are not such vectors.
        """
        ...

    def add(self, vectors: NDArray[np.float32]) -> "VectorIndex":
        """A new index with these vectors behind the present ones.

        Raises:
            VectorError: a vector that is not finite, or not of unit length, or not of this width.
        """
        ...

    def remove(self, rows: NDArray[np.int64]) -> "VectorIndex":
        """A new index without these rows; the rows behind them close up."""
        ...

    def save(self, folder: Path) -> None:
        """Write ``vectors.npy``, ``index.faiss`` and ``index.json`` into an existing folder."""
        ...

    def facts(self) -> Mapping[str, object]:
        """What a person wants to know of it, as JSON values: kind, size, recall, settings."""
        ...


def choose_kind(size: int, dim: int) -> str:
    """What ``auto`` means: exact as long as a scan is quick, then inverted lists."""
    return "flat" if size * dim * 4 <= FLAT_BYTES else "ivfpq"


def build_index(kind: str, vectors: NDArray[np.float32], *, seed: int = 0) -> VectorIndex:
    """Build an index of a kind in ``KINDS``, or ``auto``. Equal input gives an equal index.

    Args:
        kind: how to search.
        vectors: float32 (n, d), unit length; kept, not copied, so do not change them.
        seed: for the random choices of training and measuring.

    Raises:
        UsageError: no such kind.
        VectorError: a vector that is not finite or not of unit length.
    """
    from simsearch.index.faiss import FaissIndex
    from simsearch.index.structures import Settings

    if kind == "auto":
        kind = choose_kind(*np.shape(vectors))
    if kind not in KINDS:
        raise UsageError(f"no index kind {kind!r}; choose one of auto, {', '.join(KINDS)}")
    return FaissIndex.build(kind, vectors, Settings(seed=seed))


def open_index(folder: Path) -> VectorIndex:
    """Open what ``save`` wrote; files are memory-mapped, so that opening reads almost nothing.

    Raises:
        StoreError: files that are missing, damaged or do not belong together.
    """
    from simsearch.index.faiss import FaissIndex

    return FaissIndex.open(folder)
