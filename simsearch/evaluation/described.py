"""Pictures and noised copies of them, described after every way of preprocessing."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Item
from simsearch.encoders import Encoder
from simsearch.encoders.preprocessed import preprocessed
from simsearch.errors import PictureError, SourceError
from simsearch.evaluation.noise import NOISES, noised_copies
from simsearch.images import RGB, pixel_hash
from simsearch.preprocessing import Preprocessing
from simsearch.sources.reader import PictureReader

Descriptors = NDArray[np.float16]

CLEAN = "clean"
KINDS = (CLEAN, *NOISES)
"""What asks: pictures as they are, and copies with each noise."""
TIMED = 20
"""Pictures of each collection, at most, on which the time of the processor is taken."""
_BATCH = 32


@dataclass(frozen=True)
class Way:
    """One way of preprocessing and what it makes of all pictures.

    Attributes:
        preprocessing: the steps.
        descriptors: kind → float16 (n, dim), of all pictures with that noise.
        file_bytes: mean size of a picture's file.
        milliseconds: of the processor for the steps of a picture, on average.
    """

    preprocessing: Preprocessing
    descriptors: Mapping[str, Descriptors]
    file_bytes: float
    milliseconds: float


@dataclass
class Seen:
    """What was made of the pictures so far.

    Attributes:
        items: those that could be read.
        pixels: hash of each decoded picture.
        sides: of each, the longer one in pixels.
        parts: way and kind → batches of descriptors.
        sizes: way → bytes of all files together.
        times: way → seconds of the processor for some pictures.
    """

    items: list[Item] = field(default_factory=list)
    pixels: list[str] = field(default_factory=list)
    sides: list[int] = field(default_factory=list)
    parts: dict[tuple[str, str], list[Descriptors]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)

    def add(self, one: "_Read") -> None:
        """Note all but the descriptors of a picture."""
        self.items.append(one.item)
        self.pixels.append(pixel_hash(one.rgb))
        self.sides.append(max(one.rgb.shape[:2]))
        for name, size in one.sizes.items():
            self.sizes[name] += size

    def way(self, name: str, steps: Preprocessing) -> Way:
        """All that is known of one way."""
        descriptors = {kind: np.concatenate(self.parts[name, kind]) for kind in KINDS}
        spent = 1e3 * float(np.mean(self.times[name]))
        return Way(steps, descriptors, self.sizes[name] / len(self.items), spent)


@dataclass(frozen=True)
class _Read:
    """One picture as reader threads leave it."""

    item: Item
    rgb: RGB
    prepared: Mapping[tuple[str, str], RGB]
    sizes: Mapping[str, int]


def describe(
    items: Sequence[Item],
    encoder: Encoder,
    ways: Mapping[str, Preprocessing],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Seen:
    """Read every picture once, and describe it and its noised copies in every way.

    Args:
        items: the pictures.
        encoder: what describes them, without preprocessing.
        ways: name → steps.
        progress: told how many pictures are done, of how many.

    Raises:
        SourceError: none of them can be read.
    """
    seen = Seen(sizes=dict.fromkeys(ways, 0), times={name: [] for name in ways})
    encoders = {name: preprocessed(encoder, steps) for name, steps in ways.items()}
    timed: Counter[str] = Counter()
    for done, batch in _batches(items, encoders, ways):
        for one in batch:
            seen.add(one)
            timed[one.item.collection] += 1
            if timed[one.item.collection] <= TIMED:
                _take_time(seen, ways, one.rgb)
        for place in batch[0].prepared if batch else ():
            prepared = np.stack([one.prepared[place] for one in batch])
            seen.parts.setdefault(place, []).append(encoder.encode(prepared).astype(np.float16))
        progress(done, len(items))
    if not seen.items:
        raise SourceError("none of the pictures can be read; see 'simsearch index build --strict'")
    return seen


def _take_time(seen: Seen, ways: Mapping[str, Preprocessing], rgb: RGB) -> None:
    """Processor time of the steps, while no other thread of this process works."""
    for name, steps in ways.items():
        start = time.process_time()
        steps(rgb)
        seen.times[name].append(time.process_time() - start)


def _batches(
    items: Sequence[Item], encoders: Mapping[str, Encoder], ways: Mapping[str, Preprocessing]
) -> Iterator[tuple[int, list[_Read]]]:
    """Usable pictures a batch at a time, and how many have been looked at."""

    def read(item: Item) -> _Read | None:
        try:
            rgb = reader.read(item.picture).rgb()
        except PictureError:
            return None
        copies = {CLEAN: rgb, **noised_copies(rgb, item.key)}
        prepared = {
            (name, kind): one.prepare(copy)
            for name, one in encoders.items()
            for kind, copy in copies.items()
        }
        sizes = {name: len(steps.file_bytes(rgb)) for name, steps in ways.items()}
        return _Read(item, rgb, prepared, sizes)

    with PictureReader() as reader, ThreadPoolExecutor() as pool:
        for start in range(0, len(items), _BATCH):
            batch = items[start : start + _BATCH]
            found = [one for one in pool.map(read, batch) if one is not None]
            yield start + len(batch), found
