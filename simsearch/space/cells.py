"""Weights of the cells of a collection's pictures, so that each layer of its art counts once."""

import numpy as np
from numpy.typing import NDArray

from simsearch.colours import cell_matches

Floats = NDArray[np.float32]

PAIRS = 8000
"""Pairs of pictures on which cells are seen to match together."""
RIDGE = 2.0
"""Added to each cell's own variance of 1; large values give equal weights."""
_STILL = 0.02
"""A cell whose match deviates less than this over pairs says nothing."""


def even_weights(cells: int) -> Floats:
    """Weights where nothing is known, float32 (cells,), sum 1."""
    return np.full(cells, 1 / cells, dtype=np.float32)


def fit_cell_weights(grids: NDArray[np.floating], seed: int = 0) -> Floats:
    """Weigh cells so that those that always match together share one vote.

    A background that covers half the cells is one fact, an eye of four cells is another. With R the
    correlation of cell matches over random pairs of pictures, the weights are the w >= 0 that solve
    (R + ridge) w = 1 best: the long-only "most diversified" sum (Choueifaty & Coignard, Journal of
    Portfolio Management 2008). No label is used.

    Args:
        grids: pictures of one collection, (n, cells * 3), colours 0..1.
        seed: of the pairs drawn.

    Returns:
        float32 (cells,), >= 0, sum 1.
    """
    from scipy.optimize import nnls

    cells = grids.shape[1] // 3
    matches = _pair_matches(grids, seed)
    deviation = matches.std(axis=0) if len(matches) else np.zeros(cells)
    moving = deviation > _STILL
    if not moving.any():
        return even_weights(cells)
    standard = (matches[:, moving] - matches[:, moving].mean(axis=0)) / deviation[moving]
    correlation = (standard.T @ standard / len(standard)).astype(np.float64)
    root = np.linalg.cholesky(correlation + RIDGE * np.eye(len(correlation))).T
    votes, _ = nnls(root, np.linalg.solve(root.T, np.ones(len(root))), maxiter=30 * len(root))
    weights = np.zeros(cells, dtype=np.float32)
    weights[moving] = votes / votes.sum()
    return weights


def _pair_matches(grids: NDArray[np.floating], seed: int) -> Floats:
    draw = np.random.default_rng(seed)
    left, right = draw.integers(0, len(grids), (2, PAIRS))
    left, right = left[left != right], right[left != right]
    matches = np.empty((len(left), grids.shape[1] // 3), dtype=np.float32)
    for start in range(0, len(left), 500):
        part = slice(start, start + 500)
        matches[part] = cell_matches(grids[left[part]], grids[right[part]])
    return matches


def look_distance(
    query: NDArray[np.floating], grids: NDArray[np.floating], weights: Floats
) -> Floats:
    """Weighted share of cells that do not match.

    Args:
        query: one picture's colours 0..1, (cells * 3,).
        grids: (n, cells * 3).
        weights: (cells,), or (n, cells) where each picture has its own; each row sums to 1.

    Returns:
        float32 (n,), exactly 0 for the same picture, rising to 1.
    """
    apart = 1 - cell_matches(query, grids)
    distance: Floats = np.einsum("nc,nc->n", apart, np.broadcast_to(weights, apart.shape))
    return distance
