"""``simsearch train traits``: learn to read the traits of a picture."""

import time
from dataclasses import dataclass
from pathlib import Path

import click

from simsearch.cli.commands import command
from simsearch.cli.console import console, notice, seconds_text, size_text, stages, table
from simsearch.cli.measuring import progress_of
from simsearch.cli.options import check_out, into, path_type, seed_option, sources_argument
from simsearch.cli.sources import read_catalog


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of ``train traits``."""

    sources: tuple[Path, ...]
    out: Path
    seed: int


@command(
    "traits",
    summary="Learn to read the traits of a picture.",
    example="""\
simsearch train traits pictures/ --out traits.safetensors
simsearch train traits indexes/mine --out traits.safetensors""",
)
@sources_argument
@click.option(
    "--out", required=True, type=path_type, metavar="FILE", help="Where the recognisers go."
)
@seed_option
@into(Settings)
def traits(settings: Settings) -> None:
    """Learn the traits of each collection of SOURCE from its labelled pictures.

    A SOURCE is what 'index build' takes, or an index, whose pictures are read where they were. The
    result is a safetensors file with a card in JSON, the same for the same pictures and seed. An
    index learns its own when it is built: this is for programs that read traits without one.
    """
    from simsearch.errors import SourceError
    from simsearch.traits.recognisers import TraitRecognisers

    check_out(settings.out)
    started = time.monotonic()
    with stages() as show:
        show.begin("reading")
        catalog = read_catalog(settings.sources)
        learned = TraitRecognisers.fit(catalog, settings.seed, progress_of(show))
    if not learned.by_collection:
        raise SourceError("no collection has enough labelled pictures; give some with traits")
    learned.save(settings.out)
    rows = [
        (name, f"{one.side} x {one.side}", str(len(one.vocabulary)), str(len(one.grove.roots)))
        for name, one in learned.by_collection.items()
    ]
    console().print(table(["collection", "grid", "traits>", "trees>"], rows))
    size, spent = size_text(settings.out.stat().st_size), seconds_text(time.monotonic() - started)
    notice(f"wrote {settings.out}, {size}, in {spent}")
