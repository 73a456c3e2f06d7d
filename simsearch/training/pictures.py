"""What a network is trained on: pictures decoded once, their collections and traits."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Catalog
from simsearch.draws import split_queries
from simsearch.encoders.vgg16_nft import SIDE
from simsearch.sources import read_sources
from simsearch.space.trait_matrix import TraitMatrix, trait_matrix
from simsearch.training.decoding import Pictures, Preparation, decode_items, square

Ids = NDArray[np.int64]

WHOLE = square(SIDE)
HELD_OUT = 0.05
"""Part of each collection that training never sees, to tell when to stop."""


@dataclass(frozen=True)
class TrainingPictures:
    """Pictures of some collections.

    Attributes:
        pixels: uint8 (n, side, side, 3), memory-mapped; the side is 64 unless said otherwise.
        catalog: their items.
        left_out: reason code → pictures that could not be used.
    """

    pixels: Pictures
    catalog: Catalog
    left_out: Counter[str]

    @cached_property
    def traits(self) -> TraitMatrix:
        """Traits of all items."""
        return trait_matrix(self.catalog)

    @cached_property
    def rarity(self) -> NDArray[np.float32]:
        """Weight of each trait: minus the logarithm of its share of its collection's items."""
        sizes = self.catalog.collections
        owners = np.array([sizes[name] for name, _, _ in self.traits.vocabulary], dtype=np.float32)
        counts = np.bincount(self.traits.indices, minlength=len(owners))
        return np.asarray(np.log(owners / np.maximum(counts, 1)), dtype=np.float32)

    @cached_property
    def held_out(self) -> NDArray[np.bool_]:
        """Which items training does not see."""
        return split_queries(self.catalog.collection_codes, HELD_OUT, 0)

    def overlaps(self, rows: Ids) -> NDArray[np.float32]:
        """Rarity-weighted Jaccard overlap of the traits of some items, (n, n); 0 without traits."""
        return weighted_overlaps(self.traits.dense(rows), self.rarity)


def weighted_overlaps(
    traits: NDArray[np.bool_], weights: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Weight of the shared traits over the weight of those that either has, (n, n).

    Args:
        traits: (n, t), which item has which.
        weights: (t,), 0 or more.
    """
    used = traits.any(axis=0)
    weighted = traits[:, used] * weights[used].astype(np.float32)
    shared = weighted @ traits[:, used].T.astype(np.float32)
    own = weighted.sum(axis=1)
    joined = own[:, None] + own - shared
    return np.asarray(shared / np.maximum(joined, 1e-6), dtype=np.float32)


def read_pictures(
    sources: Sequence[Path],
    folder: Path,
    *,
    per_collection: int,
    seed: int = 0,
    preparation: Preparation = WHOLE,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TrainingPictures:
    """Decode the pictures of some sources into ``folder``, or take over what is there of them.

    Args:
        sources: any form of source.
        folder: where ``pictures.npy`` lies or shall lie.
        per_collection: pictures of each collection at most, drawn by ``seed``.
        seed: of the draw.
        preparation: what is made of each picture; by default a square of 64 pixels.
        progress: told how many pictures are decoded, of how many.

    Raises:
        SourceError: no picture can be read.
    """
    found = read_sources(sources, per_collection=per_collection, seed=seed)
    decoded = decode_items(found.items, preparation, folder, progress)
    return TrainingPictures(decoded.pixels, Catalog.from_items(decoded.items), decoded.left_out)
