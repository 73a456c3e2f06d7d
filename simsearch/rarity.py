"""Rarity: how many items of a collection have each of its traits."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Catalog, Trait
from simsearch.space.trait_matrix import trait_matrix


@dataclass(frozen=True)
class Traits:
    """The traits of some items, such as those of one collection.

    Attributes:
        names: (type, value) of each trait, ordered by type, then value.
        has: bool (n, t), which item has which.
    """

    names: list[Trait]
    has: NDArray[np.bool_]

    @classmethod
    def of(cls, catalog: Catalog, rows: NDArray[np.int64]) -> "Traits":
        """Traits of some catalog rows, which are of one collection."""
        found = trait_matrix(catalog, rows)
        return cls([(kind, value) for _, kind, value in found.vocabulary], found.dense())

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many items have each trait, int64 (t,)."""
        return np.asarray(self.has.sum(axis=0), dtype=np.int64)

    @cached_property
    def kinds(self) -> dict[str, NDArray[np.int64]]:
        """Trait type → places of its values among ``names``."""
        kinds = [kind for kind, _ in self.names]
        places = {kind: [n for n, one in enumerate(kinds) if one == kind] for kind in kinds}
        return {kind: np.array(own, dtype=np.int64) for kind, own in places.items()}

    @cached_property
    def several(self) -> frozenset[str]:
        """Types of which some item has more than one value."""
        most = {kind: self.has[:, own].sum(axis=1).max() for kind, own in self.kinds.items()}
        return frozenset(kind for kind, count in most.items() if count > 1)
