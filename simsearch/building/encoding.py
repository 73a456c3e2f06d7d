"""Pictures to descriptors, resumable: read and decoded by threads ahead of the encoder."""

import contextlib
import functools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Item, Skipped
from simsearch.encoders import Encoder
from simsearch.errors import PictureError, SalesError
from simsearch.images import pixel_hash, thumbnail
from simsearch.sources.reader import PictureReader, place_of
from simsearch.store.shelves import Facts, Place, ShelfWriter, Shelves

PART_ITEMS = 1024
"""Items between two points at which a killed build goes on."""
BATCH = 64
"""Pictures given to the encoder at once."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Encoding:
    """How pictures are encoded.

    Attributes:
        encoder: what makes descriptors.
        workers: threads that read and decode; 0 means one for each core.
        strict: stop at the first picture that cannot be used.
        progress: called with the number of items done and of all items.
    """

    encoder: Encoder
    workers: int = 0
    strict: bool = False
    progress: Callable[[int, int], None] = lambda done, total: None


@dataclass(frozen=True)
class _Read:
    """A picture as a reader thread leaves it; ``prepared`` is None where it is encoded already."""

    item: Item
    content: str = ""
    facts: Facts | None = None
    prepared: NDArray[np.uint8] | None = None
    problem: Skipped | None = None


def encode_items(
    items: Sequence[Item], shelves: Shelves, encoding: Encoding
) -> list[Place | Skipped]:
    """Encode what no shelf holds yet; every ``PART_ITEMS`` items a new part is finished.

    A picture whose content is on a shelf is not decoded. Batches depend only on the items and on
    the parts finished before, so a killed build that goes on makes the same descriptors.

    Returns:
        For each item where its descriptor stands, or why it has none.

    Raises:
        PictureError: in a strict run, the first picture that cannot be used.
    """
    reads: list[_Read] = []
    part = _Part(shelves, encoding.encoder)
    workers = encoding.workers or os.cpu_count() or 1
    with PictureReader() as reader, _pool(workers) as pool:
        read = functools.partial(_read, reader, shelves, encoding.encoder)
        for done, one in enumerate(in_order(pool, read, items, workers + 2 * BATCH), start=1):
            reads.append(part.add(one))
            if done % PART_ITEMS == 0 or done == len(items):
                part.finish()
            _stop_at_problem(reads[-1], encoding.strict)
            encoding.progress(done, len(items))
    return [part.place(one) for one in reads]


def _read(reader: PictureReader, shelves: Shelves, encoder: Encoder, item: Item) -> _Read:
    """Read one picture, and decode and prepare it where its content is not known."""
    try:
        encoded = reader.read(item.picture)
        if shelves.find(encoded.content_hash) is not None:
            return _Read(item, encoded.content_hash)
        rgb = encoded.rgb()
    except PictureError as error:
        return _Read(item, problem=skipped_item(item, error.code, str(error)))
    height, width, _ = rgb.shape
    facts = Facts(encoded.content_hash, pixel_hash(rgb), width, height, thumbnail(rgb))
    return _Read(item, encoded.content_hash, facts, encoder.prepare(rgb))


def skipped_item(item: Item, code: str, message: str) -> Skipped:
    """Say that an item was left out, and where its picture lies."""
    return Skipped(place_of(item.picture), code, f"{item.key}: {message}")


def _stop_at_problem(one: _Read, strict: bool) -> None:
    if strict and one.problem is not None:
        raise PictureError(one.problem.code, f"stopped at {one.problem.message}")


def stop_at_sale(unsold: Sequence[Skipped], encoding: Encoding | None) -> None:
    """Raise ``SalesError`` in a strict run where a sale cannot be used."""
    if unsold and encoding is not None and encoding.strict:
        first = unsold[0]
        raise SalesError(f"stopped at {first.source}: {first.message} ({first.code})")


class _Part:
    """The part being encoded: collects a batch, encodes it, writes it to a shelf."""

    def __init__(self, shelves: Shelves, encoder: Encoder) -> None:
        self._shelves = shelves
        self._encoder = encoder
        self._batch: list[_Read] = []
        self._queued: set[str] = set()
        self._writer: ShelfWriter | None = None

    def add(self, one: _Read) -> _Read:
        """Queue a picture of new content; give it back without its pixels."""
        new = one.prepared is not None and self._shelves.find(one.content) is None
        if new and one.content not in self._queued:
            self._queued.add(one.content)
            self._batch.append(one)
            if len(self._batch) == BATCH:
                self._encode()
        return _Read(one.item, one.content, problem=one.problem)

    def finish(self) -> None:
        """Encode what is queued and put the part on its shelf."""
        self._encode()
        if self._writer is not None:
            self._writer.close()
            self._shelves.add_part()
            self._writer = None

    def place(self, one: _Read) -> Place | Skipped:
        """Where a picture stands once all is finished."""
        place = None if one.problem else self._shelves.find(one.content)
        message = "the encoder gives it no usable descriptor; use another encoder"
        return place or one.problem or skipped_item(one.item, "no-descriptor", message)

    def _encode(self) -> None:
        if not self._batch:
            return
        batch, self._batch = self._batch, []
        prepared = np.stack([one.prepared for one in batch if one.prepared is not None])
        with np.errstate(over="ignore"):  # beyond float16 is infinite, which is refused below
            descriptors = self._encoder.encode(prepared).astype(np.float16)
        usable = np.isfinite(descriptors).all(1) & (descriptors != 0).any(1)
        for one, descriptor, good in zip(batch, descriptors, usable, strict=True):
            if good and one.facts is not None:
                self._writer = self._writer or self._shelves.new_part(len(descriptor))
                self._writer.append(one.item, one.facts, descriptor)


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that stop at once when the run ends early."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="simsearch-read")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def in_order(
    pool: ThreadPoolExecutor, function: Callable[[T], R], values: Iterable[T], most: int
) -> Iterator[R]:
    """Results of threads in the order of the values, at most so many ahead of who takes them."""
    waiting: deque[Future[R]] = deque()
    for value in values:
        waiting.append(pool.submit(function, value))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
