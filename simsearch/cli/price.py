"""``simsearch price``: what a picture would fetch."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.cli import FAILED
from simsearch.cli.commands import command
from simsearch.cli.console import JsonCommand, console, json_option, printable, write_json
from simsearch.cli.options import index_option, into, weights_option
from simsearch.cli.pictures import Failure, asked_pictures, open_engine

if TYPE_CHECKING:
    from simsearch.answer import Query
    from simsearch.engine import SearchEngine
    from simsearch.pricing.desk import Valuation
    from simsearch.recognition.membership import Membership


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of ``price``."""

    pictures: tuple[str, ...]
    index: Path | None
    as_of: dt.datetime | None
    force: bool
    weights: Path | None
    json_place: str | None


@dataclass(frozen=True)
class Priced:
    """A picture with its collection, and its value or why it has none."""

    query: "Query"
    membership: "Membership"
    value: "Valuation | None"
    no_value: str


@command(
    "price",
    cls=JsonCommand,
    summary="Say what a picture would fetch, and why.",
    example="""\
simsearch price picture.png --index indexes/mine
simsearch price punks/7 punks/8 --as-of 2021-12-31
simsearch price picture.png --force --json""",
)
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@index_option
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Price it as of this day, from sales of earlier days only; today by default.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Price a picture of no indexed collection as one of the nearest collection.",
)
@weights_option
@json_option
@into(Settings)
def price(settings: Settings) -> None:
    """Say what PICTURE would fetch: an interval, and the comparable sales it rests on.

    PICTURE is a file, - for standard input, or the key collection/token_id of an indexed item. The
    price rests on sales of its collection that are earlier than the day asked for. Where nothing
    can be said there is no price, and the reason is given.
    """
    engine = open_engine(settings.pictures, settings.index, settings.weights)
    results = list(_priced(engine, settings))
    if settings.json_place is not None:
        documents = [vars(r) if isinstance(r, Failure) else _document(r) for r in results]
        write_json(documents if len(documents) > 1 else documents[0], settings.json_place)
    if any(isinstance(result, Failure) for result in results):
        raise click.exceptions.Exit(FAILED)


def _priced(engine: "SearchEngine", settings: Settings) -> "Iterator[Priced | Failure]":
    from simsearch.errors import SalesError

    day = settings.as_of.date() if settings.as_of else None
    for query in asked_pictures(engine, settings.pictures):
        if isinstance(query, Failure):
            yield query
            continue
        membership = engine.identify(query)
        try:
            found = engine.price(query, membership, day, force=settings.force)
            priced = Priced(query, membership, found, "")
        except SalesError as error:
            priced = Priced(query, membership, None, str(error))
        if settings.json_place is None:
            _show(priced, engine)
        yield priced


def _show(priced: Priced, engine: "SearchEngine") -> None:
    from simsearch.cli.values import show_value, summary

    out = console()
    out.print(printable(priced.query.name), style="bold")
    group = engine.group_of(priced.query)
    out.print(summary(priced.membership, priced.value, priced.no_value, group))
    out.print()
    if priced.value is not None:
        show_value(priced.value)


def _document(priced: Priced) -> dict[str, object]:
    from simsearch.cli.values import membership_document, value_document

    return {
        "query": priced.query.name,
        "collection": membership_document(priced.membership),
        "value": value_document(priced.value),
        "no_value": priced.no_value or None,
    }
