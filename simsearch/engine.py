"""The search engine: an opened index that answers pictures."""

import datetime as dt
import time
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.ahead import Ahead
from simsearch.answer import Answer, Query, describe, order_notes
from simsearch.catalog import Catalog
from simsearch.copies import CopyFinder, seen_before
from simsearch.encoders import Encoder, restore_encoder
from simsearch.errors import SalesError, UsageError
from simsearch.filters import Filter
from simsearch.grouping import groups
from simsearch.grouping.groups import Groups
from simsearch.images import RGB, load_image
from simsearch.index import open_index
from simsearch.pricing.desk import PriceDesk, Subject, Valuation
from simsearch.recognition.membership import Membership, Recogniser, open_classifier
from simsearch.retrieval import TRAITS, Retriever
from simsearch.space.spaces import Spaces
from simsearch.store import store
from simsearch.store.descriptors import NAME as DESCRIPTORS
from simsearch.store.descriptors import Descriptors
from simsearch.store.manifest import Manifest
from simsearch.store.thumbnails import Thumbnails
from simsearch.traits.recognisers import TraitRecognisers

SPACES = {"look": 0.0, "traits": TRAITS}
"""Named balances between look (0) and traits (1)."""


class SearchEngine:
    """An index opened for reading; safe to share between threads.

    Attributes:
        folder: where the index lies.
        manifest: what the index says of itself.
        catalog: its items.
        retriever: finds neighbours of descriptors.
        desk: prices pictures from the sales of the index.
        thumbnails: small pictures, in catalog order.
        traits: reads the traits of pictures.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, *, weights: Path | None = None, ahead: bool = False
    ) -> None:
        """Open the files of a folder whose manifest was read; see ``open``."""
        self.folder = folder
        self.manifest = manifest
        self._weights = weights
        self._encoder = Ahead(self._load_encoder)
        if ahead:
            self._encoder.start()
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
        self._copies = CopyFinder.open(folder, self.retriever)
        self.desk = PriceDesk.open(folder, self.catalog, self.retriever.spaces)
        codes, names = self.catalog.collection_codes, list(self.catalog.collections)
        self._recogniser = Recogniser(open_classifier(folder, names), index, codes, names)
        grouped = folder / groups.NAME
        self._groups = Groups.open(grouped) if grouped.exists() else None
        self.traits = TraitRecognisers.of_index(folder)

    @classmethod
    def open(
        cls, folder: Path | str, *, weights: Path | None = None, ahead: bool = False
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
            Path(folder), lambda place, found: cls(place, found, weights=weights, ahead=ahead)
        )

    @property
    def encoder(self) -> Encoder:
        """The encoder that made the index.

        Raises:
            WeightsError: its weights are not at hand.
            StoreError: the running encoder is not the one that made the index.
        """
        return self._encoder.result()

    def _load_encoder(self) -> Encoder:
        stamp = self.manifest.encoder
        encoder = restore_encoder(**vars(stamp), weights=self._weights, folder=self.folder)
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
        descriptor, undone = self.undo_edits(versions[best], descriptors[best])
        ended = time.perf_counter()
        timing = {"decode": 1e3 * (decoded - start), "encode": 1e3 * (ended - decoded)}
        return Query(name, descriptor, versions[best], undone=undone, timing_ms=timing)

    def undo_edits(
        self, rgb: RGB, descriptor: NDArray[np.floating[Any]]
    ) -> tuple[NDArray[np.floating[Any]], str]:
        """What a picture was before it was edited, where it is a copy of an indexed one.

        Args:
            rgb: uint8 (h, w, 3).
            descriptor: (dim,), its own.

        Returns:
            The descriptor to ask with, and what was undone: empty where it is the picture's own.
        """
        if self._copies is None:
            return descriptor, ""
        found = self._copies.undo(descriptor, lambda: seen_before(rgb, self.encoder))
        return (descriptor, "") if found is None else (found.descriptor, found.name)

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
        descriptor = self.retriever.descriptors.rows([row])[0]
        return Query(key, descriptor, rgb, row, timing_ms=timing)

    def answer(
        self,
        query: Query,
        k: int = 10,
        *,
        balance: float | None = None,
        only: Filter = Filter(),  # noqa: B008 -- frozen
        as_of: dt.date | None = None,
    ) -> Answer:
        """Say all that the index knows of a picture.

        Args:
            query: from ``read`` or ``item``.
            k: how many items to find, 1 or more.
            balance: 0 = look, 1 = traits; the index's own by default.
            only: conditions that every item found meets.
            as_of: day of the price; today by default.

        Raises:
            UsageError: k below 1, or a filter that names what the index does not have.
        """
        if k < 1:
            raise UsageError(f"-k {k}: ask for 1 neighbour or more")
        start = time.perf_counter()
        allowed = self._allowed(query, only)
        balance = self.balance if balance is None else balance
        found = self.retriever.search(
            query.descriptor[None], min(k, len(self.catalog)), balance=balance, allowed=allowed
        )
        there = found.ids[0] >= 0
        neighbors = describe(self.catalog, found.ids[0][there], found.distances[0][there])
        searched = time.perf_counter()
        membership = self.identify(query)
        value, no_value = self.try_price(query, membership, as_of)
        spent = {"search": searched - start, "value": time.perf_counter() - searched}
        timing = dict(query.timing_ms) | {name: 1e3 * seconds for name, seconds in spent.items()}
        return Answer(
            query,
            neighbors,
            among=len(self.catalog) if allowed is None else int(allowed.sum()),
            membership=membership,
            value=value,
            no_value=no_value,
            cluster=self.group_of(query),
            timing_ms=timing | {"total": sum(timing.values())},
            notes=order_notes(self.retriever, found, balance),
        )

    def identify(self, query: Query) -> Membership:
        """Name the collection that a picture belongs to, or the one that is nearest.

        Of an indexed item it is the one that the catalog says.
        """
        if query.row >= 0:
            return Membership(self.catalog.item(query.row).collection, 1.0, known=True)
        vectors = self.retriever.spaces.look.transform(query.descriptor[None])
        return self._recogniser.identify(vectors[0])

    def price(
        self,
        query: Query,
        membership: Membership,
        as_of: dt.date | None = None,
        *,
        force: bool = False,
    ) -> Valuation:
        """Say what a picture would fetch as a member of its collection.

        Args:
            query: from ``read`` or ``item``.
            membership: from ``identify``.
            as_of: only sales of earlier days count; today by default.
            force: price a picture of no indexed collection as one of the nearest collection.

        Raises:
            SalesError: it belongs to no indexed collection, or nothing of it was sold before.
        """
        if not (membership.known or force):
            raise SalesError(
                "no price: the picture belongs to no indexed collection; "
                f"the nearest is {membership.name}, 'simsearch price --force' prices it as of that"
            )
        subject = Subject(query.descriptor, query.row)
        return self.desk.price(subject, membership.name, as_of or dt.date.today())

    def try_price(
        self, query: Query, membership: Membership, as_of: dt.date | None = None
    ) -> tuple[Valuation | None, str]:
        """The price of a picture, or why there is none."""
        try:
            return self.price(query, membership, as_of), ""
        except SalesError as error:
            return None, str(error)

    def group_of(self, query: Query) -> int | None:
        """Group of a picture, None where the index has no groups."""
        if query.row >= 0:
            group: int | None = self.catalog.column("cluster")[query.row].as_py()
            return group
        return int(self._groups.labels(query.descriptor[None])[0]) if self._groups else None

    def _allowed(self, query: Query, only: Filter) -> NDArray[np.bool_] | None:
        if not only and query.row < 0:
            return None
        allowed = only.mask(self.catalog)
        if query.row >= 0:
            allowed[query.row] = False
        return allowed
