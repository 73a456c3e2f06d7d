"""The command line: what is typed becomes one call of the library and its answer a table or JSON.

Only ``main`` is here: it turns whatever happens into an exit code and at most one line on stderr.
"""

import os
import sys
from collections.abc import Iterator, Sequence

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    sys.exit(run(sys.argv[1:] if args is None else args))


def run(args: Sequence[str]) -> int:
    """Run one command line.

    Returns:
        0 done, 1 failed, 2 wrong usage, 130 interrupted; of the last three, one line on stderr says
        what happened and what to do. With ``SIMSEARCH_DEBUG=1`` errors are raised instead.
    """
    try:
        _open_closed_streams()
        _forgive_narrow_terminals()
        code = _invoke(args)
        sys.stdout.flush()
    except SystemExit as left:  # rich and click leave so when nobody reads the output any more
        return left.code if isinstance(left.code, int) else FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except BaseException as error:
        if os.environ.get("SIMSEARCH_DEBUG", "0") not in ("", "0"):
            raise
        code, line = _explained(error)
        sys.stderr.write(f"error: {' '.join(line.split())}\n")
    return code


def _invoke(args: Sequence[str]) -> int:
    from simsearch.cli.commands import simsearch

    code = simsearch.main(list(args) or ["--help"], "simsearch", standalone_mode=False)
    return code if isinstance(code, int) else DONE


def _open_closed_streams() -> None:
    """A stream that whoever started the program had closed is empty, and swallows everything.

    In this order each takes its own number again, which no file of an index may get.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _forgive_narrow_terminals() -> None:
    """A terminal that knows few letters shows question marks instead of stopping the program."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _explained(error: BaseException) -> tuple[int, str]:
    """Exit code and message of whatever was raised."""
    import click

    from simsearch.errors import SimsearchError, UsageError

    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "simsearch"
        return USAGE, f"{error.format_message()} See '{command} --help'."
    if isinstance(error, click.ClickException):
        return error.exit_code, error.format_message()
    if isinstance(error, SimsearchError):
        return USAGE if isinstance(error, UsageError) else FAILED, str(error)
    if any(isinstance(one, KeyboardInterrupt | click.Abort) for one in _chain(error)):
        return INTERRUPTED, "interrupted"
    return FAILED, _unforeseen(error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came of: libraries turn an interrupt into errors of their own."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _unforeseen(error: BaseException) -> str:
    """Message for an error that no code here raised on purpose."""
    if isinstance(error, OSError) and error.strerror:
        return ": ".join(str(part) for part in (error.filename, error.strerror) if part)
    if isinstance(error, MemoryError):
        return "out of memory; close other programs, or use fewer --workers"
    return (
        f"unexpected {type(error).__name__}: {error}; "
        "please report it with what SIMSEARCH_DEBUG=1 shows"
    )
