"""``simsearch evaluate retrieval``: do pictures find what belongs to them?"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.cli.commands import command
from simsearch.cli.console import JsonCommand, Stages, console, json_option, stages
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
from simsearch.cli.options import chosen_index, index_option, into, seed_option, weights_option

if TYPE_CHECKING:
    from rich.table import Table

    from simsearch.engine import SearchEngine
    from simsearch.evaluation.retrieval import RetrievalResult, RetrievalSettings


_ON_PAGES = ("vectors", "precision", "AMI deep", "copies")
"""Columns that a terminal has no room for."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of ``evaluate retrieval``."""

    index: Path | None
    encoder: str | None
    encoders: str | None
    per_collection: int
    weights: Path | None
    space: str | None
    k: int
    query_share: float
    queries: int
    edited: int
    prices: bool
    seed: int
    json_place: str | None
    report: Path | None

    @property
    def compared(self) -> list[str]:
        """Descriptors that are compared; none where one encoder is measured."""
        if self.encoder and self.encoders:
            raise click.UsageError("--encoder and --encoders: give one of the two.")
        given = (self.encoders or "").split(",")
        return list(dict.fromkeys(name.strip() for name in given if name.strip()))


@command(
    "retrieval",
    cls=JsonCommand,
    summary="Do pictures find items of their collection and traits?",
    example="""\
simsearch evaluate retrieval --index indexes/mine
simsearch evaluate retrieval --index indexes/mine --space traits --report reports/mine
simsearch evaluate retrieval --index indexes/mine --encoders all
simsearch evaluate retrieval --encoders vgg16-nft,vgg16-nft=mine.safetensors,colour_grid --json""",
)
@index_option
@encoder_option
@click.option(
    "--encoders",
    metavar="A,B",
    help="Compare descriptors on one sample: encoders, NAME=FILE for weights of one's own, "
    "raw_pixels, whitened_pixels, equal_pixels, perceptual_hash, colour_grid, untrained (vgg16-nft "
    "before training); all = whatever is on this machine.",
)
@per_collection_option(300)
@weights_option
@click.option(
    "--space",
    type=click.Choice(["look", "traits"]),
    help="Measure one space only; by default both, that of the index first.",
)
@click.option(
    "-k", type=click.IntRange(1), default=10, metavar="K", show_default=True, help="Neighbours."
)
@query_share_option(
    0.3, "Part of each collection that is set aside to ask; all is fitted on the rest."
)
@click.option(
    "--queries",
    type=click.IntRange(0),
    default=300,
    metavar="N",
    show_default=True,
    help="Of those, how many of each collection ask; 0 means all.",
)
@click.option(
    "--edited",
    type=click.IntRange(0),
    default=200,
    metavar="N",
    show_default=True,
    help="Indexed pictures, of all collections, of which edited copies ask; 0 means none.",
)
@click.option(
    "--price/--no-price",
    "prices",
    default=True,
    show_default=True,
    help="With --encoders: how well prices go by each; all items that were sold are encoded.",
)
@seed_option
@json_option
@report_option
@into(Settings)
def retrieval(settings: Settings) -> None:
    """Measure how well pictures find items like them.

    Items set aside ask the others: how many of their nearest share their traits and their
    collection, against five baselines. Then edited copies of indexed pictures (resized, cropped,
    turned ...) ask for their originals. Pictures are read from where the index was built from.
    """
    if settings.compared:
        _compare(settings)
    else:
        _measure(settings)


def _measure(settings: Settings) -> None:
    """Measure one encoder in full."""
    from simsearch.evaluation.document import retrieval_document
    from simsearch.evaluation.retrieval import measure
    from simsearch.pages.retrieval import retrieval_page

    with stages() as show, opened(settings, show) as found:
        result = measure(found.engine, _plan(settings, found.engine, show))
        write_result(
            retrieval_document(result),
            lambda name, command: retrieval_page(result, found.engine, name, command),
            found.place,
            settings.report,
            settings.json_place,
        )
    if settings.json_place != "-":
        _show(result)


def _compare(settings: Settings) -> None:
    """Measure several descriptors on one sample."""
    from simsearch.engine import SearchEngine
    from simsearch.evaluation.contenders import choose
    from simsearch.evaluation.quality import QualitySettings, compare
    from simsearch.evaluation.quality_document import quality_document
    from simsearch.pages.quality import compared, quality_page, quality_rows

    contenders, notes = choose(settings.compared, settings.weights)
    place = chosen_index(settings.index)
    with stages() as show:
        plan = QualitySettings(
            k=settings.k,
            query_share=settings.query_share,
            seed=settings.seed,
            queries=settings.queries,
            per_collection=settings.per_collection,
            copies=settings.edited,
            prices=settings.prices,
            progress=progress_of(show),
        )
        result = compare(SearchEngine.open(place), contenders, plan)
        result.notes += notes
        write_result(
            quality_document(result, settings.space or "look"),
            lambda name, command: quality_page(result, name, command),
            place,
            settings.report,
            settings.json_place,
        )
    if settings.json_place != "-":
        console().print(rows_table("descriptors", quality_rows(result.rows), hidden=_ON_PAGES))
        console().print(compared(result))


def _plan(settings: Settings, engine: "SearchEngine", show: Stages) -> "RetrievalSettings":
    from simsearch.engine import SPACES
    from simsearch.evaluation.retrieval import RetrievalSettings

    own = str(engine.manifest.settings.get("space", "look"))
    both = (own, *(space for space in SPACES if space != own))
    return RetrievalSettings(
        k=settings.k,
        query_share=settings.query_share,
        seed=settings.seed,
        queries=settings.queries,
        spaces=(settings.space,) if settings.space else both,
        copies=settings.edited,
        progress=progress_of(show),
    )


def _show(result: "RetrievalResult") -> None:
    """Tables, and what was measured on what."""
    from simsearch.pages.retrieval import measured

    out = console()
    for part in _tables(result):
        out.print(part)
        out.print()
    out.print(measured(result))


def _tables(result: "RetrievalResult") -> "Iterator[Table]":
    from simsearch.pages import retrieval

    k, overlaps = result.settings.k, retrieval.collection_rows(result)
    for title, rows in (
        ("means over collections", retrieval.summary_rows(result)),
        (f"trait overlap@{k}", overlaps),
        (f"precision@{k}", [] if overlaps else retrieval.collection_rows(result, "precision")),
        ("edited copies, recall@1", retrieval.edit_rows(result)),
    ):
        if rows:
            yield rows_table(title, rows, hidden=("indexed", "asked", "kind"))
