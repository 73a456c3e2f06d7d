"""The search engine: an opened index that answers pictures."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Catalog, LastSale, Trait
from simsearch.encoders import Encoder, restore_encoder
from simsearch.errors import UsageError
from simsearch.filters import Filter
from simsearch.images import RGB, load_image
from simsearch.index import open_index
from simsearch.retrieval import TRAITS, Retriever
from simsearch.space.spaces import Spaces
from simsearch.store import store
from simsearch.store.descriptors import NAME as DESCRIPTORS
from simsearch.store.descriptors import Descriptors
from simsearch.store.manifest import Manifest
from simsearch.store.thumbnails import Thumbnails

SPACES = {"look": 0.0, "traits": TRAITS}
"""Named balances between look (0) and traits (1)."""


@dataclass(frozen=True)
class Query:
    """One picture that asks.

    Attributes:
        name: what people call it: a file name, ``-`` or a key.
        descriptor: (dim,), float16 as the index keeps them: an indexed picture equals its own.
        rgb: its pixels; of an indexed item its thumbnail.
        row: its catalog row where it is an indexed item, else -1.
        timing_ms: milliseconds spent on ``decode`` and ``encode``.
    """

    name: str
    descriptor: NDArray[np.floating[Any]]
    rgb: RGB
    row: int = -1
    timing_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Neighbor:
    """One item of an answer; ``distance`` is the final score, 0 to 2, smaller is nearer."""

    rank: int
    row: int
    collection: str
    token_id: str
    distance: float
    last_sale: LastSale | None
    traits: tuple[Trait, ...]
    cluster: int | None

    @property
    def key(self) -> str:
        """``collection/token_id``."""
        return f"{self.collection}/{self.token_id}"


@dataclass(frozen=True)
class Answer:
    """What the index says of one picture.

    Attributes:
        query: the picture.
        neighbors: the items nearest to it, nearest first.
        among: how many items could be found: those that meet the conditions.
        timing_ms: milliseconds spent on ``decode``, ``encode``, ``search`` and in ``total``.
    """

    query: Query
    neighbors: list[Neighbor]
    among: int
    timing_ms: Mapping[str, float]


class SearchEngine:
    """An index opened for reading; safe to share between threads.

    Attributes:
        folder: where the index lies.
        manifest: what the index says of itself.
        catalog: its items.
        retriever: finds neighbours of descriptors.
        thumbnails: small pictures, in catalog order.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, *, weights: Path | None = None, ahead: bool = False
    ) -> None:
        """Open the files of a folder whose manifest was read; see ``open``."""
        self.folder = folder
        self.manifest = manifest
        self._weights = weights
        self._lock = threading.Lock()
        if ahead:
            self._start_encoder()
        self.catalog = Catalog.read(folder / store.CATALOG)
        self.thumbnails = Thumbnails(folder)
        kept, index = Descriptors(folder / DESCRIPTORS), open_index(folder)
        for count, what in (
            (len(kept), "descriptors.npy"),
            (index.size, "vectors.npy"),
            (len(self.thumbnails), "thumbnails.npy"),
        ):
            self.catalog.require_rows(count, what)
        self.retriever = Retriever(Spaces.open(folder), index, kept, self.catalog)

    @classmethod
    def open(
        cls, folder: Path, *, weights: Path | None = None, ahead: bool = False
    ) -> "SearchEngine":
        """Open an index that may be replaced meanwhile: all of it is of one build.

        Args:
            folder: the index.
            weights: file of the encoder's weights where they are not the published ones.
            ahead: load the encoder meanwhile, in a thread, instead of when it is first needed.

        Raises:
            StoreError: there is no index, it is damaged, or made by another program or format.
        """
        return store.read_whole(
            folder, lambda place, found: cls(place, found, weights=weights, ahead=ahead)
        )

    @property
    def encoder(self) -> Encoder:
        """The encoder that made the index.

        Raises:
            WeightsError: its weights are not at hand.
            StoreError: the running encoder is not the one that made the index.
        """
        return self._start_encoder().result()

    def _start_encoder(self) -> "Future[Encoder]":
        with self._lock:
            return self._loading

    @cached_property
    def _loading(self) -> "Future[Encoder]":
        pool = ThreadPoolExecutor(1, thread_name_prefix="simsearch-encoder")
        loading = pool.submit(self._load_encoder)
        pool.shutdown(wait=False)
        return loading

    def _load_encoder(self) -> Encoder:
        stamp = self.manifest.encoder
        encoder = restore_encoder(stamp.name, stamp.settings, weights=self._weights)
        self.manifest.require_encoder(encoder, self.folder)
        return encoder

    @property
    def balance(self) -> float:
        """Balance between look and traits that the index was built for."""
        return SPACES[str(self.manifest.settings.get("space", "look"))]

    def read(self, data: bytes, name: str) -> Query:
        """Make a query of an encoded picture.

        A transparent one is seen on each background that indexed collections have; the one on which
        something indexed looks most alike is taken.

        Raises:
            PictureError: the bytes are no usable picture.
        """
        start = time.perf_counter()
        versions = self._versions(data)
        decoded = time.perf_counter()
        encoder = self.encoder
        prepared = np.stack([encoder.prepare(rgb) for rgb in versions])
        descriptors = encoder.encode(prepared).astype(np.float16)
        best = self._nearest_version(descriptors)
        ended = time.perf_counter()
        timing = {"decode": 1e3 * (decoded - start), "encode": 1e3 * (ended - decoded)}
        return Query(name, descriptors[best], versions[best], timing_ms=timing)

    def _versions(self, data: bytes) -> list[RGB]:
        """The picture on white and on every background of the index where that makes it another."""
        white = load_image(data)
        others = (load_image(data, background=colour) for colour in self._backgrounds)
        return [white, *(rgb for rgb in others if not np.array_equal(rgb, white))]

    @cached_property
    def _backgrounds(self) -> list[str]:
        return sorted(filter(None, self.catalog.column("background").unique().to_pylist()))

    def _nearest_version(self, descriptors: NDArray[np.float16]) -> int:
        if len(descriptors) == 1:
            return 0
        vectors = self.retriever.spaces.look.transform(descriptors)
        return int(self.retriever.index.search(vectors, 1).distances[:, 0].argmin())

    def item(self, key: str) -> Query:
        """Make a query of an indexed item; it leaves itself out of its answer.

        Raises:
            ItemNotFoundError: the index has no such item.
        """
        row = self.catalog.row(key)
        start = time.perf_counter()
        rgb = load_image(self.thumbnails[row])
        timing = {"decode": 1e3 * (time.perf_counter() - start), "encode": 0.0}
        return Query(key, self.retriever.descriptors.rows([row])[0], rgb, row, timing)

    def answer(
        self,
        query: Query,
        k: int = 10,
        *,
        balance: float | None = None,
        only: Filter = Filter(),  # noqa: B008 -- frozen
    ) -> Answer:
        """Find the items nearest to a picture.

        Args:
            query: from ``read`` or ``item``.
            k: how many, 1 or more.
            balance: 0 = look, 1 = traits; the index's own by default.
            only: conditions that every item found meets.

        Raises:
            UsageError: k below 1, or a filter that names what the index does not have.
        """
        if k < 1:
            raise UsageError(f"-k {k}: ask for 1 neighbour or more")
        start = time.perf_counter()
        allowed = self._allowed(query, only)
        found = self.retriever.search(
            query.descriptor[None],
            k,
            balance=self.balance if balance is None else balance,
            allowed=allowed,
        )
        there = found.ids[0] >= 0
        neighbors = self._describe(found.ids[0][there], found.distances[0][there])
        timing = dict(query.timing_ms) | {"search": 1e3 * (time.perf_counter() - start)}
        among = len(self.catalog) if allowed is None else int(allowed.sum())
        return Answer(query, neighbors, among, timing | {"total": sum(timing.values())})

    def _allowed(self, query: Query, only: Filter) -> NDArray[np.bool_] | None:
        if not only and query.row < 0:
            return None
        allowed = only.mask(self.catalog)
        if query.row >= 0:
            allowed[query.row] = False
        return allowed

    def _describe(self, rows: NDArray[np.int64], distances: NDArray[np.float32]) -> list[Neighbor]:
        items = self.catalog.items(rows.tolist())
        clusters = self.catalog.column("cluster")
        return [
            Neighbor(
                rank=place + 1,
                row=int(row),
                collection=item.collection,
                token_id=item.token_id,
                distance=float(distance),
                last_sale=self.catalog.last_sale(row),
                traits=item.traits,
                cluster=clusters[row].as_py(),
            )
            for place, (row, distance, item) in enumerate(
                zip(rows.tolist(), distances, items, strict=True)
            )
        ]
