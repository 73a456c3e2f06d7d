"""``simsearch train encoder``: train the network of vgg16-nft."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.cli.commands import command
from simsearch.cli.console import console, notice, table
from simsearch.cli.options import into, path_type, preprocess_option
from simsearch.cli.training import OnPictures, on_pictures_options

if TYPE_CHECKING:
    from simsearch.preprocessing import Preprocessing
    from simsearch.training.run import Run, TrainingSettings


@dataclass(frozen=True, kw_only=True)
class Settings(OnPictures):
    """Parameters of ``train encoder``."""

    width: int
    every: int
    patience: int
    preprocess: str
    start: Path | None


@command(
    "encoder",
    summary="Train the network of vgg16-nft.",
    example="""\
simsearch train encoder pictures/ --out mine.safetensors
simsearch train encoder pictures/ --out mine.safetensors --resume
simsearch index build pictures/ --out indexes/mine --weights mine.safetensors""",
)
@on_pictures_options(steps=4000, per_collection=2000)
@click.option(
    "--width",
    type=click.IntRange(1, 64),
    default=16,
    metavar="W",
    show_default=True,
    help="Channels of the first convolution; VGG16 itself has 64.",
)
@click.option(
    "--every",
    type=click.IntRange(1),
    default=200,
    metavar="N",
    show_default=True,
    help="Steps between two checkpoints, each with a trial on pictures held out.",
)
@click.option(
    "--patience",
    type=click.IntRange(0),
    default=5,
    metavar="N",
    show_default=True,
    help="Stop after so many trials without a better score; 0 means never.",
)
@preprocess_option
@click.option(
    "--start", type=path_type, metavar="FILE", help="Go on from these weights, e.g. to adapt them."
)
@into(Settings)
def encoder(settings: Settings) -> None:
    """Train the network of vgg16-nft on SOURCE... and write its weights to FILE.

    It learns to find edited copies of pictures, to see how items share traits where these are
    known, and to tell collections apart. Checkpoints lie in FILE.training; beside FILE comes a card
    that says what it was trained on, and the curve. What --preprocess does to the pictures, an
    index of these weights should do too.
    """
    from simsearch.preprocessing import Preprocessing
    from simsearch.training.card import publish
    from simsearch.training.encoder import EncoderTraining
    from simsearch.training.pictures import WHOLE

    preprocessing = Preprocessing.read(settings.preprocess)
    chosen = _chosen(settings, preprocessing)
    with settings.decoded(WHOLE.after(preprocessing)) as (pictures, folder, show):
        training = EncoderTraining(pictures, chosen, folder, resume=settings.resume)
        run = training(show.update)
    publish(settings.out, folder, pictures, chosen, run)
    notice(f"wrote {settings.out}, its card and its curve")
    _show(run)


def _chosen(settings: Settings, preprocessing: "Preprocessing") -> "TrainingSettings":
    from simsearch.training.run import TrainingSettings

    return TrainingSettings(
        width=settings.width,
        steps=settings.steps,
        every=settings.every,
        patience=settings.patience,
        seed=settings.seed,
        device=settings.device,
        start=str(settings.start or ""),
        preprocessing=tuple(preprocessing.specs),
    )


def _show(run: "Run") -> None:
    """Recall of each edit, and traits that neighbours share, before and after."""
    first, best = run.history[0].measured, run.best.measured
    rows = [
        (edit, f"{first.recall[edit]:.3f}", f"{best.recall[edit]:.3f}") for edit in first.recall
    ]
    rows.append(("mean of these", f"{first.mean_recall:.3f}", f"{best.mean_recall:.3f}"))
    if first.overlap is not None and best.overlap is not None:
        rows.append(("traits shared", f"{first.overlap:.3f}", f"{best.overlap:.3f}"))
    rows.append(("score", f"{first.score:.3f}", f"{best.score:.3f}"))
    headings = ["edited copies, recall@1", "untrained>", f"step {run.best.step}>"]
    console().print(table(headings, rows))
