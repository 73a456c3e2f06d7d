"""What people see of descriptors that were compared: rows for tables, and a page."""

from collections.abc import Mapping, Sequence

from simsearch.evaluation.metrics import mean_of
from simsearch.evaluation.quality import Comparison, Quality
from simsearch.evaluation.quality_copies import ALONE, UNDONE
from simsearch.report import Report, Row
from simsearch.wording import counted

_NOTE = (
    "Every descriptor saw the same items and answered the same queries, in a space that was fitted "
    "on the indexed ones. look: trait overlap@{k} by look as a search answers, cell by cell where "
    "there is a grid of colours; vectors: by the cosine of vectors alone, or the descriptor's own "
    "measure; traits: with the labels of indexed items. precision and nearest: share of the {k} "
    "nearest, and of the nearest, of the same collection. AMI: agreement of as many groups as "
    "collections with these, as cluster makes groups (by outlines where there is a grid); AMI "
    "vectors: of vectors; AMI deep: of the network's part alone. "
    "copies: mean recall@1 of edited copies by the descriptor alone; undone: edits undone before, "
    "as query does. skill: of prices where the descriptor alone says what is alike. pictures/s: "
    "from prepared pictures to vectors. bytes: of a descriptor."
)
_BEST = dict.fromkeys(
    ("look", "vectors", "traits", "precision", "nearest", "AMI", "AMI vectors", "AMI deep"), max
) | dict.fromkeys(("copies", "undone", "skill"), max)


def quality_page(result: Comparison, name: str, command: str) -> Report:
    """Write up a comparison.

    Args:
        result: what was measured.
        name: what was measured on, for people.
        command: what a person types to make the page again.
    """
    report = Report(f"Descriptors: {name}", command, compared(result))
    k = result.sample.k
    report.table("Descriptors", quality_rows(result.rows), _NOTE.format(k=k), best=_BEST)
    for part, title in (("look", f"Trait overlap@{k} by look"), ("traits", "The same with labels")):
        if rows := collection_rows(result, part):
            report.table(f"{title}, by collection", rows)
    for how, title in ((ALONE, "Edited copies"), (UNDONE, "Edited copies, edits undone")):
        if rows := edit_rows(result.rows, how):
            report.table(f"{title}, recall@1", rows)
    return report


def compared(result: Comparison) -> str:
    """What was measured on what, in a few sentences."""
    settings, sample = result.settings, result.sample
    text = (
        f"{len(sample.split.asked):,} pictures asked for their {sample.k} nearest among "
        f"{len(sample.split.indexed):,} others, {counted(len(sample.names), 'collection')} in "
        f"one index. {settings.query_share:.0%} of each collection were set aside at random (seed "
        f"{settings.seed}) before anything was fitted."
    )
    trained = [f"{row.name}: {row.training}." for row in result.rows if row.training]
    return " ".join([text, *trained, *result.notes])


def quality_rows(rows: Sequence[Quality]) -> list[Row]:
    """The comparison, one row for each descriptor; columns that nothing is known of left out."""
    made = [_row(row) for row in rows]
    known = [name for name in made[0] if any(_says(row[name]) for row in made)] if made else []
    return [{name: row[name] for name in known} for row in made]


def _row(row: Quality) -> Row:
    return {
        "descriptor": shown(row.name),
        "look": row.mean("look"),
        "vectors": row.mean("vector"),
        "traits": row.mean("traits"),
        "precision": row.mean("precision"),
        "nearest": row.mean("nearest"),
        "AMI": row.ami.get("groups"),
        "AMI vectors": row.ami.get("vector"),
        "AMI deep": row.ami.get("deep"),
        "copies": _mean(row.recall(ALONE)),
        "undone": _mean(row.recall(UNDONE)),
        "skill": row.skill,
        "pictures/s": f"{row.rate:,.0f}",
        "bytes": f"{row.size:,}",
    }


def _says(value: object) -> bool:
    return value is not None and value == value


def _mean(recalls: Mapping[str, float]) -> float | None:
    return mean_of(list(recalls.values())) if recalls else None


def shown(name: str) -> str:
    """Name of a descriptor for people."""
    return name.replace("_", " ")


def collection_rows(result: Comparison, score: str) -> list[Row]:
    """A score of each descriptor for each collection that has it, and their mean.

    Beside ``traits`` stands what reading exactly the visible labels gives, where that is known.
    """
    rows = result.rows
    names = sorted(
        {name for row in rows for name, scores in row.scores.items() if _says(scores.get(score))}
    )
    made: list[Row] = [
        {"collection": name}
        | {shown(row.name): row.scores.get(name, {}).get(score) for row in rows}
        for name in names
    ]
    if len(made) > 1:
        made.append({"collection": "mean"} | {shown(row.name): row.mean(score) for row in rows})
    if score != "traits" or not result.visible:
        return made
    ceilings = result.visible | {"mean": mean_of(list(result.visible.values()))}
    return [dict(row) | {"visible labels": ceilings.get(str(row["collection"]))} for row in made]


def edit_rows(rows: Sequence[Quality], how: str) -> list[Row]:
    """Recall@1 of each edit by each descriptor that was asked so, and the mean of all edits."""
    recalls = {shown(row.name): row.recall(how) for row in rows if row.copies.get(how)}
    if not recalls:
        return []
    edits = list(next(iter(recalls.values())))
    made: list[Row] = [
        {"edit": edit} | {name: recall[edit] for name, recall in recalls.items()} for edit in edits
    ]
    means = {name: _mean(recall) for name, recall in recalls.items()}
    return [*made, {"edit": "mean", **means}]
