"""What the commands of ``evaluate`` share: the index that is measured, progress, tables."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol

import click

from simsearch.cli.console import Stages, notice, table, write_json
from simsearch.cli.options import chosen_index, new_folder, path_type
from simsearch.cli.typed import typed

if TYPE_CHECKING:
    from rich.table import Table

    from simsearch.engine import SearchEngine
    from simsearch.report import Report, Row

encoder_option = click.option(
    "--encoder", metavar="NAME", help="Try another encoder on a sample of the pictures."
)

report_option = click.option(
    "--report",
    type=path_type,
    callback=new_folder,
    metavar="DIR",
    help="Write a page with pictures.",
)


def query_share_option(
    default: float, text: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option for how many items ask, with its help."""
    return click.option(
        "--query-share",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=default,
        metavar="SHARE",
        show_default=True,
        help=text,
    )


def per_collection_option(default: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option for how many items of each collection are drawn."""
    return click.option(
        "--per-collection",
        type=click.IntRange(0),
        default=default,
        metavar="N",
        show_default=True,
        help="Items drawn of each collection at most; 0 takes all.",
    )


class Sampled(Protocol):
    """Settings that say what is measured."""

    @property
    def index(self) -> Path | None:
        """The index, where one was named."""
        ...

    @property
    def encoder(self) -> str | None:
        """Another encoder than the index's own."""
        ...

    @property
    def weights(self) -> Path | None:
        """A file of its weights."""
        ...

    @property
    def per_collection(self) -> int:
        """Items drawn of each collection at most; 0 = all."""
        ...

    @property
    def seed(self) -> int:
        """Of the draw."""
        ...


@dataclass(frozen=True)
class Measured:
    """An index that is measured, or a sample of it as another encoder describes it."""

    place: Path
    engine: "SearchEngine"


@contextmanager
def opened(settings: Sampled, show: Stages) -> Iterator[Measured]:
    """Open the index, or encode a sample of its pictures with another encoder for the moment."""
    from simsearch.encoders import load_encoder
    from simsearch.engine import SearchEngine
    from simsearch.evaluation.fresh import build_sample
    from simsearch.store.manifest import Manifest

    place = chosen_index(settings.index)
    itself = settings.encoder in (None, Manifest.read(place).encoder.name)
    engine = SearchEngine.open(place, weights=settings.weights if itself else None)
    if itself:
        yield Measured(place, engine)
        return
    encoder = load_encoder(str(settings.encoder), weights=settings.weights)
    with TemporaryDirectory(prefix="simsearch-") as work:
        show.begin(f"encoding with {encoder.name}")
        small = Path(work) / encoder.name
        build_sample(engine, encoder, small, settings.per_collection, settings.seed, show.update)
        yield Measured(place, SearchEngine.open(small, weights=settings.weights))


def progress_of(show: Stages) -> Callable[[str, int, int], None]:
    """Show each stage as it comes."""
    current = ""

    def progress(stage: str, done: int, total: int) -> None:
        nonlocal current
        if stage != current:
            current = stage
            show.begin(stage)
        if done:
            show.update(done, total)

    return progress


def write_result(
    document: dict[str, object],
    page: "Callable[[str, str], Report]",
    place: Path,
    report: Path | None,
    json_place: str | None,
) -> None:
    """Write the page and the JSON that were asked for.

    Args:
        document: all numbers.
        page: makes the page of a name and the command as typed.
        place: the index.
        report: folder of the page, where one is wanted.
        json_place: where the JSON is wanted.
    """
    from simsearch.report import plain

    if report is not None:
        made = page(place.resolve().name, typed(index=place))
        notice(f"wrote {made.write(report, document)}")
    if json_place is not None:
        write_json(plain(document), json_place)


def rows_table(title: str, rows: "Sequence[Row]", hidden: Sequence[str] = ()) -> "Table":
    """A narrow table of rows as a report holds them, without the columns ``hidden``."""
    from simsearch.report import cell_text

    names = [name for name in rows[0] if name not in hidden]
    lines = [[cell_text(row.get(name)) for name in names] for row in rows]
    made = table([names[0], *(f"{name}>" for name in names[1:])], lines)
    made.title, made.title_justify = title, "left"
    made.padding = (0, 1, 0, 0)
    made.columns[0].no_wrap = True
    for place, name in enumerate(names):
        made.columns[place].width = max(map(len, [*name.split(), *(line[place] for line in lines)]))
    return made
