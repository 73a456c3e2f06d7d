"""Pictures of an index as several encoders take them, read once, and what these make of them."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.arrow import row_numbers
from simsearch.encoders import Encoder, fingerprint
from simsearch.engine import SearchEngine
from simsearch.evaluation.blocks import prepared
from simsearch.evaluation.retrieval import Progress
from simsearch.images import RGB
from simsearch.store.manifest import EncoderStamp

Ids = NDArray[np.int64]
Pictures = NDArray[np.uint8]
Descriptors = NDArray[np.float16]

_KEPT_SIDE = 64
"""Pixels on a side up to which prepared pictures are kept."""
_BATCH = 64


class Album:
    """Some items of an index, described by encoders.

    Encoders whose ``settings`` name one side prepare pictures alike: small ones are read once for
    all of them.
    """

    def __init__(
        self,
        engine: SearchEngine,
        rows: Ids,
        *,
        folder: Path | None = None,
        progress: Progress = lambda stage, done, total: None,
    ) -> None:
        """Name the items; nothing is read yet.

        Args:
            engine: the index.
            rows: int64 (n,), catalog rows, ascending.
            folder: where all is kept for the next run; by default this run alone has it.
            progress: told how far it is.
        """
        self._engine = engine
        self._rows = rows
        self._folder = folder
        self._progress = progress
        self._pictures: dict[int, Pictures] = {}
        self._descriptors: dict[str, Descriptors] = {}
        self._digest = _digest(engine, rows) if folder else ""

    def read(self, encoders: Sequence[Encoder]) -> None:
        """Read the pictures once for all encoders that take small ones.

        Raises:
            SourceError: a picture cannot be read from its source any more.
        """
        sides = {side_of(one): one for one in encoders if side_of(one) <= _KEPT_SIDE}
        for side in sides:
            found = self._kept(f"{side} px")
            if found is not None:
                self._pictures.setdefault(side, found)
        missing = {side: one for side, one in sides.items() if side not in self._pictures}
        if missing:
            self._read(missing)

    def _read(self, encoders: Mapping[int, Encoder]) -> None:
        """Read the pictures for encoders of several sides."""
        made: dict[int, Pictures] = {
            side: np.empty((len(self._rows), side, side, 3), dtype=np.uint8) for side in encoders
        }

        def prepare(rgb: RGB) -> list[Pictures]:
            return [one.prepare(rgb) for one in encoders.values()]

        for start, batch in prepared(self._engine.catalog, self._rows, prepare):
            for place, pictures in enumerate(made.values()):
                pictures[start : start + len(batch)] = [one[place] for one in batch]
            self._progress("reading pictures", start + len(batch), len(self._rows))
        for side, pictures in made.items():
            self._pictures[side] = self._keep(f"{side} px", pictures)

    def pictures(self, encoder: Encoder, rows: Ids) -> Pictures:
        """Pictures (n, side, side, 3) of some items as a small encoder takes them."""
        self.read([encoder])
        return self._pictures[side_of(encoder)][np.searchsorted(self._rows, rows)]

    def descriptors(self, encoder: Encoder, rows: Ids) -> Descriptors:
        """Descriptors float16 (n, dim) of some items."""
        stamp = fingerprint(encoder)
        if EncoderStamp.of(encoder) == self._engine.manifest.encoder:
            return self._engine.retriever.descriptors.rows(rows)
        if stamp not in self._descriptors:
            found = self._kept(stamp)
            if found is None:
                found = self._keep(stamp, self._encoded(encoder))
            self._descriptors[stamp] = found
        return self._descriptors[stamp][np.searchsorted(self._rows, rows)]

    def read_now(self, encoder: Encoder, rows: Ids) -> Pictures:
        """Pictures of a few items as any encoder takes them."""
        if side_of(encoder) <= _KEPT_SIDE:
            return self.pictures(encoder, rows)
        batches = prepared(self._engine.catalog, rows, encoder.prepare)
        return np.stack([picture for _, batch in batches for picture in batch])

    def _encoded(self, encoder: Encoder) -> Descriptors:
        made = np.empty((len(self._rows), encoder.blocks[-1].stop), dtype=np.float16)
        if side_of(encoder) <= _KEPT_SIDE:
            for start in range(0, len(made), _BATCH):
                part = self.pictures(encoder, self._rows[start : start + _BATCH])
                self._encode(encoder, made, start, part)
        else:
            for start, batch in prepared(self._engine.catalog, self._rows, encoder.prepare):
                self._encode(encoder, made, start, np.stack(batch))
        return made

    def _encode(self, encoder: Encoder, made: Descriptors, start: int, batch: Pictures) -> None:
        made[start : start + len(batch)] = encoder.encode(batch)
        self._progress(f"encoding with {encoder.name}", start + len(batch), len(made))

    def _place(self, name: str) -> Path:
        named = hashlib.sha256(f"{self._digest} {name}".encode()).hexdigest()
        return Path(self._folder or "") / f"{named[:32]}.npy"

    def _kept(self, name: str) -> NDArray[Any] | None:
        if self._folder is None or not self._place(name).exists():
            return None
        kept: NDArray[Any] = np.load(self._place(name), mmap_mode="r", allow_pickle=False)
        return kept

    def _keep(self, name: str, made: NDArray[Any]) -> NDArray[Any]:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = self._place(name).with_suffix(".part.npy")
            np.save(partial, made, allow_pickle=False)
            partial.replace(self._place(name))
        return made


def side_of(encoder: Encoder) -> int:
    """Pixels on a side of the pictures that an encoder takes."""
    return int(str(encoder.settings["side"]))


def _digest(engine: SearchEngine, rows: Ids) -> str:
    """Of the contents of all pictures."""
    hashes = engine.catalog.column("content_hash").take(row_numbers(rows)).to_pylist()
    return hashlib.sha256("\n".join(map(str, hashes)).encode()).hexdigest()
