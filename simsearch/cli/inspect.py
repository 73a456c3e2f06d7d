"""``simsearch index info`` and ``verify``: what an index says of itself, and whether it is true."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.cli.commands import command
from simsearch.cli.console import (
    JsonCommand,
    console,
    facts,
    json_option,
    listed,
    seconds_text,
    size_text,
    stages,
    table,
    write_json,
)
from simsearch.cli.options import index_argument, seed_option, weights_option
from simsearch.wording import counted

if TYPE_CHECKING:
    from rich.table import Table

    from simsearch.store.manifest import Manifest

_SHOWN_COLLECTIONS = 40


@command(
    "info",
    cls=JsonCommand,
    summary="Show what is in an index and how it was made.",
    example="""\
simsearch index info indexes/mine
simsearch index info indexes/mine --json""",
)
@index_argument
@json_option
def info(index: Path, json_place: str | None) -> None:
    """Show what is in INDEX and how it was made."""
    from dataclasses import asdict

    from simsearch.store import store

    manifest = store.read_whole(index, lambda _, found: found)
    if json_place is not None:
        sizes = file_sizes(index)
        more = {"path": str(index), "files": sizes, "bytes": sum(sizes.values())}
        write_json(more | asdict(manifest), json_place)
        return
    out = console()
    for part in summary(manifest, index):
        out.print(part)
    out.print()
    out.print(table(["file", "size>"], ((n, size_text(b)) for n, b in file_sizes(index).items())))


@command(
    "verify",
    summary="Check every count, hash and vector of an index.",
    example="""\
