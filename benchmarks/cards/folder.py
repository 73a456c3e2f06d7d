"""The generated folder of playing cards: ``train/`` and ``test/`` with a folder for each class."""

import shutil
import zlib
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.cards.deck import CLASSES, Deck, face
from benchmarks.cards.photo import photograph

COUNTS: Mapping[str, int] = {"train": 100, "test": 5}
"""Pictures of each class."""
_PROCESSES = 2


def picture(name: str, number: int, split: str, seed: int) -> bytes:
    """One JPEG: a card of a deck that no other picture shows.

    Every picture has a generator of its own, so that neither the number nor the order of the others
    changes it.

    Args:
        name: one of ``CLASSES``.
        number: from 0.
        split: ``train`` or ``test``.
        seed: of the whole folder.
    """
    chance = np.random.default_rng([seed, zlib.crc32(f"{split}/{name}".encode()), number])
    return photograph(face(name, Deck.draw(chance)), chance)


def write_cards(folder: Path, counts: Mapping[str, int] = COUNTS, seed: int = 0) -> None:
    """Draw the whole folder; it is there once it is complete."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    wanted = [
        (part / split / name / f"{number:03}.jpg", name, number, split, seed)
        for split, count in counts.items()
        for name in CLASSES
        for number in range(count)
    ]
    with ProcessPoolExecutor(_PROCESSES) as pool:
        for _ in pool.map(_write, *zip(*wanted, strict=True), chunksize=20):
            pass
    part.rename(folder)


def _write(path: Path, name: str, number: int, split: str, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(name, number, split, seed))
