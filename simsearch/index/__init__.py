"""Vector indexes: one contract, several kinds, all answering in cosine distance."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simsearch.neighbors import Neighbors


class VectorIndex(Protocol):
    """Unit vectors in catalog order; row i of the catalog is vector i.

    Attributes:
        kind: ``flat``, ``hnsw`` or ``ivfpq``.
        size: number of vectors.
        dim: their width.
        recall: measured recall@10 against an exact scan; 1.0 for an exact kind.
    """

    kind: str
    size: int
    dim: int
    recall: float

    def search(
        self, queries: NDArray[np.float32], k: int, *, allowed: NDArray[np.bool_] | None = None
    ) -> Neighbors:
        """The k nearest; with ``allowed`` (size,) the exact k nearest among the allowed rows."""
        ...

    def save(self, folder: Path) -> None:
        """Write the index into a folder."""
        ...
