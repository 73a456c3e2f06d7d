"""Gradient-boosted trees: grown by scikit-learn, kept as plain arrays, asked with NumPy alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.pricing.levels import Floats


@dataclass(frozen=True)
class Trees:
    """A sum of regression trees whose nodes lie in one table.

    Attributes:
        feature: int32 (m,), column that a node asks.
        threshold: float64 (m,), a row goes left where its number is not above it.
        left, right: int32 (m,), the next nodes; a leaf points at itself.
        value: float64 (m,), what a leaf adds.
        roots: int32 (t,), first node of each tree.
        baseline: where the sum starts.
    """

    feature: NDArray[np.int32]
    threshold: Floats
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: Floats
    roots: NDArray[np.int32]
    baseline: float

    def lead_down(self) -> bool:
        """Whether each node leads to itself or to one behind it in the table: all ways end."""
        here, last = np.arange(len(self.value)), len(self.value) - 1
        following = np.stack([self.left, self.right])
        inside = self.roots.min(initial=0) >= 0 and self.roots.max(initial=0) <= last
        return bool(inside and (following >= here).all() and (following <= last).all())

    def predict(self, x: Floats) -> Floats:
        """Sum over the trees for every row of x (q, f) without NaN; float64 (q,)."""
        rows = np.arange(len(x))[:, None]
        node = np.broadcast_to(self.roots, (len(x), len(self.roots)))
        while True:
            left = x[rows, self.feature[node]] <= self.threshold[node]
            below = np.where(left, self.left[node], self.right[node])
            if (below == node).all():
                break
            node = below
        total: Floats = self.baseline + self.value[node].sum(axis=1)
        return total


@dataclass(frozen=True)
class BoostingSettings:
    """How trees are grown: small ones, many samples a leaf, absolute error (a median is wanted)."""

    trees: int = 60
    leaves: int = 8
    samples: int = 30
    rate: float = 0.1
    smoothing: float = 1.0


def grow(x: Floats, y: Floats, settings: BoostingSettings) -> Trees:
    """Fit boosted trees (Friedman 2001; histogram form of Ke et al. 2017) and take them apart.

    One thread: these tables are small, and threads that wait for a busy core cost far more.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingRegressor(
        loss="absolute_error",
        learning_rate=settings.rate,
        max_iter=settings.trees,
        max_leaf_nodes=settings.leaves,
        min_samples_leaf=settings.samples,
        l2_regularization=settings.smoothing,
        early_stopping=False,
        random_state=0,
    )
    with threadpool_limits(1):
        model.fit(x, y)
    tables = [stage[0].nodes for stage in model._predictors]  # no public way leads to the nodes
    return _joined(tables, float(np.ravel(model._baseline_prediction)[0]))


def _joined(tables: list[NDArray[np.void]], baseline: float) -> Trees:
    sizes = [len(table) for table in tables]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    nodes = np.concatenate(tables)
    itself = np.arange(len(nodes))
    first = np.repeat(roots, sizes)
    leaf = nodes["is_leaf"].astype(bool)
    return Trees(
        feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int32),
        threshold=np.where(leaf, np.inf, nodes["num_threshold"]),
        left=np.where(leaf, itself, nodes["left"] + first).astype(np.int32),
        right=np.where(leaf, itself, nodes["right"] + first).astype(np.int32),
        value=np.where(leaf, nodes["value"], 0.0),
        roots=roots.astype(np.int32),
        baseline=baseline,
    )
