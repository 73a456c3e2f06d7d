"""What people see of ``evaluate retrieval``: rows for tables, and a page."""

from collections.abc import Sequence

from simsearch import plots
from simsearch.engine import SearchEngine
from simsearch.evaluation.document import collection_counts
from simsearch.evaluation.metrics import mean_of
from simsearch.evaluation.retrieval import RetrievalResult
from simsearch.pages.retrieval_cases import add_cases
from simsearch.report import Report, Row
from simsearch.wording import counted

_SUMMARY_NOTE = (
    "Means over collections. Spaces are what an index searches with; baselines see the same "
    "pictures at 32 × 32; random draws from all that is indexed."
)
_OVERLAP_NOTE = (
    "Per query the mean Jaccard overlap of its traits with those of its {k} nearest, scaled per "
    "collection so that 0 is what its own items share at random and 1 the best possible answer. An "
    "item of another collection shares nothing. Collections without traits have no such number."
)
_PRECISION_NOTE = "Share of the {k} nearest that are of the query's own collection."
_EDITS_NOTE = (
    "{n:,} indexed pictures, each changed in {edits} ways: the share of copies whose original, or "
    "a picture identical to it pixel for pixel, comes first. Here the whole index is asked, as it "
    "is for its users."
)


def retrieval_page(
    result: RetrievalResult, engine: SearchEngine, name: str, command: str
) -> Report:
    """Write up what one encoder answered.

    Args:
        result: what was measured.
        engine: the index that it was measured on.
        name: what was evaluated, for people.
        command: what a person types to make the page again.
    """
    report = Report(f"Retrieval: {name}", command, measured(result))
    best = {"trait overlap": max, "precision": max}
    report.table("Summary", summary_rows(result), _SUMMARY_NOTE, best=best)
    _add_collections(report, result)
    _add_edits(report, result)
    add_cases(report, result, engine)
    return report


def measured(result: RetrievalResult) -> str:
    """What was measured on what, in a few sentences."""
    settings, split = result.settings, result.split
    collections = len(result.main.scores)
    text = (
        f"{len(split.asked):,} pictures asked for their {settings.k} nearest among "
        f"{len(split.indexed):,} others, {counted(collections, 'collection')} in one index, "
        f"encoder {result.material.encoder}. {settings.query_share:.0%} of each collection were "
        f"set aside at random (seed {settings.seed}) before anything was fitted"
    )
    if settings.queries:
        text += f"; at most {settings.queries:,} of them asked"
    return " ".join([f"{text}.", *result.notes])


def shown(method: str) -> str:
    """Name of a space or baseline for people."""
    return "raw pixels" if method == "pixels" else method.replace("_", " ")


def summary_rows(result: RetrievalResult) -> list[Row]:
    """Means of each method."""
    return [
        {
            "method": shown(name),
            "kind": "space" if name in result.spaces else "baseline",
            "trait overlap": answers.mean.trait_overlap,
            "precision": answers.mean.precision,
        }
        for name, answers in result.methods.items()
    ]


def collection_rows(result: RetrievalResult, part: str = "trait_overlap") -> list[Row]:
    """One number of each method for each collection where it is known, and their mean.

    Args:
        result: what was measured.
        part: field of ``Score``.
    """
    counts = collection_counts(result)
    asked = "with_traits" if part == "trait_overlap" else "asked"
    rows: list[Row] = []
    for name in result.main.scores:
        values = {shown(m): getattr(a.scores[name], part) for m, a in result.methods.items()}
        if not all(value != value for value in values.values()):
            seen = {"indexed": counts[name]["indexed"], "asked": counts[name][asked]}
            rows.append({"collection": name, **seen, **values})
    if len(rows) > 1:
        sums = {name: sum(int(str(row[name])) for row in rows) for name in ("indexed", "asked")}
        means = {shown(m): getattr(a.mean, part) for m, a in result.methods.items()}
        rows.append({"collection": "mean", **sums, **means})
    return rows


def edit_rows(result: RetrievalResult) -> list[Row]:
    """Recall@1 of each edit by each method, and their mean; none where no copy was made."""
    if not result.edited or not result.edited.answers:
        return []
    recalls = {shown(method): result.edited.recall(method) for method in result.edited.answers}
    edits = list(next(iter(recalls.values())))
    rows: list[Row] = [
        {"edit": edit} | {name: recall[edit] for name, recall in recalls.items()} for edit in edits
    ]
    means = {name: mean_of(list(recall.values())) for name, recall in recalls.items()}
    return [*rows, {"edit": "mean", **means}]


def _add_collections(report: Report, result: RetrievalResult) -> None:
    k = result.settings.k
    if rows := collection_rows(result):
        title = f"Trait overlap@{k}"
        methods = [shown(name) for name in result.methods if name != "random"]
        chart = plots.bars(*_series(rows[:-1] or rows, "collection", methods), title)
        report.chart(title, chart, _OVERLAP_NOTE.format(k=k))
        report.table(f"{title} by collection", rows)
    rows = collection_rows(result, "precision")
    report.table(f"Precision@{k} by collection", rows, _PRECISION_NOTE.format(k=k))


def _add_edits(report: Report, result: RetrievalResult) -> None:
    rows = edit_rows(result)
    if not rows or not result.edited:
        return
    methods = [name for name in rows[0] if name != "edit"]
    note = _EDITS_NOTE.format(n=len(result.edited.originals), edits=len(rows) - 1)
    report.chart(
        "Edited copies", plots.bars(*_series(rows[:-1], "edit", methods), "recall@1"), note
    )
    report.table("Edited copies in numbers", rows)


def _series(
    rows: Sequence[Row], name: str, methods: Sequence[str]
) -> tuple[list[str], dict[str, list[float]]]:
    """Names of the rows, and the numbers of each method."""
    series = {method: [float(str(row[method])) for row in rows] for method in methods}
    return [str(row[name]) for row in rows], series
