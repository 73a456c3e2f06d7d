"""What commands share that train a network on pictures of sources."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from simsearch.cli.console import interruptible, listed, notice, stages
from simsearch.cli.options import (
    check_out,
    device_option,
    path_type,
    seed_option,
    sources_argument,
    threads_option,
    together,
    use_threads,
)

if TYPE_CHECKING:
    from simsearch.cli.console import Stages
    from simsearch.training.decoding import Preparation
    from simsearch.training.pictures import TrainingPictures

F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, kw_only=True)
class OnPictures:
    """Parameters that say what is trained on, how long, and where."""

    sources: tuple[Path, ...]
    out: Path
    steps: int
    per_collection: int
    device: str
    threads: int | None
    seed: int
    resume: bool

    @contextmanager
    def decoded(
        self, preparation: "Preparation"
    ) -> Iterator["tuple[TrainingPictures, Path, Stages]"]:
        """Pictures to train on, the folder of checkpoints, and where progress is shown."""
        from simsearch.training.pictures import read_pictures

        check_out(self.out)
        use_threads(self.threads)
        folder = self.out.with_name(f"{self.out.name}.training")
        remains = f"the same command with --resume goes on from {folder}"
        with interruptible(remains), stages() as show:
            show.begin("decoding")
            pictures = read_pictures(
                self.sources,
                folder,
                per_collection=self.per_collection,
                seed=self.seed,
                preparation=preparation,
                progress=show.update,
            )
            show.begin("training")
            yield pictures, folder, show
        if pictures.left_out:
            notice(f"left out: {listed(pictures.left_out.items())}")


def on_pictures_options(*, steps: int, per_collection: int) -> Callable[[F], F]:
    """Add the options of ``OnPictures`` to a command, with these defaults."""
    return together(
        sources_argument,
        click.option("--out", required=True, type=path_type, metavar="FILE", help="Where it goes."),
        click.option(
            "--steps",
            type=click.IntRange(1),
            default=steps,
            metavar="N",
            show_default=True,
            help="Batches.",
        ),
        click.option(
            "--per-collection",
            type=click.IntRange(2),
            default=per_collection,
            metavar="N",
            show_default=True,
            help="Pictures of each collection at most.",
        ),
        device_option,
        threads_option,
        seed_option,
        click.option("--resume", is_flag=True, help="Go on where the same command was stopped."),
    )
