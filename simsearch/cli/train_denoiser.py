"""``simsearch train denoiser``: learn to take noise out of pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.cli.commands import command
from simsearch.cli.console import console, interruptible, listed, notice, stages, table
from simsearch.cli.options import (
    check_out,
    device_option,
    into,
    path_type,
    seed_option,
    sources_argument,
    threads_option,
    use_threads,
)

if TYPE_CHECKING:
    from simsearch.training.denoiser import DenoiserSettings, DenoiserTraining


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of ``train denoiser``."""

    sources: tuple[Path, ...]
    out: Path
    steps: int
    per_collection: int
    augment: str
    device: str
    threads: int | None
    seed: int
    resume: bool


@command(
    "denoiser",
    summary="Learn to take noise out of pictures.",
    example="""\
simsearch train denoiser pictures/ --out mine.safetensors
simsearch train denoiser pictures/ --out mine.safetensors --resume
simsearch index build pictures/ --out indexes/mine --preprocess denoise:mine.safetensors""",
)
@sources_argument
@click.option("--out", required=True, type=path_type, metavar="FILE", help="Weights to write.")
@click.option(
    "--steps", type=click.IntRange(1), default=1200, metavar="N", show_default=True, help="Batches."
)
@click.option(
    "--per-collection",
    type=click.IntRange(2),
    default=1000,
    metavar="N",
    show_default=True,
    help="Pictures of each collection at most.",
)
@click.option(
    "--augment",
    default="flip,colour",
    metavar="NAMES",
    show_default=True,
    help="How pictures are changed before noise: rotation, flip, zoom, shift, colour, joined by "
    "commas; all or none.",
)
@device_option
@threads_option
@seed_option
@click.option("--resume", is_flag=True, help="Go on where the same command was stopped.")
@into(Settings)
def denoiser(settings: Settings) -> None:
    """Train a small network to give pictures of SOURCE... back from noised views of them.

    Noise is Gaussian, salt-and-pepper or JPEG 10. Checkpoints lie in FILE.training; beside FILE
    comes a card in JSON that says what it was trained on and how well it does on pictures held out.
    An index takes it by --preprocess denoise:FILE.
    """
    from simsearch.training.denoiser import DenoiserTraining, publish
    from simsearch.training.noised import PATCHES
    from simsearch.training.pictures import read_pictures

    chosen = _chosen(settings)
    use_threads(settings.threads)
    folder = settings.out.with_name(f"{settings.out.name}.training")
    with interruptible(f"the same command with --resume goes on from {folder}"), stages() as show:
        show.begin("decoding")
        pictures = read_pictures(
            settings.sources,
            folder,
            per_collection=settings.per_collection,
            seed=settings.seed,
            preparation=PATCHES,
            progress=show.update,
        )
        show.begin("training")
        training = DenoiserTraining(pictures, chosen, folder, resume=settings.resume)
        training(show.update)
    if pictures.left_out:
        notice(f"left out: {listed(pictures.left_out.items())}")
    publish(settings.out, pictures, training)
    notice(f"wrote {settings.out} and its card")
    _show(training)


def _chosen(settings: Settings) -> "DenoiserSettings":
    from simsearch.training.augment import augmentations
    from simsearch.training.denoiser import DenoiserSettings

    check_out(settings.out)
    return DenoiserSettings(
        steps=settings.steps,
        augment=augmentations(settings.augment),
        seed=settings.seed,
        device=settings.device,
    )


def _show(training: "DenoiserTraining") -> None:
    """Error of held-out pictures, as they are and denoised."""
    errors = training.best["errors"]
    rows = [
        (noise, f"{before:.1f}", f"{errors[noise]:.1f}")  # type: ignore[index]
        for noise, before in training.untouched.items()
    ]
    step = training.best["step"]
    console().print(table(["error of held-out pictures", "as noised>", f"step {step}>"], rows))
