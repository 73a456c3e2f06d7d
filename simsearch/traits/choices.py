"""Trait types of which an item has one value at most: one choice, absence included."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Trait

Flags = NDArray[np.bool_]
Ids = NDArray[np.int64]

_LEAST = 1e-9
"""Keeps a sum of probabilities from being 0."""


@dataclass(frozen=True)
class Choices:
    """How the traits of a collection go together.

    Attributes:
        exclusive: the types of which no item has two values.
        groups: for each of them the columns of its values.
        optional: for each of them whether some item has no value.
    """

    exclusive: tuple[str, ...]
    groups: tuple[Ids, ...]
    optional: tuple[bool, ...]

    @classmethod
    def of(cls, labels: Flags, vocabulary: Sequence[Trait]) -> "Choices":
        """Find the exclusive types in labels (n, traits)."""
        kinds = np.array([kind for kind, _ in vocabulary], dtype=object)
        found = []
        for kind in dict.fromkeys(kinds.tolist()):
            columns = np.flatnonzero(kinds == kind)
            counts = labels[:, columns].sum(axis=1)
            if counts.max(initial=0) <= 1:
                found.append((str(kind), columns, bool((counts == 0).any())))
        names, groups, optional = zip(*found, strict=True) if found else ((), (), ())
        return cls(names, groups, optional)

    def with_absence(self, labels: Flags) -> tuple[Flags, list[Ids]]:
        """Labels (n, traits) with a column more for the absence of each optional type.

        Returns:
            The labels, and the columns of each exclusive type, that of its absence last.
        """
        parts, groups, width = [labels], [], labels.shape[1]
        for columns, optional in zip(self.groups, self.optional, strict=True):
            if optional:
                parts.append(labels[:, columns].sum(axis=1, keepdims=True) == 0)
            groups.append(np.append(columns, width) if optional else columns)
            width += optional
        return np.hstack(parts), groups

    def conditioned(self, shares: NDArray[np.floating]) -> NDArray[np.float32]:
        """Probabilities (n, traits), those of an exclusive type summing to 1 or, optional, less.

        Those of a type were learned one by one: they are scaled down where they sum to more, and
        up to 1 where some value must be there.
        """
        made = np.array(shares, dtype=np.float32)
        for columns, optional in zip(self.groups, self.optional, strict=True):
            total = made[:, columns].sum(axis=1, keepdims=True)
            made[:, columns] /= np.maximum(total, np.float32(1 if optional else _LEAST))
        return made

    def decide(self, shares: NDArray[np.floating], thresholds: NDArray[np.floating]) -> Flags:
        """Say which traits are there: those above their threshold, of a type the likeliest only.

        Args:
            shares: probabilities (n, traits).
            thresholds: (traits,).

        Returns:
            bool (n, traits).
        """
        said: Flags = shares > thresholds
        for columns in self.groups:
            best = columns[shares[:, columns].argmax(axis=1)]
            said[:, columns] &= best[:, None] == columns
        return said
