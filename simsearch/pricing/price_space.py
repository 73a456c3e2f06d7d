"""How prices see a collection: a look space of its own, and the vectors of its items there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.space.look import LookSpace, Span, is_finite
from simsearch.space.spaces import Rows, fit_look, transform_rows

Floats = NDArray[np.float32]

LEAST_AXES = 16
"""Ways in which the pictures of a collection have to differ before it gets a space of its own.

In fewer directions, every stranger lies on top of some item.
"""


@dataclass(frozen=True)
class PriceSpace:
    """A collection as its prices see it.

    What tells the items of one collection apart may be lost in a space that has to serve many.
    Prices take no part in the fit.

    Attributes:
        look: the space.
        halves: float16 (n, d), vectors of the collection's items in it, as they are stored.
    """

    look: LookSpace
    halves: NDArray[np.float16]

    @classmethod
    def fit(
        cls,
        descriptors: Rows,
        members: NDArray[np.int64],
        spans: Sequence[Span],
        seed: int = 0,
        otherwise: LookSpace | None = None,
    ) -> "PriceSpace":
        """Fit on the items of one collection.

        Args:
            descriptors: of all items.
            members: int64 (n,), rows of the collection, ascending.
            spans: parts of a descriptor, (name, start, stop).
            seed: of the draw that it is fitted on, and of the fit.
            otherwise: the space where pictures differ in fewer than ``LEAST_AXES`` ways, if any.
        """
        look = fit_look(descriptors, [members], spans, seed)
        if otherwise is not None and look.width <= LEAST_AXES:
            look = otherwise
        return cls(look, transform_rows(look, descriptors, members).astype(np.float16))

    @cached_property
    def vectors(self) -> Floats:
        """Float32 (n, d), unit length."""
        return _unit(self.halves)

    def vector(self, descriptor: NDArray[np.floating]) -> Floats:
        """Unit vector (d,) of a picture, rounded as those of items are."""
        found: Floats = _unit(self.look.transform(descriptor[None]).astype(np.float16))[0]
        return found

    def arrays(self, otherwise: LookSpace) -> dict[str, NDArray[Any]]:
        """What has to be stored beside the space that other collections may share."""
        own = {} if self.look is otherwise else self.look.tensors()
        return {"vectors": self.halves, **{f"look/{name}": one for name, one in own.items()}}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], otherwise: LookSpace) -> "PriceSpace":
        """Take up what ``arrays`` gave.

        Raises:
            KeyError: an array is missing.
            ValueError: one is damaged, or does not go with the others.
        """
        names = {name: f"look/{name}" for name in otherwise.tensors()}
        own = {name: arrays[place] for name, place in names.items() if place in arrays}
        look = LookSpace.from_tensors(otherwise.spans, own) if own else otherwise
        halves = arrays["vectors"]
        fits = halves.shape[1:] == (look.width,) and is_finite(halves)
        if not (fits and halves.any(axis=1).all()):
            raise ValueError("its vectors are not of its look space")
        return cls(look, halves)


def _unit(halves: NDArray[np.float16]) -> Floats:
    vectors = halves.astype(np.float32)
    vectors /= np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    return vectors
