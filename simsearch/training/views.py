"""Random edits of whole batches, so that a network learns what people do to pictures.

All take and give colours 0 to 1, float (n, 3, h, w); each picture gets strengths of its own. They
are of the kinds that copies on the web show, with random strengths, on small pictures.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


class Views:
    """Makes views of pictures; all chance comes from one seed."""

    def __init__(self, seed: int, device: "torch.device") -> None:
        """Start at a seed."""
        import torch

        self._device = device
        self._chance = torch.Generator().manual_seed(seed)

    def __call__(self, pictures: "Tensor") -> "Tensor":
        """One view of each picture: most edits happen to some pictures only."""
        edits: tuple[tuple[float, Callable[[Tensor], Tensor]], ...] = (
            (0.25, self.new_ground),
            (0.35, self.overlay),
            (0.7, self.moved),
            (0.7, self.recoloured),
            (0.3, self.softened),
            (0.5, self.noisy),
        )
        for share, edit in edits:
            chosen = self._uniform(len(pictures), 0, 1) < share
            if chosen.any():
                pictures = pictures.clone()
                pictures[chosen] = edit(pictures[chosen])
        return pictures

    def moved(self, pictures: "Tensor") -> "Tensor":
        """Crop, shrink into a frame, shift and turn a little; around it is one colour."""
        import torch
        from torch.nn import functional

        count = len(pictures)
        angle = self._uniform(count, -7, 7) * math.pi / 180 * (self._uniform(count, 0, 1) < 0.5)
        scale = torch.exp(self._uniform(count, math.log(0.75), math.log(1.3)))
        shift = self._uniform((count, 2), -0.1, 0.1)
        cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
        rows = [
            torch.stack([cosine, -sine, shift[:, 0]], 1),
            torch.stack([sine, cosine, shift[:, 1]], 1),
        ]
        grid = functional.affine_grid(torch.stack(rows, 1), list(pictures.shape), False)
        frame = self._uniform((count, 3, 1, 1), 0, 1)
        grey = self._uniform((count, 1, 1, 1), 0, 1) < 0.5
        frame = torch.where(grey, frame[:, :1].round(), frame)
        moved = functional.grid_sample(pictures - frame, grid, align_corners=False)
        return moved + frame

    def recoloured(self, pictures: "Tensor") -> "Tensor":
        """Turn the hue, change saturation, brightness and contrast."""
        import torch

        count = len(pictures)
        turn = self._uniform(count, -1, 1) * (self._uniform(count, 0, 1) < 0.7)
        strength = torch.exp(self._uniform(count, -0.5, 0.5))
        gain = torch.exp(self._uniform((count, 1, 1, 1), -0.4, 0.4))
        offset = self._uniform((count, 1, 1, 1), -0.1, 0.1)
        mixed = torch.einsum("nij,njhw->nihw", self._turned(turn, strength), pictures)
        return (mixed * gain + offset).clamp(0, 1)

    def _turned(self, turn: "Tensor", strength: "Tensor") -> "Tensor":
        """Matrices (n, 3, 3) that turn and stretch the two colour axes of YIQ."""
        import torch

        axes = torch.tensor(_YIQ, device=self._device)
        inner = torch.zeros(len(turn), 3, 3, device=self._device)
        inner[:, 0, 0] = 1
        inner[:, 1, 1] = inner[:, 2, 2] = strength * torch.cos(turn)
        inner[:, 1, 2], inner[:, 2, 1] = (sign * strength * torch.sin(turn) for sign in (-1, 1))
        matrices: Tensor = torch.linalg.inv(axes) @ inner @ axes
        return matrices

    def softened(self, pictures: "Tensor") -> "Tensor":
        """Reduce to fewer pixels and enlarge again, smoothly or as blocks."""
        from torch.nn import functional

        side = int(self._uniform(1, 16, 48).item())
        small = functional.interpolate(pictures, size=(side, side), mode="area")
        mode = "bilinear" if self.chance() < 0.5 else "nearest"
        return functional.interpolate(small, size=pictures.shape[2:], mode=mode)

    def noisy(self, pictures: "Tensor") -> "Tensor":
        """Noise as lossy files have it."""
        import torch

        noise = torch.randn(pictures.shape, generator=self._chance).to(self._device)
        strength = self._uniform((len(pictures), 1, 1, 1), 0, 0.06)
        return (pictures + noise * strength).clamp(0, 1)

    def new_ground(self, pictures: "Tensor") -> "Tensor":
        """Exchange the colour of the upper left corner, wherever it stands."""
        corner = pictures[:, :, :1, :1]
        near = ((pictures - corner).abs().amax(1, keepdim=True) < 0.05).float()
        ground = self._uniform((len(pictures), 3, 1, 1), 0, 1)
        return pictures * (1 - near) + ground * near

    def overlay(self, pictures: "Tensor") -> "Tensor":
        """Lay a bar of short strokes over it, as text does."""
        import torch

        count, _, height, width = pictures.shape
        top = (self._uniform((count, 1, 1), 0, 0.9) * height).floor()
        high = (self._uniform((count, 1, 1), 0.05, 0.2) * height).ceil()
        rows = torch.arange(height, device=self._device).view(1, height, 1)
        strokes = self._uniform((count, height, width), 0, 1) < 0.6
        inked = (rows >= top) & (rows < top + high) & strokes
        ink = self._uniform((count, 1, 1, 1), 0, 1).round()
        return torch.where(inked[:, None], ink, pictures)

    def new_collection(self, pictures: "Tensor") -> "Tensor":
        """One change of colours and lie for all of them, as if of a collection never seen."""
        import torch

        turn, strength = self._uniform(1, -math.pi, math.pi), self._uniform(1, 0.5, 1.5)
        mixed = torch.einsum("nij,njhw->nihw", self._turned(turn, strength), pictures).clamp(0, 1)
        if self.chance() < 0.3:
            mixed = 1 - mixed
        mixed = torch.rot90(mixed, int(self._uniform(1, 0, 4).item()), (2, 3))
        return mixed.flip(3) if self.chance() < 0.5 else mixed

    def chance(self) -> float:
        """A number 0 to 1."""
        return float(self._uniform(1, 0, 1).item())

    def _uniform(self, shape: int | tuple[int, ...], low: float, high: float) -> "Tensor":
        import torch

        shape = (shape,) if isinstance(shape, int) else shape
        drawn = torch.rand(shape, generator=self._chance)
        return (drawn * (high - low) + low).to(self._device)
