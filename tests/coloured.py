"""Folders of noisy pictures of one colour each, for tests of classifiers, and how they are read."""

from pathlib import Path

import numpy as np
from PIL import Image

from simsearch.classifiers.labelled import Draw, LabelledPictures, read_labelled
from simsearch.sources import read_sources
from simsearch.training.decoding import square

COLOURS = {"blue": (20, 40, 220), "green": (30, 200, 60), "red": (220, 30, 30)}


def coloured(number: int, colour: tuple[int, int, int]) -> np.ndarray:
    """A picture uint8 (20, 20, 3), the same for the same number."""
    noise = np.random.default_rng([number, *colour]).integers(-20, 20, (20, 20, 3))
    return np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)


def paint(folder: Path, name: str, count: int, start: int = 0) -> None:
    """Pictures ``0.png``, ``1.png`` … of one colour in a folder of its name."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        Image.fromarray(coloured(number, COLOURS[name])).save(folder / name / f"{number}.png")


def labelled(source: Path, folder: Path, side: int = 16, **draw) -> LabelledPictures:
    """The pictures of a source as classifiers read them."""
    return read_labelled(read_sources([source]).items, Draw(**draw), square(side), folder)
