"""Two-stage search: a shortlist by vector, then the order by every cell and by traits."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Catalog
from simsearch.colours import cell_matches
from simsearch.index import VectorIndex
from simsearch.neighbors import Neighbors
from simsearch.space.cells import look_distance
from simsearch.space.heads import soft_jaccard
from simsearch.space.spaces import Rows, Spaces
from simsearch.space.trait_matrix import TraitMatrix, trait_matrix

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

SHORTLIST = 500
"""Candidates that are compared in full."""
VOTERS = 10
"""Nearest candidates that say which collection's traits a picture is read for."""
TRAITS = 0.9
"""Balance of ``--space traits``; the remaining tenth of look orders items of equal traits."""


@dataclass(frozen=True)
class Retriever:
    """Finds the items nearest to descriptors.

    Stage one takes the nearest vectors from the index. Stage two compares the picture with each
    candidate cell by cell. With a balance above 0 the traits that the picture shows, as read by its
    collection's head, are compared with the known traits of *all* items of that collection, so that
    the best ones need not be near in look.

    Attributes:
        spaces: what was fitted.
        index: vectors in catalog order.
        descriptors: descriptors in catalog order.
        catalog: the items.
    """

    spaces: Spaces
    index: VectorIndex
    descriptors: Rows
    catalog: Catalog
    _traits: dict[str, tuple[Ids, TraitMatrix]] = field(default_factory=dict, repr=False)

    def search(
        self,
        descriptors: NDArray[np.floating],
        k: int,
        *,
        balance: float = 0.0,
        allowed: Mask | None = None,
    ) -> Neighbors:
        """The k nearest of each picture.

        Args:
            descriptors: (q, dim).
            k: how many.
            balance: 0 = look alone, 1 = traits alone.
            allowed: bool (n,), the rows that may be found; all by default.

        Returns:
            ids (q, k) and distances 0..2, ascending; -1 and inf where fewer are allowed.
        """
        everything = self.shortlist(descriptors, k)
        near = everything if allowed is None else self.shortlist(descriptors, k, allowed)
        # Found without the mask, so that a distance is the same whatever a question leaves out.
        voters = everything.ids[:, :VOTERS]
        found = Neighbors.empty(len(descriptors), k)
        for row, descriptor in enumerate(descriptors):
            candidates = near.ids[row][near.ids[row] >= 0]
            own = self._majority(voters[row][voters[row] >= 0])
            ids, distances = self._rank(descriptor, candidates, own, balance, allowed)
            order = np.lexsort((ids, distances))[:k]
            found.ids[row, : len(order)] = ids[order]
            found.distances[row, : len(order)] = distances[order]
        return found

    def shortlist(
        self, descriptors: NDArray[np.floating], k: int = 0, allowed: Mask | None = None
    ) -> Neighbors:
        """Stage one alone: the nearest vectors, at least ``SHORTLIST`` and twice k of them."""
        count = min(max(SHORTLIST, 2 * k), self.index.size)
        return self.index.search(self.spaces.look.transform(descriptors), count, allowed=allowed)

    def _rank(
        self,
        descriptor: NDArray[np.floating],
        ids: Ids,
        own: int,
        balance: float,
        allowed: Mask | None,
    ) -> tuple[Ids, Floats]:
        """Candidates, joined by those nearest in traits, with their final distances."""
        if not len(ids):
            return ids, np.empty(0, dtype=np.float32)
        look = self._look(descriptor, ids, own)
        if balance == 0:
            return ids, look
        collection = self.collection_of(ids, look)
        if collection not in self.spaces.vocabulary:
            return ids, look
        members, overlap = self.trait_overlap(descriptor, collection, allowed)
        nearest = members[np.argsort(-overlap, kind="stable")[: len(ids)]]
        new = np.setdiff1d(nearest, ids)
        if len(new):
            ids, look = np.append(ids, new), np.append(look, self._look(descriptor, new, own))
        apart = np.ones(len(self.catalog), dtype=np.float32)
        apart[members] -= overlap
        return ids, np.float32(balance) * apart[ids] + np.float32(1 - balance) * look

    def _look(self, descriptor: NDArray[np.floating], ids: Ids, own: int) -> Floats:
        """Distance of look to some rows: by every cell where there is a grid, else by vector.

        Cells have the weights of one collection, to which the picture seems to belong: distances
        that each candidate's collection weighs in its own way cannot be compared.
        """
        grid = self.spaces.grid
        if grid is None:
            # Half the squared gap of unit vectors is their cosine distance, and 0 where equal.
            gaps = self.index.vectors[ids] - self.spaces.look.transform(descriptor[None])
            halves: Floats = np.einsum("nd,nd->n", gaps, gaps) / np.float32(2)
            return np.minimum(halves, np.float32(2))
        candidates = self.descriptors.rows(ids)[:, grid]
        return look_distance(descriptor[grid], candidates, self._cell_weights[own])

    def agreement(self, descriptor: NDArray[np.floating], row: int) -> Floats | None:
        """Where a picture looks like an item.

        Returns:
            float32 (side, side), 0 to 1 for each cell of the grid, the first at the upper left;
            None where the encoder keeps no grid.
        """
        grid = self.spaces.grid
        if grid is None:
            return None
        matches = cell_matches(descriptor[grid], self.descriptors.rows([row])[:, grid])
        side = math.isqrt(matches.shape[1])
        return matches.reshape(side, side)

    @cached_property
    def _names(self) -> list[str]:
        return list(self.catalog.collections)

    @cached_property
    def _cell_weights(self) -> Floats:
        """Float32 (collections, cells)."""
        return np.stack([self.spaces.cell_weights(name) for name in self._names])

    def collection_of(self, ids: Ids, look: Floats) -> str:
        """The collection that most of the nearest candidates belong to."""
        return self._names[self._majority(ids[np.lexsort((ids, look))[:VOTERS]])]

    def _majority(self, ids: Ids) -> int:
        """Code of the collection that most of some rows belong to."""
        return int(np.bincount(self.catalog.collection_codes[ids]).argmax())

    def trait_overlap(
        self, descriptor: NDArray[np.floating], collection: str, allowed: Mask | None = None
    ) -> tuple[Ids, Floats]:
        """How the traits that a picture shows overlap with those known of a collection's items.

        Returns:
            The items' rows, and their soft Jaccard overlap 0..1 (all 0 without a head).
        """
        members, known = self._known(collection)
        scores = self.spaces.trait_scores(descriptor, collection)
        if scores is None:
            overlap = np.zeros(len(members), dtype=np.float32)
        else:
            shared = np.bincount(known.items, scores[known.indices], len(members))
            overlap = soft_jaccard(scores, shared, np.diff(known.indptr))
        if allowed is None:
            return members, overlap
        return members[allowed[members]], overlap[allowed[members]]

    def _known(self, collection: str) -> tuple[Ids, TraitMatrix]:
        """Rows of a collection and those of their traits that its head knows, read once."""
        if collection not in self._traits:
            members = np.flatnonzero(self.catalog.collection_codes == self._names.index(collection))
            traits = self.spaces.vocabulary.get(collection, [])
            vocabulary = [(collection, kind, value) for kind, value in traits]
            known = trait_matrix(self.catalog, members).restricted(vocabulary)
            self._traits[collection] = members, known
        return self._traits[collection]
