"""Descriptors side by side: the same items, the same queries, each in a space of its own."""

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.draws import at_most
from simsearch.engine import SPACES, SearchEngine
from simsearch.errors import SalesError
from simsearch.evaluation.album import Album
from simsearch.evaluation.cluster_metrics import agreement
from simsearch.evaluation.contenders import Contender, Fitted
from simsearch.evaluation.material import Ids, Material
from simsearch.evaluation.metrics import mean_of
from simsearch.evaluation.quality_copies import Found, ask_with_edits
from simsearch.evaluation.quality_price import Sold, price_skill
from simsearch.evaluation.retrieval import Progress
from simsearch.evaluation.sample import Sample
from simsearch.evaluation.strangers import look_vectors
from simsearch.evaluation.visible import visible_ceiling
from simsearch.grouping.clustering import KMeans
from simsearch.grouping.groups import GroupSpace
from simsearch.neighbors import Neighbors

Scores = dict[str, dict[str, float]]

GROUPED = 300
"""Items of each collection that are grouped at most."""
_SEEDS = 3
_BATCH = 64
_RATE_SECONDS = 0.5


@dataclass(frozen=True)
class QualitySettings:
    """How descriptors are compared.

    Attributes:
        k: neighbours asked for.
        query_share: part of each collection that is set aside to ask.
        seed: of the draw, the split and everything fitted.
        queries: of those set aside, how many of each collection ask at most; 0 = all.
        per_collection: items drawn of each collection at most; 0 = all.
        copies: items of which edited copies are made, drawn evenly from collections; 0 = none.
        prices: whether price skill is measured, for which all items that were sold are described.
        since: first day of tested sales; None = the last third of all sales.
        ceiling: whether it is looked for what labels can be seen, which takes minutes.
        progress: told how far it is.
    """

    k: int = 10
    query_share: float = 0.3
    seed: int = 0
    queries: int = 300
    per_collection: int = 300
    copies: int = 200
    prices: bool = True
    since: dt.date | None = None
    ceiling: bool = False
    progress: Progress = lambda stage, done, total: None


@dataclass
class Quality:
    """All that was measured of one descriptor; NaN where a number has no meaning.

    Attributes:
        name: of the descriptor.
        training: how its weights came to be; empty without weights.
        scores: collection → ``look``, ``vector`` and ``traits`` (trait overlap@k by look, by the
            vectors alone, and with labels), ``precision`` (share of the k nearest that are of the
            same collection) and ``nearest`` (the same of the first).
        copies: ``alone`` (the descriptor of the copy asks) and ``query`` (edits are undone before,
            as ``query`` does) → edit → bool, which copies found their original first.
        ami: agreement with the collections of as many k-means groups: those that ``cluster`` would
            make (``groups``), of the vectors (``vector``), of the network's part alone (``deep``).
        skill: of prices, where this descriptor says what is alike; None without sales.
        rate: pictures a second, from prepared picture to vector.
        size: bytes of the descriptor of a picture.
    """

    name: str
    training: str
    scores: Scores
    ami: dict[str, float]
    rate: float
    size: int
    skill: float | None = None
    copies: Mapping[str, Found] = field(default_factory=dict)

    def mean(self, name: str) -> float:
        """Mean of a score over the collections that have it."""
        return mean_of([scores.get(name, float("nan")) for scores in self.scores.values()])

    def recall(self, how: str) -> dict[str, float]:
        """Edit → share of the copies that found their original first."""
        return {edit: float(found.mean()) for edit, found in self.copies.get(how, {}).items()}


@dataclass
class Comparison:
    """Descriptors that were measured alike.

    Attributes:
        settings: how.
        sample: the items, and who asked whom.
        rows: descriptor by descriptor.
        visible: collection → trait overlap@k of reading exactly the labels that can be seen.
        notes: what was left out, for people.
    """

    settings: QualitySettings
    sample: Sample
    rows: list[Quality] = field(default_factory=list)
    visible: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def compare(
    engine: SearchEngine,
    contenders: Sequence[Contender],
    settings: QualitySettings,
    folder: Path | None = None,
) -> Comparison:
    """Measure descriptors on a sample of an index.

    Everything is fitted on those items of the sample that can be found; those set aside ask.

    Args:
        engine: the index that items, traits and sales are of.
        contenders: the descriptors.
        settings: how.
        folder: where prepared pictures and descriptors are kept for the next run, if anywhere.

    Raises:
        SourceError: nobody can ask, or a picture cannot be read from its source any more.
    """
    sample = Sample.draw(
        engine,
        per_collection=settings.per_collection,
        share=settings.query_share,
        queries=settings.queries,
        k=settings.k,
        seed=settings.seed,
    )
    result = Comparison(settings, sample)
    if settings.ceiling:
        result.visible = visible_ceiling(sample, settings.progress)
    sold = _sold(engine, result)
    rows = np.union1d(sample.rows, sold.rows) if sold else sample.rows
    album = Album(engine, rows, folder=folder, progress=settings.progress)
    album.read([one.encoder for one in contenders])
    for number, contender in enumerate(contenders):
        settings.progress(f"comparing {contender.name}", number, len(contenders))
        search = contender.fitted(sample, album, settings.seed)
        row = _measured(search, sample, album, settings)
        if sold:
            row.skill = price_skill(contender, album, sold, settings.seed, contender.judged_by)
        if settings.copies:
            row.copies = _copies(search, result)
        result.rows.append(row)
    return result


