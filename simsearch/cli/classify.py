"""``simsearch classify``: name the class of pictures with a classifier of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.cli import FAILED
from simsearch.cli.commands import command
from simsearch.cli.console import JsonCommand, console, json_option, table, write_json
from simsearch.cli.options import device_option, into, path_type, weights_option
from simsearch.cli.pictures import Failure, failed, picture_bytes

if TYPE_CHECKING:
    from simsearch.classifiers.classifier import TrainedClassifier


@dataclass(frozen=True)
class Named:
    """A picture with its classes and their probabilities, the likeliest first."""

    query: str
    classes: list[tuple[str, float]]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of ``classify``."""

    pictures: tuple[str, ...]
    model: Path
    top: int
    weights: Path | None
    device: str
    json_place: str | None


@command(
    "classify",
    cls=JsonCommand,
    summary="Name the class of pictures with a classifier of your own.",
    example="""\
simsearch classify picture.png --model mine.safetensors
simsearch classify a.png b.png --model mine.safetensors --json""",
)
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@click.option(
    "--model",
    required=True,
    type=path_type,
    metavar="FILE",
    help="What 'simsearch train classifier' wrote.",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    default=3,
    metavar="N",
    show_default=True,
    help="Classes shown of each picture; JSON has all.",
)
@weights_option
@device_option
@json_option
@into(Settings)
def classify(settings: Settings) -> None:
    """Name the class of each PICTURE, a file or '-' for standard input, with probabilities.

    A picture that cannot be read is named on stderr, and the others are classified.
    """
    from simsearch.classifiers.classifier import TrainedClassifier

    weights = str(settings.weights) if settings.weights else None
    model = TrainedClassifier.load(settings.model, device=settings.device, weights=weights)
    results = [_named(model, name) for name in settings.pictures]
    if settings.json_place is not None:
        documents = [_document(one) for one in results]
        write_json(documents if len(documents) > 1 else documents[0], settings.json_place)
    else:
        _show([one for one in results if isinstance(one, Named)], settings.top)
    if any(isinstance(one, Failure) for one in results):
        raise click.exceptions.Exit(FAILED)


def _named(model: "TrainedClassifier", name: str) -> Named | Failure:
    """The classes of a picture; one that cannot be read is named on stderr."""
    from simsearch.errors import PictureError
    from simsearch.images import load_image

    try:
        (classes,) = model.classify([load_image(picture_bytes(name))])
    except FileNotFoundError:
        return failed(name, PictureError("missing", "no such file; give a picture's file, or '-'"))
    except (PictureError, OSError) as error:
        return failed(name, error)
    return Named(name, classes)


def _document(one: Named | Failure) -> dict[str, object]:
    """The answer as JSON values."""
    if isinstance(one, Failure):
        return vars(one)
    shares = [{"name": name, "probability": round(share, 6)} for name, share in one.classes]
    return {"query": one.query, "class": one.classes[0][0], "classes": shares}


def _show(named: Sequence[Named], top: int) -> None:
    """A line for each picture, its likeliest classes in columns."""
    rows = [
        [one.query, *(f"{name} {share:.1%}" for name, share in one.classes[:top])] for one in named
    ]
    if rows:
        ranks = ["class", *map(_ordinal, range(2, len(rows[0])))]
        console().print(table(["picture", *ranks], rows))


def _ordinal(place: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"} if place % 100 not in (11, 12, 13) else {}
    return f"{place}{endings.get(place % 10, 'th')}"
