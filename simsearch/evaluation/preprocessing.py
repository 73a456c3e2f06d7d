"""Preprocessing: does it help or hurt, on clean and on noised pictures, and what does it save?

Every way of preprocessing describes the same pictures and the same noised copies of them; every
draw of who asks is the same for all, so that ways compare pair by pair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Catalog, Item
from simsearch.draws import at_most
from simsearch.encoders import Encoder
from simsearch.errors import SourceError
from simsearch.evaluation import metrics
from simsearch.evaluation.described import CLEAN, KINDS, Descriptors, Way, describe
from simsearch.evaluation.material import Material, Split
from simsearch.evaluation.retrieval import Progress
from simsearch.preprocessing import Preprocessing
from simsearch.recognition.classification import VOTERS, Asked, LinearProbe, NeighborVote
from simsearch.retrieval import Retriever
from simsearch.space.trait_matrix import TraitMatrix, trait_matrix

Ids = NDArray[np.int64]
Scores = NDArray[np.float64]

METRICS = ("collection", "classifier", "recall", "overlap")
"""Accuracy of the neighbours' vote and of a linear head, recall@1 of copies, trait overlap@k."""


@dataclass(frozen=True)
class PreprocessingSettings:
    """How preprocessing is evaluated.

    Attributes:
        query_share: part of each collection that is set aside and asks.
        seeds: the draws; scores are means over them.
        k: neighbours of a trait overlap.
        progress: told how far it is.
    """

    query_share: float = 0.2
    seeds: Sequence[int] = (0, 1, 2, 3, 4)
    k: int = 10
    progress: Progress = lambda stage, done, total: None


@dataclass(frozen=True)
class Compared:
    """A mean over the draws, and how it differs from no preprocessing in the same draws.

    Attributes:
        mean: of the scores.
        error: its standard error; NaN for a single draw.
        gain: mean difference to no preprocessing.
        gain_error: its standard error.
        significant: whether 0 lies outside the 95% interval of the difference (Student's t).
    """

    mean: float
    error: float
    gain: float
    gain_error: float
    significant: bool

    @classmethod
    def of(cls, scores: Scores, without: Scores) -> "Compared":
        """Compare scores (draws,) with those of no preprocessing."""
        mean, error = _mean_and_error(scores)
        gain, gain_error = _mean_and_error(scores - without)
        sure = bool(abs(gain) > _quantile(len(scores)) * gain_error) if len(scores) > 1 else False
        return cls(mean, error, gain, gain_error, sure)


@dataclass
class PreprocessingResult:
    """All that was measured.

    Attributes:
        encoder: what described the pictures.
        catalog: the pictures.
        sides: of each picture, the longer one in pixels, int64 (n,).
        settings: how it was measured.
        ways: name → what was tried, ``none`` first.
        scores: way → kind → metric → float64 (collections, draws); NaN where it says nothing.
        left_out: pictures that could not be read.
    """

    encoder: str
    catalog: Catalog
    sides: Ids
    settings: PreprocessingSettings
    ways: dict[str, Way]
    scores: dict[str, dict[str, dict[str, Scores]]] = field(default_factory=dict)
    left_out: int = 0

    def compared(self, way: str, kind: str, metric: str, collection: str = "") -> Compared:
        """One score, of a collection or the mean over them, beside that of no preprocessing."""
        own, without = (self._drawn(name, kind, metric, collection) for name in (way, "none"))
        return Compared.of(own, without)

    def side(self, collection: str) -> int:
        """Median of the longer sides of a collection's pictures, in pixels."""
        code = list(self.catalog.collections).index(collection)
        return int(np.median(self.sides[self.catalog.collection_codes == code]))

    def _drawn(self, way: str, kind: str, metric: str, collection: str) -> Scores:
        """A score for each draw; the mean over the collections that have it, or of one."""
        found = self.scores[way][kind][metric]
        if collection:
            return np.asarray(found[list(self.catalog.collections).index(collection)])
        known = ~np.isnan(found).any(axis=1)
        return np.asarray(found[known].mean(axis=0) if known.any() else found[0] * np.nan)


def evaluate_preprocessing(
    items: Sequence[Item],
    encoder: Encoder,
    ways: Mapping[str, Preprocessing],
    settings: PreprocessingSettings,
) -> PreprocessingResult:
    """Describe pictures in every way, and let some of them ask for the others.

    Args:
        items: the pictures.
        encoder: what describes them, without preprocessing.
        ways: name → steps; ``none`` among them is no preprocessing.
        settings: how to measure.

    Raises:
        SourceError: no collection has two pictures that can be read.
    """
    seen = describe(items, encoder, ways, partial(settings.progress, "describing"))
    catalog = Catalog.from_items(seen.items, pixel_hash=seen.pixels)
    result = PreprocessingResult(
        encoder.name,
        catalog,
        np.array(seen.sides, dtype=np.int64),
        settings,
        {name: seen.way(name, steps) for name, steps in ways.items()},
        left_out=len(items) - len(seen.items),
    )
    spans = [(block.name, block.start, block.stop) for block in encoder.blocks]
    done, total = 0, len(ways) * len(settings.seeds)
    for name, way in result.ways.items():
        trials = []
        for seed in settings.seeds:
            settings.progress("asking", done, total)
            trials.append(_trial(catalog, way, spans, settings, seed))
            done += 1
        result.scores[name] = {
            kind: {metric: np.stack([one[kind][metric] for one in trials], 1) for metric in METRICS}
            for kind in KINDS
        }
    settings.progress("asking", total, total)
    return result


