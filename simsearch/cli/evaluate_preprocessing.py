"""``simsearch evaluate preprocessing``: does compression or denoising help or hurt?"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.cli.commands import command
from simsearch.cli.console import JsonCommand, console, json_option, stages
from simsearch.cli.measuring import (
    per_collection_option,
    progress_of,
    query_share_option,
    report_option,
    rows_table,
    write_result,
)
from simsearch.cli.options import into, seed_option, sources_argument, weights_option

if TYPE_CHECKING:
    from simsearch.preprocessing import Preprocessing

_USUAL = ("jpeg:75", "jpeg:30", "median:3", "gaussian:1", "denoise")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of ``evaluate preprocessing``."""

    sources: tuple[Path, ...]
    preprocess: tuple[str, ...]
    encoder: str
    weights: Path | None
    per_collection: int
    query_share: float
    k: int
    seeds: int
    seed: int
    json_place: str | None
    report: Path | None


@command(
    "preprocessing",
    cls=JsonCommand,
    summary="Does compression or denoising help or hurt?",
    example="""\
simsearch evaluate preprocessing pictures/
simsearch evaluate preprocessing pictures/ --preprocess jpeg:10 --preprocess median:3,jpeg:30
simsearch evaluate preprocessing pictures/ --seeds 10 --report reports/preprocessing""",
)
@sources_argument
@click.option(
    "--preprocess",
    multiple=True,
    default=_USUAL,
    metavar="STEPS",
    help="A way to try beside none, as 'index build' takes it; may be repeated. By default "
    f"{', '.join(_USUAL)}.",
)
@click.option(
    "--encoder",
    default="vgg16-nft",
    metavar="NAME",
    show_default=True,
    help="What describes the pictures.",
)
@weights_option
@per_collection_option(200)
@query_share_option(0.2, "Part of each collection that is set aside and asks.")
@click.option(
    "-k",
    type=click.IntRange(1),
    default=10,
    metavar="K",
    show_default=True,
    help="Neighbours whose traits are compared.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=5,
    metavar="N",
    show_default=True,
    help="Draws of who asks; scores are means over them.",
)
@seed_option
@json_option
@report_option
@into(Settings)
def preprocessing(settings: Settings) -> None:
    """Measure what preprocessing does to answers, to files and to time.

    Pictures of SOURCE... and copies of them with noise (Gaussian, salt-and-pepper, JPEG 10) ask the
    others for their collection, for items with their traits, and for the originals; every way of
    preprocessing is done to those that ask and those that are found.
    """
    from simsearch.encoders import load_encoder
    from simsearch.evaluation.preprocessing import PreprocessingSettings, evaluate_preprocessing
    from simsearch.evaluation.preprocessing_document import preprocessing_document
    from simsearch.pages import preprocessing as page
    from simsearch.sources import read_sources

    ways = _ways(settings.preprocess)
    encoder = load_encoder(settings.encoder, weights=settings.weights)
    seeds = range(settings.seed, settings.seed + settings.seeds)
    with stages() as show:
        show.begin("reading")
        most = settings.per_collection or None
        items = read_sources(settings.sources, per_collection=most, seed=settings.seed).items
        plan = PreprocessingSettings(settings.query_share, seeds, settings.k, progress_of(show))
        result = evaluate_preprocessing(items, encoder, ways, plan)
        write_result(
            preprocessing_document(result),
            lambda name, typed: page.preprocessing_page(result, name, typed),
            settings.sources[0],
            settings.report,
            settings.json_place,
        )
    if settings.json_place != "-":
        out = console()
        for metric, title in page.shown(result).items():
            out.print(rows_table(title, page.score_rows(result, metric)))
            out.print()
        out.print(rows_table("what it costs and saves", page.cost_rows(result)))
        out.print()
        out.print(f"{page.measured(result)} {page.MARKS_NOTE}")


def _ways(texts: tuple[str, ...]) -> "dict[str, Preprocessing]":
    """None, and each way under the name that was typed."""
    from simsearch.preprocessing import Preprocessing

    return {"none": Preprocessing()} | {
        text: steps for text in texts if (steps := Preprocessing.read(text))
    }
