"""Where an index is looked for when nobody says which."""

import os
from pathlib import Path

INDEX_VARIABLE = "SIMSEARCH_INDEX"
INDEXES = Path("indexes")
ALLOW_VARIABLE = "SIMSEARCH_ALLOW"
"""Folders, separated like those of PATH, from which the page may read what a user names."""


def default_index() -> Path | None:
    """The index that the environment names, else the newest in ``./indexes``, if there is one."""
    if named := os.environ.get(INDEX_VARIABLE):
        return Path(named)
    found = sorted(INDEXES.glob("*/manifest.json"), key=lambda path: path.stat().st_mtime)
    return found[-1].parent if found else None


def allowed_folders() -> list[Path]:
    """Folders that the operator lets the page read from."""
    named = os.environ.get(ALLOW_VARIABLE, "")
    return [Path(folder).resolve() for folder in named.split(os.pathsep) if folder]
