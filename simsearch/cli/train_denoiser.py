"""``simsearch train denoiser``: learn to take noise out of pictures."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from simsearch.cli.commands import command
from simsearch.cli.console import console, notice, table
from simsearch.cli.options import into
from simsearch.cli.training import OnPictures, on_pictures_options

if TYPE_CHECKING:
    from simsearch.training.denoiser import DenoiserTraining


@dataclass(frozen=True, kw_only=True)
class Settings(OnPictures):
    """Parameters of ``train denoiser``."""

    augment: str


@command(
    "denoiser",
    summary="Learn to take noise out of pictures.",
    example="""\
simsearch train denoiser pictures/ --out mine.safetensors
simsearch train denoiser pictures/ --out mine.safetensors --resume
simsearch index build pictures/ --out indexes/mine --preprocess denoise:mine.safetensors""",
)
@on_pictures_options(steps=1200, per_collection=1000)
@click.option(
    "--augment",
    default="flip,colour",
    metavar="NAMES",
    show_default=True,
    help="How pictures are changed before noise: rotation, flip, zoom, shift, colour, joined by "
    "commas; all or none.",
)
@into(Settings)
def denoiser(settings: Settings) -> None:
    """Train a small network to give pictures of SOURCE... back from noised views of them.

    Noise is Gaussian, salt-and-pepper or JPEG 10. Checkpoints lie in FILE.training; beside FILE
    comes a card in JSON that says what it was trained on and how well it does on pictures held out.
    An index takes it by --preprocess denoise:FILE.
    """
    from simsearch.training.augment import augmentations
    from simsearch.training.denoiser import DenoiserSettings, DenoiserTraining, publish
    from simsearch.training.noised import PATCHES

    chosen = DenoiserSettings(
        steps=settings.steps,
        augment=augmentations(settings.augment),
        seed=settings.seed,
        device=settings.device,
    )
    with settings.decoded(PATCHES) as (pictures, folder, show):
        training = DenoiserTraining(pictures, chosen, folder, resume=settings.resume)
        training(show.update)
    publish(settings.out, pictures, training)
    notice(f"wrote {settings.out} and its card")
    _show(training)


def _show(training: "DenoiserTraining") -> None:
    """Error of held-out pictures, as they are and denoised."""
    best = training.best
    rows = [
        (noise, f"{before:.1f}", f"{best.errors[noise]:.1f}")
        for noise, before in training.untouched.items()
    ]
    headings = ["error of held-out pictures", "as noised>", f"step {best.step}>"]
    console().print(table(headings, rows))
