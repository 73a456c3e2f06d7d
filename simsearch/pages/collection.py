"""What people see of ``evaluate collection``: rows for tables, and a page."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simsearch import plots
from simsearch.engine import SearchEngine
from simsearch.evaluation.class_metrics import Reliability
from simsearch.evaluation.collection import CollectionResult
from simsearch.evaluation.strangers import Strangers
from simsearch.images import load_image
from simsearch.report import Case, Report, Row, Shot
from simsearch.wording import counted

_MODELS_NOTE = (
    "Macro: the mean over collections. ECE: mean gap between the probability given and the share "
    "that is right. An index answers with the first model."
)
_UNKNOWN_NOTE = (
    "Each collection is left out of everything that is fitted, the space included; then its "
    "pictures ask, and as many known ones beside them. AUROC: how often an unknown picture looks "
    "stranger than a known one. False alarm at 95: share of known pictures called unknown where "
    "95% of the unknown are caught. An index goes by the first row."
)
_THRESHOLD_NOTE = (
    "Unknown pictures caught at the threshold that the other collections alone gave: {caught:.1%}; "
    "known ones called unknown: {alarms:.1%}."
)
_SHOWN, _FOUND = 12, 6


def collection_page(
    result: CollectionResult, engine: SearchEngine, name: str, command: str
) -> Report:
    """Write up what was measured.

    Args:
        result: what was measured on the index.
        engine: the index.
        name: what was evaluated, for people.
        command: what a person types to make the page again.
    """
    report = Report(f"Collections: {name}", command, measured(result))
    best = {"accuracy": max, "macro F1": max, "ECE": min}
    report.table("Models", model_rows(result), _MODELS_NOTE, best=best)
    if result.strangers:
        _add_strangers(report, result, result.strangers)
    shares = result.main.counts / np.maximum(result.main.counts.sum(axis=1, keepdims=True), 1)
    report.chart("Confusion", plots.matrix(shares, result.names), "Shares of the true collection.")
    curves = {model: judged.reliability for model, judged in result.models.items()}
    report.chart("Reliability", _reliability(curves), "Right answers by the probability given.")
    report.table("By collection", collection_rows(result), "The model of an index.")
    _add_cases(report, result, engine)
    return report


def measured(result: CollectionResult) -> str:
    """What was measured on what, in a few sentences."""
    settings, split = result.settings, result.split
    asked, count = result.main.scores.support, len(result.names)
    by = {
        "draw": f"a random {settings.query_share:.0%} of each collection (seed {settings.seed})",
        "folders": "what lies in the test folders",
        "both": f"what lies in test folders, elsewhere a random {settings.query_share:.0%}",
    }[result.by]
    return (
        f"{len(split.asked):,} pictures of {counted(int((asked > 0).sum()), 'collection')} asked "
        f"{len(split.indexed):,} others of {count}, encoder {result.material.encoder}. Who asked: "
        f"{by}; everything was fitted on the others."
    )


def model_rows(result: CollectionResult) -> list[Row]:
    """Scores of each model."""
    return [
        {
            "model": name.replace("_", " "),
            "accuracy": judged.scores.accuracy,
            "macro precision": judged.scores.macro("precision"),
            "macro recall": judged.scores.macro("recall"),
            "macro F1": judged.scores.macro("f1"),
            "ECE": judged.reliability.ece,
        }
        for name, judged in result.models.items()
    ]


def unknown_rows(result: CollectionResult) -> list[Row]:
    """How each score tells known from unknown; none where one collection is all there is."""
    found = result.strangers
    if found is None:
        return []
    return [
        {
            "score": "strangeness" if name == found.main else name.replace("_", " "),
            "AUROC": found.auroc(name),
            "false alarm at 95": found.false_alarm(name),
        }
        for name in found.scores
    ]


def collection_rows(result: CollectionResult) -> list[Row]:
    """Scores of each collection, and how its pictures fare when it is left out."""
    scores, found = result.main.scores, result.strangers
    rows: list[Row] = []
    for code, name in enumerate(result.names):
        row: dict[str, str | float | int | None] = {"collection": name}
        row["asked"] = int(scores.support[code])
        row |= {"precision": scores.precision[code], "recall": scores.recall[code]}
        if found:
            own = found.foreign & (_codes(result, found) == code)
            row["AUROC left out"] = found.auroc(found.main, own)
            row["caught"] = float((~found.said[own]).mean()) if own.any() else None
        rows.append(row)
    return rows


def threshold_text(found: Strangers) -> str:
    """What the fitted threshold does."""
    return _THRESHOLD_NOTE.format(caught=found.caught, alarms=found.alarms)


def _codes(result: CollectionResult, found: Strangers) -> NDArray[np.int32]:
    return result.material.catalog.collection_codes[found.rows]


def _add_strangers(report: Report, result: CollectionResult, found: Strangers) -> None:
    note = f"{_UNKNOWN_NOTE} {threshold_text(found)}"
    best = {"AUROC": max, "false alarm at 95": min}
    report.table("Known and unknown", unknown_rows(result), note, best=best)
    caught = [float((found.scores[found.main][found.foreign] >= at).mean()) for at in _steps(found)]
    alarms = [
        float((found.scores[found.main][~found.foreign] >= at).mean()) for at in _steps(found)
    ]
    curve = plots.lines({"": (alarms, caught)}, ("known called unknown", "unknown caught"))
    report.chart("ROC of unknown", curve)
    report.chart(
        "Reliability of known", _reliability({"known": found.reliability}), "Both equally frequent."
    )


def _steps(found: Strangers) -> Sequence[float]:
    """Thresholds at which the curve is drawn."""
    quantiles = np.linspace(0, 1, 101)
    steps: list[float] = np.quantile(found.scores[found.main], quantiles).tolist()
    return steps


def _reliability(curves: dict[str, Reliability]) -> plots.Chart:
    series = {
        name.replace("_", " "): (found.confidence, found.accuracy) for name, found in curves.items()
    }
    return plots.lines(series, ("probability given", "share right"), diagonal=True)


def _add_cases(report: Report, result: CollectionResult, engine: SearchEngine) -> None:
    """Wrong names, the surest first; unknown pictures that passed; known ones that did not."""
    judged = result.main
    wrong = np.flatnonzero(judged.said != result.truth)
    wrong = wrong[np.argsort(-judged.probability[wrong], kind="stable")][:_SHOWN]
    if len(wrong):
        cases = [_case(result, engine, place) for place in wrong.tolist()]
        report.cases("Wrong names", cases, "The surest first, with their nearest.")
    found = result.strangers
    if found is None:
        return
    for title, places in (
        ("Unknown pictures that passed", np.flatnonzero(found.foreign & found.said)),
        ("Known pictures called unknown", np.flatnonzero(~found.foreign & ~found.said)),
    ):
        order = np.argsort(-np.abs(found.known[places] - 0.5), kind="stable")[:_SHOWN]
        lines = [f"known with {found.known[place]:.2f}" for place in places[order]]
        rows = found.rows[places[order]].tolist()
        shots = [_shot(result, engine, row, [line]) for row, line in zip(rows, lines, strict=True)]
        if shots:
            report.cases(title, [Case(shot, []) for shot in shots])


def _case(result: CollectionResult, engine: SearchEngine, place: int) -> Case:
    """A query with what it found."""
    judged, truth = result.main, int(result.truth[place])
    said = f"said {result.names[judged.said[place]]}, {judged.probability[place]:.2f}"
    query = _shot(result, engine, int(result.split.asked[place]), [said])
    codes = result.material.catalog.collection_codes
    ids, distances = result.near.ids[place][:_FOUND], result.near.distances[place]
    found = [
        _shot(result, engine, row, [f"distance {distance:.3f}"], good=bool(codes[row] == truth))
        for row, distance in zip(ids.tolist(), distances.tolist(), strict=False)
        if row >= 0
    ]
    return Case(query, found)


def _shot(
    result: CollectionResult,
    engine: SearchEngine,
    row: int,
    lines: Sequence[str],
    good: bool | None = None,
) -> Shot:
    key = result.material.catalog.key(row)
    return Shot(load_image(engine.thumbnails[engine.catalog.row(key)]), [key, *lines], good)
