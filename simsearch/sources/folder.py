"""Folders of pictures, and trees of them: a sub-folder is a collection, splits may lie above."""

import os
from collections.abc import Iterator
from pathlib import Path

from simsearch.catalog import Item, Picture
from simsearch.sources.contents import Intake
from simsearch.sources.names import (
    is_hidden,
    is_inside,
    looks_like_picture,
    natural_order,
    split_name,
    token_id_of,
)

_SPLITS = ("train", "valid", "test")


def read_tree(folder: Path, intake: Intake) -> None:
    """Take a folder without ``collection.toml``.

    Sub-folders named ``train``, ``valid`` and ``test`` are splits with collections in them; other
    sub-folders with pictures are collections; pictures alone are one collection.
    """
    splits = {sub: split_name(sub.name) for sub in _subfolders(folder)}
    others = [sub for sub, split in splits.items() if split not in _SPLITS]
    if set(splits.values()) & set(_SPLITS) and not any(any(pictures_in(sub)) for sub in others):
        for sub, split in splits.items():
            _read_level(sub, folder.name, intake, split)
    else:
        _read_level(folder, folder.name, intake)


def _read_level(folder: Path, name: str, intake: Intake, split: str = "") -> None:
    """Sub-folders as collections; where none has pictures, the folder is one, of that name."""
    pictures = {sub: list(pictures_in(sub)) for sub in _subfolders(folder)}
    loose = sorted(_files(folder), key=lambda path: natural_order(path.name))
    if not any(pictures.values()):
        _add(loose, name, intake, split)
        return
    for sub, paths in pictures.items():
        _add(paths, sub.name, intake, split)
    for path in loose:
        intake.skip(str(path), "loose", "lies beside folders of collections; move it into one")


def empty_folders(folder: Path) -> list[Path]:
    """Sub-folders of a tree that would be collections, but for having no pictures."""
    levels = [sub for sub in _subfolders(folder) if split_name(sub.name) in _SPLITS] or [folder]
    subs = [sub for level in levels for sub in _subfolders(level)]
    return [sub for sub in subs if not any(pictures_in(sub))]


def read_folder(
    folder: Path, collection: str, intake: Intake, *, inside: Path, background: str = ""
) -> None:
    """Take all pictures under a folder as one collection; links out of ``inside`` are refused."""
    for path in pictures_in(folder):
        if path.is_symlink() and not is_inside(inside, path):
            intake.skip(str(path), "outside", f"is a link out of {inside}; copy the picture")
        else:
            _add([path], collection, intake, background=background)


def pictures_in(folder: Path) -> Iterator[Path]:
    """Files under a folder that look like pictures, 2 before 10; linked folders are not entered."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden([name])]
        found += [os.path.join(place, name) for name in files if _is_wanted(name)]
    yield from map(Path, sorted(found, key=natural_order))


def _subfolders(folder: Path) -> list[Path]:
    subs = [path for path in folder.iterdir() if path.is_dir() and not is_hidden([path.name])]
    return sorted(subs, key=lambda path: natural_order(path.name))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if _is_wanted(path.name) and path.is_file()]


def _is_wanted(name: str) -> bool:
    return looks_like_picture(name) and not is_hidden([name])


def _add(
    paths: list[Path], collection: str, intake: Intake, split: str = "", background: str = ""
) -> None:
    for path in paths:
        picture = Picture("file", str(path), background=background)
        token = token_id_of(path.name)
        taken = intake.items.get(f"{collection}/{token}")
        if taken is not None and taken.split != split:  # 1.png of train/ is not that of test/
            token = f"{split}/{token}"
        intake.add(Item(collection, token, picture, split=split), str(path))