def _sold(engine: SearchEngine, result: Comparison) -> Sold | None:
    if not result.settings.prices:
        return None
    try:
        return Sold.of(engine, result.settings.since)
    except SalesError as error:
        result.notes.append(f"No price skill: {error}.")
        return None


def _measured(search: Fitted, sample: Sample, album: Album, settings: QualitySettings) -> Quality:
    contender = search.contender
    asked = sample.of(sample.split.asked, contender.judged_by)
    descriptors = search.material.descriptors.rows(asked)
    pictures = None
    if contender.plain:
        pictures = album.pictures(contender.encoder, sample.rows[asked])
    answers = {
        "look": search.look(descriptors, pictures, sample.k),
        "vector": search.vector(descriptors, sample.k),
        "traits": search.retriever.search(descriptors, sample.k, balance=SPACES["traits"]),
    }
    found = {name: near.renumbered(sample.split.indexed) for name, near in answers.items()}
    return Quality(
        contender.name,
        contender.encoder.training,
        _scores(found, sample, asked),
        _group_agreement(search, sample, settings.seed),
        _rate(search, album, sample.rows[:_BATCH]),
        contender.size,
    )


def _scores(found: Mapping[str, Neighbors], sample: Sample, asked: Ids) -> Scores:
    columns = {name: sample.overlaps(near, asked) for name, near in found.items()}
    columns["precision"] = sample.precisions(found["look"], asked)
    columns["nearest"] = sample.precisions(found["look"].top(1), asked)
    return {
        collection: {
            name: column[collection] for name, column in columns.items() if collection in column
        }
        for collection in columns["precision"]
    }


def _group_agreement(search: Fitted, sample: Sample, seed: int) -> dict[str, float]:
    """Agreement of groups with the collections; empty where there is one only."""
    every, count = np.ones(len(sample.rows), dtype=bool), len(sample.names)
    rows = np.flatnonzero(at_most(every, sample.codes, GROUPED, seed))
    if count < 2 or len(rows) < count:
        return {}
    codes, left_out = sample.codes[rows], np.isin(rows, sample.of(rows, search.contender.judged_by))
    found: dict[str, float] = {}
    for name, points in _grouped_in(search, rows, seed).items():
        groups = [KMeans(count, seed=seed + run).fit(points).labels_ for run in range(_SEEDS)]
        found[name] = float(np.mean([agreement(codes, one)["ami"] for one in groups]))
        if not left_out.all():
            own = [agreement(codes[left_out], one[left_out])["ami"] for one in groups]
            found[f"{name}_judged"] = float(np.mean(own))
    return found


def _grouped_in(search: Fitted, rows: Ids, seed: int) -> dict[str, NDArray[np.float32]]:
    """Points of some items in each space that they are grouped in."""
    material = search.material
    descriptors = material.descriptors.rows(rows)
    vectors = search.retriever.spaces.look.transform(descriptors)
    if search.contender.plain is not None:
        return {"groups": vectors, "vector": vectors}
    group_space = GroupSpace.fit(descriptors, material.spans, seed)
    points = {"groups": group_space.transform(descriptors), "vector": vectors}
    deep = [span for span in material.spans if span[0] == "deep"]
    if deep and len(material.spans) > len(deep):
        alone = Material(material.encoder, material.catalog, material.descriptors, deep).take(rows)
        points["deep"] = look_vectors(alone, np.arange(len(rows)), seed)
    return points


def _rate(search: Fitted, album: Album, rows: Ids) -> float:
    """Pictures a second, from prepared pictures to vectors; the first batch is not counted."""
    pictures = album.read_now(search.contender.encoder, rows)
    look = search.retriever.spaces.look
    look.transform(search.describe(pictures))
    done, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < _RATE_SECONDS:
        look.transform(search.describe(pictures))
        done += len(pictures)
    return done / passed


def _copies(search: Fitted, result: Comparison) -> dict[str, Found]:
    """What edited copies of items that can be found do find."""
    settings, sample = result.settings, result.sample
    can = np.zeros(len(sample.rows), dtype=bool)
    can[sample.split.indexed] = True
    share = -(-settings.copies // len(sample.names))
    drawn = np.flatnonzero(at_most(can, sample.codes, share, settings.seed))
    originals = sample.of(drawn, search.contender.judged_by)
    answers = ask_with_edits(
        search, sample, originals, partial(settings.progress, f"copies for {search.contender.name}")
    )
    if answers.left_out:
        codes = ", ".join(f"{count:,} {code}" for code, count in answers.left_out.items())
        note = f"Of the pictures to edit some could not be had again: {codes}."
        result.notes += [note] if note not in result.notes else []
    return answers.found
