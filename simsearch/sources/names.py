"""What file names say: token ids, pictures, hidden files, order, and paths that stay inside."""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from posixpath import splitext

from simsearch.errors import SourceError

# Also formats that cannot be decoded here: such a file is named in the skipped ones, with why.
_PICTURE_SUFFIXES = {
    *(".png", ".apng", ".jpg", ".jpeg", ".jfif", ".gif", ".webp", ".avif", ".bmp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".jp2", ".qoi", ".svg", ".heic", ".heif", ".jxl", ".ico", ".tga"),
}


def looks_like_picture(name: str) -> bool:
    """Whether a file name ends like a picture's, or is a number without any ending as on IPFS."""
    return splitext(name)[1].lower() in _PICTURE_SUFFIXES or name.isdecimal()


def is_hidden(parts: Sequence[str]) -> bool:
    """Whether a path has a dotfile, a dotted folder or macOS's shadow folder in it."""
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


def token_id_of(name: str) -> str:
    """The file name without its ending."""
    return splitext(name)[0]


def split_name(text: str) -> str:
    """``train``, ``valid`` or ``test`` in their usual spellings; another name as it is."""
    name = text.lower()
    return "valid" if name in ("val", "validation") else name


def natural_order(text: str) -> tuple[list[str | tuple[int, str]], str]:
    """Sort key in which 2 comes before 10."""
    parts = re.split(r"([0-9]+)", text)
    key: list[str | tuple[int, str]] = [*parts]
    key[1::2] = [(len(digits), digits) for digits in (part.lstrip("0") for part in parts[1::2])]
    return key, text


def path_inside(folder: Path, name: str, what: str) -> Path:
    """The file or folder of that name, which must exist and lie inside ``folder``, links followed.

    Raises:
        SourceError: it is absent, or outside; ``what`` says who asks for it.
    """
    path = folder / name
    if not is_inside(folder, path):
        raise SourceError(f"{what}: '{name}' leads out of {folder}; move it inside")
    if not path.exists():
        raise SourceError(f"{what}: no '{name}' in {folder}; correct the name or add it")
    return path


def is_inside(folder: Path, path: Path) -> bool:
    """Whether a path stays inside a folder once ``..`` and links are followed."""
    if "\0" in str(path):
        return False  # no file is called so, and the system refuses to look
    return path.resolve().is_relative_to(_resolved(folder))


@lru_cache(maxsize=64)  # asked once for each row of a table
def _resolved(folder: Path) -> Path:
    return folder.resolve()
