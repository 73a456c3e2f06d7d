"""How right and how sure: confusion, macro averages, calibration, known against unknown."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Codes = NDArray[np.integer[Any]]

BINS = 10
"""Bins of a reliability curve, of equal width."""


@dataclass(frozen=True)
class ClassScores:
    """One-against-all scores of each class, float64 (classes,).

    Classes that nobody asked for are NaN. A class that was never said has precision 0.
    """

    precision: Numbers
    recall: Numbers
    f1: Numbers
    support: NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """Share of answers that are right."""
        return float(np.nansum(self.recall * self.support) / self.support.sum())

    def macro(self, name: str) -> float:
        """Mean of ``precision``, ``recall`` or ``f1`` over the classes that were asked for."""
        return float(np.nanmean(getattr(self, name)))


def confusion(truth: Codes, said: Codes, count: int) -> NDArray[np.int64]:
    """Counts (count, count): rows are true, columns are said."""
    counts = np.zeros((count, count), dtype=np.int64)
    np.add.at(counts, (truth, said), 1)
    return counts


def class_scores(counts: NDArray[np.int64]) -> ClassScores:
    """Scores of a confusion matrix."""
    right, support, said = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    asked = support > 0
    recall = np.where(asked, right / np.maximum(support, 1), np.nan)
    precision = np.where(asked, right / np.maximum(said, 1), np.nan)
    f1 = np.where(asked, 2 * right / np.maximum(support + said, 1), np.nan)
    return ClassScores(precision, recall, f1, support)


@dataclass(frozen=True)
class Reliability:
    """How often answers of about the same probability are right, bins without answers left out.

    Attributes:
        confidence: float64 (b,), mean probability of a bin, ascending.
        accuracy: float64 (b,), share of it that is right.
        count: int64 (b,), answers in it.
    """

    confidence: Numbers
    accuracy: Numbers
    count: NDArray[np.int64]

    @property
    def ece(self) -> float:
        """Expected calibration error (Naeini et al., 2015): mean gap between the two."""
        gaps = np.abs(self.confidence - self.accuracy)
        return float((gaps * self.count).sum() / self.count.sum())


def reliability(probability: Numbers, right: NDArray[np.bool_]) -> Reliability:
    """Reliability of answers given with a probability 0 to 1 each, (q,)."""
    places = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    count = np.bincount(places, minlength=BINS)
    there = count > 0
    sums = (np.bincount(places, part, BINS)[there] for part in (probability, right))
    confidence, accuracy = (total / count[there] for total in sums)
    return Reliability(confidence, accuracy, count[there])


def auroc(low: Numbers, high: Numbers) -> float:
    """Chance that one of ``high`` is above one of ``low``, a tie counting half; NaN without any."""
    if not len(low) or not len(high):
        return float("nan")
    ordered = np.sort(low)
    below = [np.searchsorted(ordered, high, side) for side in ("left", "right")]
    return float(np.mean(below) / len(low))


def false_alarm(low: Numbers, high: Numbers, caught: float = 0.95) -> float:
    """Share of ``low`` at or above the value that ``caught`` of ``high`` reach; NaN without any."""
    if not len(low) or not len(high):
        return float("nan")
    reached = np.sort(high)[int((1 - caught) * len(high) + 1e-9)]
    return float((low >= reached).mean())
