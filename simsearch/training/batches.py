"""Batches of a few collections each, the same for the same seed and step."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.draws import by_collection
from simsearch.encoders.vgg16_nft import SIDE
from simsearch.sample.endless import random_collection
from simsearch.training.pictures import TrainingPictures, weighted_overlaps

GENERATED = 0.15
"""Share of groups that are made up instead of drawn."""
_KINDS = 7


@dataclass(frozen=True)
class Group:
    """Pictures of one collection.

    Attributes:
        pixels: uint8 (n, 64, 64, 3).
        overlaps: float32 (n, n), of their traits; None where none are known.
        collection: its number, -1 for a made-up one.
    """

    pixels: NDArray[np.uint8]
    overlaps: NDArray[np.float32] | None
    collection: int


class Batches:
    """Draws batches of pictures that are not held out."""

    def __init__(self, pictures: TrainingPictures, groups: int, items: int, seed: int) -> None:
        """Set how many collections a batch has, and how many pictures of each."""
        self._pictures = pictures
        self._groups, self._items, self._seed = groups, items, seed
        seen = np.flatnonzero(~pictures.held_out)
        codes = pictures.catalog.collection_codes[seen]
        self._members = {code: seen[places] for code, places in by_collection(codes)}

    def groups(self, step: int) -> Iterator[Group]:
        """The groups of one step."""
        rng = np.random.default_rng([self._seed, step])
        codes = list(self._members)
        drawn = rng.choice(codes, self._groups, replace=self._groups > len(codes))
        for code in drawn.tolist():
            made_up = rng.random() < GENERATED
            yield self._made_up(rng) if made_up else self._real(rng, code)

    def _real(self, rng: np.random.Generator, code: int) -> Group:
        members = self._members[code]
        rows = np.sort(rng.choice(members, min(self._items, len(members)), replace=False))
        overlaps = self._pictures.overlaps(rows)
        return Group(self._pictures.pixels[rows], overlaps if overlaps.any() else None, code)

    def _made_up(self, rng: np.random.Generator) -> Group:
        pixels, values = random_collection(rng, SIDE, self._items, _KINDS)
        traits = np.concatenate(
            [column[:, None] == np.unique(column[column > 0]) for column in values.T], axis=1
        )
        return Group(pixels, weighted_overlaps(traits, -np.log(traits.mean(axis=0))), -1)
