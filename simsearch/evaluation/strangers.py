"""Collections that are left out in turn: do their pictures look strange to all the others?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.draws import at_most, by_collection
from simsearch.evaluation.class_metrics import Reliability, auroc, false_alarm, reliability
from simsearch.evaluation.material import Ids, Material, Split
from simsearch.evaluation.retrieval import Progress
from simsearch.index import build_index
from simsearch.recognition.classification import VOTERS, Asked, CollectionClassifier
from simsearch.recognition.membership import Described, fit_on_index
from simsearch.space.spaces import fit_look

Numbers = NDArray[np.float64]

FOLDS = 20
"""Times that collections are left out at most; of more collections, several at a time."""


@dataclass(frozen=True)
class Strangers:
    """Answers to pictures of left-out collections, and to known ones beside them.

    Attributes:
        rows: int64 (q,), who asked.
        foreign: bool (q,), whether its collection was left out.
        known: float64 (q,), probability that it is of an indexed collection.
        scores: how strange it is, by several measures: name → float64 (q,), larger is stranger; the
            first one is what an index uses.
    """

    rows: Ids
    foreign: NDArray[np.bool_]
    known: Numbers
    scores: dict[str, Numbers]

    @property
    def main(self) -> str:
        """Name of the score that an index uses."""
        return next(iter(self.scores))

    @property
    def said(self) -> NDArray[np.bool_]:
        """Of each (q,), whether it is called known by the fitted threshold."""
        return self.known >= 0.5

    def auroc(self, score: str, chosen: NDArray[np.bool_] | None = None) -> float:
        """AUROC of known against unknown pictures; ``chosen`` (q,) limits the unknown ones."""
        unknown = self.foreign if chosen is None else self.foreign & chosen
        values = self.scores[score]
        return auroc(values[~self.foreign], values[unknown])

    def false_alarm(self, score: str, caught: float = 0.95) -> float:
        """Share of known pictures called unknown where ``caught`` of the unknown are caught."""
        values = self.scores[score]
        return false_alarm(values[~self.foreign], values[self.foreign], caught)

    @property
    def caught(self) -> float:
        """Share of unknown pictures that the fitted threshold calls unknown."""
        return float((~self.said[self.foreign]).mean())

    @property
    def alarms(self) -> float:
        """Share of known pictures that the fitted threshold calls unknown."""
        return float((~self.said[~self.foreign]).mean())

    @property
    def reliability(self) -> Reliability:
        """Whether the probability of being known can be believed."""
        return reliability(self.known, ~self.foreign)


def ask_as_strangers(material: Material, split: Split, seed: int, progress: Progress) -> Strangers:
    """Leave each collection out of everything that is fitted, and let its queries ask.

    As many queries of the other collections ask beside them.
    """
    codes = material.catalog.collection_codes
    folds = min(len(material.catalog.collections), FOLDS)
    parts = []
    for fold in range(folds):
        progress("leaving collections out", fold, folds)
        foreign = codes % folds == fold
        inside = split.indexed[~foreign[split.indexed]]
        outside = split.asked[foreign[split.asked]]
        if len(inside) and len(outside):
            beside = _beside(split.asked[~foreign[split.asked]], codes, len(outside), seed)
            parts.append(_fold(material, inside, (outside, beside), seed))
    progress("leaving collections out", folds, folds)
    return _joined(parts)


def look_vectors(material: Material, rows: Ids, seed: int) -> NDArray[np.float32]:
    """Vectors of all items in a look space that is fitted on some of them alone."""
    codes = material.catalog.collection_codes[rows]
    groups = [rows[places] for _, places in by_collection(codes)]
    return material.vectors(fit_look(material.descriptors, groups, material.spans, seed))


def _beside(asked: Ids, codes: NDArray[np.int32], count: int, seed: int) -> Ids:
    """About ``count`` of the queries, evenly from their collections."""
    each = -(-count // max(len(np.unique(codes[asked])), 1))
    return asked[at_most(np.ones(len(asked), dtype=bool), codes[asked], each, seed)]


def _fold(material: Material, inside: Ids, asked: tuple[Ids, Ids], seed: int) -> Strangers:
    """Answers where only the items ``inside`` are there; ``asked``: unknown and known pictures."""
    rows = np.concatenate(asked)
    part = material.take(np.concatenate([inside, rows]))
    vectors = look_vectors(part, np.arange(len(inside)), seed)
    indexed, asking = vectors[: len(inside)], vectors[len(inside) :]
    codes = material.catalog.collection_codes[inside]
    index = build_index("flat", indexed, seed=seed)
    described = Described(part.take(np.arange(len(inside))).descriptors, part.spans, codes)
    fitted = fit_on_index(index, described, seed)
    near = Asked.of(asking, index.search(asking, VOTERS), codes)
    known = fitted.strangeness_.known(near)
    foreign = np.arange(len(rows)) < len(asked[0])
    return Strangers(rows, foreign, known, _scores(fitted, near))


def _scores(fitted: CollectionClassifier, near: Asked) -> dict[str, Numbers]:
    return {
        "simsearch": fitted.strangeness_.scores(near),
        "nearest_distance": near.distances[:, 0].astype(np.float64),
        "vote": -fitted.probabilities(near).max(axis=1),
    }


def _joined(parts: list[Strangers]) -> Strangers:
    rows, foreign, known = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("rows", "foreign", "known")
    )
    scores = {n: np.concatenate([part.scores[n] for part in parts]) for n in parts[0].scores}
    return Strangers(rows, foreign, known, scores)
