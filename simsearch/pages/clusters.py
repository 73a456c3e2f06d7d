"""What people see of ``evaluate clusters``: rows for tables, and a page."""

import numpy as np

from simsearch import plots
from simsearch.engine import SearchEngine
from simsearch.evaluation.clusters import SPACES, TRAIT_GROUPS, ClusterResult, Spread
from simsearch.evaluation.clusters_document import trait_means
from simsearch.images import load_image
from simsearch.report import Case, Report, Row, Shot

_AGREEMENT_NOTE = (
    "Groups against collections, which they know nothing of: mean over {seeds} seeds, deviation in "
    "the JSON. The first space is what 'simsearch cluster' groups in. AMI and ARI are 0 by chance; "
    "accuracy: each group stands for one collection at most."
)
_TRAITS_NOTE = (
    "Adjusted mutual information of {k} groups, made within each collection, with its trait types; "
    "mean over the types."
)
_TRANSFER_NOTE = (
    "Groups fitted on the collection of the row describe the one of the column: their adjusted "
    "mutual information with the column's own groups. The mean over different collections is "
    "{mean:.2f}."
)
_GROUPS, _MEMBERS = 24, 8


def clusters_page(result: ClusterResult, engine: SearchEngine, name: str, command: str) -> Report:
    """Write up what was measured.

    Args:
        result: what was measured on the index.
        engine: the index.
        name: what was evaluated, for people.
        command: what a person types to make the page again.
    """
    report = Report(f"Groups: {name}", command, measured(result))
    note = _AGREEMENT_NOTE.format(seeds=result.settings.seeds)
    best = {"AMI": max, "NMI": max, "ARI": max, "accuracy": max}
    for k in result.by_k:
        if rows := agreement_rows(result, k):
            report.table(f"{k} groups and the collections", rows, note, best=best)
    _add_chart(report, result)
    if result.traits:
        note = _TRAITS_NOTE.format(k=TRAIT_GROUPS)
        report.table("Groups and traits", trait_rows(result), note)
        report.table("Groups and traits, type by type", type_rows(result))
    if result.transfer is not None:
        mean = float(result.transfer[~np.eye(len(result.names), dtype=bool)].mean())
        sides = ("described", "fitted on")
        chart = plots.matrix(np.clip(result.transfer, 0, 1), result.names, sides)
        report.chart("Groups carried over", chart, _TRANSFER_NOTE.format(mean=mean))
    if len(result.groups):
        note = "The item that stands for each group, the largest first, and some of its members."
        report.cases("Groups", _cases(result, engine), note)
    return report


def measured(result: ClusterResult) -> str:
    """What was measured on what, in a few sentences."""
    settings, count = result.settings, len(result.names)
    most = f", at most {settings.per_collection:,} of each" if settings.per_collection else ""
    text = (
        f"{len(result.material.catalog):,} pictures of {count} collection{'s'[: count > 1]}{most}, "
        f"encoder {result.material.encoder}, in groups by k-means with {settings.seeds} seeds."
    )
    return " ".join([text, *result.notes])


def agreement_rows(result: ClusterResult, k: int) -> list[Row]:
    """Agreement of k groups with the collections, in each space; none where there is one only."""
    return [
        {
            "space": _shown(space),
            "AMI": found["ami"]["mean"],
            "±": found["ami"]["std"],
            "NMI": found["nmi"]["mean"],
            "ARI": found["ari"]["mean"],
            "homogeneity": found["homogeneity"]["mean"],
            "completeness": found["completeness"]["mean"],
            "accuracy": found["accuracy"]["mean"],
        }
        for space, found in result.by_k[k].items()
        if found
    ]


def trait_rows(result: ClusterResult) -> list[Row]:
    """Mean agreement with the traits of each collection."""
    return [
        {"collection": name, **_by_space(trait_means(types))}
        for name, types in result.traits.items()
    ]


def type_rows(result: ClusterResult) -> list[Row]:
    """Agreement with each trait type of each collection."""
    return [
        {"collection": name, "trait": kind, **_by_space(_means(found))}
        for name, types in result.traits.items()
        for kind, found in types.items()
    ]


def _means(found: Spread) -> dict[str, float]:
    return {space: spread["mean"] for space, spread in found.items()}


def _by_space(values: dict[str, float]) -> dict[str, float]:
    return {_shown(space): value for space, value in values.items()}


def _shown(space: str) -> str:
    """Name of a space for people."""
    own = {SPACES[0]: "outlines", "pixels": "raw pixels"}
    return own.get(space, space.replace("_", " "))


def _add_chart(report: Report, result: ClusterResult) -> None:
    """Agreement by space and number of groups."""
    rows = {k: agreement_rows(result, k) for k in result.by_k}
    if any(rows.values()):
        spaces = [str(row["space"]) for row in next(iter(rows.values()))]
        series = {f"{k} groups": [float(str(row["AMI"])) for row in of] for k, of in rows.items()}
        report.chart("Agreement with the collections", plots.bars(spaces, series, "AMI"))


def _cases(result: ClusterResult, engine: SearchEngine) -> list[Case]:
    draw = np.random.default_rng(result.settings.seed)
    cases = []
    for group, medoid in enumerate(result.medoids[:_GROUPS].tolist()):
        members = np.flatnonzero(result.groups == group)
        some = draw.permutation(members[members != medoid])[:_MEMBERS]
        lines = [f"group {group}", f"{len(members):,} items"]
        found = [_shot(result, engine, row, []) for row in some.tolist()]
        cases.append(Case(_shot(result, engine, medoid, lines), found))
    return cases


def _shot(result: ClusterResult, engine: SearchEngine, row: int, lines: list[str]) -> Shot:
    key = result.material.catalog.key(row)
    return Shot(load_image(engine.thumbnails[engine.catalog.row(key)]), [*lines, key])
