"""``simsearch query``: what a picture is, what looks like it, and what it would fetch."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.cli import FAILED
from simsearch.cli.commands import command
from simsearch.cli.console import JsonCommand, json_option, notice, write_json
from simsearch.cli.options import index_option, into, path_type, weights_option
from simsearch.cli.pictures import Failure, asked_pictures, open_engine

if TYPE_CHECKING:
    from simsearch.answer import Answer
    from simsearch.engine import SearchEngine
    from simsearch.filters import Filter

_PNG = b"\x89PNG\r\n\x1a\n"
_DAY = click.DateTime(["%Y-%m-%d"])


@dataclass(frozen=True, kw_only=True)
class QuerySettings:
    """Parameters of ``query``."""

    pictures: tuple[str, ...]
    index: Path | None
    k: int
    space: str | None
    collection: tuple[str, ...]
    trait: tuple[str, ...]
    min_price: float | None
    max_price: float | None
    currency: str | None
    since: datetime | None
    until: datetime | None
    weights: Path | None
    json_place: str | None
    sheet: Path | None


@command(
    "query",
    cls=JsonCommand,
    summary="Find what looks like a picture, and what it is.",
    example="""\
simsearch query picture.png --index indexes/mine
simsearch query punks/7 --trait "type=Ape" --max-price 50 --sheet answer.png
curl -s https://example.org/picture.png | simsearch query - --json""",
)
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@index_option
@click.option(
    "-k", type=click.IntRange(1), default=10, metavar="K", show_default=True, help="How many."
)
@click.option(
    "--space",
    type=click.Choice(["look", "traits"]),
    help="Rank by look or by shared traits; by default as the index was built for.",
)
@click.option("--collection", multiple=True, metavar="C", help="Only items of this collection.")
@click.option("--trait", multiple=True, metavar="TYPE=VALUE", help="Only items with this trait.")
@click.option("--min-price", type=float, metavar="P", help="Only items last sold for P or more.")
@click.option("--max-price", type=float, metavar="P", help="Only items last sold for P or less.")
@click.option("--currency", metavar="C", help="Currency of both, where the items have several.")
@click.option("--since", type=_DAY, metavar="DATE", help="Only items last sold on DATE or later.")
@click.option("--until", type=_DAY, metavar="DATE", help="Only items last sold on DATE or earlier.")
@weights_option
@json_option
@click.option("--sheet", type=path_type, metavar="OUT.png", help="Write the answer as one picture.")
@into(QuerySettings)
def query(settings: QuerySettings) -> None:
    """Find the indexed items that look like PICTURE, its collection, and what it would fetch.

    PICTURE is a file, - for standard input, or the key collection/token_id of an indexed item,
    which then leaves itself out. A file that exists wins over a key.

    Of several pictures, one that cannot be read does not stop the others: it is named on stderr,
    has an "error" in place of "neighbors" in the JSON, and the exit code is 1.
    """
    _check(settings)
    engine = open_engine(settings.pictures, settings.index, settings.weights)
    results = list(_answers(engine, settings))
    if settings.json_place is not None:
        from simsearch.cli.answers import document

        documents = [vars(r) if isinstance(r, Failure) else document(r, engine) for r in results]
        write_json(documents if len(documents) > 1 else documents[0], settings.json_place)
    answers = [result for result in results if not isinstance(result, Failure)]
    if settings.sheet is not None and answers:
        from simsearch.answer_sheet import sheet

        settings.sheet.write_bytes(sheet(answers, engine))
        notice(f"wrote {settings.sheet}")
    if len(answers) < len(results):
        raise click.exceptions.Exit(FAILED)


def _check(settings: QuerySettings) -> None:
    """Refuse what no index could answer, and a sheet that would be lost or overwrite a file.

    Raises:
        UsageError: prices or days that nothing can lie between, or no place for a sheet.
    """
    if settings.since and settings.until and settings.since > settings.until:
        raise click.UsageError("--since must not be later than --until.")
    low = -math.inf if settings.min_price is None else settings.min_price
    high = math.inf if settings.max_price is None else settings.max_price
    if not low <= high:  # NaN is on no side of anything
        raise click.UsageError("--min-price must be a number not above --max-price.")
    sheet = settings.sheet
    if sheet is None:
        return
    if not sheet.absolute().parent.is_dir():
        raise click.UsageError(f"--sheet {sheet}: no folder {sheet.parent}; make it first.")
    if str(sheet) in settings.pictures or not _is_png_or_new(sheet):
        message = f"--sheet {sheet}: is no sheet and stays as it is; name another file."
        raise click.UsageError(message)


def _is_png_or_new(path: Path) -> bool:
    if not path.is_file():
        return not path.is_dir()
    with path.open("rb") as file:
        return file.read(len(_PNG)) in (b"", _PNG)


def _answers(engine: "SearchEngine", settings: QuerySettings) -> "Iterator[Answer | Failure]":
    """Ask with each picture, and show the answer to people unless JSON is wanted."""
    balance, only = _balance(settings), _filter(settings)
    for asked in asked_pictures(engine, settings.pictures):
        if isinstance(asked, Failure):
            yield asked
            continue
        answer = engine.answer(asked, settings.k, balance=balance, only=only)
        if settings.json_place is None:
            from simsearch.cli.answers import show

            show(answer, engine)
        yield answer


def _balance(settings: QuerySettings) -> float | None:
    from simsearch.engine import SPACES

    return None if settings.space is None else SPACES[settings.space]


def _filter(settings: QuerySettings) -> "Filter":
    from simsearch.filters import Filter

    traits = tuple(_trait(text) for text in settings.trait)
    prices = (settings.min_price, settings.max_price)
    days = [day and day.date() for day in (settings.since, settings.until)]
    return Filter(settings.collection, traits, *prices, settings.currency, *days)


def _trait(text: str) -> tuple[str, str]:
    kind, equal, value = text.partition("=")
    if not (kind and equal and value):
        raise click.UsageError(f"--trait {text}: write TYPE=VALUE.")
    return kind, value
