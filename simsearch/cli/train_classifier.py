"""``simsearch train classifier``: learn to tell classes of pictures apart."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.classifiers.presets import PRESETS
from simsearch.cli.commands import command
from simsearch.cli.console import console, facts, interruptible, notice, seconds_text, stages
from simsearch.cli.labelled import Labelled, labelled_options, tell_left_out
from simsearch.cli.measuring import progress_of
from simsearch.cli.options import check_out, into, path_type, sources_argument, use_threads
from simsearch.cli.sources import read_catalog

if TYPE_CHECKING:
    from simsearch.classifiers.classifier import TrainedClassifier
    from simsearch.classifiers.labelled import LabelledPictures
    from simsearch.cli.console import Stages


@dataclass(frozen=True, kw_only=True)
class Settings(Labelled):
    """Parameters of ``train classifier``."""

    preset: str
    out: Path
    resume: bool


@command(
    "classifier",
    summary="Learn to tell classes of pictures apart.",
    example="""\
simsearch train classifier pictures/ --out mine.safetensors
simsearch train classifier pictures/ --preset study-5 --label Species --out mine.safetensors
simsearch classify picture.png --model mine.safetensors""",
)
@sources_argument
@click.option("--out", required=True, type=path_type, metavar="FILE", help="Where it goes.")
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default="linear",
    show_default=True,
    help="Which kind of classifier.",
)
@labelled_options
@click.option("--resume", is_flag=True, help="Go on where the same command was stopped.")
@into(Settings)
def classifier(settings: Settings) -> None:
    """Learn the classes of the pictures of SOURCE... and write a classifier to FILE.

    A SOURCE is a folder of class folders, with or without train/, valid/ and test/ above them, what
    'index build' takes, or an index. The file is a safetensors file; beside it comes a card in JSON
    with classes, settings, curves and scores. Checkpoints lie in FILE.training.
    """
    check_out(settings.out)
    use_threads(settings.threads)
    folder = settings.out.with_name(f"{settings.out.name}.training")
    remains = f"the same command with --resume goes on from {folder}"
    with interruptible(remains), stages() as show:
        pictures, made = _trained(settings, folder, show)
    tell_left_out(settings.sources, pictures)
    made.save(settings.out)
    _show(made, pictures)
    _tell_failure(made, pictures)
    spent = seconds_text(made.run.seconds)
    notice(f"wrote {settings.out} and its card, {settings.out.with_suffix('.json')}, in {spent}")


def _trained(
    settings: Settings, folder: Path, show: "Stages"
) -> "tuple[LabelledPictures, TrainedClassifier]":
    """Train, and try on the test pictures, where there are some."""
    from simsearch.classifiers.classifier import train
    from simsearch.classifiers.comparison import ask, prepared
    from simsearch.classifiers.inputs import Inputs
    from simsearch.classifiers.labelled import TEST

    chosen, preprocessing = settings.training(settings.preset), settings.preprocessing
    show.begin("reading")
    items = read_catalog(settings.sources).items()
    inputs = Inputs.of(chosen, preprocessing)
    pictures = prepared(items, settings.draw, inputs, folder, progress_of(show))
    show.begin("training")
    made = train(
        pictures,
        chosen,
        folder,
        inputs=inputs,
        resume=settings.resume,
        progress=show.update,
    )
    if len(pictures.rows(TEST)):
        made = ask(made, pictures).classifier
    return pictures, made


def _show(made: "TrainedClassifier", pictures: "LabelledPictures") -> None:
    """What was learned from what, and how well."""
    from simsearch.classifiers.labelled import PARTS

    counts = ", ".join(f"{len(pictures.rows(part)):,} {part}" for part in PARTS)
    lines = [
        ("classes", f"{len(made.classes)}: {', '.join(made.classes)}"),
        ("pictures", counts),
        ("preset", f"{made.settings.preset}, {made.model.parameters:,} parameters"),
    ]
    if made.run.history:
        lines.append(("epoch", f"{made.run.best + 1} of {len(made.run.history)} is kept"))
    lines += [
        (name.replace("_", " "), f"{value:,.0f}" if name == "test_pictures" else f"{value:.3f}")
        for name, value in made.scores.items()
    ]
    console().print(facts(lines))


def _tell_failure(made: "TrainedClassifier", pictures: "LabelledPictures") -> None:
    """Say where the commonest class, said of every test picture, would be right as often."""
    from simsearch.classifiers.labelled import TEST

    counts = pictures.counts(TEST)
    if counts.any() and made.scores["accuracy"] <= counts.max() / counts.sum():
        always = made.classes[int(counts.argmax())]
        told = f"no better than always saying '{always}' ({counts.max() / counts.sum():.3f})"
        notice(f"{told}: give more pictures, --patience 0, or --preset linear")
