"""A collection folder: ``collection.toml``, its pictures, and optionally traits and sales."""

import difflib
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from simsearch.errors import SourceError
from simsearch.images import background_colour
from simsearch.sales.table import read_sales
from simsearch.sources.archive import read_archive
from simsearch.sources.contents import Intake
from simsearch.sources.folder import read_folder
from simsearch.sources.metadata import read_traits
from simsearch.sources.names import path_inside
from simsearch.sources.sheet import read_sheet
from simsearch.sources.table import read_table

COLLECTION_FILE = "collection.toml"

_FORMS = ("zip", "sheet", "folder", "table")
_ABOUT = ("name", "chain", "contract")
_SALE_COLUMNS = ("id", "date", "price", "currency", "seller", "buyer", "tx", "quantity")
_SALE_DEFAULTS = {"id": "token_id", "date": "date", "price": "price", "currency": "currency"}
_SECTIONS = {
    "images": (*_FORMS, "tile", "sha256", "background"),
    "traits": ("file", "sha256", "id", "separator"),
    "sales": ("file", "sha256", *_SALE_COLUMNS),
}


@dataclass(frozen=True)
class _Section:
    """One section of a ``collection.toml``, which checks what is asked of it."""

    path: Path
    name: str
    values: Mapping[str, object]

    def error(self, message: str) -> SourceError:
        place = f"{self.path}: [{self.name}]" if self.name else f"{self.path}:"
        return SourceError(f"{place} {message}")

    def check_keys(self, known: Sequence[str]) -> None:
        for key in self.values:
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                remedy = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}"
                raise self.error(f"has an unknown key '{key}'; {remedy}")

    def text(self, key: str, default: str = "") -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self.error(f"'{key}' must be text in quotes")
        return value

    def file(self, key: str) -> Path:
        """The file or folder named by a key, inside the collection's folder, of the right hash."""
        name = self.text(key)
        if not name:
            raise self.error(f"'{key}' must name a file")
        path = path_inside(self.path.parent, name, f"{self.path}: [{self.name}] {key}")
        expected = self.text("sha256").lower()
        if expected and _sha256(path) != expected:
            raise self.error(f"'{name}' does not have the stated sha256; fetch the file again")
        return path

    def tile(self) -> tuple[int, int]:
        sides = self.values.get("tile")
        if isinstance(sides, list) and len(sides) == 2:
            width, height = sides
            if type(width) is type(height) is int and width > 0 and height > 0:
                return width, height
        raise self.error("needs tile = [width, height] in pixels, as there is a sheet")


def read_collection(folder: Path, intake: Intake) -> None:
    """Take the pictures, traits and sales of one collection folder; its name is the id.

    Raises:
        SourceError: ``collection.toml`` or a file that it names cannot be used.
        SalesError: the sales file lacks a column.
    """
    sections = _load(folder / COLLECTION_FILE)
    top = sections[""]
    about = {key: text for key in _ABOUT if (text := top.text(key))}
    intake.names[folder.name] = {"name": folder.name, **about}
    before = len(intake.items)
    _read_pictures(sections["images"], intake)
    if traits := sections.get("traits"):
        _give_traits(traits, intake, before)
    if sales := sections.get("sales"):
        named = {key: sales.text(key) for key in _SALE_COLUMNS if key in sales.values}
        found = read_sales(sales.file("file"), folder.name, {**_SALE_DEFAULTS, **named})
        intake.add_sales(*found)


def _load(path: Path) -> dict[str, _Section]:
    """Sections by name, the top level as ``""``, with no key that is not known."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(f"{path}: cannot be read as TOML ({error}); correct it") from error
    top = _Section(path, "", document)
    top.check_keys((*_ABOUT, *_SECTIONS))
    if "images" not in document:
        raise top.error("has no [images] section; add one with zip, sheet, folder or table")
    sections = {"": top}
    for name, known in _SECTIONS.items():
        values = document.get(name)
        if isinstance(values, dict):
            sections[name] = _Section(path, name, values)
            sections[name].check_keys(known)
        elif values is not None:
            raise top.error(f"'{name}' must be a section, [{name}]")
    return sections


def _read_pictures(images: _Section, intake: Intake) -> None:
    folder = images.path.parent
    form = [key for key in _FORMS if key in images.values]
    if len(form) != 1:
        raise images.error(f"needs exactly one of {', '.join(_FORMS)}")
    background = images.text("background")
    try:
        background_colour(background)
    except ValueError as error:
        raise images.error(str(error)) from error
    path = images.file(form[0])
    if form[0] == "zip":
        read_archive(path, folder.name, intake, background)
    elif form[0] == "sheet":
        read_sheet(path, images.tile(), folder.name, intake, background)
    elif form[0] == "folder":
        read_folder(path, folder.name, intake, inside=folder, background=background)
    else:
        read_table(path, intake, folder.name, background)


def _give_traits(section: _Section, intake: Intake, first: int) -> None:
    """Add the traits of a file to the items from the ``first`` on."""
    path = section.file("file")
    column = section.text("id", "token_id")
    traits = read_traits(path, intake, column, section.text("separator"))
    collection = section.path.parent.name
    for key, item in list(islice(intake.items.items(), first, None)):
        found = traits.get(item.token_id, ())
        intake.items[key] = replace(item, traits=tuple(dict.fromkeys(item.traits + found)))
    for token_id in traits:
        if f"{collection}/{token_id}" not in intake.items:
            intake.skip(str(path), "no-picture", f"token {token_id} has traits but no picture")


def _sha256(path: Path) -> str:
    if path.is_dir():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
