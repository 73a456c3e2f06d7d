"""Trait heads: what traits a picture shows, read from its colours by one ridge per collection."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.colours import ColourCode

Floats = NDArray[np.float32]

HEAD_CODE = ColourCode(side=32, features=8, sigma=0.1)
RIDGE = 0.003
"""Ridge penalty, as a share of the mean variance of a feature."""
LEAST_ITEMS = 20
"""A collection with fewer labelled items gets no head."""
MOST_ITEMS = 10_000
"""Labelled items a head is fitted on at most, which bounds its memory at about 700 MB."""
MOST_TRAITS = 1000
"""Traits a head tells apart at most, the commonest."""


@dataclass(frozen=True)
class TraitHead:
    """Linear trait scores of one collection.

    Attributes:
        weights: float32 (features, traits); float16 is precise enough to keep them.
        bias: float32 (traits,).
    """

    weights: Floats
    bias: Floats

    @classmethod
    def fit(cls, features: Floats, traits: NDArray[np.bool_]) -> "TraitHead":
        """Ridge regression (Hoerl & Kennard, Technometrics 1970) to 0/1 labels.

        Args:
            features: (n, m), overwritten: centred in place to save memory.
            traits: (n, t), which item shows which trait.
        """
        from scipy.linalg import cho_factor, cho_solve

        mean, share = features.mean(axis=0), traits.mean(axis=0, dtype=np.float32)
        features -= mean
        labels = traits - share
        tall = len(features) > features.shape[1]
        gram = features.T @ features if tall else features @ features.T
        # The trace of either Gram matrix is the total sum of squares.
        penalty = RIDGE * float(np.trace(gram)) / min(features.shape)
        gram[np.diag_indices(len(gram))] += max(penalty, 1e-6)
        # Transposed, the matrix has the memory order that LAPACK overwrites without a copy.
        factor = cho_factor(gram.T, overwrite_a=True, check_finite=False)
        if tall:
            weights = cho_solve(factor, features.T @ labels)
        else:
            weights = features.T @ cho_solve(factor, labels)
        return cls(weights, share - mean @ weights)

    def predict(self, features: Floats) -> Floats:
        """Scores 0..1 of each trait, float32 (n, traits), of features (n, m)."""
        scores: Floats = features @ self.weights + self.bias
        return np.clip(scores, 0, 1, out=scores)


def soft_jaccard(scores: Floats, shared: NDArray[np.number], sizes: NDArray[np.integer]) -> Floats:
    """Jaccard overlap of predicted scores with known trait sets.

    Args:
        scores: predicted scores of one picture (t,).
        shared: sum of its scores over the traits of each item (n,).
        sizes: number of traits of each item (n,).

    Returns:
        float32 (n,), 0 to 1.
    """
    joined = np.maximum(scores.sum() + sizes - shared, 1e-6)
    return np.asarray(np.clip(shared / joined, 0, 1), dtype=np.float32)
