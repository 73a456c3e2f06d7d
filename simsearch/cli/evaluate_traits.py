"""``simsearch evaluate traits``: are the traits of a picture read rightly?"""

from dataclasses import dataclass
from pathlib import Path

import click

from simsearch.cli.commands import command
from simsearch.cli.console import JsonCommand, console, json_option, stages
from simsearch.cli.measuring import progress_of, report_option, rows_table, write_result
from simsearch.cli.options import chosen_index, index_option, into, seed_option


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of ``evaluate traits``."""

    index: Path | None
    collection: tuple[str, ...]
    test_share: float
    seeds: int
    seed: int
    json_place: str | None
    report: Path | None


@command(
    "traits",
    cls=JsonCommand,
    summary="Are the traits of a picture read rightly?",
    example="""\
simsearch evaluate traits --index indexes/mine
simsearch evaluate traits --collection punks --seeds 5 --json
simsearch evaluate traits --index indexes/mine --report reports/traits""",
)
@index_option
@click.option(
    "--collection", multiple=True, metavar="C", help="Only this collection; may be repeated."
)
@click.option(
    "--test-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.2,
    metavar="SHARE",
    show_default=True,
    help="Part of the labelled items of each collection that is set aside and asked.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    show_default=True,
    help="Draws of that part; scores are means over them.",
)
@seed_option
@json_option
@report_option
@into(Settings)
def traits(settings: Settings) -> None:
    """Measure how well the traits of a picture are read.

    For each collection a recogniser learns from a part of the labelled items and is asked for the
    traits of the rest, whose pictures are read from their source. Scores are against the metadata,
    and against the labels that can be seen: those that other layers cover are found and listed.
    """
    from simsearch.engine import SearchEngine
    from simsearch.evaluation.traits import TraitSettings, evaluate_traits
    from simsearch.evaluation.traits_document import traits_document
    from simsearch.pages import traits as page

    place = chosen_index(settings.index)
    catalog = SearchEngine.open(place).catalog
    with stages() as show:
        plan = TraitSettings(
            settings.collection,
            settings.test_share,
            range(settings.seed, settings.seed + settings.seeds),
            curve=settings.report is not None,
            progress=progress_of(show),
        )
        result = evaluate_traits(catalog, plan)
        write_result(
            traits_document(result, catalog),
            lambda name, typed: page.traits_page(result, catalog, name, typed),
            place,
            settings.report,
            settings.json_place,
        )
    if settings.json_place != "-":
        out = console()
        out.print(rows_table("traits", page.collection_rows(result), ("grid", "hidden", "s", "ms")))
        out.print()
        out.print(page.measured(result))
