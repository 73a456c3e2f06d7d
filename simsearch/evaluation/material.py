"""What is evaluated: items as one encoder describes them, and who of them asks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simsearch.catalog import Catalog
from simsearch.draws import at_most, split_queries
from simsearch.engine import SearchEngine
from simsearch.images import fit_square
from simsearch.index import build_index
from simsearch.retrieval import Retriever
from simsearch.sources.reader import PictureReader
from simsearch.space.look import LookSpace, Span
from simsearch.space.spaces import Rows, Spaces, transform_rows

Ids = NDArray[np.int64]

GRID_SIDE = 32
"""Pixels on a side of the pictures that baselines compare."""
_CHUNK = 1024


@dataclass(frozen=True)
class Material:
    """Items and their descriptors, in one order.

    Attributes:
        encoder: name of what made the descriptors.
        catalog: the items.
        descriptors: theirs.
        spans: parts of a descriptor, (name, start, stop).
        look: the space that they are compared in, where it is not fitted on them.
    """

    encoder: str
    catalog: Catalog
    descriptors: Rows
    spans: Sequence[Span]
    look: LookSpace | None = None

    @classmethod
    def of_index(cls, engine: SearchEngine) -> "Material":
        """All items of an index."""
        found = engine.retriever
        name = engine.manifest.encoder.name
        return cls(name, engine.catalog, found.descriptors, found.spaces.look.spans)

    def take(self, rows: Ids) -> "Material":
        """Some of the items; nothing of the others can be reached through it."""
        part = _RowsOf(self.descriptors, rows)
        return replace(self, catalog=self.catalog.take(rows), descriptors=part)

    def vectors(self, look: LookSpace) -> NDArray[np.float32]:
        """Unit vectors of all items in a look space."""
        return transform_rows(look, self.descriptors, np.arange(len(self.catalog)))

    def fitted(self, seed: int) -> Retriever:
        """Everything fitted on these items, and an exact index of them."""
        spaces = Spaces.fit(self.descriptors, self.catalog, self.spans, seed=seed, look=self.look)
        index = build_index("flat", self.vectors(spaces.look), seed=seed)
        return Retriever(spaces, index, self.descriptors, self.catalog)

    def grids(self) -> NDArray[np.uint8]:
        """Every picture as uint8 (n, 32, 32, 3): out of its descriptor, else read again.

        Raises:
            PictureError: a picture is needed whose source has gone.
        """
        pictures = np.empty((len(self.catalog), GRID_SIDE, GRID_SIDE, 3), dtype=np.uint8)
        span = self._grid_span()
        for start in range(0, len(pictures), _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, len(pictures)))
            if span is None:
                pictures[rows] = _read_grids(self.catalog, rows)
            else:
                colours = self.descriptors.rows(rows)[:, span].astype(np.float32)
                pictures[rows] = np.rint(colours * 255).reshape(-1, GRID_SIDE, GRID_SIDE, 3)
        return pictures

    def _grid_span(self) -> slice | None:
        """Where a descriptor holds the picture itself at this size, if it does."""
        for name, start, stop in self.spans:
            if name in ("grid", "pixels") and stop - start == GRID_SIDE * GRID_SIDE * 3:
                return slice(start, stop)
        return None


@dataclass(frozen=True)
class _RowsOf:
    """Descriptors of some rows, numbered anew."""

    whole: Rows
    chosen: Ids

    def rows(self, ids: ArrayLike) -> NDArray[np.floating[Any]]:
        return self.whole.rows(self.chosen[np.asarray(ids, dtype=np.int64)])


@dataclass(frozen=True)
class Split:
    """Who asks and who can be found.

    Attributes:
        asked: int64 (q,), rows that ask, ascending.
        indexed: int64 (m,), rows that can be found and that everything is fitted on, ascending.
    """

    asked: Ids
    indexed: Ids

    @classmethod
    def draw(
        cls, collections: NDArray[np.integer[Any]], share: float, most: int = 0, seed: int = 0
    ) -> "Split":
        """Draw ``share`` of each collection to ask; of these at most ``most`` do (0 = all)."""
        aside = split_queries(collections, share, seed)
        asking = at_most(aside, collections, most, seed) if most else aside
        return cls(np.flatnonzero(asking), np.flatnonzero(~aside))


def _read_grids(catalog: Catalog, rows: Ids) -> NDArray[np.uint8]:
    with PictureReader() as reader:
        pictures = [reader.read(item.picture).rgb() for item in catalog.items(rows.tolist())]
    return np.stack([fit_square(rgb, GRID_SIDE) for rgb in pictures])
