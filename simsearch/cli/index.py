"""``simsearch index``: build, add, remove; ``info`` and ``verify`` are in ``inspect``."""

import time
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.cli.commands import LazyGroup, command
from simsearch.cli.console import Stages, console, interruptible, listed, notice, stages
from simsearch.cli.options import (
    index_argument,
    into,
    path_type,
    preprocess_option,
    seed_option,
    sources_argument,
    weights_option,
    workers_option,
)

if TYPE_CHECKING:
    from simsearch.building.builder import Assembled, BuildConfig, BuildResult, Finish
    from simsearch.encoders import Encoder
    from simsearch.sources.contents import SourceContents

_SHOWN_PROBLEMS = 3

index = LazyGroup(
    "index",
    {
        "build": "simsearch.cli.index:build",
        "add": "simsearch.cli.index:add",
        "remove": "simsearch.cli.index:remove",
        "info": "simsearch.cli.inspect:info",
        "verify": "simsearch.cli.inspect:verify",
    },
    help="Make an index of pictures, change it, look into it.",
    example="""\
simsearch index build pictures/ --out indexes/mine
simsearch index info indexes/mine""",
)


@dataclass(frozen=True, kw_only=True)
class AddSettings:
    """Parameters of ``index add``; ``hygiene`` None means as the index has it."""

    index: Path
    sources: tuple[Path, ...]
    weights: Path | None = None
    hygiene: bool | None = None
    rates: Path | None = None
    per_collection: int | None = None
    seed: int = 0
    workers: int | None = None
    strict: bool = False


@dataclass(frozen=True, kw_only=True)
class BuildSettings(AddSettings):
    """Parameters of ``index build``."""

    encoder: str
    space: str
    kind: str
    layer: str | None = None
    pooling: str | None = None
    preset: str | None = None
    preprocess: str = ""


rates_option = click.option(
    "--rates",
    type=path_type,
    metavar="FILE",
    help="Table with the columns date, currency, usd: prices are converted at their own day.",
)
per_collection_option = click.option(
    "--per-collection",
    type=click.IntRange(1),
    metavar="N",
    help="Take at most N items of each collection, drawn by --seed.",
)
strict_option = click.option(
    "--strict", is_flag=True, help="Stop at the first picture, trait or sale that cannot be used."
)


@command(
    "build",
    summary="Make an index of pictures.",
    example="""\
simsearch index build pictures/ --out indexes/mine
simsearch index build punks/ apes.zip --out indexes/two --space traits --rates rates.csv""",
)
@sources_argument
@click.option(
    "--out", "index", required=True, type=path_type, metavar="INDEX", help="Where the index goes."
)
@click.option(
    "--encoder",
    default="vgg16-nft",
    metavar="NAME",
    show_default=True,
    help="vgg16-nft (comes with simsearch), vgg16 (its weights are fetched once) or pixels.",
)
@weights_option
@click.option(
    "--space",
    type=click.Choice(["look", "traits"]),
    default="look",
    show_default=True,
    help="What queries rank by unless they say otherwise.",
)
@click.option(
    "--kind",
    type=click.Choice(["auto", "flat", "hnsw", "ivfpq"]),
    default="auto",
    show_default=True,
    help="How vectors are searched; flat is exact, the others are for millions.",
)
@click.option("--layer", metavar="L", help="vgg16: layers to read, joined by commas.")
@click.option("--pooling", metavar="P", help="vgg16: flat, mean, max or gem.")
@click.option("--preset", metavar="NAME", help="vgg16: imagenet-224 or study-128.")
@preprocess_option
@click.option(
    "--hygiene/--no-hygiene",
    default=True,
    show_default=True,
    help="Leave sales that say nothing of a price (zero, dust, wash trades) out of prices.",
)
@rates_option
@per_collection_option
@seed_option
@workers_option
@strict_option
@into(BuildSettings)
def build(settings: BuildSettings) -> None:
    """Make an index of the pictures in SOURCE.

    A SOURCE is a folder with a collection.toml or a folder of such folders, a folder tree or zip
    archive of pictures, or a table (CSV, TSV, Parquet, JSONL). Pictures that the index at --out
    holds already, or that an interrupted build has encoded, are not encoded again; the index there
    is replaced in one step when the new one is finished.
    """
    from simsearch.building import builder
    from simsearch.building.fitting import Fitting
    from simsearch.encoders import load_encoder
    from simsearch.encoders.preprocessed import preprocessed
    from simsearch.preprocessing import Preprocessing

    choice = {name: getattr(settings, name) for name in ("layer", "pooling", "preset")}
    preprocessing = Preprocessing.read(settings.preprocess)
    encoder = load_encoder(settings.encoder, weights=settings.weights, **choice)
    encoder = preprocessed(encoder, preprocessing)
    finish = Fitting.of(encoder, kind=settings.kind, seed=settings.seed)
    kept = {name: getattr(settings, name) for name in ("space", "kind", "seed", "per_collection")}
    sources = [str(path.absolute()) for path in settings.sources]
    kept |= {"training": encoder.training, "sources": sources}
    _index_sources(builder.build, settings, encoder, finish, kept)


