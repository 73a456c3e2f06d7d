"""Retrieval: do pictures that nothing was fitted on find items that share their traits?"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simsearch.engine import SPACES, SearchEngine
from simsearch.errors import PictureError, SourceError
from simsearch.evaluation import metrics
from simsearch.evaluation.baselines import BASELINES
from simsearch.evaluation.edited import EditedCopies, ask_with_copies
from simsearch.evaluation.material import Material, Split
from simsearch.neighbors import Neighbors
from simsearch.retrieval import Retriever
from simsearch.space.trait_matrix import TraitMatrix, trait_matrix

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

_BATCH = 64


@dataclass(frozen=True)
class RetrievalSettings:
    """How retrieval is measured.

    Attributes:
        k: neighbours asked for.
        query_share: part of each collection that is set aside to ask.
        seed: of the split and of everything fitted.
        queries: of those set aside, how many of each collection ask at most; 0 = all.
        spaces: names in ``SPACES``; the first one gives the headline.
        baselines: names in ``BASELINES``.
        copies: items of which edited copies are made, drawn evenly from collections; 0 = none.
        progress: told how far it is.
    """

    k: int = 10
    query_share: float = 0.3
    seed: int = 0
    queries: int = 300
    spaces: tuple[str, ...] = ("look", "traits")
    baselines: tuple[str, ...] = tuple(BASELINES)
    copies: int = 200
    progress: Progress = lambda stage, done, total: None


@dataclass(frozen=True)
class Score:
    """One method on one collection, or on the mean of collections; NaN where it says nothing."""

    trait_overlap: float
    precision: float


@dataclass(frozen=True)
class Answers:
    """What one method answered and how good it was.

    Attributes:
        neighbors: catalog rows, (q, k), in the order of ``Split.asked``.
        shared: float64 (q, k), Jaccard of the traits of a query and of a neighbour.
        scores: collection → score.
        seconds: asking took.
    """

    neighbors: Neighbors
    shared: NDArray[np.float64]
    scores: Mapping[str, Score]
    seconds: float

    @property
    def mean(self) -> Score:
        """Mean over the collections where each number is known."""
        overlaps = [score.trait_overlap for score in self.scores.values()]
        precisions = [score.precision for score in self.scores.values()]
        return Score(metrics.mean_of(overlaps), metrics.mean_of(precisions))


@dataclass
class RetrievalResult:
    """All that was measured of one encoder.

    Attributes:
        material: the items.
        split: who asked whom.
        settings: how it was measured.
        spaces: space → answers.
        baselines: baseline → answers.
        edited: recall of edited copies, where it was measured.
        seconds: what took how long.
        notes: what was left out, for people.
    """

    material: Material
    split: Split
    settings: RetrievalSettings
    spaces: dict[str, Answers] = field(default_factory=dict)
    baselines: dict[str, Answers] = field(default_factory=dict)
    edited: EditedCopies | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def space(self) -> str:
        """Name of the space that gives the headline."""
        return self.settings.spaces[0]

    @property
    def main(self) -> Answers:
        """Answers of that space."""
        return self.spaces[self.space]

    @property
    def methods(self) -> dict[str, Answers]:
        """Spaces and baselines, in the order in which they are shown."""
        return self.spaces | self.baselines

    @cached_property
    def own(self) -> NDArray[np.int32]:
        """int32 (q,): collection of each query, a place in ``list(catalog.collections)``."""
        return self.material.catalog.collection_codes[self.split.asked]

    @cached_property
    def traits(self) -> TraitMatrix:
        """Traits of all items."""
        return trait_matrix(self.material.catalog)

    @cached_property
    def ceiling(self) -> metrics.Ceiling:
        """What answers could reach."""
        codes = self.material.catalog.collection_codes
        return metrics.trait_ceiling(
            self.split.asked, self.split.indexed, codes, self.traits, self.settings.k
        )

    def judge(self, neighbors: Neighbors, seconds: float) -> Answers:
        """Score the answers to all queries."""
        codes = self.material.catalog.collection_codes
        shared = metrics.shared_traits(neighbors, self.split.asked, codes, self.traits)
        overlaps = metrics.mean_overlaps(shared, self.ceiling, self.own)
        precisions = metrics.collection_precision(neighbors, self.split.asked, codes)
        names = list(self.material.catalog.collections)
        scores = {
            names[code]: Score(
                overlaps[code].score if code in overlaps else float("nan"), precision
            )
            for code, precision in precisions.items()
        }
        return Answers(neighbors, shared, scores, seconds)


def measure(engine: SearchEngine, settings: RetrievalSettings) -> RetrievalResult:
    """Evaluate an index: items set aside ask for the others, then edited copies for originals."""
    result = evaluate_retrieval(Material.of_index(engine), settings)
    if settings.copies:
        seconds, edited = timed(lambda: _edited(engine, settings))
        result.seconds["edits"], result.edited = seconds, edited
        if left_out := edited.left_out:
            codes = ", ".join(f"{count:,} {code}" for code, count in left_out.items())
            result.notes.append(f"Of the pictures to edit some could not be had again: {codes}.")
    return result


def _edited(engine: SearchEngine, settings: RetrievalSettings) -> EditedCopies:
    progress = partial(settings.progress, "edited copies")
    return ask_with_copies(engine, settings.spaces, settings.copies, settings.seed, progress)


def evaluate_retrieval(material: Material, settings: RetrievalSettings) -> RetrievalResult:
    """Set items aside, fit on the others, and let those set aside ask.

    The retriever is made of the indexed items alone: it holds no descriptor, trait or collection of
    an item that asks.

    Raises:
        SourceError: no collection has two items, so that none can ask another.
    """
    codes = material.catalog.collection_codes
    split = Split.draw(codes, settings.query_share, settings.queries, settings.seed)
    if not len(split.asked):
        raise SourceError("no collection has two items, so none can ask; index more pictures")
    result = RetrievalResult(material, split, settings)
    settings.progress("fitting", 0, 1)
    seconds, retriever = timed(lambda: material.take(split.indexed).fitted(settings.seed))
    result.seconds["fitting"] = seconds
    if "traits" in settings.spaces and not retriever.spaces.vocabulary:
        result.notes.append("No collection has traits enough to learn from: traits is look here.")
    for space in settings.spaces:
        seconds, found = timed(lambda name=space: _ask(retriever, result, name))  # type: ignore[misc]
        result.spaces[space] = result.judge(found, seconds)
    _add_baselines(result)
    return result


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds that work took, and what it gave."""
    start = time.perf_counter()
    done = work()
    return time.perf_counter() - start, done


