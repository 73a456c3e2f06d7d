"""``simsearch evaluate price``: how far are estimates from what was paid, forward in time?"""

import contextlib
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.cli.commands import command
from simsearch.cli.console import JsonCommand, Stages, console, json_option, notice, stages
from simsearch.cli.measuring import progress_of, report_option, rows_table, write_result
from simsearch.cli.options import (
    chosen_index,
    day_type,
    index_option,
    into,
    seed_option,
    weights_option,
)

if TYPE_CHECKING:
    from simsearch.encoders import Encoder
    from simsearch.engine import SearchEngine
    from simsearch.evaluation.blocks import Block
    from simsearch.evaluation.price_result import PriceResult
    from simsearch.pricing.appraisal import Ledger


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of ``evaluate price``."""

    index: Path | None
    since: dt.date | None
    until: dt.date | None
    collection: str | None
    encoder: str | None
    weights: Path | None
    space: str
    parts: bool
    hygiene: bool
    seed: int
    json_place: str | None
    report: Path | None


_ON_PAGES = ("≤ 5%", "≤ 20%", "RMSLE", "log R²", "Spearman", "bias", "MALE")
"""Columns that a terminal has no room for."""


@command(
    "price",
    cls=JsonCommand,
    summary="How far are estimated prices from what was paid?",
    example="""\
simsearch evaluate price --index indexes/mine
simsearch evaluate price --collection punks --from 2021-06-01 --report reports/prices
simsearch evaluate price --index indexes/mine --encoder vgg16-nft,pixels,vgg16 --weights FILE""",
)
@index_option
@click.option(
    "--from",
    "since",
    type=day_type,
    metavar="DATE",
    help="First test day; by default the last third of the sales is tested, by whole months.",
)
@click.option(
    "--until", type=day_type, metavar="DATE", help="Last test day; by default the last with a sale."
)
@click.option("--collection", metavar="C", help="Test this collection only.")
@click.option(
    "--encoder",
    metavar="NAME,...",
    help="Compare encoders: the first is shown in full. Those that are not the index's own encode "
    "the pictures of collections with sales afresh, from where they were indexed.",
)
@weights_option
@click.option(
    "--space",
    type=click.Choice(["look", "traits"]),
    default="look",
    show_default=True,
    help="What a picture's neighbours are near in; an index prices by look.",
)
@click.option(
    "--parts/--no-parts",
    default=True,
    show_default=True,
    help="Measure what pixels, the network and traits each add.",
)
@click.option(
    "--hygiene/--no-hygiene",
    default=True,
    show_default=True,
    help="Leave sales that say nothing of a price (zero, dust, wash trades) out of the past.",
)
@seed_option
@json_option
@report_option
@into(Settings)
def price(settings: Settings) -> None:
    """Measure how far estimated prices are from what was paid.

    Every sale of the test period is estimated from sales of strictly earlier days, by estimators
    that were fitted before its month, beside seven simpler models. Test sales are all that cost
    0.01 or more of their currency, whatever hygiene says of them.
    """
    from simsearch.engine import SearchEngine
    from simsearch.evaluation.price_markets import PricePlan, ledgers_of
    from simsearch.evaluation.price_result import evaluate_price, price_document
    from simsearch.pages.price import price_page

    place = chosen_index(settings.index)
    if settings.since and settings.until and settings.since > settings.until:
        raise click.UsageError(f"--from {settings.since} lies after --until {settings.until}.")
    with stages() as show:
        engine = SearchEngine.open(place)
        plan = PricePlan(
            since=settings.since,
            until=settings.until,
            collection=settings.collection,
            hygiene=settings.hygiene,
            space=settings.space,
            parts=settings.parts,
            seed=settings.seed,
            progress=progress_of(show),
        )
        ledgers = ledgers_of(engine, plan)
        seen, notes = _seen(settings, engine, ledgers, show)
        result = evaluate_price(engine, ledgers, plan, seen)
        result.notes += notes
        write_result(
            price_document(result),
            lambda name, typed: price_page(result, engine, name, typed),
            place,
            settings.report,
            settings.json_place,
        )
    if settings.json_place != "-":
        _show(result)


def _seen(
    settings: Settings, engine: "SearchEngine", ledgers: "dict[str, Ledger]", show: Stages
) -> "tuple[dict[str, list[Block]], list[str]]":
    """The parts of each encoder's descriptors; how each was trained, or why it is left out."""
    import numpy as np

    from simsearch.encoders import load_encoder
    from simsearch.errors import StoreError, WeightsError
    from simsearch.evaluation.blocks import blocks_of_index, encoded_blocks

    own = engine.manifest.encoder.name
    given = [name.strip() for name in (settings.encoder or own).split(",")]
    names = list(dict.fromkeys(filter(None, given))) or [own]
    rows = np.sort(np.concatenate([ledger.members for ledger in ledgers.values()]))
    seen: dict[str, list[Block]] = {}
    notes: list[str] = []
    problem: WeightsError | None = None
    for name in names:
        if name == own:
            seen[name] = blocks_of_index(engine)
            with contextlib.suppress(WeightsError, StoreError):  # it encodes nothing here
                notes += _trained(engine.encoder)
            continue
        # One file of weights cannot be that of several encoders: then it is that of vgg16.
        weights = settings.weights if name == "vgg16" or len(names) == 1 else None
        try:
            encoder = load_encoder(name, weights=weights)
        except WeightsError as error:
            problem = error
            notes.append(f"{name} is left out: {error}.")
            if len(names) > 1:
                notice(notes[-1])
            continue
        show.begin(f"encoding with {name}")
        seen[name] = encoded_blocks(engine, encoder, rows, show.update)
        notes += _trained(encoder)
    if problem and not seen:
        raise problem
    return seen, notes


def _trained(encoder: "Encoder") -> list[str]:
    """How the weights of a network came to be."""
    return [f"Network of {encoder.name}: {encoder.training}."] if encoder.training else []


def _show(result: "PriceResult") -> None:
    from simsearch.pages import price_tables as tables

    out = console()
    for title, rows in (
        ("models", tables.model_rows(result)),
        ("intervals", tables.interval_rows(result)),
        ("sales hygiene on and off", tables.hygiene_rows(result)),
        ("what each part adds", tables.part_rows(result)),
    ):
        if rows:
            out.print(rows_table(title, rows, hidden=_ON_PAGES))
            out.print()
    for line in (*tables.answers(result), tables.measured(result)):
        out.print(line)
