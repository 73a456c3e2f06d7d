"""Pictures of items decoded once into one array on disk, for training that reads them often."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Item, Picture
from simsearch.errors import PictureError, SourceError
from simsearch.images import RGB, fit_square
from simsearch.preprocessing import Preprocessing
from simsearch.sources import PictureReader

Pictures = NDArray[np.uint8]
Progress = Callable[[int, int], None]

_CHUNK = 256


@dataclass(frozen=True)
class Preparation:
    """What is made of every picture.

    Attributes:
        name: the same for what makes the same of a picture.
        side: pixels on a side of the result.
        make: RGB uint8 (h, w, 3) of any size to uint8 (side, side, 3).
    """

    name: str
    side: int
    make: Callable[[RGB], RGB]

    def after(self, preprocessing: Preprocessing) -> "Preparation":
        """The same, of pictures to which these steps are done first."""
        if not preprocessing:
            return self
        name = ",".join([*preprocessing.specs, self.name])
        return Preparation(name, self.side, lambda rgb: self.make(preprocessing(rgb)))


def square(side: int) -> Preparation:
    """The whole picture resampled to a square."""
    return Preparation(f"square-{side}", side, lambda rgb: fit_square(rgb, side))


@dataclass(frozen=True)
class Decoded:
    """Pictures that could be read.

    Attributes:
        pixels: uint8 (n, side, side, 3), memory-mapped.
        items: theirs.
        left_out: reason code → pictures that could not be used.
    """

    pixels: Pictures
    items: list[Item]
    left_out: Counter[str]


def decode_items(
    items: Sequence[Item],
    preparation: Preparation,
    folder: Path,
    progress: Progress = lambda done, total: None,
) -> Decoded:
    """Decode the pictures of items into ``folder``, or take over what is there of them.

    Args:
        items: in the order in which their sources give them.
        preparation: what is made of each.
        folder: where ``pictures.npy`` lies or shall lie.
        progress: told how many pictures are decoded, of how many.

    Raises:
        SourceError: no picture can be read.
    """
    digest = _digest(items, preparation)
    kept, stamp = folder / "pictures.npy", folder / "pictures.json"
    if not stamp.is_file() or json.loads(stamp.read_text())["sha256"] != digest:
        folder.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        reasons = _decode(items, preparation, kept, progress)
        stamp.write_text(json.dumps({"sha256": digest, "reasons": reasons}))
    reasons = json.loads(stamp.read_text())["reasons"]
    good = [item for item, reason in zip(items, reasons, strict=True) if not reason]
    if not good:
        raise SourceError("none of the pictures can be read; see 'simsearch index build --strict'")
    pixels = np.load(kept, mmap_mode="r", allow_pickle=False)[: len(good)]
    return Decoded(pixels, good, Counter(filter(None, reasons)))


def _digest(items: Sequence[Item], preparation: Preparation) -> str:
    """Equal where the same files, unchanged, would be decoded in the same way."""
    places = [[item.key, *vars(item.picture).values()] for item in items]
    files = [[path, *_version(path)] for path in sorted({item.picture.path for item in items})]
    parts = [preparation.name, preparation.side, places, files]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _version(path: str) -> tuple[int, int]:
    """Size and time of change; zeros where it has gone."""
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _decode(
    items: Sequence[Item], preparation: Preparation, path: Path, progress: Progress
) -> list[str]:
    """Write all pictures, the usable ones first; of each the reason why it is not, else ``""``."""
    reasons: list[str] = []
    shape = (len(items), preparation.side, preparation.side, 3)
    pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    written = 0
    for one in read_prepared((item.picture for item in items), preparation):
        if isinstance(one, str):
            reasons.append(one)
        else:
            pixels[written] = one
            written += 1
            reasons.append("")
        progress(len(reasons), len(items))
    pixels.flush()
    return reasons


def read_prepared(
    pictures: Iterable[Picture], preparation: Preparation
) -> Iterator[Pictures | str]:
    """Decode pictures on all cores, in their order; the reason code of one that is unusable."""

    def made(picture: Picture) -> Pictures | str:
        try:
            return preparation.make(reader.read(picture).rgb())
        except PictureError as error:
            return error.code

    todo = list(pictures)
    with PictureReader() as reader, ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(todo), _CHUNK):
            yield from pool.map(made, todo[start : start + _CHUNK])
