"""Planted collections: pictures put together from coloured layers, and the traits that say so."""

from dataclasses import dataclass

import numpy as np

from simsearch.catalog import Catalog, Item, Picture

SIDE = 32
LAYERS = {
    "background": (slice(0, 32), slice(0, 32)),
    "body": (slice(12, 32), slice(6, 26)),
    "eyes": (slice(16, 19), slice(10, 20)),
}
"""Rows and columns of each layer, a later one lying over the earlier ones."""
SPANS = (("grid", 0, SIDE * SIDE * 3),)


@dataclass(frozen=True)
class Collection:
    """Pictures as grids, and which colour each layer of each has."""

    name: str
    grids: np.ndarray
    choices: np.ndarray

    def items(self) -> list[Item]:
        return [
            Item(
                self.name,
                str(number),
                Picture("file", f"/{self.name}/{number}.png"),
                tuple((layer, f"c{one}") for layer, one in zip(LAYERS, chosen, strict=True)),
            )
            for number, chosen in enumerate(self.choices)
        ]


def paint(choices: np.ndarray, palettes: np.ndarray) -> np.ndarray:
    """Grids float16 (n, 3072) of the chosen colours (n, layers); palettes (layers, colours, 3)."""
    pictures = np.empty((len(choices), SIDE, SIDE, 3), dtype=np.float32)
    for layer, (rows, columns) in enumerate(LAYERS.values()):
        pictures[:, rows, columns] = palettes[layer][choices[:, layer], None, None]
    return pictures.reshape(len(choices), -1).astype(np.float16)


def collection(name: str, count: int, seed: int, colours: int = 4) -> Collection:
    """A collection with a palette of its own for each layer."""
    rng = np.random.default_rng(seed)
    palettes = rng.random((len(LAYERS), colours, 3))
    choices = rng.integers(0, colours, (count, len(LAYERS)))
    return Collection(name, paint(choices, palettes), choices)


def noisy(made: Collection, seed: int, sigma: float = 0.02) -> Collection:
    """The same with noise on every cell, so that no two distances are equal."""
    noise = np.random.default_rng(seed).normal(0, sigma, made.grids.shape)
    grids = np.clip(made.grids + noise, 0, 1).astype(np.float16)
    return Collection(made.name, grids, made.choices)


class Table:
    """Descriptors in memory; keeps which rows were read."""

    def __init__(self, descriptors: np.ndarray) -> None:
        self.descriptors = descriptors
        self.read: list[np.ndarray] = []

    def rows(self, ids) -> np.ndarray:
        self.read.append(np.asarray(ids))
        return self.descriptors[ids]


def joined(*collections: Collection) -> tuple[Catalog, Table]:
    """Catalog and descriptors of several collections."""
    items = [item for one in collections for item in one.items()]
    return Catalog.from_items(items), Table(np.concatenate([one.grids for one in collections]))
