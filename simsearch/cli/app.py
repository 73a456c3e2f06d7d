"""``simsearch app``: the page, in a browser."""

import os
import socket
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from simsearch.cli import INTERRUPTED
from simsearch.cli.commands import command
from simsearch.cli.console import notice
from simsearch.cli.options import index_option, into
from simsearch.store.places import ALLOW_VARIABLE, INDEX_VARIABLE, default_index

_PANELS = Path(__file__).parents[1] / "panels"
_FIRST_PORT, _PORTS = 8501, 100


@dataclass(frozen=True, kw_only=True)
class AppSettings:
    """Parameters of ``app``."""

    index: Path | None
    host: str
    port: int | None
    allow: tuple[Path, ...]


@command(
    "app",
    summary="Open the page: drop a picture, see what it is like.",
    example="""\
simsearch app --index indexes/mine
simsearch app --host 0.0.0.0 --port 8080 --allow /data/pictures""",
)
@index_option
@click.option(
    "--host",
    default="127.0.0.1",
    metavar="H",
    show_default=True,
    help="Address to listen on; 0.0.0.0 is every network of this machine.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="P",
    help=f"Port to listen on; the first free one from {_FIRST_PORT} by default.",
)
@click.option(
    "--allow",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Let the page add pictures from this folder; repeatable. By default from none. With "
    "another --host than this machine's own, visitors may add archives only where this is given.",
)
@into(AppSettings)
def app(settings: AppSettings) -> None:
    """Serve the page to browsers of this machine until Ctrl-C.

    Without an index it offers to make one of the generated sample. Whoever reaches the address may
    ask, and sees all that the index holds: there are no accounts.
    """
    _prepare(settings)
    options = _server_options(settings)
    from streamlit.web import bootstrap

    host, port = options["server.address"], options["server.port"]
    shown = f"[{host}]" if ":" in settings.host else host
    notice(f"http://{shown}:{port} is the page; Ctrl-C ends it")
    bootstrap.load_config_options(options)
    bootstrap.run(str(_PANELS / "script.py"), False, [], options)
    raise click.exceptions.Exit(INTERRUPTED)  # it serves until a signal


def _prepare(settings: AppSettings) -> None:
    """Tell the page, which runs in this process, what it may use.

    Raises:
        StoreError: the index given is none.
    """
    from simsearch.store.manifest import Manifest

    index = settings.index or default_index()
    if index is not None:
        Manifest.read(index)
    if settings.index is not None:
        os.environ[INDEX_VARIABLE] = str(settings.index.absolute())
    if settings.allow:
        os.environ[ALLOW_VARIABLE] = os.pathsep.join(
            str(path.absolute()) for path in settings.allow
        )


def _server_options(settings: AppSettings) -> dict[str, Any]:
    """The settings of ``config.toml`` as Streamlit's flags, which no file of a user overrides."""
    with (_PANELS / "config.toml").open("rb") as file:
        tables = tomllib.load(file)
    options = dict(_flat(tables))
    options["logger.hideWelcomeMessage"] = True
    options["server.address"] = settings.host
    options["server.port"] = settings.port or _free_port(settings.host)
    if settings.host not in options["server.allowedHosts"]:
        options["server.allowedHosts"] = []
    if settings.port and not _is_free(settings.host, settings.port):
        raise click.UsageError(
            f"--port {settings.port}: in use, or not yours to take; name another."
        )
    return options


def _flat(tables: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tables.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _free_port(host: str) -> int:
    ports = range(_FIRST_PORT, _FIRST_PORT + _PORTS)
    found = next((port for port in ports if _is_free(host, port)), None)
    if found is None:
        raise click.UsageError(
            f"no free port from {ports[0]} to {ports[-1]} at {host}; name one with --port."
        )
    return found


def _is_free(host: str, port: int) -> bool:
    """Whether a server could listen there."""
    try:
        with socket.create_server((host, port), family=_family(host)):
            return True
    except OSError:
        return False


def _family(host: str) -> socket.AddressFamily:
    try:
        return socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
    except OSError as error:
        raise click.UsageError(f"--host {host}: no address of this machine.") from error
