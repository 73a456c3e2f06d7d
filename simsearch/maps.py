"""Maps: items as points of a plane, so that what is alike lies together."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.draws import evenly
from simsearch.store import store

NAME = "map-tsne.npz"
TSNE_ITEMS = 6_000
"""Items of a t-SNE map at most: its time grows faster than their number."""
FEWEST = 5
"""Items that a t-SNE map needs at least."""
_AXES, _PERPLEXITY, _CHUNK = 50, 30.0, 8_192


@dataclass(frozen=True)
class Map:
    """Some items of an index as points.

    Attributes:
        rows: int64 (m,), catalog rows, ascending.
        points: float32 (m, 2).
        method: how it was made.
    """

    rows: NDArray[np.int64]
    points: NDArray[np.float32]
    method: str

    def of(self, rows: NDArray[np.int64]) -> "Map":
        """Those of some rows that are on the map."""
        kept = np.isin(self.rows, rows)
        return Map(self.rows[kept], self.points[kept], self.method)


def principal_axes(
    vectors: NDArray[np.float32], rows: NDArray[np.int64], count: int = 2
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (d,) and principal axes (d, count) of some rows, by the eigenvectors of the covariance.

    An axis points to where its largest number is positive, so that maps do not flip by chance.
    """
    width = vectors.shape[1]
    gram, total = np.zeros((width, width)), np.zeros(width)
    for start in range(0, len(rows), _CHUNK):
        part = np.asarray(vectors[rows[start : start + _CHUNK]])
        gram += part.T @ part
        total += part.sum(axis=0, dtype=np.float64)
    mean = total / len(rows)
    _, axes = np.linalg.eigh(gram / len(rows) - np.outer(mean, mean))
    axes = axes[:, ::-1][:, :count]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0)
    return mean, axes * np.where(largest < 0, -1, 1)


def pca_map(vectors: NDArray[np.float32], rows: NDArray[np.int64], shown: NDArray[np.int64]) -> Map:
    """The plane in which some items differ most (Pearson 1901).

    Args:
        vectors: float32 (n, d), of all items.
        rows: int64 (m,), items that the plane is fitted on, one or more.
        shown: int64 (s,), items that become points, ascending.
    """
    mean, axes = principal_axes(vectors, rows)
    points = (np.asarray(vectors[shown]) - mean) @ axes
    missing = max(0, 2 - points.shape[1])  # vectors of one number
    flat = np.pad(points, ((0, 0), (0, missing))).astype(np.float32)
    return Map(shown, flat, "PCA")


def tsne_map(
    vectors: NDArray[np.float32],
    collections: NDArray[np.integer],
    *,
    most: int = TSNE_ITEMS,
    seed: int = 0,
) -> Map:
    """A map that keeps neighbourhoods: t-SNE (van der Maaten and Hinton 2008).

    Of a sample drawn evenly from the collections, on its first 50 principal axes, begun from PCA.
    Distances between far groups say nothing. Takes about 40 s for 6,000 items on two cores.

    Args:
        vectors: float32 (n, d), of all items, ``FEWEST`` or more of them.
        collections: int (n,), collection of each item, used for the draw alone.
        most: items on the map.
        seed: of the draw and the map.
    """
    from sklearn.manifold import TSNE

    rows = evenly(collections, most, seed)
    mean, axes = principal_axes(vectors, rows, _AXES)
    inner = (np.asarray(vectors[rows]) - mean) @ axes
    perplexity = min(_PERPLEXITY, (len(rows) - 1) / 3)
    model = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    return Map(rows, model.fit_transform(inner.astype(np.float32)), "t-SNE")


def keep_map(place: Path, build_id: str, made: Map) -> None:
    """Put a map into the index it was made of.

    Raises:
        StoreError: the index was built again meanwhile, or cannot be written.
    """

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, rows=made.rows, points=made.points, build_id=np.array(build_id))

    store.replace_file(place, NAME, write, build_id)


def kept_map(place: Path, build_id: str) -> Map | None:
    """The map of a build, None where none was kept or it cannot be read."""
    try:
        with (place / NAME).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if str(arrays["build_id"]) != build_id:
                return None
            return Map(arrays["rows"], arrays["points"], "t-SNE")
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
