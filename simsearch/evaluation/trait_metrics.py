"""How rightly traits are named: one against all, trait by trait and together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class TraitScores:
    """Scores of each trait, float64 (traits,); NaN where no picture has it, but for accuracy.

    Attributes:
        support: int64 (traits,), pictures that have it.
        accuracy: share of the pictures for which yes or no is right.
        precision: share right of those said to have it; 0 where none was.
        recall: share found of those that have it.
        f1: harmonic mean of both.
        micro_f1: F1 over all labels together.
        all_right: share of pictures of which every trait is right.
    """

    support: NDArray[np.int64]
    accuracy: Numbers
    precision: Numbers
    recall: Numbers
    f1: Numbers
    micro_f1: float
    all_right: float

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the traits that some picture has."""
        return float(np.nanmean(self.f1)) if (self.support > 0).any() else float("nan")

    @property
    def perfect(self) -> int:
        """Number of traits of F1 1."""
        return int((self.f1 == 1).sum())


def trait_scores(truth: Flags, said: Flags) -> TraitScores:
    """Compare labels (n, traits) with what was said of the same pictures."""
    right = (truth & said).sum(axis=0)
    support, count = truth.sum(axis=0), said.sum(axis=0)
    there = support > 0
    return TraitScores(
        support.astype(np.int64),
        (truth == said).mean(axis=0),
        np.where(there, right / np.maximum(count, 1), np.nan),
        np.where(there, right / np.maximum(support, 1), np.nan),
        np.where(there, 2 * right / np.maximum(support + count, 1), np.nan),
        micro_f1(truth, said),
        float((truth == said).all(axis=1).mean()),
    )


def micro_f1(truth: Flags, said: Flags) -> float:
    """F1 over all labels together; NaN where there are none and none were said."""
    total = int(truth.sum() + said.sum())
    return 2 * int((truth & said).sum()) / total if total else float("nan")


def visible_micro_f1(truth: Flags, said: Flags, hidden: Flags) -> float:
    """Micro F1 over the labels that can be seen: a hidden one is neither asked for nor wrong."""
    return micro_f1(truth & ~hidden, said & ~hidden)
