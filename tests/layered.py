"""Layered art with known labels: what is drawn, what is covered, what is rare."""

from dataclasses import dataclass

import numpy as np

SIDE = 12
VOCABULARY = (
    ("extra", "gem"),
    ("extra", "scar"),
    ("ground", "blue"),
    ("ground", "green"),
    ("hair", "long"),
    ("hair", "red"),
    ("hat", "cap"),
    ("hat", "crown"),
)
GEM, SCAR, BLUE, GREEN, LONG, RED, CAP, CROWN = range(len(VOCABULARY))
GEMS = 12
"""Items that have the rare trait."""


@dataclass(frozen=True)
class Layered:
    """Pictures with their labels.

    Attributes:
        pictures: uint8 (n, cells, 3).
        labels: bool (n, traits).
        covered: bool (n, traits), whether nobody could tell if the item has the trait.
    """

    pictures: np.ndarray
    labels: np.ndarray
    covered: np.ndarray

    @property
    def hidden(self) -> np.ndarray:
        """Bool (n, traits), labels that cannot be seen."""
        return self.labels & self.covered


def layered(count: int = 400, seed: int = 0) -> Layered:
    """A face in three colours on one of two grounds, hair under a hat, a scar, seldom a gem.

    A crown covers all hair, a cap one side of it, and the scar lies under long hair.
    """
    draw = np.random.default_rng(seed)
    labels = np.zeros((count, len(VOCABULARY)), dtype=bool)
    labels[np.arange(count), draw.choice([BLUE, GREEN], count)] = True
    for traits in ((LONG, RED), (CAP, CROWN)):
        chosen = draw.integers(0, 3, count)
        for place, trait in enumerate(traits):
            labels[chosen == place, trait] = True
    labels[draw.permutation(count)[:GEMS], GEM] = True
    labels[draw.random(count) < 0.3, SCAR] = True
    art = np.empty((count, SIDE, SIDE, 3), dtype=np.uint8)
    art[labels[:, BLUE]], art[labels[:, GREEN]] = (90, 120, 200), (90, 160, 90)
    faces = np.array([(250, 220, 190), (190, 140, 100), (110, 70, 50)], dtype=np.uint8)
    art[:, 4:10, 3:9] = faces[draw.integers(0, 3, count)][:, None, None]
    art[labels[:, SCAR], 6, 8] = (200, 40, 60)
    art[labels[:, GEM], 9, 5] = (40, 220, 220)
    art[labels[:, RED], 2:4, 3:9] = (220, 60, 20)
    art[labels[:, LONG], 2:4, 3:9] = (60, 40, 20)
    art[labels[:, LONG], 2:8, 8:10] = (60, 40, 20)
    art[labels[:, CAP], 1:4, 3:6] = (20, 20, 20)
    art[labels[:, CROWN], 1:8, 3:10] = (250, 210, 40)
    covered = np.zeros_like(labels)
    covered[:, [LONG, RED]] = labels[:, [CROWN]]
    covered[:, SCAR] = labels[:, LONG] | labels[:, CROWN]
    return Layered(art.reshape(count, -1, 3), labels, covered)
