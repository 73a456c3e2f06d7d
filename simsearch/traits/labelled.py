"""Pictures of one collection on its own grid, with their labels."""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Catalog, Picture, Trait
from simsearch.errors import PictureError
from simsearch.images import RGB
from simsearch.sources.reader import PictureReader
from simsearch.space.trait_matrix import trait_matrix
from simsearch.traits.canvas import find_side, on_canvas

Ids = NDArray[np.int64]
Progress = Callable[[int, int], None]

LEAST_ITEMS = 20
"""Collections with fewer labelled pictures have no recogniser."""
MOST_ITEMS = 10_000
"""Labelled pictures of a collection that are read at most."""
MOST_TRAITS = 1000
"""Traits of a collection that are told apart at most, the commonest."""
_SAMPLE = 32
"""Pictures that the grid is found from."""
_READERS = 2
_BLOCK = 64


@dataclass(frozen=True)
class Labelled:
    """Labelled pictures of one collection.

    Attributes:
        rows: int64 (n,), their catalog rows, ascending.
        pictures: uint8 (n, side * side, 3).
        labels: bool (n, traits).
        vocabulary: (type, value) of each column.
    """

    rows: Ids
    pictures: NDArray[np.uint8]
    labels: NDArray[np.bool_]
    vocabulary: tuple[Trait, ...]

    @property
    def side(self) -> int:
        """Cells on a side of a picture."""
        return math.isqrt(self.pictures.shape[1])

    def take(self, places: Ids) -> "Labelled":
        """Some of the pictures, with the traits that one of them has."""
        labels = self.labels[places]
        there = np.flatnonzero(labels.any(axis=0))
        vocabulary = tuple(self.vocabulary[column] for column in there.tolist())
        return Labelled(self.rows[places], self.pictures[places], labels[:, there], vocabulary)


def labelled_rows(catalog: Catalog, seed: int = 0) -> dict[str, Ids]:
    """Rows of the labelled items of each collection that has enough of them to learn from."""
    matrix = trait_matrix(catalog)
    has = np.diff(matrix.indptr) > 0
    found = {}
    for code, name in enumerate(catalog.collections):
        rows = np.flatnonzero(has & (catalog.collection_codes == code))
        if len(rows) >= LEAST_ITEMS:
            found[name] = np.sort(np.random.default_rng(seed).permutation(rows)[:MOST_ITEMS])
    return found


def read_labelled(
    catalog: Catalog, rows: Ids, progress: Progress = lambda done, total: None
) -> Labelled:
    """Read pictures from their source; those that cannot be read are left out.

    Args:
        catalog: the items.
        rows: labelled items of one collection.
        progress: told how many pictures are read, of how many.

    Raises:
        PictureError: not one can be read.
    """
    places = [item.picture for item in catalog.items(rows.tolist())]
    with PictureReader() as reader:
        # Every so many-th, so that a few of another size at one end do not decide.
        sample = places[:: max(len(places) // _SAMPLE, 1)]
        seen = [rgb for rgb in _read(reader, sample) if rgb is not None]
        if not seen:
            raise PictureError(
                "missing",
                f"{places[0].path}: not one picture can be read; move "
                "the source back, or build the index from where it is now",
            )
        side = find_side(seen)
        pictures = np.zeros((len(rows), side * side, 3), dtype=np.uint8)
        there = np.zeros(len(rows), dtype=bool)
        for place, rgb in enumerate(_read(reader, places)):
            if rgb is not None:
                pictures[place], there[place] = on_canvas([rgb], side)[0], True
            progress(place + 1, len(rows))
    matrix = trait_matrix(catalog, rows[there])
    counts = np.bincount(matrix.indices, minlength=len(matrix.vocabulary))
    common = np.sort(np.argsort(-counts, kind="stable")[:MOST_TRAITS])
    names = [matrix.vocabulary[column] for column in common.tolist()]
    labels = matrix.restricted(names).dense()
    vocabulary = tuple((kind, value) for _, kind, value in names)
    return Labelled(rows[there], pictures[there], labels, vocabulary)


def _read(reader: PictureReader, places: Sequence[Picture]) -> Iterator[RGB | None]:
    """Decode pictures in their order, a few ahead of who takes them; None where one is unusable."""

    def decoded(picture: Picture) -> RGB | None:
        try:
            return reader.read(picture).rgb()
        except PictureError:
            return None

    with ThreadPoolExecutor(_READERS) as pool:
        for start in range(0, len(places), _BLOCK):
            yield from pool.map(decoded, places[start : start + _BLOCK])
