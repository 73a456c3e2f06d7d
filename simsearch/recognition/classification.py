"""Which collection a picture belongs to, or that it belongs to none of those indexed.

Collections are codes 0, 1, 2 …; an index is whatever searches vectors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from simsearch.neighbors import Neighbors
from simsearch.recognition.calibration import LogisticCurve, Temperature

Vectors = NDArray[np.float32]
Codes = NDArray[np.int64]
Numbers = NDArray[np.float64]

VOTERS = 10
"""Nearest neighbours that have a vote."""
LEAST_ITEMS = 20
"""Items asked that give a collection a nearness of its own; others have that of all together."""
_PRIOR_VOTES = 0.5
"""Votes of every collection before the count, so that none is impossible."""
_USUAL = 0.95
"""Share of a collection's items whose distance to the next item is called usual."""
_LEAST_SPREAD = 0.02
"""Least gap between a typical and a usual distance: many pictures may be identical."""
_CURVE = (-5.0, 6.25)
"""Curve of known against strange where no collection can be left out: even odds at 1.25."""


@dataclass(frozen=True)
class Asked:
    """What is known of q pictures that ask; an indexed one is no neighbour of itself.

    Attributes:
        vectors: float32 (q, d), unit length.
        collections: int64 (q, k), collection of each neighbour, nearest first; -1 for none.
        distances: float32 (q, k), 0 to 2, ascending; inf for none.
    """

    vectors: Vectors
    collections: Codes
    distances: Vectors

    @classmethod
    def of(cls, vectors: Vectors, near: Neighbors, codes: NDArray[np.integer[Any]]) -> "Asked":
        """Look up collections of neighbours; ``codes`` (n,) are those of the catalog rows."""
        return cls(vectors, np.append(codes, -1).astype(np.int64)[near.ids], near.distances)

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Asked":
        """Some of the pictures."""
        return Asked(self.vectors[rows], self.collections[rows], self.distances[rows])


class CollectionModel(Protocol):
    """Scores collections: larger is likelier, and only differences within a row mean anything."""

    def fit(self, asked: Asked, codes: Codes, count: int) -> Self:
        """Learn from pictures whose collections ``codes`` (q,), all below ``count``, are known."""
        ...

    def scores(self, asked: Asked) -> Numbers:
        """Scores (q, count)."""
        ...


class NeighborVote:
    """The nearest neighbours vote, the very nearest one twice so that it breaks ties."""

    def __init__(self, voters: int = VOTERS) -> None:
        self.voters = voters

    def fit(self, asked: Asked, codes: Codes, count: int) -> Self:
        """Note how many collections there are; the neighbours are the model."""
        self.count_ = count
        return self

    def scores(self, asked: Asked) -> Numbers:
        """Logarithms of votes."""
        voters = asked.collections[:, : self.voters]
        voters = np.hstack([voters[:, :1], voters])
        votes = np.full((len(voters), self.count_ + 1), _PRIOR_VOTES)
        np.add.at(votes, (np.arange(len(voters))[:, None], voters), 1)  # -1: the last column
        return np.asarray(np.log(votes[:, :-1]))


class NearestCentroid:
    """Cosine similarity to the mean vector of each collection."""

    def fit(self, asked: Asked, codes: Codes, count: int) -> Self:
        """Average the vectors of each collection."""
        sums = np.zeros((count, asked.vectors.shape[1]))
        np.add.at(sums, codes, asked.vectors)
        self.centroids_ = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
        return self

    def scores(self, asked: Asked) -> Numbers:
        """Similarities, -1 to 1."""
        return np.asarray(asked.vectors @ self.centroids_.T)


class LinearProbe:
    """Ridge regression from vectors to one column for each collection."""

    def __init__(self, ridge: float = 1.0) -> None:
        self.ridge = ridge

    def fit(self, asked: Asked, codes: Codes, count: int) -> Self:
        """Solve for the weights; all collections weigh the same, however many items they have."""
        inputs = np.hstack([asked.vectors, np.ones((len(asked), 1))]).astype(np.float64)
        weights = len(codes) / count / np.bincount(codes, minlength=count)[codes]
        weighted = inputs.T * weights
        penalty = self.ridge * np.eye(inputs.shape[1])
        self.weights_ = np.linalg.solve(
            weighted @ inputs + penalty, weighted @ np.eye(count)[codes]
        )
        return self

    def scores(self, asked: Asked) -> Numbers:
        """Predicted columns: near 1 for the collection, near 0 for the others."""
        return np.asarray(asked.vectors @ self.weights_[:-1] + self.weights_[-1])


