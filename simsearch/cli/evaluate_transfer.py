"""``simsearch evaluate transfer``: does what was learned on one collection serve the others?"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from simsearch.cli.commands import command
from simsearch.cli.console import JsonCommand, console, json_option, stages
from simsearch.cli.measuring import (
    per_collection_option,
    progress_of,
    report_option,
    rows_table,
    write_result,
)
from simsearch.cli.options import (
    device_option,
    into,
    seed_option,
    sources_argument,
    weights_option,
)

if TYPE_CHECKING:
    from simsearch.cli.console import Stages
    from simsearch.evaluation.transfer import TransferResult


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of ``evaluate transfer``."""

    sources: tuple[Path, ...]
    train: str
    steps: int
    own: bool
    from_scratch: bool
    weights: Path | None
    per_collection: int
    device: str
    seed: int
    json_place: str | None
    report: Path | None


@command(
    "transfer",
    cls=JsonCommand,
    summary="Does what was learned on one collection serve the others?",
    example="""\
simsearch evaluate transfer pictures/ --train apes
simsearch evaluate transfer pictures/ --train apes --no-own --json
simsearch evaluate transfer pictures/ --train apes --report reports/transfer""",
)
@sources_argument
@click.option("--train", required=True, metavar="C", help="The collection that is trained on.")
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=200,
    metavar="N",
    show_default=True,
    help="Batches of 32 pictures of one training.",
)
@click.option(
    "--own/--no-own",
    default=True,
    show_default=True,
    help="Also train on each other collection itself, to compare.",
)
@click.option(
    "--from-scratch",
    is_flag=True,
    help="Begin with random weights: those at hand may have been trained on the same collections.",
)
@weights_option
@per_collection_option(1000)
@device_option
@seed_option
@json_option
@report_option
@into(Settings)
def transfer(settings: Settings) -> None:
    """Train on collection C of SOURCE..., and test on the others.

    The encoder's network is trained further on C; then a linear head on what it says reads traits
    of each other collection, and neighbours by it are compared by their traits: beside the network
    as it came, and as it is when trained on that collection itself. Groups are made in a space
    fitted on C, on all collections, and on that one.
    """
    from simsearch.evaluation.transfer_document import transfer_document
    from simsearch.pages import transfer as page

    with stages() as show:
        result = _measured(settings, show)
    write_result(
        transfer_document(result),
        lambda name, typed: page.transfer_page(result, typed),
        settings.sources[0],
        settings.report,
        settings.json_place,
    )
    if settings.json_place != "-":
        out = console()
        for title, rows in page.tables(result).items():
            out.print(rows_table(title, rows))
            out.print()
        out.print(page.measured(result))


def _measured(settings: Settings, show: "Stages") -> "TransferResult":
    from simsearch.evaluation.transfer import TransferSettings, evaluate_transfer
    from simsearch.training.adapting import Adapting, described, start_of
    from simsearch.training.pictures import read_pictures

    progress = progress_of(show)
    plan = TransferSettings(settings.train, own=settings.own, seed=settings.seed, progress=progress)
    encoder, training = start_of(
        settings.weights, settings.steps, scratch=settings.from_scratch, seed=settings.seed
    )
    training = replace(training, device=settings.device)
    with TemporaryDirectory(prefix="simsearch-") as work:
        show.begin("decoding")
        pictures = read_pictures(
            settings.sources,
            Path(work) / "pictures",
            per_collection=settings.per_collection or sys.maxsize,
            seed=settings.seed,
            progress=show.update,
        )
        teach = Adapting(pictures, training, Path(work) / "trained", progress)
        return evaluate_transfer(described(pictures, encoder), teach, plan)
