"""``simsearch evaluate clusters``: do groups agree with collections and traits?"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.cli.commands import command
from simsearch.cli.console import JsonCommand, console, json_option, stages
from simsearch.cli.measuring import (
    encoder_option,
    opened,
    per_collection_option,
    progress_of,
    report_option,
    rows_table,
    write_result,
)
from simsearch.cli.options import index_option, into, seed_option, weights_option

if TYPE_CHECKING:
    from simsearch.evaluation.clusters import ClusterResult


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of ``evaluate clusters``."""

    index: Path | None
    encoder: str | None
    weights: Path | None
    per_collection: int
    k: tuple[int, ...]
    seeds: int
    seed: int
    json_place: str | None
    report: Path | None


@command(
    "clusters",
    cls=JsonCommand,
    summary="Do groups agree with collections and traits?",
    example="""\
simsearch evaluate clusters --index indexes/mine
simsearch evaluate clusters --index indexes/mine --k 16 --seeds 5 --json
simsearch evaluate clusters --index indexes/mine --report reports/groups""",
)
@index_option
@encoder_option
@weights_option
@per_collection_option(300)
@click.option(
    "--k",
    "-k",
    type=click.IntRange(1),
    multiple=True,
    metavar="K",
    help="Groups; repeatable. By default as many as collections, twice and four times as many.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=5,
    metavar="N",
    show_default=True,
    help="Runs of k-means, for mean and deviation.",
)
@seed_option
@json_option
@report_option
@into(Settings)
def clusters(settings: Settings) -> None:
    """Measure how groups agree with what they know nothing of.

    As many items of each collection are grouped by k-means, as 'simsearch cluster' does, and beside
    it in the look space, in pixels, in colour histograms and at random; then compared with the
    collections, within collections with the traits, and between collections with each other.
    """
    from simsearch.evaluation.clusters import ClusterSettings, evaluate_clusters
    from simsearch.evaluation.clusters_document import clusters_document
    from simsearch.evaluation.material import Material
    from simsearch.pages.clusters import clusters_page

    with stages() as show, opened(settings, show) as found:
        plan = ClusterSettings(
            k=settings.k,
            seeds=settings.seeds,
            per_collection=settings.per_collection,
            seed=settings.seed,
            progress=progress_of(show),
        )
        result = evaluate_clusters(Material.of_index(found.engine), plan)
        write_result(
            clusters_document(result),
            lambda name, typed: clusters_page(result, found.engine, name, typed),
            found.place,
            settings.report,
            settings.json_place,
        )
    if settings.json_place != "-":
        _show(result)


def _show(result: "ClusterResult") -> None:
    from simsearch.pages import clusters as page

    out = console()
    tables = {
        f"{k} groups and the collections": page.agreement_rows(result, k) for k in result.by_k
    }
    tables["within collections, agreement (AMI) with traits"] = page.trait_rows(result)
    for title, rows in tables.items():
        if rows:
            out.print(rows_table(title, rows, hidden=("homogeneity", "completeness")))
            out.print()
    out.print(page.measured(result))
