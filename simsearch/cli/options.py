"""Options that several commands share, and commands that take theirs as one dataclass."""

import datetime as dt
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from simsearch.store.places import INDEX_VARIABLE, INDEXES, default_index

S = TypeVar("S")
F = TypeVar("F", bound=Callable[..., object])

path_type = click.Path(path_type=Path)


class DayType(click.ParamType[dt.date]):
    """A day as people type it."""

    name = "date"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> dt.date:
        """Read an ISO date."""
        try:
            return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"'{value}' is no date; write YYYY-MM-DD.", param, ctx)


day_type = DayType()


def new_folder(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """Refuse, before any work is done, a folder to write into that is or lies in a file."""
    if value is not None:
        there = next(place for place in (value, *value.absolute().parents) if place.exists())
        if not there.is_dir():
            raise click.BadParameter(f"{there} is a file; name a folder.", ctx, param)
    return value


index_argument = click.argument("index", type=path_type)

sources_argument = click.argument(
    "sources", nargs=-1, required=True, type=path_type, metavar="SOURCE..."
)

index_option = click.option(
    "--index",
    type=path_type,
    metavar="INDEX",
    help=f"The index to ask; by default ${INDEX_VARIABLE}, else the newest in ./{INDEXES}.",
)

weights_option = click.option(
    "--weights",
    type=path_type,
    metavar="FILE",
    help="Weights of the encoder where they are not the published ones.",
)

preprocess_option = click.option(
    "--preprocess",
    default="",
    metavar="STEPS",
    help="What is done to pictures, also those that ask, before anything else sees them: "
    "jpeg:QUALITY, median:SIDE, gaussian:SIGMA, denoise or denoise:FILE; several joined by commas.",
)

workers_option = click.option(
    "--workers",
    type=click.IntRange(1),
    metavar="W",
    help="Threads that read pictures; one for each core by default.",
)

seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    metavar="S",
    show_default=True,
    help="Seed of all chance.",
)

device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to compute.",
)

threads_option = click.option(
    "--threads", type=click.IntRange(1), metavar="N", help="Cores; by default all."
)


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in the order in which help shows them."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def use_threads(count: int | None) -> None:
    """Let PyTorch compute on so many cores; None means all."""
    import torch

    if count:
        torch.set_num_threads(count)


def check_out(out: Path) -> None:
    """Refuse a file of weights that could not be written, before any work is done."""
    if out.suffix != ".safetensors" or out.is_dir():
        raise click.UsageError(f"--out {out}: name a file that ends in .safetensors.")
    if not out.absolute().parent.is_dir():
        raise click.UsageError(f"--out {out}: no folder {out.parent}; make it first.")


def into(settings: Callable[..., S]) -> Callable[[Callable[[S], None]], Callable[..., None]]:
    """Hand a command all its parameters as one ``settings``, whose fields are named like them."""

    def wrap(command: Callable[[S], None]) -> Callable[..., None]:
        @functools.wraps(command)
        def call(**values: object) -> None:
            command(settings(**values))

        return call

    return wrap


def chosen_index(given: Path | None) -> Path:
    """The index given, else that of the environment, else the newest in ``./indexes``.

    Raises:
        UsageError: there is none.
    """
    from simsearch.cli.console import notice

    if given is not None:
        return given
    found = default_index()
    if found is None:
        raise click.UsageError(
            f"No index: give --index INDEX or set {INDEX_VARIABLE}; 'simsearch demo' makes "
            "simsearch-demo/index, and 'simsearch index build SOURCE... --out "
            f"{INDEXES}/NAME' one of your own."
        )
    if not os.environ.get(INDEX_VARIABLE):
        notice(f"index: {found}")
    return found
