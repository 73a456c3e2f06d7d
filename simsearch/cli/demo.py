"""``simsearch demo``: everything once, on generated pictures, by the commands one would type."""

import shlex
from pathlib import Path

import click

from simsearch.cli.commands import command, simsearch
from simsearch.cli.console import console
from simsearch.cli.options import path_type

_SIZE = 200
_UNSEEN = "teapots"


@command(
    "demo",
    summary="Generate pictures, index them, ask with one, show the answer.",
    example="simsearch demo",
)
@click.argument("folder", metavar="[DIR]", type=path_type, default="simsearch-demo")
def demo(folder: Path) -> None:
    """Generate six collections in DIR, index and group them, and ask with a picture not in them.

    Every step is a command that is shown before it runs. DIR is ./simsearch-demo by default; the
    same command may be run again.
    """
    sample, unseen, index = (str(folder / name) for name in ("sample", "unseen", "index"))
    sheet = str(folder / "answer.png")
    _step("sample", sample, "--size", str(_SIZE))
    _step("index", "build", sample, "--out", index, "--rates", f"{sample}/rates.csv")
    _step("cluster", index)
    _step("sample", unseen, "--size", "20", "--seed", "1", "--collection", _UNSEEN)
    picture = min(map(str, Path(unseen).glob(f"{_UNSEEN}/*/*.png")))
    _step("query", picture, "--index", index, "--space", "traits", "--sheet", sheet)
    console().print(f"The answer as one picture: {sheet}\nNext:")
    for line in _next(index, picture):
        console().print(f"  {line}", soft_wrap=True)


def _step(*args: str) -> None:
    """Show a command and run it."""
    console().print(f"$ {shlex.join(('simsearch', *args))}", style="bold", soft_wrap=True)
    code = simsearch.main(list(args), "simsearch", standalone_mode=False)
    if code:
        raise click.exceptions.Exit(code)


def _next(index: str, picture: str) -> list[str]:
    """Commands to try now."""
    there = f"--index {shlex.quote(index)}"
    tries = [
        f"simsearch price teapots/7 {there} --as-of 2023-06-30",
        f"simsearch query lighthouses/7 {there}",
        f"simsearch query {shlex.quote(picture)} {there} --max-price 2 --currency ETH --json",
        f"simsearch index info {shlex.quote(index)}",
    ]
    return tries + ([f"simsearch app {there}"] if "app" in simsearch.places else [])
