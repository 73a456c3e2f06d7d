"""``simsearch sample``: write the generated sample collections."""

from pathlib import Path

import click

from simsearch.cli.commands import command
from simsearch.cli.console import console, interruptible, notice, table
from simsearch.cli.options import path_type


@command(
    "sample",
    summary="Write six generated collections to try things on.",
    example="""\
simsearch sample data/sample
simsearch index build data/sample --out indexes/sample --rates data/sample/rates.csv""",
)
@click.argument("folder", metavar="DIR", type=path_type)
@click.option(
    "--size", type=int, default=400, metavar="N", show_default=True, help="Items of a collection."
)
@click.option(
    "--seed", type=int, default=0, metavar="S", show_default=True, help="Seed of all chance."
)
@click.option("--collection", multiple=True, metavar="C", help="Only this collection; repeatable.")
def sample(folder: Path, size: int, seed: int, collection: tuple[str, ...]) -> None:
    """Write generated collections into DIR: pictures in six styles, traits, dated sales.

    What was planted (trait premiums, market level, wash trades) is in DIR/plan.json; equal
    arguments give equal bytes. An older sample in DIR is replaced.
    """
    from simsearch.sample import COLLECTIONS, write_sample

    notice(f"drawing the sample in {folder} …")
    with interruptible(f"{folder} is unfinished: the same command begins anew"):
        plan = write_sample(folder, seed=seed, size=size, collections=collection or COLLECTIONS)
    rows = [
        (name, made.name, f"{len(made.items):,}", made.currency)
        for name, made in plan.collections.items()
    ]
    console().print(table(["collection", "name", "items>", "currency"], rows))
