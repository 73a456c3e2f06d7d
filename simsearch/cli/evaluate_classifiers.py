"""``simsearch evaluate classifiers``: which kind of network tells these classes apart best?"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from simsearch.classifiers.presets import PRESETS
from simsearch.cli.commands import command
from simsearch.cli.console import JsonCommand, console, interruptible, json_option, stages
from simsearch.cli.labelled import Labelled, labelled_options, tell_left_out
from simsearch.cli.measuring import progress_of, report_option, rows_table, write_result
from simsearch.cli.options import into, path_type, sources_argument, use_threads
from simsearch.cli.sources import read_catalog

_QUICK = "neighbours,linear,study-5"


@dataclass(frozen=True, kw_only=True)
class Settings(Labelled):
    """Parameters of ``evaluate classifiers``."""

    presets: str
    keep: Path | None
    json_place: str | None
    report: Path | None


@command(
    "classifiers",
    cls=JsonCommand,
    summary="Which kind of network tells classes apart best?",
    example="""\
simsearch evaluate classifiers pictures/
simsearch evaluate classifiers punks/ apes/ --per-class 1000 --presets all --report reports/kinds
simsearch evaluate classifiers pictures/ --label Species --presets linear,study-5 --json""",
)
@sources_argument
@click.option(
    "--presets",
    default=_QUICK,
    metavar="A,B,C",
    show_default=True,
    help=f"Which ones, or 'all': {', '.join(PRESETS)}.",
)
@labelled_options
@click.option(
    "--keep",
    type=path_type,
    metavar="DIR",
    help="Keep classifiers and checkpoints there; the same command goes on from them.",
)
@json_option
@report_option
@into(Settings)
def classifiers(settings: Settings) -> None:
    """Train several kinds of classifiers on the pictures of SOURCE... and compare them.

    A SOURCE is a folder of class folders, with or without train/, valid/ and test/ above them, what
    'index build' takes, or an index. All kinds see the same pictures, a part of which tells when to
    stop, and name the same others: accuracy, macro scores, size, and time.
    """
    from simsearch.classifiers.comparison import ComparisonSettings, compare
    from simsearch.classifiers.comparison_document import comparison_document
    from simsearch.pages import classifiers as page

    names = list(PRESETS) if settings.presets == "all" else settings.presets.split(",")
    trainings = [settings.training(name.strip()) for name in names]
    preprocessing = settings.preprocessing
    use_threads(settings.threads)
    with _folder(settings.keep) as folder, stages() as show:
        show.begin("reading")
        items = read_catalog(settings.sources).items()
        plan = ComparisonSettings(trainings, settings.draw, preprocessing, progress_of(show))
        result = compare(items, plan, folder, resume=settings.keep is not None)
    tell_left_out(settings.sources, result.pictures)
    write_result(
        comparison_document(result),
        lambda name, typed: page.classifiers_page(result, name, typed),
        settings.sources[0],
        settings.report,
        settings.json_place,
    )
    if settings.json_place != "-":
        console().print(rows_table("classifiers", page.model_rows(result), ("epoch",)))
        console().print()
        console().print(page.measured(result))


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """The folder that is kept, or one for the moment."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        with interruptible(f"the same command goes on from {keep}"):
            yield keep
        return
    with TemporaryDirectory(prefix="simsearch-") as work:
        yield Path(work)
