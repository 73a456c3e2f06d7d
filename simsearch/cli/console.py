"""What people read, tables and progress, and what programs read, JSON.

Results go to stdout; progress, notes and warnings to stderr. Rich is imported where it is used.
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from simsearch.cli import INTERRUPTED
from simsearch.cli.commands import Command

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table
    from rich.text import Text

STDOUT = "-"
_LIVE_SECONDS, _LINE_SECONDS = 0.1, 10.0


class InterruptedRun(click.ClickException):
    """Ctrl-C in work of which something remains: the message says what."""

    exit_code = INTERRUPTED


@contextmanager
def interruptible(remains: str) -> Iterator[None]:
    """Say what remains when Ctrl-C ends the body."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise InterruptedRun(f"interrupted; {remains}") from error


def printable(text: str) -> str:
    """Text of a stranger's file without the characters that steer a terminal."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def notice(line: str) -> None:
    """One line on stderr."""
    click.echo(printable(line), err=True)


def console(*, stderr: bool = False) -> "Console":
    """A console that takes text as it is: no markup, no highlighting."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def table(columns: Sequence[str], rows: Iterable[Sequence["str | Text"]]) -> "Table":
    """A table; a column whose name ends in ``>`` is aligned to the right."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        right = name.endswith(">")
        made.add_column(name.rstrip(">"), justify="right" if right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(printable(cell) if isinstance(cell, str) else cell for cell in row))
    return made


def facts(pairs: Iterable[tuple[str, str]]) -> "Table":
    """Names and values, one pair a line."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, printable(value))
    return grid


def listed(counts: Iterable[tuple[str, int]]) -> str:
    """Counts as ``12 truncated, 3 svg``, the largest first."""
    ordered = sorted(counts, key=lambda pair: -pair[1])
    return ", ".join(f"{count:,} {code}" for code, count in ordered)


def size_text(count: int) -> str:
    """Bytes for people."""
    value, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:,.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"


def seconds_text(seconds: float) -> str:
    """A time span for people."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


class Stages(Protocol):
    """Shows how far long work has come."""

    def begin(self, name: str) -> None:
        """Start the next stage."""
        ...

    def update(self, done: int, total: int) -> None:
        """Say how far the stage has come."""
        ...


@contextmanager
def stages() -> Iterator[Stages]:
    """Progress on stderr: bars on a terminal, now and then a line elsewhere."""
    shown = console(stderr=True)
    if not shown.is_terminal:
        yield _Lines()
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = [TextColumn("{task.description:<10}"), BarColumn(24)]
    columns += [TextColumn("{task.fields[count]}"), TextColumn("{task.fields[rate]}")]
    left = TimeRemainingColumn(compact=True, elapsed_when_finished=True)
    with Progress(*columns, left, console=shown) as bars:
        live = _Live(bars)
        yield live
        live.end()


class _Live:
    """One bar a stage; those that are over stay above."""

    def __init__(self, bars: "Progress") -> None:
        self._bars = bars
        self._shown = 0.0

    def begin(self, name: str) -> None:
        self.end()
        self._bars.add_task(name, total=None, count="", rate="")

    def end(self) -> None:
        """Fill the bar of the stage that is over."""
        for task in self._bars.tasks[-1:]:
            done = task.total or 1
            self._bars.update(task.id, total=done, completed=done)

    def update(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._shown < _LIVE_SECONDS and done < total:
            return
        self._shown = now
        task = self._bars.tasks[-1]
        rate = f"{task.speed:,.0f}/s" if task.speed else ""
        count = f"{done:,}/{total:,}"
        self._bars.update(task.id, total=total, completed=done, count=count, rate=rate)


class _Lines:
    """Lines for a log file."""

    def begin(self, name: str) -> None:
        self._name, self._started = name, time.monotonic()
        self._shown = self._started
        click.echo(f"{name} …", err=True)

    def update(self, done: int, total: int) -> None:
        now = time.monotonic()
        if not done or now - self._shown < _LINE_SECONDS:
            return
        self._shown = now
        rate = done / (now - self._started)
        left = seconds_text((total - done) / rate)
        click.echo(f"{self._name} {done:,} of {total:,} ({rate:,.0f}/s, {left} left)", err=True)


class JsonCommand(Command):
    """A command with ``json_option``, whose FILE may be left out even before an argument."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read ``--json PICTURE`` as ``--json`` and PICTURE where it cannot mean a FILE."""
        alone = [f"--json={STDOUT}" if arg == "--json" else arg for arg in args]
        try:
            rest = super().parse_args(ctx, list(args))
            if alone == args or not _holds_other_things(ctx.params["json_place"]):
                _check_place(ctx)
                return rest
        except click.MissingParameter:
            if alone == args:
                raise
        ctx.params.clear()
        rest = super().parse_args(ctx, alone)
        _check_place(ctx)
        return rest


def _holds_other_things(place: str | None) -> bool:
    """Whether a FILE is there and holds no JSON, as a picture does."""
    if place is None or not os.path.isfile(place):
        return False
    with open(place, "rb") as file:
        return file.read(1) not in (b"", b"{", b"[")


def _check_place(ctx: click.Context) -> None:
    """Refuse a FILE that cannot be written, or that would be lost, before any work is done."""
    place = ctx.params["json_place"]
    if place in (None, STDOUT):
        return
    path = Path(str(place))
    if not path.absolute().parent.is_dir():
        raise click.UsageError(f"--json {path}: no folder {path.parent}; make it first.", ctx)
    if path.is_dir() or _holds_other_things(place):
        message = f"--json {path}: is no JSON and stays as it is; name another FILE."
        raise click.UsageError(message, ctx)


json_option = click.option(
    "--json",
    "json_place",
    is_flag=False,
    flag_value=STDOUT,
    metavar="[FILE]",
    help="Print one JSON document and nothing else, or write it to FILE.",
)


def write_json(document: object, place: str) -> None:
    """Write one JSON document in UTF-8, as JSON always is, to stdout (``-``) or to a file."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    # Half characters, as undecodable file names hold, become what JSON writes for them: \udcff.
    data = (text + "\n").encode("utf-8", "backslashreplace")
    if place == STDOUT:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        Path(place).write_bytes(data)
        notice(f"wrote {place}")


def _plain(value: object) -> object:
    """NumPy numbers, dates and paths as JSON has them."""
    item = getattr(value, "item", None)
    return item() if callable(item) else str(value)
