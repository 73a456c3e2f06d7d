"""All commands by name, each imported only when it is asked for, and what commands are made of."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import click

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Command(click.Command):
    """A command whose help ends with an example."""

    def __init__(self, *args: Any, example: str, **settings: Any) -> None:  # noqa: ANN401 -- click's
        """Take what click takes, and one or more lines as they are typed."""
        super().__init__(*args, **{"context_settings": _CONTEXT, **settings})
        self.example = example

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example as it stands."""
        with formatter.section("Example"):
            for line in self.example.splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class LazyGroup(Command, click.Group):
    """A group that knows where its commands are defined, in the order in which help lists them."""

    def __init__(self, name: str, places: Mapping[str, str], **settings: Any) -> None:  # noqa: ANN401
        """Take the commands by name, each as ``module:attribute``."""
        super().__init__(name, no_args_is_help=False, **settings)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in their own order."""
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in self.places:
            return None
        module, _, name = self.places[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


def command(
    name: str, *, example: str, summary: str, cls: type[Command] = Command
) -> Callable[[Callable[..., object]], Command]:
    """Make a command of a function whose docstring is its help; ``summary`` is for lists."""
    return click.command(name, cls=cls, example=example, short_help=summary)


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"simsearch {version('simsearch')}")
        except PackageNotFoundError:
            click.echo("simsearch, run from its sources")
        ctx.exit()


simsearch = LazyGroup(
    "simsearch",
    {
        "demo": "simsearch.cli.demo:demo",
        "sample": "simsearch.cli.sample:sample",
        "index": "simsearch.cli.index:index",
        "query": "simsearch.cli.query:query",
        "price": "simsearch.cli.price:price",
        "cluster": "simsearch.cli.cluster:cluster",
        "classify": "simsearch.cli.classify:classify",
        "evaluate": "simsearch.cli.evaluate:evaluate",
        "app": "simsearch.cli.app:app",
        "train": "simsearch.cli.train:train",
        "weights": "simsearch.cli.weights:weights",
    },
    help="Find NFT art that looks like a picture, its collection, and what it would fetch.",
    example="""\
simsearch demo
simsearch index build pictures/ --out indexes/mine
simsearch query picture.png --index indexes/mine""",
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Show the version.",
        )
    ],
)
