"""Augmentation: training pictures at random turned, mirrored, zoomed, shifted, recoloured."""

import math
from collections.abc import Collection
from typing import TYPE_CHECKING

from simsearch.errors import UsageError
from simsearch.training.views import Views

if TYPE_CHECKING:
    import torch
    from torch import Tensor

AUGMENTATIONS = ("rotation", "flip", "zoom", "shift", "colour")
"""What there is, in the order in which it is done."""

_TURN = 15 * math.pi / 180
_ZOOM = 1.25
_SHIFT = 0.1
"""Most that happens: an angle, a factor either way, a part of the side."""


def augmentations(text: str) -> tuple[str, ...]:
    """Names out of ``rotation,flip``; ``all`` is every one, ``none`` or nothing is none.

    Raises:
        UsageError: a name that is not one of ``AUGMENTATIONS``.
    """
    if text in ("", "none"):
        return ()
    names = set(AUGMENTATIONS if text == "all" else text.replace(" ", "").split(","))
    if unknown := sorted(names - set(AUGMENTATIONS)):
        known = ", ".join(AUGMENTATIONS)
        raise UsageError(f"no augmentation is called '{unknown[0]}'; choose from {known}, all")
    return tuple(name for name in AUGMENTATIONS if name in names)


class Augmentation(Views):
    """Makes other pictures of the same kind; all chance comes from one seed.

    ``rotation`` turns by up to 15 degrees, ``flip`` mirrors every other picture left to right,
    ``zoom`` enlarges or reduces by up to a quarter, ``shift`` moves by up to a tenth of the side in
    both directions, ``colour`` changes hue, saturation, brightness and contrast. What comes in from
    outside has the colour of the nearest edge.
    """

    def __init__(self, names: Collection[str], seed: int, device: "torch.device") -> None:
        """Switch on some of ``AUGMENTATIONS``."""
        super().__init__(seed, device)
        self._names = frozenset(names)

    def __call__(self, pictures: "Tensor") -> "Tensor":
        """Colours 0 to 1, float (n, 3, h, w), each picture changed in a way of its own."""
        import torch

        if self._names & {"rotation", "flip", "zoom", "shift"}:
            pictures = self._placed(pictures)
        if "colour" in self._names and len(pictures):
            chosen = self._uniform(len(pictures), 0, 1) < 0.5
            where = chosen.view(-1, 1, 1, 1)
            pictures = torch.where(where, self.recoloured(pictures), pictures)
        return pictures

    def _placed(self, pictures: "Tensor") -> "Tensor":
        """Turned, mirrored, zoomed and shifted, resampled once."""
        import torch
        from torch.nn import functional

        count = len(pictures)
        angle = self._drawn("rotation", count, _TURN)
        scale = torch.exp(self._drawn("zoom", count, math.log(_ZOOM)))
        mirror = torch.where(self._drawn("flip", count, 1) < 0, -1.0, 1.0)
        right, down = (2 * self._drawn("shift", count, _SHIFT) for _ in range(2))
        cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
        rows = [
            torch.stack([cosine * mirror, -sine, right], 1),
            torch.stack([sine * mirror, cosine, down], 1),
        ]
        grid = functional.affine_grid(torch.stack(rows, 1), list(pictures.shape), False)
        return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)

    def _drawn(self, name: str, count: int, most: float) -> "Tensor":
        """A number from ``-most`` to ``most`` for each picture; 0 where that is switched off."""
        drawn = self._uniform(count, -most, most)
        return drawn if name in self._names else drawn * 0
