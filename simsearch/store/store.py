"""An index folder on disk: what is in it, who may write it, and how it replaces the one before.

An index is built beside its place and renamed into it; a reader sees the old index or the new one.
Beside ``indexes/punks`` lie ``.punks.lock`` (held by the operating system, so it ends with the
process), ``.punks.holder`` (who holds it), ``.punks.parts`` (encoded pictures of an unfinished
build), ``.punks.building`` (the index being put together) and, for a moment, ``.punks.old``.
"""

import contextlib
import csv
import ctypes
import datetime as dt
import errno
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from simsearch.catalog import Skipped
from simsearch.errors import StoreError
from simsearch.store import manifest
from simsearch.store.manifest import Manifest

CATALOG = "catalog.parquet"
SALES = "sales.parquet"
SKIPPED = "skipped.csv"

LOCK_SECONDS = 10.0
"""How long a second build waits before it says who holds the index."""

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100

T = TypeVar("T")


def beside(place: Path, suffix: str) -> Path:
    """The hidden neighbour ``.<name>.<suffix>`` of an index folder."""
    real = place.resolve()
    return real.parent / f".{real.name}.{suffix}"


@contextlib.contextmanager
def locked(place: Path, wait_seconds: float | None = None) -> Iterator[None]:
    """Hold the index for writing.

    Raises:
        StoreError: somebody else holds it for longer than ``wait_seconds``.
    """
    import filelock

    place.resolve().parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(beside(place, "lock"))
    try:
        lock.acquire(timeout=LOCK_SECONDS if wait_seconds is None else wait_seconds)
    except filelock.Timeout as error:
        raise StoreError(
            f"{place} is being written {_holder(place)}; wait until it has finished, or stop it"
        ) from error
    try:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        who = {"pid": os.getpid(), "host": socket.gethostname(), "since": now}
        beside(place, "holder").write_text(json.dumps(who), encoding="utf-8")
        yield
    finally:
        beside(place, "holder").unlink(missing_ok=True)
        lock.release()


def _holder(place: Path) -> str:
    try:
        who = json.loads(beside(place, "holder").read_text(encoding="utf-8"))
        return f"by process {who['pid']} on {who['host']} since {who['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "by another process"


def require_replaceable(place: Path) -> None:
    """Refuse to build into a folder or file that is something else than an index.

    Raises:
        StoreError: replacing it would destroy what is not ours.
    """
    if not place.exists() or (place / manifest.NAME).exists():
        return
    if not place.is_dir() or any(place.iterdir()):
        raise StoreError(f"{place} exists and is no index; give another --out, or move it away")


@contextlib.contextmanager
def replaced(place: Path) -> Iterator[Path]:
    """Give an empty folder to write an index into; at the end it takes the place of the old one.

    To be entered while ``locked``. When the body fails, the index at ``place`` is what it was.

    Raises:
        StoreError: ``place`` is no index, or the disk is full.
    """
    recover(place)
    require_replaceable(place)
    staging = beside(place, "building")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        with space_errors(place):
            staging.mkdir(parents=True)
            yield staging
            _sync(staging)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    _exchange(staging, place.resolve())


@contextlib.contextmanager
def space_errors(place: Path) -> Iterator[None]:
    """Turn a full disk into a ``StoreError`` that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_SPACE and "No space left" not in str(error):
            raise
        raise StoreError(
            f"no space left while writing beside {place}; what was there is untouched: free some "
            "space and run the same command, it goes on where it stopped"
        ) from error


def _sync(folder: Path) -> None:
    """A rename must not reach the disk before the files it names."""
    for path in [*folder.rglob("*"), folder]:
        if path.is_file() or os.name != "nt":
            handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _exchange(staging: Path, place: Path) -> None:
    old = beside(place, "old")
    shutil.rmtree(old, ignore_errors=True)
    if not place.exists():
        staging.rename(place)
    elif _exchange_names(staging, place):
        staging.rename(old)
    else:
        place.rename(old)
        staging.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _exchange_names(left: Path, right: Path) -> bool:
    """Swap two folders in one step where the system can (Linux renameat2)."""
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    names = (os.fsencode(left), os.fsencode(right))
    return bool(rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)


def recover(place: Path) -> None:
    """Put the old index back where a build died between moving it away and the new one in.

    To be called while ``locked``.
    """
    old = beside(place, "old")
    if not place.exists() and (old / manifest.NAME).exists():
        old.rename(place.resolve())


def read_whole(place: Path, load: Callable[[Path, Manifest], T]) -> T:
    """Read an index that may be replaced at any moment: all of it from one build.

    Args:
        place: the index folder.
        load: opens every file it needs; called again when the index was replaced meanwhile.

    Raises:
        StoreError: there is no index, or it cannot be read.
    """
    before = _settled_manifest(place)
    while True:
        failure: Exception | None = None
        try:
            found = load(place, before)
        except Exception as error:  # what a half-replaced folder makes of any reader
            failure = error
        after = _settled_manifest(place)
        if after.build_id == before.build_id:
            if failure is not None:
                raise failure
            return found
        before = after


def _settled_manifest(place: Path) -> Manifest:
    """Read the manifest, though the folder may be away for the moment between two renames."""
    for _ in range(40):
        try:
            return Manifest.read(place)
        except StoreError:
            old = beside(place, "old").exists()
            if not old and not (place / manifest.NAME).exists():
                break
        if old and not place.exists():  # moving, or a killed build left it so
            with contextlib.suppress(StoreError), locked(place, wait_seconds=0):
                recover(place)
            time.sleep(0.02)
    return Manifest.read(place)


def replace_file(
    place: Path, name: str, write: Callable[[Path], None], build_id: str | None = None
) -> None:
    """Replace one file of an index in one step.

    Args:
        place: the index folder.
        name: of the file.
        write: is given the path to write to.
        build_id: the build that the file belongs to, where it must not enter another.

    Raises:
        StoreError: the index was built again meanwhile, somebody else writes it, or the disk is
            full.
    """
    new = place / f".{name}.new"
    try:
        with locked(place), space_errors(place):
            if build_id is not None and Manifest.read(place).build_id != build_id:
                raise StoreError(f"{place} was built again meanwhile; do it again for the new one")
            write(new)
            new.replace(place / name)
    finally:
        new.unlink(missing_ok=True)


def write_skipped(folder: Path, skipped: Iterable[Skipped]) -> None:
    """Write ``skipped.csv``: source, reason code, message."""
    with (folder / SKIPPED).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "code", "message"])
        writer.writerows((entry.source, entry.code, entry.message) for entry in skipped)


def read_skipped(folder: Path) -> list[Skipped]:
    """Read ``skipped.csv``."""
    with (folder / SKIPPED).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return [Skipped(*row) for row in rows[1:]]
