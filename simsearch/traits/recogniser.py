"""The traits that pictures of one collection show, learned from its labelled pictures."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Trait
from simsearch.traits.choices import Choices
from simsearch.traits.evidence import Evidence, Flags, Ids, folds
from simsearch.traits.trees import Grove, Tree, fit_tree

Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]

FOLDS = 3
"""Parts of the training pictures, each held out once to fit thresholds."""
_EVEN = 0.5
_LOWEST, _HIGHEST = 0.4, 0.75
"""Where a threshold may lie: much below even odds F1 rewards guesses at what nobody can see."""


@dataclass(frozen=True)
class TraitRecogniser:
    """Reads traits of pictures on the collection's grid.

    A decision tree for each trait asks for colours of cells. Art in layers hides traits under
    others, and the same trait is drawn in several ways; a tree asks for what is left to see in
    turn, where a sum of evidence needs a threshold that suits all cases at once.

    Attributes:
        side: cells on a side of the pictures.
        vocabulary: the traits, in the order of the results.
        choices: which of them exclude each other.
        grove: one tree for each trait.
        thresholds: float32 (traits,), probability above which a trait is said to be there.
    """

    side: int
    vocabulary: tuple[Trait, ...]
    choices: Choices
    grove: Grove
    thresholds: Floats

    @classmethod
    def fit(
        cls,
        pictures: NDArray[np.uint8],
        labels: Flags,
        vocabulary: Sequence[Trait],
        *,
        seed: int = 0,
        progress: Progress = lambda done, total: None,
    ) -> "TraitRecogniser":
        """Learn from labelled pictures.

        Args:
            pictures: uint8 (n, side * side, 3), n >= 1.
            labels: bool (n, traits), which picture has which trait.
            vocabulary: (type, value) of each column.
            seed: of folds and ties.
            progress: told how many traits are learned, of how many.
        """
        choices = Choices.of(labels, vocabulary)
        learner = _Learner(Evidence.of(pictures), labels, seed)
        trees = []
        for column in range(len(vocabulary)):
            trees.append(learner.tree(column))
            progress(column + 1, len(vocabulary))
        thresholds = learner.thresholds(trees, choices)
        side = math.isqrt(pictures.shape[1])
        grove = Grove.of(trees, learner.evidence)
        return cls(side, tuple(vocabulary), choices, grove, thresholds)

    def probabilities(self, pictures: NDArray[np.uint8]) -> Floats:
        """Probability of each trait, float32 (n, traits), of pictures (n, side * side, 3)."""
        return self.choices.conditioned(self.grove.predict(pictures))

    def predict(self, pictures: NDArray[np.uint8]) -> Flags:
        """Which traits are there, bool (n, traits)."""
        return self.choices.decide(self.probabilities(pictures), self.thresholds)

    def shown(self, picture: NDArray[np.uint8]) -> list[tuple[Trait, float]]:
        """The traits that one picture (side * side, 3) shows, the surest first."""
        shares = self.probabilities(picture[None])
        there = np.flatnonzero(self.choices.decide(shares, self.thresholds)[0])
        order = there[np.argsort(-shares[0, there], kind="stable")]
        return [(self.vocabulary[column], float(shares[0, column])) for column in order.tolist()]

    def tensors(self) -> dict[str, Floats]:
        """The fitted arrays by name."""
        return self.grove.tensors() | {"thresholds": self.thresholds}

    def card(self) -> dict[str, object]:
        """All else, as JSON values."""
        return {
            "side": self.side,
            "vocabulary": [list(trait) for trait in self.vocabulary],
            "exclusive": list(self.choices.exclusive),
            "groups": [columns.tolist() for columns in self.choices.groups],
            "optional": list(self.choices.optional),
        }

    @classmethod
    def restored(
        cls, card: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> "TraitRecogniser":
        """The recogniser that card and tensors came from.

        Raises:
            KeyError, TypeError, ValueError: they are no recogniser, or do not fit each other.
        """
        vocabulary = tuple((str(kind), str(value)) for kind, value in card["vocabulary"])
        groups = tuple(np.array(columns, dtype=np.int64) for columns in card["groups"])
        choices = Choices(tuple(card["exclusive"]), groups, tuple(map(bool, card["optional"])))
        grove = Grove.from_tensors(tensors)
        thresholds = np.asarray(tensors["thresholds"], dtype=np.float32)
        side, columns = int(card["side"]), np.concatenate([np.array([-1]), *groups])
        if (
            not len(grove.roots) == len(thresholds) == len(vocabulary) > columns.max()
            or not len(choices.exclusive) == len(groups) == len(choices.optional)
            or grove.cell.max(initial=0) >= side * side
        ):
            raise ValueError("trait trees and their card do not fit each other")
        return cls(side, vocabulary, choices, grove, thresholds)


class _Learner:
    """Trees and thresholds from one set of labelled pictures."""

    def __init__(self, evidence: Evidence, labels: Flags, seed: int) -> None:
        self.evidence = evidence
        self.labels = labels
        self.seed = seed
        self.rows = np.arange(len(labels))

    def tree(self, column: int, rows: Ids | None = None) -> Tree:
        """The tree of one column, from some pictures or all."""
        rows = self.rows if rows is None else rows
        counts = self.evidence.count(rows)
        return fit_tree(self.evidence, self.labels[:, column], rows, counts, self.seed)

    def thresholds(self, trees: Sequence[Tree], choices: Choices) -> Floats:
        """Thresholds that suit pictures which the trees they judge have not seen.

        Traits whose tree is right on every training picture need none but even odds.
        """
        found = np.full(len(trees), _EVEN, dtype=np.float32)
        shares = np.stack([tree.predict(self.evidence, self.rows) for tree in trees], axis=1)
        wrong = np.flatnonzero(((shares > _EVEN) != self.labels).any(axis=0))
        together = [group for group in choices.groups if np.isin(group, wrong).any()]
        for column in np.unique(np.concatenate([wrong, *together])).tolist():
            shares[:, column] = self._held_out(column)
        likely = choices.conditioned(shares)
        for column in wrong.tolist():
            found[column] = best_threshold(likely[:, column], self.labels[:, column])
        return found

    def _held_out(self, column: int) -> NDArray[np.float64]:
        """Probabilities of each picture from trees that have not seen it."""
        shares = np.zeros(len(self.rows))
        for train, held in folds(self.labels[:, column], FOLDS, self.seed):
            shares[held] = self.tree(column, train).predict(self.evidence, held)
        return shares


def best_threshold(shares: NDArray[np.floating], labels: Flags) -> float:
    """The threshold of best F1 within .4 to .75, the nearest to .5 of those equally good."""
    inside = shares[(shares > _LOWEST) & (shares < _HIGHEST)]
    edges = np.unique(np.concatenate([inside, [_LOWEST, _HIGHEST]]))
    tried = np.append((edges[:-1] + edges[1:]) / 2, _EVEN)
    scores = []
    for threshold in tried:
        said = shares > threshold
        scores.append(2 * (said & labels).sum() / max(said.sum() + labels.sum(), 1))
    best = np.flatnonzero(np.array(scores) == max(scores))
    return float(tried[best[np.abs(tried[best] - _EVEN).argmin()]])
