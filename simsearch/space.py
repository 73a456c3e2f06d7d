"""The look space: descriptors to unit vectors whose dot product says how alike pictures look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.colours import ColourCode

Floats = NDArray[np.float32]
Span = tuple[str, int, int]

WIDTH = 256
"""Numbers per vector, the constant one included."""
WHITENING = 0.25
"""Coordinates are divided by their variance to this power: .5 would be whitening, 0 plain PCA."""
GRID_CODE = ColourCode(side=16, features=16, sigma=0.08)
DEEP_SHARE = 0.1
"""Variance that the deep block is given, where a grid block has 1."""
_CONSTANT = 1e-3
"""The constant coordinate, as a share of the typical length."""


@dataclass(frozen=True)
class LookSpace:
    """Colour-coded blocks, joined, partly whitened by PCA, brought to unit length.

    Colours are coded (see ``ColourCode``), every block is brought to its share of the variance, and
    principal components are divided by the fourth root of their variance: full whitening lets rare
    detail drown what people see first, none lets the background drown all else.

    Attributes:
        spans: the blocks of a descriptor: (name, start, stop).
        mean: float32 (m,), mean of the joined blocks, after coding and scaling.
        scales: float32, one factor per block.
        components: float32 (m, width - 1).
        constant: last coordinate of every vector before it is brought to unit length; it keeps a
            picture that equals the mean from having no direction.
    """

    spans: tuple[Span, ...]
    mean: Floats
    scales: Floats
    components: Floats
    constant: float

    @classmethod
    def fit(
        cls, descriptors: NDArray[np.floating], spans: Sequence[Span], seed: int = 0
    ) -> "LookSpace":
        """Fit on descriptors (n, dim), n >= 1; a few thousand, drawn evenly, are enough."""
        from sklearn.utils.extmath import randomized_svd

        blocks = _coded(descriptors, spans)
        scales = np.array(
            [_scale(block, share) for block, share in zip(blocks, _shares(spans), strict=True)]
        ).astype(np.float32)
        joined = np.hstack([block * scale for block, scale in zip(blocks, scales, strict=True)])
        mean = joined.mean(axis=0)
        joined -= mean
        width = min(WIDTH - 1, *joined.shape)
        _, singular, axes = randomized_svd(joined, width, n_iter=3, random_state=seed)
        variance = singular**2 / len(joined)
        kept = variance > 1e-6
        components = axes[kept].T * variance[kept] ** -WHITENING
        typical = float(np.sqrt((variance[kept] ** (1 - 2 * WHITENING)).sum()))
        constant = _CONSTANT * typical or 1.0
        return cls(tuple(spans), mean, scales, components.astype(np.float32), constant)

    @property
    def width(self) -> int:
        """Numbers per vector."""
        return int(self.components.shape[1]) + 1

    def transform(self, descriptors: NDArray[np.floating]) -> Floats:
        """Unit vectors float32 (n, width) of descriptors (n, dim)."""
        blocks = _coded(descriptors, self.spans)
        joined = np.hstack(
            [block * scale for block, scale in zip(blocks, self.scales, strict=True)]
        )
        joined -= self.mean
        vectors = np.full((len(joined), self.width), self.constant, dtype=np.float32)
        vectors[:, :-1] = joined @ self.components
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def tensors(self) -> dict[str, Floats]:
        """The fitted arrays by name."""
        constant = np.array([self.constant], dtype=np.float32)
        return {
            "mean": self.mean,
            "scales": self.scales,
            "components": self.components,
            "constant": constant,
        }

    @classmethod
    def from_tensors(cls, spans: Sequence[Span], tensors: Mapping[str, Floats]) -> "LookSpace":
        """The space that ``tensors`` came from."""
        mean, scales, components = (tensors[name] for name in ("mean", "scales", "components"))
        return cls(tuple(spans), mean, scales, components, float(tensors["constant"][0]))


def _shares(spans: Sequence[Span]) -> list[float]:
    names = [name for name, _, _ in spans]
    return [DEEP_SHARE if name == "deep" and "grid" in names else 1.0 for name in names]


def _coded(descriptors: NDArray[np.floating], spans: Sequence[Span]) -> list[Floats]:
    parts = [(name, descriptors[:, start:stop]) for name, start, stop in spans]
    return [GRID_CODE(part) if name == "grid" else part.astype(np.float32) for name, part in parts]


def _scale(block: Floats, share: float) -> float:
    variance = float(block.var(axis=0).sum())
    return (share / variance) ** 0.5 if variance > 0 else 1.0
