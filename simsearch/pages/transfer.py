"""What people see of ``evaluate transfer``: rows for tables, and a page."""

from collections.abc import Mapping

from simsearch import plots
from simsearch.evaluation.clusters import TRAIT_GROUPS
from simsearch.evaluation.transfer import ALL, BEFORE, ONE, OWN, TransferResult
from simsearch.report import Report, Row

_NOTES = {
    "traits read": (
        "Share of trait values that a linear head on what the network says reads right, of "
        "pictures that neither has seen; commonest: where the commonest value is always said. "
        "Last line: the collection in place of the traits."
    ),
    "neighbours": (
        "Trait overlap@{k} of the nearest by what the network says: 0 as random items, 1 as near "
        "as can be. Last line: the share of them that are of the own collection."
    ),
    "groups": (
        "Agreement (AMI) of {groups} groups with traits, 0 by chance, mean over {seeds} seeds; the "
        "space they are made in is fitted on other collections or the own, the groups never. Last "
        "line: of as many groups as there are collections with these."
    ),
}


def transfer_page(result: TransferResult, command: str) -> Report:
    """Write up what was measured.

    Args:
        result: what was measured.
        command: what a person types to make the page again.
    """
    settings = result.settings
    report = Report(f"Transfer from {settings.train}", command, measured(result))
    for title, rows in tables(result).items():
        note = _NOTES[title].format(k=settings.k, groups=TRAIT_GROUPS, seeds=settings.seeds)
        report.table(title.capitalize(), rows, note)
        names = [str(row["collection"]) for row in rows]
        series = {name: [float(str(row[name])) for row in rows] for name in [*rows[0]][1:]}
        report.chart(f"{title.capitalize()}, drawn", plots.bars(names, series, title))
    return report


def measured(result: TransferResult) -> str:
    """What was measured on what, in a few sentences."""
    settings, sizes = result.settings, result.material.catalog.collections
    text = (
        f"Trained on {sizes[settings.train]:,} pictures of {settings.train}; "
        f"{sum(sizes.values()) - sizes[settings.train]:,} of {len(sizes) - 1} other collections, "
        f"of each a random {settings.query_share:.0%} asked (seed {settings.seed})."
    )
    if result.left_out:
        text += f" Too few, or without traits that vary: {', '.join(result.left_out)}."
    return text


def tables(result: TransferResult) -> dict[str, list[Row]]:
    """Title → a line for each other collection; nothing where none could be measured."""
    found, one = result.collections, result.settings.train
    if not found:
        return {}
    encoders = {BEFORE: "as it came", ONE: f"after {one}", OWN: "after its own"}
    spaces = {ALL: "space of all", ONE: f"of {one}", OWN: "of its own"}
    traits = _rows({name: carried.traits for name, carried in found.items()}, encoders)
    return {
        "traits read": [
            {"collection": row["collection"], "commonest": carried.commonest, **row}
            for row, carried in zip(traits, found.values(), strict=True)
        ],
        "neighbours": _rows({name: gained.neighbors for name, gained in found.items()}, encoders),
        "groups": _rows({name: gained.groups for name, gained in found.items()}, spaces),
    }


def _rows(numbers: Mapping[str, Mapping[str, float]], shown: Mapping[str, str]) -> list[Row]:
    """A line a collection; columns are those that any of them has."""
    known = [key for key in shown if any(key in values for values in numbers.values())]
    return [
        {"collection": name} | {shown[key]: values.get(key, float("nan")) for key in known}
        for name, values in numbers.items()
    ]
