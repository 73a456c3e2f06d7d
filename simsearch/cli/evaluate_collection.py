"""``simsearch evaluate collection``: is a picture's collection named rightly?"""

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
    query_share_option,
    report_option,
    rows_table,
    write_result,
)
from simsearch.cli.options import index_option, into, seed_option, weights_option

if TYPE_CHECKING:
    from simsearch.evaluation.collection import CollectionResult


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of ``evaluate collection``."""

    index: Path | None
    encoder: str | None
    weights: Path | None
    per_collection: int
    query_share: float
    k: int
    leave_out: bool
    seed: int
    json_place: str | None
    report: Path | None


@command(
    "collection",
    cls=JsonCommand,
    summary="Is a picture's collection named rightly, and a foreign one seen?",
    example="""\
simsearch evaluate collection --index indexes/mine
simsearch evaluate collection --per-collection 1000 --query-share 0.2 --json
simsearch evaluate collection --index indexes/mine --report reports/collections""",
)
@index_option
@encoder_option
@weights_option
@per_collection_option(1000)
@query_share_option(
    0.2, "Part of each collection that asks, where no train and test folders say who does."
)
@click.option(
    "-k", type=click.IntRange(1), default=10, metavar="K", show_default=True, help="Voters."
)
@click.option(
    "--leave-out/--no-leave-out",
    default=True,
    show_default=True,
    help="Leave each collection out in turn, to see whether its pictures are seen as unknown.",
)
@seed_option
@json_option
@report_option
@into(Settings)
def collection(settings: Settings) -> None:
    """Measure how well the collection of a picture is named.

    Items set aside ask the others: accuracy, macro scores and calibration of the neighbours' vote
    beside a linear probe and nearest centroids. Then each collection is left out of everything that
    is fitted, and its pictures ask: are they seen as unknown?
    """
    from simsearch.evaluation.collection import CollectionSettings, evaluate_collection
    from simsearch.evaluation.collection_document import collection_document
    from simsearch.evaluation.material import Material
    from simsearch.pages.collection import collection_page

    with stages() as show, opened(settings, show) as found:
        plan = CollectionSettings(
            per_collection=settings.per_collection,
            query_share=settings.query_share,
            k=settings.k,
            seed=settings.seed,
            strangers=settings.leave_out,
            progress=progress_of(show),
        )
        result = evaluate_collection(Material.of_index(found.engine), plan)
        write_result(
            collection_document(result),
            lambda name, typed: collection_page(result, found.engine, name, typed),
            found.place,
            settings.report,
            settings.json_place,
        )
    if settings.json_place != "-":
        _show(result)


def _show(result: "CollectionResult") -> None:
    from simsearch.pages import collection as page

    out = console()
    for title, rows in (
        ("models", page.model_rows(result)),
        ("known and unknown", page.unknown_rows(result)),
        ("collections", page.collection_rows(result)),
    ):
        if rows:
            out.print(rows_table(title, rows))
            out.print()
    out.print(page.measured(result))
    if result.strangers:
        out.print(page.threshold_text(result.strangers))
