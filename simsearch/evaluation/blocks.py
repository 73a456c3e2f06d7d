"""Parts of descriptors, of one encoder or of several, that a look space can be fitted on."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simsearch.arrow import row_numbers
from simsearch.catalog import Catalog
from simsearch.encoders import Encoder
from simsearch.encoders.preprocessed import as_indexed
from simsearch.engine import SearchEngine
from simsearch.errors import PictureError, SourceError
from simsearch.images import RGB
from simsearch.pricing.price_space import PriceSpace
from simsearch.sources.reader import PictureReader
from simsearch.space.spaces import Rows

Ids = NDArray[np.int64]
T = TypeVar("T")

_BATCH = 64


@dataclass(frozen=True)
class Block:
    """One part of a descriptor.

    Attributes:
        name: for people: ``grid``, ``pixels``, or of a deep part the name of its encoder.
        kind: as ``LookSpace`` knows it: ``grid``, ``pixels`` or ``deep``.
        source: descriptors by catalog row.
        start, stop: its columns there.
    """

    name: str
    kind: str
    source: Rows
    start: int
    stop: int

    @property
    def shallow(self) -> bool:
        """Whether it is the picture itself."""
        return self.kind != "deep"

    def rows(self, ids: ArrayLike) -> NDArray[np.floating]:
        """This part of the descriptors of some catalog rows."""
        return self.source.rows(ids)[:, self.start : self.stop]


def blocks_of_index(engine: SearchEngine) -> list[Block]:
    """The parts of the descriptors that an index keeps."""
    name, found = engine.manifest.encoder.name, engine.retriever
    return _named(name, found.descriptors, found.spaces.look.spans)


def encoded_blocks(
    engine: SearchEngine,
    encoder: Encoder,
    rows: Ids,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Block]:
    """Encode the pictures of some catalog rows afresh, preprocessed as indexed; equal ones once.

    Raises:
        SourceError: a picture cannot be read from its source any more.
    """
    encoder = as_indexed(encoder, engine.manifest.encoder.settings, engine.folder)
    hashes = np.array(
        engine.catalog.column("content_hash").take(row_numbers(rows)).fill_null("").to_pylist()
    )
    _, first, place = np.unique(hashes, return_index=True, return_inverse=True)
    width = encoder.blocks[-1].stop
    made = np.empty((len(first), width), dtype=np.float16)
    for start, batch in prepared(engine.catalog, rows[first], encoder.prepare):
        made[start : start + len(batch)] = encoder.encode(np.stack(batch))
        progress(min(start + _BATCH, len(first)), len(first))
    spans = [(block.name, block.start, block.stop) for block in encoder.blocks]
    return _named(encoder.name, _Table(made, rows, place), spans)


def prepared(
    catalog: Catalog, rows: Ids, prepare: Callable[[RGB], T]
) -> Iterator[tuple[int, list[T]]]:
    """Pictures of some catalog rows, read from their sources and prepared by threads.

    Yields:
        Batches of pictures, each with the place of its first in ``rows``.

    Raises:
        SourceError: a picture cannot be read any more.
    """
    items = catalog.items(rows.tolist())
    with PictureReader() as reader, ThreadPoolExecutor() as pool:
        for start in range(0, len(items), _BATCH):
            batch = items[start : start + _BATCH]
            try:
                made = list(pool.map(lambda item: prepare(reader.read(item.picture).rgb()), batch))
            except PictureError as error:
                raise SourceError(
                    f"{error}; pictures that an encoder is to try must lie where they were indexed"
                ) from error
            yield start, made


@dataclass(frozen=True)
class _Table:
    """Descriptors made once for each different picture, read by catalog row."""

    made: NDArray[np.float16]
    known: Ids
    place: Ids

    def rows(self, ids: ArrayLike) -> NDArray[np.float16]:
        return self.made[self.place[np.searchsorted(self.known, ids)]]


def _named(encoder: str, source: Rows, spans: Sequence[tuple[str, int, int]]) -> list[Block]:
    return [
        Block(encoder if kind == "deep" else kind, kind, source, start, stop)
        for kind, start, stop in spans
    ]


@dataclass(frozen=True)
class _Joined:
    """Blocks side by side."""

    blocks: Sequence[Block]

    def rows(self, ids: ArrayLike) -> NDArray[np.floating]:
        return np.concatenate([block.rows(ids) for block in self.blocks], axis=1)


def look_vectors(blocks: Sequence[Block], rows: Ids, seed: int) -> NDArray[np.float32]:
    """Unit vectors of some catalog rows as prices see them, in a space fitted on these alone.

    Args:
        blocks: parts that are joined, shallow ones first.
        rows: int64 (n,), ascending.
        seed: of the draw that it is fitted on, and of the fit.
    """
    stops = np.cumsum([block.stop - block.start for block in blocks]).tolist()
    spans = [
        (block.kind, stop - block.stop + block.start, stop)
        for block, stop in zip(blocks, stops, strict=True)
    ]
    return PriceSpace.fit(_Joined(blocks), rows, spans, seed).vectors
