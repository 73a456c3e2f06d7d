"""The items that descriptors are compared on: a draw from an index, and who of it asks."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Catalog
from simsearch.draws import at_most
from simsearch.engine import SearchEngine
from simsearch.errors import SourceError
from simsearch.evaluation import metrics
from simsearch.evaluation.material import Ids, Split
from simsearch.evaluation.metrics import Ceiling
from simsearch.neighbors import Neighbors
from simsearch.space.trait_matrix import TraitMatrix, trait_matrix


@dataclass(frozen=True)
class Sample:
    """Items of an index, some of which ask for the others.

    Attributes:
        catalog: the items.
        rows: int64 (n,), their rows in the index, ascending.
        split: who asks and who can be found, as places among them.
        k: neighbours asked for.
    """

    catalog: Catalog
    rows: Ids
    split: Split
    k: int

    @classmethod
    def draw(
        cls,
        engine: SearchEngine,
        *,
        per_collection: int,
        share: float,
        queries: int,
        k: int,
        seed: int,
    ) -> "Sample":
        """Draw at most ``per_collection`` items of each collection, 0 = all; a share of them asks.

        Raises:
            SourceError: no collection has two items, so that none can ask.
        """
        codes = engine.catalog.collection_codes
        every = np.ones(len(codes), dtype=bool)
        chosen = at_most(every, codes, per_collection, seed) if per_collection else every
        rows = np.flatnonzero(chosen)
        split = Split.draw(codes[rows], share, queries, seed)
        if not len(split.asked):
            raise SourceError("no collection has two items, so none can ask; index more pictures")
        return cls(engine.catalog.take(rows), rows, split, k)

    @cached_property
    def codes(self) -> NDArray[np.int32]:
        """Collection of each item, a place in ``names``."""
        return self.catalog.collection_codes

    @cached_property
    def names(self) -> list[str]:
        """Collections."""
        return list(self.catalog.collections)

    @cached_property
    def traits(self) -> TraitMatrix:
        """Traits of all items."""
        return trait_matrix(self.catalog)

    @cached_property
    def ceiling(self) -> Ceiling:
        """What answers to all queries could reach."""
        split = self.split
        return metrics.trait_ceiling(split.asked, split.indexed, self.codes, self.traits, self.k)

    def of(self, rows: Ids, collections: Collection[str]) -> Ids:
        """Those of some items that are of these collections; all where none is named."""
        if not collections:
            return rows
        chosen = [place for place, name in enumerate(self.names) if name in collections]
        return rows[np.isin(self.codes[rows], chosen)]

    def overlaps(self, near: Neighbors, asked: Ids) -> dict[str, float]:
        """Collection → trait overlap@k of answers (q, k) to the items ``asked``, (q,)."""
        places = np.searchsorted(self.split.asked, asked)
        whole = self.ceiling
        ceiling = Ceiling(whole.random[places], whole.best[places], whole.places[places])
        shared = metrics.shared_traits(near, asked, self.codes, self.traits)
        found = metrics.mean_overlaps(shared, ceiling, self.codes[asked])
        return {self.names[code]: one.score for code, one in found.items()}

    def precisions(self, near: Neighbors, asked: Ids) -> dict[str, float]:
        """Collection → share of the answers that are of the collection of who asked."""
        found = metrics.collection_precision(near, asked, self.codes)
        return {self.names[code]: share for code, share in found.items()}