def _ask(retriever: Retriever, result: RetrievalResult, space: str) -> Neighbors:
    """Answers to all queries, as rows of the whole catalog."""
    asked, settings = result.split.asked, result.settings
    found = Neighbors.empty(len(asked), settings.k)
    for start in range(0, len(asked), _BATCH):
        part = slice(start, start + _BATCH)
        descriptors = result.material.descriptors.rows(asked[part])
        near = retriever.search(descriptors, settings.k, balance=SPACES[space])
        near = near.renumbered(result.split.indexed)
        found.ids[part], found.distances[part] = near.ids, near.distances
        settings.progress(f"asking in space {space}", min(part.stop, len(asked)), len(asked))
    return found


def _add_baselines(result: RetrievalResult) -> None:
    """Let each baseline answer the same queries."""
    names, split = result.settings.baselines, result.split
    if not names:
        return
    try:
        indexed, asked = (
            result.material.take(rows).grids() for rows in (split.indexed, split.asked)
        )
    except PictureError as error:
        result.notes.append(f"No baselines, for the pictures have gone: {error}.")
        return
    for number, name in enumerate(names):
        result.settings.progress("baselines", number, len(names))
        answer = BASELINES[name]
        seconds, near = timed(lambda: answer(indexed, asked, result.settings.k))  # noqa: B023
        result.baselines[name] = result.judge(near.renumbered(split.indexed), seconds)
    result.settings.progress("baselines", len(names), len(names))
