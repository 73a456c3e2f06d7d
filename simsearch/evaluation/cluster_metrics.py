"""How well groups agree with labels that nobody used to make them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Labels = NDArray[np.integer[Any]]

MEASURES = ("ami", "nmi", "ari", "homogeneity", "completeness", "accuracy")


def agreement(labels: ArrayLike, groups: ArrayLike) -> dict[str, float]:
    """All ``MEASURES`` of groups (n,) against labels (n,).

    ``ami`` and ``ari`` are corrected for chance, so random groups give about 0; ``accuracy`` is the
    share of items right where each group may stand for one label and each label for one group.
    """
    from sklearn import metrics

    measures: Mapping[str, Callable[[ArrayLike, ArrayLike], float]] = {
        "ami": metrics.adjusted_mutual_info_score,
        "nmi": metrics.normalized_mutual_info_score,
        "ari": metrics.adjusted_rand_score,
        "homogeneity": metrics.homogeneity_score,
        "completeness": metrics.completeness_score,
        "accuracy": matched_share,
    }
    return {name: float(measures[name](labels, groups)) for name in MEASURES}


def matched_share(labels: ArrayLike, groups: ArrayLike) -> float:
    """Share of items in a group matched to their label, by the best one-to-one matching (Kuhn)."""
    from scipy.optimize import linear_sum_assignment

    kinds, label = np.unique(np.asarray(labels), return_inverse=True)
    found, group = np.unique(np.asarray(groups), return_inverse=True)
    shared = np.zeros((len(kinds), len(found)), dtype=np.int64)
    np.add.at(shared, (label, group), 1)
    rows, columns = linear_sum_assignment(-shared)
    return float(shared[rows, columns].sum() / shared.sum())


def trait_agreement(values: Mapping[str, Sequence[str]], groups: Labels) -> dict[str, float]:
    """Adjusted mutual information of groups with each trait type that varies.

    Args:
        values: trait type → its value for each item, empty where it has none.
        groups: (n,).
    """
    from sklearn.metrics import adjusted_mutual_info_score

    return {
        kind: float(adjusted_mutual_info_score(list(column), groups))
        for kind, column in values.items()
        if len(set(column)) > 1
    }


def mean_and_deviation(runs: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation of each number over runs."""
    columns = {name: [run[name] for run in runs] for name in (runs[0] if runs else {})}
    return {
        name: {"mean": float(np.mean(column)), "std": float(np.std(column))}
        for name, column in columns.items()
    }
