"""``simsearch evaluate retrieval``: do pictures find what belongs to them?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.cli.commands import command
from simsearch.cli.console import (
    JsonCommand,
    Stages,
    console,
    json_option,
    notice,
    stages,
    write_json,
)
from simsearch.cli.measuring import progress_of, query_share_option, rows_table
from simsearch.cli.options import (
    chosen_index,
    index_option,
    into,
    path_type,
    seed_option,
    weights_option,
)
from simsearch.cli.typed import typed

if TYPE_CHECKING:
    from rich.table import Table

    from simsearch.engine import SearchEngine
    from simsearch.evaluation.retrieval import RetrievalResult, RetrievalSettings


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of ``evaluate retrieval``."""

    index: Path | None
    encoder: str | None
    encoders: str | None
    per_collection: int
    weights: Path | None
    space: str | None
    k: int
    query_share: float
    queries: int
    edited: int
    seed: int
    json_place: str | None
    report: Path | None

    @property
    def names(self) -> list[str]:
        """Encoders asked for; none where the index's own is meant."""
        if self.encoder and self.encoders:
            raise click.UsageError("--encoder and --encoders: give one of the two.")
        given = self.encoder or self.encoders or ""
        return list(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))


@command(
    "retrieval",
    cls=JsonCommand,
    summary="Do pictures find items of their collection and traits?",
    example="""\
simsearch evaluate retrieval --index indexes/mine
simsearch evaluate retrieval --index indexes/mine --space traits --report reports/mine
simsearch evaluate retrieval --index indexes/mine --encoders vgg16-nft,pixels --json""",
)
@index_option
@click.option("--encoder", metavar="NAME", help="Try another encoder on a sample of the pictures.")
@click.option("--encoders", metavar="A,B", help="Compare encoders on the same sample.")
@click.option(
    "--per-collection",
    type=click.IntRange(0),
    default=300,
    metavar="N",
    show_default=True,
    help="Size of that sample; 0 takes all.",
)
@weights_option
@click.option(
    "--space",
    type=click.Choice(["look", "traits"]),
    help="Measure one space only; by default both, that of the index first.",
)
@click.option(
    "-k", type=click.IntRange(1), default=10, metavar="K", show_default=True, help="Neighbours."
)
@query_share_option(
    0.3, "Part of each collection that is set aside to ask; all is fitted on the rest."
)
@click.option(
    "--queries",
    type=click.IntRange(0),
    default=300,
    metavar="N",
    show_default=True,
    help="Of those, how many of each collection ask; 0 means all.",
)
@click.option(
    "--edited",
    type=click.IntRange(0),
    default=200,
    metavar="N",
    show_default=True,
    help="Indexed pictures, of all collections, of which edited copies ask; 0 means none.",
)
@seed_option
@json_option
@click.option("--report", type=path_type, metavar="DIR", help="Write a page with pictures.")
@into(Settings)
def retrieval(settings: Settings) -> None:
    """Measure how well pictures find items like them.

    Items set aside ask the others: how many of their nearest share their traits and their
    collection, against five baselines. Then edited copies of indexed pictures (resized, cropped,
    turned ...) ask for their originals. Pictures are read from where the index was built from.
    """
    from tempfile import TemporaryDirectory

    from simsearch.evaluation.document import retrieval_document
    from simsearch.report import plain

    index = chosen_index(settings.index)
    with TemporaryDirectory(prefix="simsearch-") as work:
        with stages() as show:
            measured = list(_measure(settings, index, Path(work), show))
        results = [result for result, _ in measured]
        documents = [retrieval_document(result) for result in results]
        document = documents[0]
        if settings.names:
            document |= {"encoders": {str(one["encoder"]): dict(one) for one in documents}}
        if settings.report:
            _write_page(results, measured[0][1], index, settings.report, document)
    if settings.json_place is not None:
        write_json(plain(document), settings.json_place)
    if settings.json_place != "-":
        _show(results)


def _measure(
    settings: Settings, index: Path, work: Path, show: Stages
) -> "Iterator[tuple[RetrievalResult, SearchEngine]]":
    """Each encoder's result, and the index that it was measured on."""
    from simsearch.encoders import load_encoder
    from simsearch.engine import SearchEngine
    from simsearch.evaluation.fresh import build_sample
    from simsearch.evaluation.retrieval import measure
    from simsearch.store.manifest import Manifest

    own = Manifest.read(index).encoder.name
    names = settings.names or [own]
    # One file of weights cannot be that of several encoders: then it is that of vgg16.
    weights = {name: settings.weights for name in names if name == "vgg16" or len(names) == 1}
    engine = SearchEngine.open(index, weights=weights.get(own))
    plan = _plan(settings, engine, show)
    if names == [own]:
        yield measure(engine, plan), engine
        return
    for name in names:
        encoder = engine.encoder if name == own else load_encoder(name, weights=weights.get(name))
        show.begin(f"encoding with {name}")
        place = work / name
        build_sample(engine, encoder, place, settings.per_collection, settings.seed, show.update)
        small = SearchEngine.open(place, weights=weights.get(name))
        yield measure(small, plan), small
        plan = replace(plan, baselines=())


def _plan(settings: Settings, engine: "SearchEngine", show: Stages) -> "RetrievalSettings":
    from simsearch.engine import SPACES
    from simsearch.evaluation.retrieval import RetrievalSettings

    own = str(engine.manifest.settings.get("space", "look"))
    both = (own, *(space for space in SPACES if space != own))
    return RetrievalSettings(
        k=settings.k,
        query_share=settings.query_share,
        seed=settings.seed,
        queries=settings.queries,
        spaces=(settings.space,) if settings.space else both,
        copies=settings.edited,
        progress=progress_of(show),
    )


def _write_page(
    results: "Sequence[RetrievalResult]",
    engine: "SearchEngine",
    index: Path,
    folder: Path,
    document: dict[str, object],
) -> None:
    from simsearch.pages.retrieval import retrieval_page

    page = retrieval_page(results, engine, index.resolve().name, typed(index=index))
    notice(f"wrote {page.write(folder, document)}")


def _show(results: "Sequence[RetrievalResult]") -> None:
    """Tables, and what was measured on what."""
    from simsearch.pages.retrieval import measured

    out = console()
    for part in _tables(results):
        out.print(part)
        out.print()
    out.print(measured(results[0]))


def _tables(results: "Sequence[RetrievalResult]") -> "Iterator[Table]":
    from simsearch.pages import retrieval

    result, k = results[0], results[0].settings.k
    overlaps = retrieval.collection_rows(result)
    for title, rows in (
        ("encoders", retrieval.encoder_rows(results) if len(results) > 1 else []),
        ("means over collections", retrieval.summary_rows(result)),
        (f"trait overlap@{k}", overlaps),
        (f"precision@{k}", [] if overlaps else retrieval.collection_rows(result, "precision")),
        ("edited copies, recall@1", retrieval.edit_rows(result)),
    ):
        if rows:
            yield rows_table(title, rows, hidden=("indexed", "asked", "kind"))
