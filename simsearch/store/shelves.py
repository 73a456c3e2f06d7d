"""Encoded pictures on disk, found again by their content: nothing is encoded twice.

A shelf is a folder with a catalog, descriptors and thumbnails in one order: a finished index is
one, and so is each part of an unfinished build.
"""

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Catalog, Item
from simsearch.errors import StoreError
from simsearch.store import descriptors, store
from simsearch.store.descriptors import Descriptors, DescriptorWriter
from simsearch.store.manifest import EncoderStamp, Manifest
from simsearch.store.thumbnails import Thumbnails, ThumbnailWriter

FACTS = ("content_hash", "pixel_hash", "width", "height")


@dataclass(frozen=True)
class Facts:
    """What is known of a decoded picture besides its descriptor."""

    content_hash: str
    pixel_hash: str
    width: int
    height: int
    thumbnail: bytes = field(repr=False)


class Shelf:
    """One folder of encoded pictures, opened for reading."""

    def __init__(self, folder: Path) -> None:
        self.catalog = Catalog.read(folder / store.CATALOG)
        self.descriptors = Descriptors(folder / descriptors.NAME)
        self.thumbnails = Thumbnails(folder)
        self.contents: list[str] = self.catalog.column("content_hash").to_pylist()
        self.catalog.require_rows(len(self.descriptors), "descriptors.npy")
        self.catalog.require_rows(len(self.thumbnails), "thumbnails.npy")

    @cached_property
    def facts(self) -> list[list[object]]:
        """The columns ``FACTS`` as lists."""
        return [self.catalog.column(name).to_pylist() for name in FACTS]


class ShelfWriter:
    """Write a shelf picture by picture; it appears under its name all at once, when closed."""

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder = folder
        self._unfinished = folder.with_name(f"{folder.name}.unfinished")
        shutil.rmtree(self._unfinished, ignore_errors=True)
        self._unfinished.mkdir(parents=True)
        self._descriptors = DescriptorWriter(self._unfinished / descriptors.NAME, dim)
        self._thumbnails = ThumbnailWriter(self._unfinished)
        self._items: list[Item] = []
        self._facts: list[Facts] = []

    def append(self, item: Item, facts: Facts, descriptor: NDArray[np.float16]) -> None:
        """Append one picture."""
        self._descriptors.append(descriptor[None])
        self._thumbnails.append(facts.thumbnail)
        self._items.append(item)
        self._facts.append(facts)

    def close(self) -> None:
        """Finish the shelf."""
        self._descriptors.close()
        self._thumbnails.close()
        columns = {name: [getattr(entry, name) for entry in self._facts] for name in FACTS}
        Catalog.from_items(self._items, **columns).write(self._unfinished / store.CATALOG)
        self._unfinished.rename(self._folder)


@dataclass(frozen=True)
class Place:
    """Where an encoded picture stands: which shelf, which row."""

    shelf: int
    row: int


class Shelves:
    """All encoded pictures that a build may use: those of the index before, and its own parts.

    Attributes:
        shelves: the open shelves; the index before, where there is one, is the first.
        previous: the index before.
        encoded: number of pictures that were encoded since this was opened.
    """

    def __init__(self, parts: Path, stamp: EncoderStamp, previous: Shelf | None = None) -> None:
        """Open what can be used.

        Args:
            parts: folder of the parts of an unfinished build; emptied where another encoder
                made them.
            stamp: the running encoder.
            previous: the index before, if the same encoder made it.
        """
        self.shelves: list[Shelf] = []
        self.previous = previous
        self.encoded = 0
        self._places: dict[str, Place] = {}
        self._parts = parts
        self._next = 0
        if previous is not None:
            self._put(previous)
        self._stamp = stamp
        self._empty_foreign_parts()
        for folder in sorted(parts.glob("part-??????")):
            try:
                self._put(Shelf(folder))
            except StoreError:  # the power went off: its pictures are encoded again
                shutil.rmtree(folder)
            self._next = int(folder.name[-6:]) + 1

    def _empty_foreign_parts(self) -> None:
        with contextlib.suppress(StoreError):
            if Manifest.read(self._parts).encoder == self._stamp:
                return
        shutil.rmtree(self._parts, ignore_errors=True)

    def _put(self, shelf: Shelf) -> None:
        self.shelves.append(shelf)
        number = len(self.shelves) - 1
        for row, content in enumerate(shelf.contents):
            self._places.setdefault(content, Place(number, row))

    def find(self, content: str) -> Place | None:
        """Where the picture of this content stands, if it was encoded before."""
        return self._places.get(content)

    @property
    def dim(self) -> int:
        """Width of the descriptors; 0 where nothing was encoded yet."""
        return max((shelf.descriptors.dim for shelf in self.shelves), default=0)

    def new_part(self, dim: int) -> ShelfWriter:
        """Begin the next part."""
        if not self._parts.exists():
            self._parts.mkdir(parents=True)
            Manifest(self._stamp, dim, 0).write(self._parts)
        return ShelfWriter(self._parts / f"part-{self._next:06d}", dim)

    def add_part(self) -> None:
        """Open the part that was begun last and is closed now."""
        shelf = Shelf(self._parts / f"part-{self._next:06d}")
        self._put(shelf)
        self._next += 1
        self.encoded += len(shelf.catalog)

    def gather(self, places: Sequence[Place]) -> NDArray[np.float16]:
        """Descriptors from several shelves in the order asked for."""
        number = np.array([place.shelf for place in places])
        rows = np.array([place.row for place in places])
        found = np.empty((len(places), self.dim), dtype=np.float16)
        for shelf in np.unique(number):
            here = number == shelf
            found[here] = self.shelves[shelf].descriptors.rows(rows[here])
        return found

    def thumbnail(self, place: Place) -> bytes:
        """Thumbnail of an encoded picture."""
        return self.shelves[place.shelf].thumbnails[place.row]

    def facts(self, places: Sequence[Place]) -> dict[str, list[object]]:
        """The columns ``FACTS`` of several pictures."""
        return {
            name: [self.shelves[place.shelf].facts[column][place.row] for place in places]
            for column, name in enumerate(FACTS)
        }
