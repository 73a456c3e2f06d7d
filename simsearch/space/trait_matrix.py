"""Which item has which trait, as a sparse matrix of ones in plain arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.arrow import codes, numbers, row_numbers
from simsearch.catalog import Catalog


@dataclass(frozen=True)
class TraitMatrix:
    """Compressed sparse rows: item i has the traits ``indices[indptr[i]:indptr[i + 1]]``.

    Attributes:
        vocabulary: (collection, type, value) of each column: a trait of one collection says
            nothing of another's. Ordered by collection, then type, then value.
        indptr: int64 (items + 1,).
        indices: int32, ascending within an item, each once.
    """

    vocabulary: list[tuple[str, str, str]]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]

    def row(self, item: int) -> NDArray[np.int32]:
        """Columns of one item's traits."""
        return self.indices[self.indptr[item] : self.indptr[item + 1]]

    @property
    def items(self) -> NDArray[np.int64]:
        """Item of each of ``indices``."""
        return np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))

    def restricted(self, vocabulary: Sequence[tuple[str, str, str]]) -> "TraitMatrix":
        """The same items with these columns only, which are ordered as ``vocabulary`` is."""
        place = {trait: column for column, trait in enumerate(vocabulary)}
        places = np.array([place.get(trait, -1) for trait in self.vocabulary], dtype=np.int32)
        columns = places[self.indices]
        kept = columns >= 0
        indptr = np.append(0, np.cumsum(kept))[self.indptr]
        return TraitMatrix(list(vocabulary), indptr, columns[kept])

    def dense(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
        """Bool (rows, vocabulary); all items by default."""
        rows = np.arange(len(self.indptr) - 1) if rows is None else rows
        matrix = np.zeros((len(rows), len(self.vocabulary)), dtype=bool)
        for place, item in enumerate(rows):
            matrix[place, self.row(item)] = True
        return matrix


def trait_matrix(catalog: Catalog, rows: NDArray[np.int64] | None = None) -> TraitMatrix:
    """Collect the traits of some items of a catalog, all by default."""
    import pyarrow.compute as pc

    rows = np.arange(len(catalog)) if rows is None else rows
    traits = catalog.column("traits").take(row_numbers(rows))
    item = numbers(pc.list_parent_indices(traits), -1)
    own = catalog.collection_codes[rows[item]]
    pairs = traits.flatten()
    names = [sorted(catalog.collections)]
    ranks = [np.argsort(np.argsort(list(catalog.collections)))[own]]
    for part in ("type", "value"):
        code, words = codes(pairs.field(part))
        rank = np.argsort(np.argsort(np.array(words, dtype=object)))
        names.append(sorted(words))
        ranks.append(rank[code])
    shape = tuple(max(len(words), 1) for words in names)
    present, column = np.unique(np.ravel_multi_index(ranks, shape), return_inverse=True)
    places = np.unravel_index(present, shape)
    vocabulary = [
        (names[0][c], names[1][t], names[2][v]) for c, t, v in np.stack(places, axis=1).tolist()
    ]
    cells = np.unique(item * max(len(vocabulary), 1) + column)
    owner, indices = np.divmod(cells, max(len(vocabulary), 1))
    indptr = np.searchsorted(owner, np.arange(len(rows) + 1))
    return TraitMatrix(vocabulary, indptr.astype(np.int64), indices.astype(np.int32))
