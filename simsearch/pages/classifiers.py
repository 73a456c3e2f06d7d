"""What people see of ``evaluate classifiers``: rows for tables, and a page."""

from collections.abc import Sequence

import numpy as np

from simsearch import plots
from simsearch.classifiers.comparison import Comparison, Tried
from simsearch.classifiers.labelled import PARTS, TEST, TRAIN, VALID
from simsearch.report import Case, Report, Row, Shot

_MODELS_NOTE = (
    "Macro: the mean over classes. Seconds of training, by the clock and summed over cores; "
    "milliseconds to name one picture among many, once it is decoded. Epoch: the one that is kept."
)
_CURVES_NOTE = "Training pictures while they were learned, validation pictures after each epoch."
_EXAMPLES, _WRONG = 6, 24


def classifiers_page(result: Comparison, name: str, command: str) -> Report:
    """Write up what was measured.

    Args:
        result: what was measured.
        name: of what the pictures are, for people.
        command: what a person types to make the page again.
    """
    report = Report(f"Classifiers: {name}", command, measured(result))
    best = {"accuracy": max, "macro F1": max, "CPU s": min, "ms": min}
    report.table("Classifiers", model_rows(result), _MODELS_NOTE, best=best)
    _add_curves(report, result)
    for preset, tried in result.tried.items():
        shares = tried.judged.counts / np.maximum(tried.judged.counts.sum(1, keepdims=True), 1)
        chart = plots.matrix(shares, result.pictures.classes)
        report.chart(f"Confusion of {preset}", chart, "Shares of the true class.")
    best_note = f"What {result.best}, the best of them, reaches."
    report.table("By class", class_rows(result), best_note)
    _add_pictures(report, result)
    return report


def measured(result: Comparison) -> str:
    """What was measured on what, in a few sentences."""
    pictures, draw = result.pictures, result.settings.draw
    train, valid, test = (len(pictures.rows(part)) for part in PARTS)
    label = f"values of {draw.label}" if draw.label else "classes"
    return (
        f"{train + valid:,} pictures of {len(pictures.classes)} {label} trained, {valid:,} of them "
        f"to say when to stop; {test:,} others were asked (seed {draw.seed})."
    )


def model_rows(result: Comparison) -> list[Row]:
    """Scores and costs of each classifier."""
    return [_model_row(preset, tried) for preset, tried in result.tried.items()]


def _model_row(preset: str, tried: Tried) -> Row:
    scores, made = tried.judged.scores, tried.classifier
    epochs = len(made.run.history)
    return {
        "classifier": preset,
        "accuracy": scores.accuracy,
        "macro precision": scores.macro("precision"),
        "macro recall": scores.macro("recall"),
        "macro F1": scores.macro("f1"),
        "parameters": made.model.parameters,
        "s": round(made.run.seconds),
        "CPU s": round(made.run.processor_seconds),
        "ms": tried.milliseconds,
        "epoch": f"{made.run.best + 1} of {epochs}" if epochs else "–",
    }


def class_rows(result: Comparison) -> list[Row]:
    """How many pictures each class has, and what the best classifier reaches on it."""
    pictures, scores = result.pictures, result.tried[result.best].judged.scores
    counts = {part: pictures.counts(part) for part in PARTS}
    return [
        {
            "class": name,
            **{part: int(counts[part][code]) for part in PARTS},
            "precision": scores.precision[code],
            "recall": scores.recall[code],
            "F1": scores.f1[code],
        }
        for code, name in enumerate(pictures.classes)
    ]


def _add_curves(report: Report, result: Comparison) -> None:
    """Loss and accuracy by epoch of what was trained in epochs."""
    for preset, tried in result.tried.items():
        history = tried.classifier.run.history
        epochs = range(1, len(history) + 1)
        for what in ("loss", "accuracy") if history else ():
            curves = {"training": (epochs, [one[what] for one in history])}
            if f"valid_{what}" in history[0]:
                curves["validation"] = (epochs, [one[f"valid_{what}"] for one in history])
            chart = plots.lines(curves, ("epoch", what))
            report.chart(
                f"{what} of {preset}".capitalize(), chart, _CURVES_NOTE.format(preset=preset)
            )


def _add_pictures(report: Report, result: Comparison) -> None:
    """How many pictures each class has, some of each, and what was named wrongly."""
    pictures = result.pictures
    names = {TRAIN: "training", VALID: "validation", TEST: "test"}
    counts = {names[part]: pictures.counts(part).astype(float) for part in PARTS}
    report.chart("Classes", plots.bars(pictures.classes, counts, "pictures"))
    report.cases("Examples", [_examples(result, code) for code in range(len(pictures.classes))])
    judged, rows = result.tried[result.best].judged, pictures.rows(TEST)
    truth = pictures.codes[rows]
    wrong = np.flatnonzero(judged.said != truth)
    wrong = wrong[np.argsort(-judged.probability[wrong], kind="stable")][:_WRONG]
    cases = [
        Case(
            _shot(
                result,
                int(rows[place]),
                [
                    pictures.classes[truth[place]],
                    f"said {pictures.classes[judged.said[place]]}, {judged.probability[place]:.2f}",
                ],
            ),
            [],
        )
        for place in wrong.tolist()
    ]
    if cases:
        report.cases(f"Wrong names by {result.best}", cases, "The surest first.")


def _examples(result: Comparison, code: int) -> Case:
    """Some training pictures of a class."""
    pictures = result.pictures
    rows = [row for row in pictures.rows(TRAIN).tolist() if pictures.codes[row] == code]
    first, *others = rows[: _EXAMPLES + 1]
    found = [_shot(result, row, [pictures.items[row].token_id]) for row in others]
    return Case(_shot(result, first, [pictures.classes[code]]), found)


def _shot(result: Comparison, row: int, lines: Sequence[str]) -> Shot:
    return Shot(result.pictures.take(np.array([row]))[0], lines)