@dataclass(frozen=True)
class _Rows:
    """Descriptors in memory."""

    table: Descriptors

    def rows(self, ids: object) -> Descriptors:
        return self.table[np.asarray(ids, dtype=np.int64)]


def _trial(
    catalog: Catalog,
    way: Way,
    spans: Sequence[tuple[str, int, int]],
    settings: PreprocessingSettings,
    seed: int,
) -> dict[str, dict[str, Scores]]:
    """One draw: kind → metric → score of each collection."""
    codes = catalog.collection_codes
    split = Split.draw(codes, settings.query_share, 0, seed)
    if not len(split.asked):
        raise SourceError("no collection has two pictures, so none can ask; give more")
    plain = catalog.with_columns(traits=[[]] * len(catalog))  # nothing here ranks by traits
    material = Material("", plain, _Rows(way.descriptors[CLEAN]), list(spans))
    asking = _Asking(
        catalog, split, material.take(split.indexed).fitted(seed), trait_matrix(catalog), settings.k
    )
    copied = _copied(codes, split, seed)
    scores = {kind: asking.by_set_aside(way.descriptors[kind]) for kind in KINDS}
    for kind in KINDS:
        scores[kind]["recall"] = asking.by_copies(way.descriptors[kind], copied)
    return scores


def _copied(codes: NDArray[np.int32], split: Split, seed: int) -> Ids:
    """Indexed items whose copies ask, as many of each collection as were set aside at most."""
    indexed = np.zeros(len(codes), dtype=bool)
    indexed[split.indexed] = True
    most = int(np.bincount(codes[split.asked]).max())
    return np.flatnonzero(at_most(indexed, codes, most, seed))


@dataclass(frozen=True)
class _Asking:
    """An index of one draw, and what is known of those who ask it."""

    catalog: Catalog
    split: Split
    retriever: Retriever
    traits: TraitMatrix
    k: int

    def by_set_aside(self, descriptors: Descriptors) -> dict[str, Scores]:
        """Pictures that were set aside ask: their collection, and who shares their traits."""
        codes, asked = self.catalog.collection_codes, self.split.asked
        indexed = codes[self.split.indexed].astype(np.int64)
        index, count = self.retriever.index, len(self.catalog.collections)
        vectors = self.retriever.spaces.look.transform(descriptors[asked])
        asking = Asked.of(vectors, index.search(vectors, VOTERS), indexed)
        none = np.empty((len(indexed), 0))
        known = Asked(np.asarray(index.vectors), none.astype(np.int64), none.astype(np.float32))
        found = {"overlap": self._overlap(descriptors)}
        for name, model in (("collection", NeighborVote()), ("classifier", LinearProbe())):
            said = model.fit(known, indexed, count).scores(asking).argmax(axis=1)
            found[name] = _by_collection(said == codes[asked], codes[asked], count)
        return found

    def _overlap(self, descriptors: Descriptors) -> Scores:
        codes, asked = self.catalog.collection_codes, self.split.asked
        near = self.retriever.search(descriptors[asked], self.k)
        near = near.renumbered(self.split.indexed)
        found = metrics.trait_overlap(near, asked, self.split.indexed, codes, self.traits)
        count = len(self.catalog.collections)
        return np.array([found[code].score if code in found else np.nan for code in range(count)])

    def by_copies(self, descriptors: Descriptors, copied: Ids) -> Scores:
        """Copies of indexed pictures ask: how often the original, or its twin, comes first."""
        first = self.retriever.search(descriptors[copied], 1).renumbered(self.split.indexed)
        pixels = np.unique(self.catalog.column("pixel_hash").to_pylist(), return_inverse=True)[1]
        right = pixels[first.ids[:, 0]] == pixels[copied]
        own, count = self.catalog.collection_codes[copied], len(self.catalog.collections)
        return _by_collection(right, own, count)


def _by_collection(right: NDArray[np.bool_], codes: NDArray[np.integer], count: int) -> Scores:
    """Share that is right of each collection; NaN for one that nobody asked of."""
    asked = np.bincount(codes, minlength=count)
    sums = np.bincount(codes, right, minlength=count)
    return np.asarray(sums / np.where(asked > 0, asked, np.nan))


def _mean_and_error(values: Scores) -> tuple[float, float]:
    """Mean and its standard error."""
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(error)


def _quantile(count: int) -> float:
    """How many standard errors a mean of so many lies from 0 at most, 95 times of 100."""
    from scipy.stats import t

    return float(t.ppf(0.975, count - 1))
