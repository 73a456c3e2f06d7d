"""``simsearch weights``: the files that networks need."""

import click

from simsearch.cli.commands import LazyGroup, command
from simsearch.cli.console import console, interruptible, size_text, table

name_argument = click.argument("name", metavar="NAME")


weights = LazyGroup(
    "weights",
    {
        "list": "simsearch.cli.weights:list_all",
        "get": "simsearch.cli.weights:get",
        "path": "simsearch.cli.weights:path",
    },
    help="Look for, fetch and name the weights of encoders.",
    example="simsearch weights list",
)


@command("list", example="simsearch weights list", summary="List weights and where they are.")
def list_all() -> None:
    """List the published files and where this machine has them."""
    from simsearch.weights import list_weights

    rows = [
        (
            place.published.name,
            place.published.file,
            size_text(place.published.size),
            str(place.path or f"not here; simsearch weights get {place.published.name}"),
        )
        for place in list_weights()
    ]
    console().print(table(["name", "file", "size>", "place"], rows))


@command("get", example="simsearch weights get vgg16", summary="Fetch weights and check them.")
@name_argument
def get(name: str) -> None:
    """Fetch the weights of encoder NAME where they are not here yet, and check them."""
    from simsearch.weights import find_weights

    with interruptible("nothing was kept; the same command begins anew"):
        click.echo(find_weights(name))


@command("path", example="simsearch weights path vgg16-nft", summary="Print where weights are.")
@name_argument
def path(name: str) -> None:
    """Print where the weights of encoder NAME are; fetch nothing."""
    from simsearch.weights import find_weights

    click.echo(find_weights(name, fetch=False))
