"""The look space: descriptors to unit vectors whose dot product says how alike pictures look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
"""Variance that the deep block is given, where a grid block has 1.

With 1, vectors of a trained network group by collection far better, but strangers pass for members
more often (3% instead of 1%), and neighbours tell a little less about prices.
"""
_LEAST_VARIANCE = 1e-6
"""Components of less variance are left out; a block has about 1."""
_ROUNDING = 1e-10
"""Variance below this share of a block's squared length comes of rounding."""
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
        mean: float32 (m,), mean of the joined blocks after coding.
        components: float32 (m, width - 1), the scale of each block included.
        constant: last coordinate of every vector before it is brought to unit length; it keeps a
            picture that equals the mean from having no direction.
    """

    spans: tuple[Span, ...]
    mean: Floats
    components: Floats
    constant: float

    @classmethod
    def fit(
        cls,
        descriptors: NDArray[np.floating],
        spans: Sequence[Span],
        seed: int = 0,
        *,
        width: int = WIDTH,
    ) -> "LookSpace":
        """Fit on descriptors (n, dim), n >= 1; a few thousand, drawn evenly, are enough."""
        from sklearn.utils.extmath import randomized_svd

        joined = _coded(descriptors, spans)
        mean = joined.mean(axis=0)
        joined -= mean
        scales = _scales(joined, mean, spans)
        joined *= scales
        most = min(width - 1, *joined.shape)
        _, singular, axes = randomized_svd(joined, most, n_iter=3, random_state=seed)
        variance = singular**2 / len(joined)
        kept = variance > _LEAST_VARIANCE
        components = axes[kept].T * variance[kept] ** -WHITENING * scales[:, None]
        typical = float(np.sqrt((variance[kept] ** (1 - 2 * WHITENING)).sum()))
        constant = float(np.float32(_CONSTANT * typical or 1.0))
        return cls(tuple(spans), mean, components.astype(np.float32), constant)

    @classmethod
    def of_vectors(cls, width: int) -> "LookSpace":
        """The space of vectors (n, width) that are compared as they are, by their cosine."""
        spans = (("vector", 0, width),)
        zeros, one_to_one = np.zeros(width, dtype=np.float32), np.eye(width, dtype=np.float32)
        return cls(spans, zeros, one_to_one, _CONSTANT)

    @property
    def width(self) -> int:
        """Numbers per vector."""
        return int(self.components.shape[1]) + 1

    def transform(self, descriptors: NDArray[np.floating]) -> Floats:
        """Unit vectors float32 (n, width) of descriptors (n, dim)."""
        joined = _coded(descriptors, self.spans)
        joined -= self.mean
        vectors = np.full((len(joined), self.width), self.constant, dtype=np.float32)
        vectors[:, :-1] = joined @ self.components
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def tensors(self) -> dict[str, Floats]:
        """The fitted arrays by name."""
        constant = np.array([self.constant], dtype=np.float32)
        return {"mean": self.mean, "components": self.components, "constant": constant}

    @classmethod
    def from_tensors(cls, spans: Sequence[Span], tensors: Mapping[str, Floats]) -> "LookSpace":
        """The space that ``tensors`` came from.

        Raises:
            KeyError: one is missing.
            ValueError: they are none, or not of these blocks.
        """
        mean, components, constant = (tensors[name] for name in ("mean", "components", "constant"))
        wanted = (sum(_widths(spans)),)
        if not (mean.shape == components.shape[:-1] == wanted and constant.shape == (1,)):
            raise ValueError("the look space is not of these blocks")
        if not (constant > 0 and all(is_finite(one) for one in (mean, components, constant))):
            raise ValueError("the look space holds other things than finite numbers")
        return cls(tuple(spans), mean, components, float(constant[0]))


def is_finite(array: NDArray[Any]) -> bool:
    """Whether an array that was read holds floating-point numbers, none of them NaN or infinite."""
    return array.dtype.kind == "f" and bool(np.isfinite(array).all())


def _widths(spans: Sequence[Span]) -> list[int]:
    """Columns that each block takes, a grid coded."""
    return [GRID_CODE.dim if name == "grid" else stop - start for name, start, stop in spans]


def _places(spans: Sequence[Span]) -> list[slice]:
    """Columns of each block where they stand side by side."""
    widths = _widths(spans)
    stops = np.cumsum(widths).tolist()
    return [slice(stop - width, stop) for width, stop in zip(widths, stops, strict=True)]


def _coded(descriptors: NDArray[np.floating], spans: Sequence[Span]) -> Floats:
    """The blocks side by side, in a new array float32 (n, m)."""
    places = _places(spans)
    joined = np.empty((len(descriptors), places[-1].stop), dtype=np.float32)
    for (name, start, stop), place in zip(spans, places, strict=True):
        block = descriptors[:, start:stop]
        joined[:, place] = GRID_CODE(block) if name == "grid" else block
    return joined


def _scales(centred: Floats, mean: Floats, spans: Sequence[Span]) -> Floats:
    """Factor of each column (m,) that brings every block to its share of the variance.

    A block that does not vary, but for rounding, is left as it is.
    """
    names = [name for name, _, _ in spans]
    scales = np.ones_like(mean)
    for name, place in zip(names, _places(spans), strict=True):
        share = DEEP_SHARE if name == "deep" and "grid" in names else 1.0
        block = centred[:, place]
        variance = float(np.einsum("ij,ij->i", block, block).mean())
        if variance > _ROUNDING * float(mean[place] @ mean[place]):
            scales[place] = (share / variance) ** 0.5
    return scales
