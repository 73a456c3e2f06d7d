"""The index that the page shows: one engine for all sessions, opened again when it is replaced."""

import contextlib
import ctypes
import os
import threading
from pathlib import Path

import streamlit as st

from simsearch.engine import SearchEngine
from simsearch.errors import SimsearchError
from simsearch.store import store
from simsearch.store.manifest import Manifest
from simsearch.store.places import default_index

_ARENA_MAX = -8
AT_ONCE = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))
"""Pictures that are read or answered at once: more would not be faster, and each takes memory."""


def engine() -> SearchEngine | None:
    """The index in use, or None where there is none yet.

    Raises:
        StoreError: it is damaged or made by another program.
    """
    folder = default_index()
    if folder is None:
        return None
    build = Manifest.read(folder).build_id
    return _opened(str(folder), build, _changed(folder))


def mark(engine: SearchEngine) -> str:
    """Differs between any two states of an index: what was computed of one is void for another."""
    return f"{engine.manifest.build_id}/{_changed(engine.folder)}"


def _changed(folder: Path) -> int:
    return (folder / store.CATALOG).stat().st_mtime_ns


@st.cache_resource(max_entries=2, show_spinner="Opening the index …")
def _opened(folder: str, build: str, changed: int) -> SearchEngine:
    """Open an index; the build and the time of the last grouping tell one state from the next."""
    _share_memory()
    opened = SearchEngine.open(Path(folder), ahead=True)
    threading.Thread(target=_warm, args=(opened,), daemon=True).start()
    return opened


def _share_memory() -> None:
    """Let all threads take memory from the same two pools, where the C library has such a switch.

    Each run of the page has a thread of its own, and glibc would give each a pool that it keeps.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)


def _warm(engine: SearchEngine) -> None:
    """Ask once, so that the first visitor does not wait for what is read on first use."""
    with contextlib.suppress(SimsearchError, IndexError):
        engine.answer(engine.item(engine.catalog.key(0)), balance=0.5)
