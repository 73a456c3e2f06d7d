"""Sources of items: collection folders, folder trees, archives, tables; one reader each."""

import os
from collections.abc import Sequence, Set
from pathlib import Path

from simsearch.errors import SourceError
from simsearch.sources.archive import read_archive
from simsearch.sources.collection import COLLECTION_FILE, read_collection
from simsearch.sources.contents import Intake, SourceContents
from simsearch.sources.folder import pictures_in, read_tree
from simsearch.sources.names import natural_order
from simsearch.sources.reader import EncodedPicture, PictureReader, read_file
from simsearch.sources.table import TABLE_SUFFIXES, read_table

__all__ = ["EncodedPicture", "PictureReader", "SourceContents", "read_file", "read_sources"]


def read_sources(
    paths: Sequence[Path | str],
    *,
    strict: bool = False,
    per_collection: int | None = None,
    seed: int = 0,
    known: Set[str] = frozenset(),
) -> SourceContents:
    """List the items of all sources, with traits and sales; of pictures only sheets are decoded.

    Args:
        paths: collection folders or folders of them, folder trees, folders or zip archives of
            pictures, tables (CSV, TSV, Parquet, JSONL).
        strict: stop at the first thing that would be skipped.
        per_collection: at most so many items of each collection, picked by ``seed``.
        seed: see there.
        known: keys ``collection/token_id`` that sales may name although no source has them.

    Raises:
        SourceError: a source cannot be read, or ``strict`` met something to skip.
        SalesError: a sales file lacks a column.
    """
    intake = Intake(strict)
    for path in paths:
        before = len(intake.items) + len(intake.skipped)
        _read_source(Path(os.path.abspath(path)), intake)
        if len(intake.items) + len(intake.skipped) == before:
            raise SourceError(f"{path}: holds no pictures; give a folder, zip or table of some")
    return intake.contents(known, per_collection, seed)


def _read_source(path: Path, intake: Intake) -> None:
    if path.is_dir():
        _read_directory(path, intake)
    elif not path.is_file():
        raise SourceError(f"{path}: no such file or folder; check the path")
    elif path.name == COLLECTION_FILE:
        read_collection(path.parent, intake)
    elif path.suffix.lower() == ".zip":
        read_archive(path, path.stem, intake)
    elif path.suffix.lower() in TABLE_SUFFIXES:
        read_table(path, intake)
    else:
        endings = ", ".join((".zip", *TABLE_SUFFIXES))
        raise SourceError(f"{path}: no source; give a folder or a file ending in {endings}")


def _read_directory(folder: Path, intake: Intake) -> None:
    if (folder / COLLECTION_FILE).is_file():
        read_collection(folder, intake)
        return
    collections = [file.parent for file in folder.glob(f"*/{COLLECTION_FILE}")]
    if not collections:
        read_tree(folder, intake)
        return
    for sub in sorted(collections, key=lambda path: natural_order(path.name)):
        read_collection(sub, intake)
    for sub in sorted(folder.iterdir()):
        if sub.is_dir() and sub not in collections and any(pictures_in(sub)):
            message = f"has pictures but no {COLLECTION_FILE}; give it as a source of its own"
            intake.skip(str(sub), "no-collection", message)
