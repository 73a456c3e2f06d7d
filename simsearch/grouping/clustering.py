"""Groups of points by k-means, how many of them, and the member that stands for each.

scikit-learn's k-means rather than FAISS's: its k-means++ start (Arthur & Vassilvitskii, 2007) finds
better groups on the few thousand points that are clustered here, in a fraction of a second.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from simsearch.errors import UsageError

Points = NDArray[np.float32]
Labels = NDArray[np.int64]

RESTARTS = 10
"""Starts of k-means, the best of which is kept."""
MOST_GROUPS = 64
"""Groups that ``choose_k`` tries at most."""
_SEEDS = 4
"""Runs whose groups are compared for stability."""
_SEED_RESTARTS = 3
_SILHOUETTE_POINTS = 2000
_AS_GOOD = 0.01
"""Stabilities this near the best count as the best."""
_CHUNK = 8192


class KMeans:
    """k-means whose groups are numbered by size, the largest first.

    Attributes:
        k: groups asked for; fewer are made where fewer points differ.
        restarts: starts, the best of which is kept.
        seed: of the starts.
    """

    def __init__(self, k: int, *, restarts: int = RESTARTS, seed: int = 0) -> None:
        self.k = k
        self.restarts = restarts
        self.seed = seed

    def fit(self, points: Points) -> Self:
        """Find the groups of points (n, d); sets ``centers_``, ``labels_`` and ``inertia_``.

        ``inertia_`` is the mean squared distance of the points to the centres of their groups.

        Raises:
            UsageError: k below 1 or above the number of points, or no points.
        """
        from sklearn.cluster import KMeans as SklearnKMeans
        from sklearn.exceptions import ConvergenceWarning
        from threadpoolctl import threadpool_limits

        check_k(self.k, len(points))
        model = SklearnKMeans(self.k, n_init=self.restarts, random_state=self.seed)
        # One thread: on a busy machine several wait for each other, up to fourteen times as long.
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different points than k
            found = model.fit_predict(points)
        groups, first = np.unique(found, return_inverse=True)
        sizes = np.bincount(first)
        order = np.argsort(-sizes, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        self.labels_ = rank[first]
        self.centers_ = model.cluster_centers_[groups[order]].astype(np.float32)
        self.inertia_ = float(model.inertia_) / len(points)
        return self

    def predict(self, points: Points) -> Labels:
        """Group of the nearest centre for each point."""
        return nearest(self.centers_, points)


def check_k(k: int, items: int) -> None:
    """Refuse a number of groups that so many items cannot make.

    Raises:
        UsageError: k below 1 or above the number of items, or no items.
    """
    if not items:
        raise UsageError("there is nothing to group: no items")
    if not 1 <= k <= items:
        raise UsageError(f"{k} groups of {items:,} items: ask for 1 to {items:,}")


def nearest(centers: Points, points: Points) -> Labels:
    """Row of the nearest centre for each point; needs no scikit-learn."""
    half = (centers**2).sum(axis=1) / 2
    parts = [points[start : start + _CHUNK] for start in range(0, len(points), _CHUNK)]
    found = [(part @ centers.T - half).argmax(axis=1) for part in parts]
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def medoids(points: Points, labels: Labels, centers: Points) -> Labels:
    """For each group the member from which its members are least far, in squared distances.

    That is the member nearest to their mean.

    Returns:
        Rows of points; -1 where a group has no members.
    """
    gaps = np.einsum("nd,nd->n", *[points - centers[labels]] * 2)
    order = np.lexsort((gaps, labels))
    groups, starts = np.unique(labels[order], return_index=True)
    found = np.full(len(centers), -1, dtype=np.int64)
    found[groups] = order[starts]
    return found


@dataclass(frozen=True)
class KChoice:
    """A number of groups and why.

    Attributes:
        k: the choice.
        tried: the numbers of groups tried, ascending.
        inertia: share of the variance left within the groups; its elbow is for the eye.
        silhouette: mean silhouette (Rousseeuw, 1987), -1 to 1.
        stability: how alike the groups of different seeds are: mean adjusted mutual information of
            all pairs of runs, 1 = the same groups each time.
        reason: a sentence for people.
    """

    k: int
    tried: list[int]
    inertia: list[float]
    silhouette: list[float]
    stability: list[float]
    reason: str


def choose_k(
    points: Points, seed: int = 0, progress: Callable[[int, int], None] = lambda done, total: None
) -> KChoice:
    """Choose a number of groups: the one whose groups come back most alike from other seeds.

    Of those as stable as the best one within 0.01, the one with the highest silhouette. First
    numbers in steps of about 1.4 are tried, then those around the best.

    Args:
        points: (n, d), a few thousand.
        seed: of all runs.
        progress: told how many numbers are done, of about how many.
    """
    most = min(MOST_GROUPS, len(points) // 3)
    if most < 2:
        return KChoice(1, [], [], [], [], f"too few items to tell groups apart: {len(points)}")
    if float(points.var(axis=0).sum()) < 1e-9:
        return KChoice(1, [], [], [], [], "all items look the same")
    steps = {round(2 ** (half / 2)) for half in range(2, 2 * MOST_GROUPS.bit_length())}
    coarse = sorted({step for step in steps if step <= most} | {2})
    found: dict[int, tuple[float, float, float]] = {}
    for number, k in enumerate(coarse):
        progress(number, len(coarse) + 8)
        found[k] = _curves(points, k, seed)
    around = _around(coarse, _best(found))
    for number, k in enumerate(around, len(coarse)):
        progress(number, len(coarse) + len(around))
        found[k] = _curves(points, k, seed)
    return _explained(found)


def _around(coarse: list[int], k: int) -> list[int]:
    """About eight numbers between the neighbours of k in the coarse list."""
    place = coarse.index(k)
    low, high = coarse[max(place - 1, 0)], coarse[min(place + 1, len(coarse) - 1)]
    return sorted({round(step) for step in np.linspace(low, high, 10)} - set(coarse))


def _curves(points: Points, k: int, seed: int) -> tuple[float, float, float]:
    """Share of variance left, silhouette and stability."""
    from sklearn.metrics import adjusted_mutual_info_score, silhouette_score

    runs = [
        KMeans(k, restarts=_SEED_RESTARTS, seed=seed + number).fit(points)
        for number in range(_SEEDS)
    ]
    best = min(runs, key=lambda run: run.inertia_)
    agreement = [
        adjusted_mutual_info_score(one.labels_, other.labels_)
        for number, one in enumerate(runs)
        for other in runs[:number]
    ]
    sample = np.random.default_rng(seed).permutation(len(points))[:_SILHOUETTE_POINTS]
    labels = best.labels_[sample]
    several = 1 < len(np.unique(labels)) < len(labels)
    silhouette = silhouette_score(points[sample], labels) if several else 0.0
    left = best.inertia_ / float(points.var(axis=0).sum())
    return left, float(silhouette), float(np.mean(agreement))


def _best(found: dict[int, tuple[float, float, float]]) -> int:
    top = max(stability for _, _, stability in found.values())
    stable = [k for k, curves in found.items() if curves[2] >= top - _AS_GOOD]
    return max(stable, key=lambda k: (found[k][1], -k))


def _explained(found: dict[int, tuple[float, float, float]]) -> KChoice:
    k, tried = _best(found), sorted(found)
    inertias, silhouettes, stabilities = ([found[one][part] for one in tried] for part in range(3))
    left, silhouette, stability = found[k]
    reason = (
        f"{k} groups come back most alike from other seeds (stability {stability:.2f}, silhouette "
        f"{silhouette:.2f}, {1 - left:.0%} of the variance explained)"
    )
    return KChoice(k, tried, inertias, silhouettes, stabilities, reason)
