"""The answer of a nearest-neighbour search: rows of ids and distances, nearest first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAME = 1e-6
"""Cosine distance below which two pictures count as the same."""


@dataclass(frozen=True)
class Neighbors:
    """Neighbours of q queries.

    Attributes:
        ids: int64 (q, k), catalog rows, nearest first; -1 where fewer than k were found.
        distances: float32 (q, k), cosine distance 0 to 2, ascending; inf where ids is -1.
    """

    ids: NDArray[np.int64]
    distances: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.ids.shape != self.distances.shape or self.ids.ndim != 2:
            raise ValueError(
                f"ids {self.ids.shape} and distances {self.distances.shape} must be one (q, k)"
            )

    @property
    def k(self) -> int:
        """Number of columns, found or not."""
        return int(self.ids.shape[1])

    def top(self, k: int) -> "Neighbors":
        """The first k columns."""
        return Neighbors(self.ids[:, :k], self.distances[:, :k])

    def renumbered(self, rows: NDArray[np.int64]) -> "Neighbors":
        """Ids of a part of the catalog as catalog rows: ``rows[i]`` is the row of the part's i."""
        return Neighbors(np.append(rows, -1)[self.ids], self.distances)

    @classmethod
    def empty(cls, queries: int, k: int) -> "Neighbors":
        """An answer in which nothing was found."""
        ids = np.full((queries, k), -1, dtype=np.int64)
        return cls(ids, np.full((queries, k), np.inf, dtype=np.float32))
