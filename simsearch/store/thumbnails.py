"""Thumbnails on disk: all small pictures in one file, and where each one starts."""

import threading
import weakref
from pathlib import Path
from tokenize import TokenError

import numpy as np

from simsearch.errors import StoreError

NAME = "thumbnails.bin"
OFFSETS = "thumbnails.npy"


class ThumbnailWriter:
    """Append the encoded bytes of one thumbnail after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = (folder / NAME).open("wb")
        weakref.finalize(self, self._file.close)
        self._offsets = [0]

    def append(self, picture: bytes) -> None:
        """Append one thumbnail; empty bytes where there is none."""
        self._file.write(picture)
        self._offsets.append(self._offsets[-1] + len(picture))

    def close(self) -> None:
        """Write the offsets, int64 (n + 1,)."""
        self._file.close()
        np.save(self._folder / OFFSETS, np.array(self._offsets, np.int64), allow_pickle=False)


class Thumbnails:
    """Thumbnails in catalog order; the file stays open as long as this object lives."""

    def __init__(self, folder: Path) -> None:
        try:
            self._offsets = np.load(folder / OFFSETS, allow_pickle=False)
            self._file = (folder / NAME).open("rb")
            weakref.finalize(self, self._file.close)
            size = (folder / NAME).stat().st_size
            if self._offsets.ndim != 1 or not (np.diff(self._offsets, prepend=0) >= 0).all():
                raise ValueError(f"{OFFSETS} holds no ascending offsets")
        except (OSError, EOFError, TypeError, ValueError, SyntaxError, TokenError) as error:
            raise StoreError(f"{folder}: no thumbnails ({error}); build the index again") from error
        self._lock = threading.Lock()
        if size != self._offsets[-1]:
            raise StoreError(f"{folder / NAME}: {size} bytes, not {self._offsets[-1]}; build again")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, row: int) -> bytes:
        start, stop = self._offsets[row : row + 2].tolist()
        with self._lock:
            self._file.seek(start)
            return self._file.read(stop - start)