class Strangeness:
    """Tells pictures of the indexed collections from all others.

    A picture is strange when its nearest neighbour is farther away than that neighbour's collection
    is used to; collections differ in how alike their items are. In the units of strangeness 0 is
    the collection's median distance and 1 is what 95% of its items stay below.

    Attributes:
        usual_: float64 (count + 1, 2), median and spread of each collection, last of all together.
        curve_: probability of being known, from the strangeness.
    """

    def fit(self, known: Asked, codes: Codes, count: int, strangers: Asked | None = None) -> Self:
        """Learn from indexed items.

        Args:
            known: items that asked all the others.
            codes: (q,), their collections.
            count: number of collections.
            strangers: items that asked the other collections only; None where there is just one.
        """
        nearest = known.distances[:, 0].astype(np.float64)
        there = np.isfinite(nearest)
        self.usual_ = np.tile(_usual(nearest[there]), (count + 1, 1))
        for code in range(count):
            own = nearest[there & (codes == code)]
            if len(own) >= LEAST_ITEMS:
                self.usual_[code] = _usual(own)
        self.curve_ = LogisticCurve(*_CURVE)
        if strangers is not None and len(strangers) and there.any():
            self.curve_.fit(self.scores(known.take(there)), self.scores(strangers))
        return self

    def scores(self, asked: Asked) -> Numbers:
        """Strangeness (q,); inf where nothing was found."""
        typical, spread = self.usual_[asked.collections[:, 0]].T
        return np.asarray((asked.distances[:, 0] - typical) / spread)

    def known(self, asked: Asked) -> Numbers:
        """Probability (q,) of belonging to an indexed collection, other cases equally frequent."""
        return self.curve_(self.scores(asked))


def _usual(distances: Numbers) -> tuple[float, float]:
    """Median, and how far above it the usual distances reach."""
    if not len(distances):
        return 0.0, 1.0
    middle, top = np.quantile(distances, [0.5, _USUAL])
    return float(middle), max(float(top - middle), _LEAST_SPREAD)


@dataclass(frozen=True)
class Verdicts:
    """Collections of q pictures.

    Attributes:
        codes: int64 (q,), the likeliest collection; -1 where nothing is indexed.
        probability: float64 (q,), that the picture belongs to it.
        known: bool (q,), whether it belongs to an indexed collection rather than to none.
    """

    codes: Codes
    probability: Numbers
    known: NDArray[np.bool_]


class CollectionClassifier:
    """A model with its calibration, and the test whether a picture belongs to none at all."""

    def __init__(self, model: CollectionModel | None = None) -> None:
        self.model: CollectionModel = model or NeighborVote()

    def fit(
        self, known: Asked, codes: Codes, count: int, strangers: Asked | None = None
    ) -> "CollectionClassifier":
        """Fit on indexed items in catalog order; ``Strangeness.fit`` explains the arguments.

        Every second item trains the model and the others calibrate it, so that no model is
        calibrated on what it was trained on.
        """
        trains = np.arange(len(known)) % 2 == 0
        held = ~trains if len(known) > 1 else trains
        self.model.fit(known.take(trains), codes[trains], count)
        self.temperature_ = Temperature().fit(self.model.scores(known.take(held)), codes[held])
        self.strangeness_ = Strangeness().fit(known, codes, count, strangers)
        return self

    def probabilities(self, asked: Asked) -> Numbers:
        """Probability (q, count) of each collection, given that it is one of them."""
        return self.temperature_(self.model.scores(asked))

    def predict(self, asked: Asked) -> Verdicts:
        """Name a collection for each picture."""
        shares, known = self.probabilities(asked), self.strangeness_.known(asked)
        best = np.where(asked.collections[:, 0] >= 0, shares.argmax(axis=1), -1)
        return Verdicts(best, shares.max(axis=1) * known, known >= 0.5)

    def state(self, names: Sequence[str]) -> dict[str, object]:
        """All that was fitted, as JSON values; of classifiers that let neighbours vote.

        Args:
            names: the collections in the order of their codes.
        """
        usual, curve = self.strangeness_.usual_.tolist(), self.strangeness_.curve_
        return {
            "temperature": self.temperature_.factor_,
            "curve": [curve.slope_, curve.offset_],
            "usual": dict(zip(names, usual, strict=False)),
            "usual_elsewhere": usual[-1],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], names: Sequence[str]) -> "CollectionClassifier":
        """The classifier that ``state`` came from, for collections that may be others by now.

        Raises:
            KeyError, TypeError, ValueError: no such state.
        """
        made, elsewhere = cls(), state["usual_elsewhere"]
        usual = [state["usual"].get(name, elsewhere) for name in names]
        made.model = NeighborVote()
        made.model.count_ = len(usual)
        made.temperature_, made.strangeness_ = Temperature(), Strangeness()
        made.temperature_.factor_ = float(state["temperature"])
        made.strangeness_.usual_ = np.array([*usual, elsewhere], dtype=np.float64)
        made.strangeness_.curve_ = LogisticCurve(*map(float, state["curve"]))
        return made
