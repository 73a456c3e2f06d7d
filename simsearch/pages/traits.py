"""What people see of ``evaluate traits``: rows for tables, and a page."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simsearch import plots
from simsearch.catalog import Catalog
from simsearch.evaluation.traits import CollectionTraits, TraitResult
from simsearch.evaluation.traits_document import trait_name
from simsearch.report import Case, Report, Row, Shot
from simsearch.wording import counted

_NOTE = (
    "Micro F1: all labels together; macro: mean over the traits that a test picture has. Perfect: "
    "traits of F1 1. All right: pictures of which every trait is right. Visible: micro F1 against "
    "the labels that can be seen; ceiling: micro F1, against the metadata, of saying all these and "
    "nothing else. Seconds of the processor for one training, milliseconds to read one picture."
)
_TRAIT_NOTE = "Means over the draws; support: pictures with the trait in a test part."
_HIDDEN_NOTE = (
    "Labels of the metadata without which the picture would be the same: another layer covers "
    "them, or they draw nothing. Found by learning how cells get their colours from labels. {more}"
)
_SCORES = ("accuracy", "precision", "recall", "f1")
_ENDS, _EXAMPLES, _LISTED = 3, 6, 200


def traits_page(result: TraitResult, catalog: Catalog, name: str, command: str) -> Report:
    """Write up what was measured.

    Args:
        result: what was measured on the index.
        catalog: the items of the index.
        name: what was evaluated, for people.
        command: what a person types to make the page again.
    """
    report = Report(f"Traits: {name}", command, measured(result))
    best = {"micro F1": max, "macro F1": max, "visible": max}
    report.table("Collections", collection_rows(result), _NOTE, best=best)
    for collection, found in result.collections.items():
        _add_collection(report, collection, found, catalog)
    return report


def measured(result: TraitResult) -> str:
    """What was measured on what, in a few sentences."""
    settings = result.settings
    pictures = sum(len(found.known.rows) for found in result.collections.values())
    draws = f"{len(settings.seeds)} draws" if len(settings.seeds) > 1 else "one draw"
    return (
        f"{pictures:,} labelled pictures of {counted(len(result.collections), 'collection')}; in "
        f"each a random {settings.test_share:.0%} was asked for its traits ({draws}, from seed "
        f"{settings.seeds[0]}), and everything was fitted on the others."
    )


def collection_rows(result: TraitResult) -> list[Row]:
    """Scores of each collection, means over the draws."""
    return [_collection_row(name, found) for name, found in result.collections.items()]


def _collection_row(name: str, found: CollectionTraits) -> Row:
    trials = found.trials
    columns = {
        "micro F1": [trial.scores.micro_f1 for trial in trials],
        "macro F1": [trial.scores.macro_f1 for trial in trials],
        "all right": [trial.scores.all_right for trial in trials],
        "visible": [trial.visible for trial in trials],
        "ceiling": [trial.ceiling for trial in trials],
    }
    means: dict[str, float | int | str | None] = {
        column: float(np.mean(values)) for column, values in columns.items()
    }
    perfect = np.mean([trial.scores.perfect for trial in trials])
    asked = np.mean([(trial.scores.support > 0).sum() for trial in trials])
    more: dict[str, float | int | str | None] = {
        "perfect": f"{perfect:.4g} of {asked:.4g}",
        "hidden": int(found.hidden.sum()),
        "s": round(float(np.mean([trial.train_seconds for trial in trials])), 1),
        "ms": round(float(np.mean([trial.milliseconds for trial in trials])), 3),
    }
    return {"collection": name, "grid": found.known.side, **means, **more}


def trait_rows(found: CollectionTraits) -> list[Row]:
    """Scores of each trait, the worst first."""
    support, hidden = found.mean("support"), found.hidden.sum(axis=0)
    means = {name: found.mean(name) for name in _SCORES}
    return [
        {
            "trait": trait_name(found.known.vocabulary[column]),
            "support": float(support[column]),
            **{name: float(means[name][column]) for name in _SCORES},
            "hidden": int(hidden[column]),
        }
        for column in _worst_first(found).tolist()
    ]


def _worst_first(found: CollectionTraits) -> NDArray[np.int64]:
    """Columns by F1, of equal ones the commonest last; what no test picture has is left out."""
    f1, support = found.mean("f1"), found.mean("support")
    there = np.flatnonzero(~np.isnan(f1))
    order: NDArray[np.int64] = there[np.lexsort((support[there], f1[there]))]
    return order


def _add_collection(report: Report, name: str, found: CollectionTraits, catalog: Catalog) -> None:
    if found.curve:
        counts = sorted(found.curve)
        series = {
            label: (counts, [found.curve[count][place] for count in counts])
            for place, label in enumerate(("micro F1", "macro F1"))
        }
        chart = plots.lines(series, ("training pictures", "F1"))
        report.chart(f"{name}: by training pictures", chart, "Asked of the same test pictures.")
    report.chart(f"{name}: scores over traits", _cumulative(found), "Share of traits at or below.")
    _add_ends(report, name, found)
    report.table(f"{name}: traits", trait_rows(found), _TRAIT_NOTE)
    rows = _hidden_rows(found, catalog)
    if rows:
        more = f"The first {_LISTED} of {len(rows):,}; all are in report.json."
        note = _HIDDEN_NOTE.format(more=more if len(rows) > _LISTED else "")
        report.table(f"{name}: labels that cannot be seen", rows[:_LISTED], note.strip())


def _cumulative(found: CollectionTraits) -> plots.Chart:
    """Share of the traits that score at most so much, a curve for each score."""
    curves = {}
    for score in _SCORES:
        values = found.mean(score)
        ordered = np.sort(values[~np.isnan(values)])
        shares = np.arange(1, len(ordered) + 1) / max(len(ordered), 1)
        curves[score] = (ordered, shares)
    return plots.lines(curves, ("score", "share of traits"))


def _add_ends(report: Report, name: str, found: CollectionTraits) -> None:
    """The worst and the best traits with pictures: what was missed and wrongly said, or found."""
    order = _worst_first(found).tolist()
    for title, columns, note in (
        ("worst traits", order[:_ENDS], "Pictures that have the trait or were said to."),
        ("best traits", order[: -_ENDS - 1 : -1], "Pictures that have the trait."),
    ):
        cases = [_case(found, column) for column in columns]
        report.cases(f"{name}: {title}", cases, f"{note} Of the first draw; mistakes come first.")


def _case(found: CollectionTraits, column: int) -> Case:
    trial = found.main
    truth, said = found.truth(trial)[:, column], trial.said[:, column]
    unseen = found.hidden[trial.asked, column]
    concerned = np.flatnonzero(truth | said)
    order = concerned[np.argsort((truth == said)[concerned], kind="stable")][:_EXAMPLES]
    shots = [
        _shot(
            found,
            int(trial.asked[place]),
            [_told(truth[place], said[place], unseen[place])],
            bool(truth[place] == said[place]),
        )
        for place in order
    ]
    f1 = found.mean("f1")[column]
    title = [trait_name(found.known.vocabulary[column]), f"F1 {f1:.3f}"]
    example = np.flatnonzero(found.known.labels[:, column] & ~found.hidden[:, column])
    place = int(example[0]) if len(example) else int(trial.asked[order[0]])
    return Case(_shot(found, place, title), shots)


def _told(truth: bool, said: bool, hidden: bool) -> str:
    if truth and said:
        return "found"
    if said:
        return "wrongly said"
    return "missed, but hidden" if hidden else "missed"


def _shot(
    found: CollectionTraits, place: int, lines: Sequence[str], good: bool | None = None
) -> Shot:
    side = found.known.side
    return Shot(found.known.pictures[place].reshape(side, side, 3), lines, good)


def _hidden_rows(found: CollectionTraits, catalog: Catalog) -> list[Row]:
    keys = catalog.take(found.known.rows).keys()
    return [
        {"item": keys[row], "label": trait_name(found.known.vocabulary[column])}
        for row, column in np.argwhere(found.hidden).tolist()
    ]