@command(
    "add",
    summary="Add pictures and sales to an index.",
    example="simsearch index add indexes/mine more-pictures/",
)
@index_argument
@sources_argument
@weights_option
@rates_option
@per_collection_option
@seed_option
@workers_option
@strict_option
@into(AddSettings)
def add(settings: AddSettings) -> None:
    """Add the pictures and sales of SOURCE to INDEX.

    A known item is replaced where its content differs, new sales join the old ones. What was fitted
    on the items stays as it is: after adding much, build again (pictures are not encoded twice).
    """
    from simsearch.building import builder
    from simsearch.building.adding import Addition

    made = Addition.to(settings.index, settings.weights)
    _index_sources(builder.add, settings, made.encoder, made.finish, {}, made.known)


@command(
    "remove",
    summary="Take items out of an index.",
    example="simsearch index remove indexes/mine punks/7 punks/8",
)
@index_argument
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
def remove(index: Path, keys: tuple[str, ...]) -> None:
    """Take items, named collection/token_id, and their sales out of INDEX."""
    from simsearch.building import builder
    from simsearch.building.fitting import Fitting
    from simsearch.store.manifest import Manifest

    started = time.monotonic()
    old = Manifest.read(index).settings
    kind, seed = str(old.get("kind", "auto")), int(str(old.get("seed", 0)))
    with _long_work(index) as show:
        finish = _shown(Fitting((), kind=kind, seed=seed, refit=False), show)
        result = builder.remove(keys, builder.BuildConfig(index, finish))
    _report(result, index, time.monotonic() - started)


def _index_sources(
    make: "Callable[[SourceContents, BuildConfig], BuildResult]",
    settings: AddSettings,
    encoder: "Encoder",
    finish: "Finish",
    kept: Mapping[str, object],
    known: Set[str] = frozenset(),
) -> None:
    """Read the sources, make the index, say what was made."""
    from simsearch.building.builder import BuildConfig
    from simsearch.building.encoding import Encoding
    from simsearch.sales.rates import Rates
    from simsearch.sources import read_sources

    started = time.monotonic()
    rates = Rates.read(settings.rates) if settings.rates else None
    with _long_work(settings.index) as show:
        show.begin("reading")
        contents = read_sources(
            settings.sources,
            strict=settings.strict,
            per_collection=settings.per_collection,
            seed=settings.seed,
            known=known,
        )
        show.begin("encoding")
        encoding = Encoding(encoder, settings.workers or 0, settings.strict, _counted(show))
        finish = _shown(finish, show)
        config = BuildConfig(settings.index, finish, encoding, settings.hygiene, rates, kept)
        result = make(contents, config)
    _report(result, settings.index, time.monotonic() - started)


@contextmanager
def _long_work(index: Path) -> Iterator[Stages]:
    """Show progress, and say what an interruption leaves."""
    from simsearch.store import store

    if store.beside(index, "parts").exists():
        notice("an earlier run stopped on its way: going on from there")
    remains = (
        f"{index} is as it was before, and the pictures encoded so far are kept: "
        "the same command goes on from there"
    )
    with interruptible(remains), stages() as show:
        yield show


def _counted(show: Stages) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        show.update(done, total)
        if done == total:
            show.begin("writing")

    return progress


def _shown(finish: "Finish", show: Stages) -> "Finish":
    def shown(made: "Assembled") -> Mapping[str, object]:
        show.begin("fitting")
        return finish(made)

    return shown


def _report(result: "BuildResult", index: Path, seconds: float) -> None:
    """What was made, and on stderr what was left out of it."""
    from simsearch.cli.inspect import summary

    for problem in result.skipped[:_SHOWN_PROBLEMS]:
        place = "" if problem.source in problem.message else f"{problem.source}: "
        notice(f"{place}{problem.message} ({problem.code})")
    if result.skipped:
        codes = [problem.code for problem in result.skipped]
        counts = listed((code, codes.count(code)) for code in set(codes))
        notice(f"skipped {len(codes):,}: {counts}; all are in {index / 'skipped.csv'}")
    out = console()
    if result.changes:
        out.print(", ".join(f"{what} {count:,}" for what, count in result.changes.items()))
    for part in summary(result.manifest, index, encoded=result.encoded, seconds=seconds):
        out.print(part)
