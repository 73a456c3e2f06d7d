"""Traits: does a recogniser read them rightly from pictures that it was not trained on?"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Catalog
from simsearch.draws import split_queries
from simsearch.errors import SourceError, UsageError
from simsearch.evaluation.retrieval import Progress
from simsearch.evaluation.trait_metrics import (
    TraitScores,
    micro_f1,
    trait_scores,
    visible_micro_f1,
)
from simsearch.traits.choices import Choices
from simsearch.traits.evidence import Evidence
from simsearch.traits.hidden import ceiling, hidden_labels
from simsearch.traits.labelled import Labelled, labelled_rows, read_labelled
from simsearch.traits.recogniser import TraitRecogniser

Flags = NDArray[np.bool_]
Ids = NDArray[np.int64]

CURVE = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Parts of the training pictures from which recognisers are learned to draw a curve."""


@dataclass(frozen=True)
class TraitSettings:
    """How traits are evaluated.

    Attributes:
        collections: which ones; all that have labels where empty.
        test_share: part of the labelled items of each that is set aside.
        seeds: the draws; scores are means over them.
        curve: whether recognisers are also learned from fewer pictures.
        progress: told how far it is.
    """

    collections: Sequence[str] = ()
    test_share: float = 0.2
    seeds: Sequence[int] = (0,)
    curve: bool = False
    progress: Progress = lambda stage, done, total: None


@dataclass(frozen=True)
class Trial:
    """What a recogniser said of pictures that were set aside.

    Attributes:
        seed: of the draw and of the fit.
        asked: int64 (m,), places of the pictures in ``Labelled``.
        said: bool (m, traits).
        scores: against the metadata.
        visible: micro F1 against the labels that can be seen.
        ceiling: micro F1 of saying all these and nothing else.
        train_seconds: spent on learning.
        milliseconds: for each picture, reading its traits.
    """

    seed: int
    asked: Ids
    said: Flags
    scores: TraitScores
    visible: float
    ceiling: float
    train_seconds: float
    milliseconds: float


@dataclass
class CollectionTraits:
    """What was measured on one collection.

    Attributes:
        known: its labelled pictures.
        exclusive: types of which no item has two values.
        hidden: bool (n, traits), labels that cannot be seen.
        trials: one for each seed.
        curve: pictures learned from → micro and macro F1, of the first seed.
    """

    known: Labelled
    exclusive: tuple[str, ...]
    hidden: Flags
    trials: list[Trial] = field(default_factory=list)
    curve: dict[int, tuple[float, float]] = field(default_factory=dict)

    @property
    def main(self) -> Trial:
        """The trial of the first seed."""
        return self.trials[0]

    def truth(self, trial: Trial) -> Flags:
        """Labels of the pictures that were asked for."""
        return self.known.labels[trial.asked]

    def mean(self, name: str) -> NDArray[np.float64]:
        """Mean over the trials of a score of each trait, of those in which some picture has it."""
        values = np.stack([getattr(trial.scores, name) for trial in self.trials]).astype(float)
        there = ~np.isnan(values)
        return np.where(
            there.any(axis=0),
            np.where(there, values, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1),
            np.nan,
        )


@dataclass(frozen=True)
class TraitResult:
    """All that was measured."""

    settings: TraitSettings
    collections: dict[str, CollectionTraits]


def evaluate_traits(catalog: Catalog, settings: TraitSettings) -> TraitResult:
    """Learn the traits of each collection from a part of its labelled pictures, ask the rest.

    Raises:
        UsageError: a collection is not indexed.
        SourceError: no collection, or not the one named, has enough labelled pictures.
        PictureError: the pictures of a collection are no longer where they were.
    """
    rows = labelled_rows(catalog)
    for name in settings.collections:
        if name not in catalog.collections:
            known = ", ".join(catalog.collections)
            raise UsageError(f"--collection {name}: not indexed; indexed are {known}")
        if name not in rows:
            raise SourceError(f"{name}: too few items have traits to learn from; index more")
    if not rows:
        raise SourceError("no collection has enough items with traits; index some with traits")
    chosen = settings.collections or list(rows)
    found = {name: _evaluated(catalog, name, rows[name], settings) for name in chosen}
    return TraitResult(settings, found)


def _evaluated(catalog: Catalog, name: str, rows: Ids, settings: TraitSettings) -> CollectionTraits:
    def stage(what: str, done: int, total: int) -> None:
        settings.progress(f"{what} {name}", done, total)

    known = read_labelled(catalog, rows, lambda done, total: stage("reading", done, total))
    choices = Choices.of(known.labels, known.vocabulary)
    hidden = hidden_labels(
        Evidence.of(known.pictures),
        known.labels,
        choices,
        lambda done, total: stage("looking for hidden labels of", done, total),
    )
    result = CollectionTraits(known, choices.exclusive, hidden)
    for number, seed in enumerate(settings.seeds):
        stage("learning", number, len(settings.seeds))
        result.trials.append(_trial(known, hidden, seed, settings.test_share))
    if settings.curve:
        for number, share in enumerate(CURVE):
            stage("learning from less of", number, len(CURVE))
            _add_to_curve(result, share)
        result.curve[_trained_on(result)] = (
            result.main.scores.micro_f1,
            result.main.scores.macro_f1,
        )
    return result


def _trained_on(result: CollectionTraits) -> int:
    return len(result.known.rows) - len(result.main.asked)


def _split(count: int, share: float, seed: int) -> tuple[Ids, Ids]:
    """Places that train and places that ask."""
    asks = split_queries(np.zeros(count, dtype=np.int64), share, seed)
    return np.flatnonzero(~asks), np.flatnonzero(asks)


def _trial(known: Labelled, hidden: Flags, seed: int, share: float) -> Trial:
    train, asked = _split(len(known.rows), share, seed)
    started = time.process_time()
    recogniser = _learned(known.take(train), seed)
    learned = time.process_time()
    said = _said(recogniser, known, asked)
    spent = time.process_time() - learned
    truth, unseen = known.labels[asked], hidden[asked]
    return Trial(
        seed,
        asked,
        said,
        trait_scores(truth, said),
        visible_micro_f1(truth, said, unseen),
        ceiling(truth, unseen),
        learned - started,
        1e3 * spent / len(asked),
    )


def _learned(known: Labelled, seed: int) -> TraitRecogniser:
    return TraitRecogniser.fit(known.pictures, known.labels, known.vocabulary, seed=seed)


def _said(recogniser: TraitRecogniser, known: Labelled, asked: Ids) -> Flags:
    """What it says, in the columns of all traits: of those it never saw it says nothing."""
    said = np.zeros((len(asked), len(known.vocabulary)), dtype=bool)
    place = {trait: column for column, trait in enumerate(known.vocabulary)}
    columns = [place[trait] for trait in recogniser.vocabulary]
    said[:, columns] = recogniser.predict(known.pictures[asked])
    return said


def _add_to_curve(result: CollectionTraits, share: float) -> None:
    """Learn from the first ``share`` of the training pictures and ask the same others."""
    known, main = result.known, result.main
    train = np.setdiff1d(np.arange(len(known.rows)), main.asked)
    drawn = np.random.default_rng(main.seed).permutation(train)[: max(round(share * len(train)), 2)]
    recogniser = _learned(known.take(np.sort(drawn)), main.seed)
    truth, said = result.truth(main), _said(recogniser, known, main.asked)
    result.curve[len(drawn)] = (micro_f1(truth, said), trait_scores(truth, said).macro_f1)
