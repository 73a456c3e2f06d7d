"""What a network is trained on: pictures decoded once, their collections and traits."""

import functools
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Catalog, Item
from simsearch.draws import split_queries
from simsearch.encoders.vgg16_nft import SIDE
from simsearch.errors import PictureError, SourceError
from simsearch.images import fit_square
from simsearch.sources import PictureReader, read_sources
from simsearch.space.trait_matrix import TraitMatrix, trait_matrix

Ids = NDArray[np.int64]
Pictures = NDArray[np.uint8]

_CHUNK = 256
HELD_OUT = 0.05
"""Part of each collection that training never sees, to tell when to stop."""


@dataclass(frozen=True)
class TrainingPictures:
    """Pictures of some collections.

    Attributes:
        pixels: uint8 (n, 64, 64, 3), memory-mapped.
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
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TrainingPictures:
    """Decode the pictures of some sources into ``folder``, or take over what is there of them.

    Args:
        sources: any form of source.
        folder: where ``pictures.npy`` lies or shall lie.
        per_collection: pictures of each collection at most, drawn by ``seed``.
        seed: of the draw.
        progress: told how many pictures are decoded, of how many.

    Raises:
        SourceError: no picture can be read.
    """
    found = read_sources(sources, per_collection=per_collection, seed=seed)
    names = [item.key for item in found.items]
    digest = hashlib.sha256(json.dumps([SIDE, names]).encode()).hexdigest()
    kept, stamp = folder / "pictures.npy", folder / "pictures.json"
    if not stamp.is_file() or json.loads(stamp.read_text())["sha256"] != digest:
        folder.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        reasons = _decode(found.items, kept, progress)
        stamp.write_text(json.dumps({"sha256": digest, "reasons": reasons}))
    reasons = json.loads(stamp.read_text())["reasons"]
    good = np.flatnonzero([not reason for reason in reasons])
    if not len(good):
        raise SourceError("none of the pictures can be read; see 'simsearch index build --strict'")
    pixels = np.load(kept, mmap_mode="r", allow_pickle=False)
    pixels = pixels if len(good) == len(pixels) else pixels[good]
    items = [found.items[place] for place in good.tolist()]
    return TrainingPictures(pixels, Catalog.from_items(items), Counter(filter(None, reasons)))


def _decode(items: Sequence[Item], path: Path, progress: Callable[[int, int], None]) -> list[str]:
    """Write all pictures; give the reason code of those that could not be read, else ``""``."""
    reasons: list[str] = []
    shape = (len(items), SIDE, SIDE, 3)
    pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    with PictureReader() as reader, ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(items), _CHUNK):
            part = items[start : start + _CHUNK]
            for place, one in enumerate(pool.map(functools.partial(_read, reader), part), start):
                reasons.append(one if isinstance(one, str) else "")
                if not isinstance(one, str):
                    pixels[place] = one
            progress(len(reasons), len(items))
    pixels.flush()
    return reasons


def _read(reader: PictureReader, item: Item) -> Pictures | str:
    try:
        return fit_square(reader.read(item.picture).rgb(), SIDE)
    except PictureError as error:
        return error.code
