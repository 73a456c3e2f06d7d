"""``simsearch cluster``: put the items of an index into groups."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.cli.commands import command
from simsearch.cli.console import (
    JsonCommand,
    console,
    json_option,
    notice,
    stages,
    table,
    write_json,
)
from simsearch.cli.options import index_argument, into, new_folder, path_type, seed_option

if TYPE_CHECKING:
    from rich.table import Table

    from simsearch.engine import SearchEngine
    from simsearch.grouping.groups import Grouped, Groups

_AUTO = "auto"
_SHOWN_GROUPS = 40


def _number(_: click.Context, __: click.Parameter, given: str) -> int | None:
    """A number of groups, None for ``auto``."""
    if given == _AUTO:
        return None
    if not given.isdecimal() or int(given) < 1:
        raise click.BadParameter(f"{given!r} is neither {_AUTO} nor a number, 1 or more.")
    return int(given)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of ``cluster``."""

    index: Path
    k: int | None
    sheet: Path | None
    seed: int
    json_place: str | None


@command(
    "cluster",
    cls=JsonCommand,
    summary="Put the items of an index into groups that look alike.",
    example="""\
simsearch cluster indexes/mine
simsearch cluster indexes/mine --k 16 --sheet groups""",
)
@index_argument
@click.option(
    "--k",
    "-k",
    callback=_number,
    default=_AUTO,
    metavar="K|auto",
    show_default=True,
    help="How many; auto takes the number whose groups come back most alike from other seeds.",
)
@click.option(
    "--sheet",
    type=path_type,
    callback=new_folder,
    metavar="DIR",
    help="Write a picture of each group into DIR.",
)
@seed_option
@json_option
@into(Settings)
def cluster(settings: Settings) -> None:
    """Put the items of INDEX into groups that look alike, by k-means on their outlines.

    The group of each item is written into the index, where queries show it. Groups are numbered
    from 0; no collection, trait or price is used to make them.
    """
    from simsearch.engine import SearchEngine
    from simsearch.grouping.groups import write_groups
    from simsearch.report import plain

    engine = SearchEngine.open(settings.index)
    groups, found = _grouped(engine, settings)
    build, catalog = engine.manifest.build_id, engine.catalog
    write_groups(settings.index, build, groups, catalog, found.labels)
    notice(f"wrote the group of each of {len(catalog):,} items into {settings.index}")
    if settings.sheet is not None:
        _write_sheets(engine, groups, found, settings.sheet)
    if settings.json_place is not None:
        write_json(plain(_document(engine, groups, found)), settings.json_place)
    if settings.json_place != "-":
        for part in _tables(engine, groups, found):
            console().print(part)
        console().print(groups.choice.reason)


def _grouped(engine: "SearchEngine", settings: Settings) -> "tuple[Groups, Grouped]":
    from simsearch.grouping.groups import Groups

    found, catalog = engine.retriever, engine.catalog
    with stages() as show:
        show.begin("fitting" if settings.k else "choosing")
        groups = Groups.fit(
            found.descriptors,
            catalog.collection_codes,
            found.spaces.look.spans,
            settings.k,
            settings.seed,
            show.update,
        )
        show.begin("grouping")
        return groups, groups.describe(found.descriptors, len(catalog))


def _document(engine: "SearchEngine", groups: "Groups", found: "Grouped") -> dict[str, object]:
    choice, catalog = groups.choice, engine.catalog
    curves = zip(choice.tried, choice.inertia, choice.silhouette, choice.stability, strict=True)
    names = ("k", "inertia", "silhouette", "stability")
    return {
        "k": choice.k,
        "reason": choice.reason,
        "curves": [dict(zip(names, curve, strict=True)) for curve in curves],
        "groups": [
            {
                "group": group,
                "items": size,
                "medoid": catalog.key(row) if size else None,
                "collections": found.collections(group, catalog),
            }
            for group, (size, row) in enumerate(_groups(found))
        ],
    }


def _groups(found: "Grouped") -> list[tuple[int, int]]:
    """Size and medoid's row of each group."""
    return list(zip(found.sizes.tolist(), found.medoids.tolist(), strict=True))


def _tables(engine: "SearchEngine", groups: "Groups", found: "Grouped") -> "Iterator[Table]":
    """The curves behind the choice, and the groups."""
    from simsearch.grouping.gallery import mostly

    choice, catalog = groups.choice, engine.catalog
    if choice.tried:
        curves = zip(choice.tried, choice.inertia, choice.silhouette, choice.stability, strict=True)
        yield table(
            ["k>", "variance left>", "silhouette>", "stability>", ""],
            [
                [str(k), *(f"{value:.3f}" for value in values), "chosen" if k == choice.k else ""]
                for k, *values in curves
            ],
        )
    rows = [
        (str(group), f"{size:,}", catalog.key(row), mostly(found.collections(group, catalog)))
        for group, (size, row) in enumerate(_groups(found)[:_SHOWN_GROUPS])
        if size
    ]
    rest = found.sizes[_SHOWN_GROUPS:]
    if len(rest):
        rows.append(("…", f"{rest.sum():,}", "", f"{len(rest):,} more groups"))
    yield table(["group>", "items>", "medoid", "mostly of"], rows)


def _write_sheets(engine: "SearchEngine", groups: "Groups", found: "Grouped", folder: Path) -> None:
    """A picture of each group, and the curves where their number was chosen."""
    from simsearch.grouping.gallery import choice_chart, group_sheets

    folder.mkdir(parents=True, exist_ok=True)
    digits = len(str(len(found.medoids) - 1))
    for group, sheet in group_sheets(found, engine.catalog, engine.thumbnails):
        (folder / f"group-{group:0{digits}}.png").write_bytes(sheet)
    if groups.choice.tried:
        (folder / "choice.png").write_bytes(choice_chart(groups.choice).png)
    notice(f"wrote a picture of each group into {folder}")