simsearch index verify indexes/mine
simsearch index verify indexes/mine --sample 1000""",
)
@index_argument
@click.option(
    "--sample",
    type=click.IntRange(1),
    default=200,
    metavar="N",
    show_default=True,
    help="Pictures to read from their source and encode again.",
)
@seed_option
@weights_option
def verify(index: Path, sample: int, seed: int, weights: Path | None) -> None:
    """Check INDEX: all its counts, sales, vectors, and a sample of its pictures.

    Exit code 1 and the remedy where something is wrong. Pictures whose source has gone are told,
    and are no fault.
    """
    from rich.text import Text

    from simsearch.building.verify import verify_index
    from simsearch.errors import StoreError

    with stages() as show:
        shown: list[str] = []

        def progress(name: str, done: int, total: int) -> None:
            if name not in shown:
                show.begin(name)
                shown.append(name)
            show.update(done, total)

        checks = verify_index(index, sample=sample, seed=seed, weights=weights, progress=progress)
    words = {True: Text("ok", "green"), False: Text("WRONG", "bold red"), None: Text("unknown")}
    rows = [(check.name, words[check.passed], check.message) for check in checks]
    console().print(table(["check", "result", "found"], rows))
    if wrong := [check.name for check in checks if check.passed is False]:
        raise StoreError(f"{index}: wrong: {', '.join(wrong)}; {_remedy(index, wrong)}")


def _remedy(index: Path, wrong: list[str]) -> str:
    from simsearch.errors import StoreError
    from simsearch.store import store

    try:
        manifest = store.read_whole(index, lambda _, found: found)
    except StoreError:
        return f"move it away and build it anew: simsearch index build SOURCE... --out {index}"
    kept = manifest.settings.get("sources")
    sources = shlex.join(kept) if isinstance(kept, list) else "SOURCE..."
    if wrong == ["pictures"]:
        return f"bring it up to date: simsearch index add {index} {sources}"
    if _plainly_built(manifest):
        return f"move it away and build it anew: simsearch index build {sources} --out {index}"
    return (
        f"move it away and build it again as it was built, with encoder {manifest.encoder}; "
        f"'simsearch index info {index}' says how"
    )


def _plainly_built(manifest: "Manifest") -> bool:
    """Whether ``index build`` without any option makes such an index."""
    from simsearch.encoders import encoder_names, load_encoder
    from simsearch.errors import WeightsError
    from simsearch.store.manifest import EncoderStamp

    plain = {"space": "look", "kind": "auto", "seed": 0, "per_collection": None}
    kept = {name: manifest.settings.get(name, value) for name, value in plain.items()}
    try:
        usual = EncoderStamp.of(load_encoder(encoder_names()[0]))
    except WeightsError:
        return False
    return kept == plain and manifest.hygiene and manifest.encoder == usual


def file_sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file of an index."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def summary(
    manifest: "Manifest", index: Path, *, encoded: int | None = None, seconds: float | None = None
) -> "Iterator[Table]":
    """A table of the collections, and the facts of the whole."""
    rows = [
        (name, str(manifest.names.get(name, {}).get("name", "")), f"{count:,}")
        for name, count in manifest.collections.items()
    ]
    if len(rows) > _SHOWN_COLLECTIONS:
        rest = rows[_SHOWN_COLLECTIONS:]
        left = sum(list(manifest.collections.values())[_SHOWN_COLLECTIONS:])
        rows[_SHOWN_COLLECTIONS:] = [(f"… {len(rest):,} more", "", f"{left:,}")]
    yield table(["collection", "name", "items>"], rows)
    yield facts((name, value) for name, value in _facts(manifest, index, encoded, seconds) if value)


def _facts(
    manifest: "Manifest", index: Path, encoded: int | None, seconds: float | None
) -> Iterator[tuple[str, str]]:
    yield "index", f"{index}, {size_text(sum(file_sizes(index).values()))}"
    yield "items", f"{manifest.items:,} in {counted(len(manifest.collections), 'collection')}"
    if encoded is not None:
        reused = "; the other pictures were known before or are the same as another"
        yield "encoded", f"{encoded:,}{reused if encoded < manifest.items else ''}"
    yield "sales", _sales(manifest)
    skipped = f"{sum(manifest.skipped.values()):,}: {listed(manifest.skipped.items())}"
    yield "skipped", f"{skipped}; see skipped.csv" if manifest.skipped else ""
    yield "encoder", ", ".join(_encoder(manifest))
    yield "space", _space(manifest)
    yield "search", _search(manifest)
    if seconds is None:
        yield "built", f"{manifest.built_at} (format {manifest.format})"
        yield "settings", _pairs(manifest.settings, without=("training", "space", "kind"))
        yield "libraries", ", ".join(f"{name} {one}" for name, one in manifest.libraries.items())
    else:
        yield "time", seconds_text(seconds)


def _sales(manifest: "Manifest") -> str:
    if not manifest.sales:
        return "none"
    if not manifest.hygiene:
        return f"{manifest.sales:,}, all taken as they are (no hygiene)"
    count = sum(manifest.excluded.values())
    reasons = f" ({listed(manifest.excluded.items())})" if count else ""
    return f"{manifest.sales:,}, {count:,} of them left out of prices{reasons}"


def _encoder(manifest: "Manifest") -> Iterator[str]:
    from simsearch.preprocessing import SETTING, told

    stamp = manifest.encoder
    yield str(stamp)
    if training := str(manifest.settings.get("training", "")):
        yield training
    yield _pairs(stamp.settings, without=(SETTING,))
    if SETTING in stamp.settings:
        yield f"pictures preprocessed: {told(stamp.settings[SETTING])}"
    yield f"{manifest.dim:,} numbers a picture"


def _space(manifest: "Manifest") -> str:
    fitted_on = manifest.fitted.get("fitted_on")
    fitted = f", fitted on {fitted_on:,} items" if isinstance(fitted_on, int) else ""
    heads = counted(int(str(manifest.fitted.get("heads", 0))), "collection")
    return f"{manifest.settings.get('space', 'look')}{fitted}, traits of {heads} known"


def _search(manifest: "Manifest") -> str:
    recall = manifest.fitted.get("recall")
    exact = "exact" if recall == 1 else f"recall@10 {recall}"
    return f"{manifest.fitted.get('kind', 'unknown')}, {exact}"


def _pairs(values: object, without: tuple[str, ...] = ()) -> str:
    if not isinstance(values, dict):
        return ""
    told = {name: value for name, value in values.items() if value not in (None, "", [])}
    return ", ".join(
        f"{name} {' '.join(value) if isinstance(value, list) else value}"
        for name, value in told.items()
        if name not in without
    )
