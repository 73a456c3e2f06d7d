"""Pictures cut from a sheet of equal tiles: left to right, top to bottom, token ids from 0."""

import re
from pathlib import Path

from PIL import Image

from simsearch.catalog import Item, Picture
from simsearch.errors import PictureError, SourceError
from simsearch.images import check_bytes, decode, to_rgba
from simsearch.sources.contents import Intake

MAX_SHEET_BYTES = 2**30
MAX_SHEET_PIXELS = 200_000_000
MAX_TILES = 1_000_000


class Sheet:
    """A decoded sheet, kept in its own mode: a palette sheet takes one byte a pixel."""

    def __init__(self, path: Path) -> None:
        """Decode the whole sheet.

        Raises:
            PictureError: the sheet is no usable picture.
        """
        check_bytes(path.stat().st_size, MAX_SHEET_BYTES)
        with path.open("rb") as file:
            self.image: Image.Image = decode(file, max_pixels=MAX_SHEET_PIXELS)

    def read(self, member: str) -> Image.Image:
        """The tile named ``<width>x<height>+<number>``, in the mode of the sheet.

        Raises:
            PictureError: ``missing``, the sheet has no such tile.
        """
        place = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})\+(\d{1,9})", member)
        if place:
            width, height, number = map(int, place.groups())
            columns, rows = self.image.width // width, self.image.height // height
            if number < columns * rows:
                left, top = number % columns * width, number // columns * height
                return self.image.crop((left, top, left + width, top + height))
        raise PictureError("missing", f"the sheet has no tile '{member}'; check the source")

    def tiles(self, width: int, height: int) -> list[str]:
        """Names of the tiles, without the wholly transparent ones at the end."""
        count = (self.image.width // width) * (self.image.height // height)
        names = [f"{width}x{height}+{number}" for number in range(count)]
        while names and _is_empty(self.read(names[-1])):
            names.pop()
        return names

    def close(self) -> None:
        """Free the pixels."""
        self.image.close()


def _is_empty(tile: Image.Image) -> bool:
    return tile.has_transparency_data and to_rgba(tile).getchannel("A").getextrema() == (0, 0)


def read_sheet(
    path: Path, tile: tuple[int, int], collection: str, intake: Intake, background: str = ""
) -> None:
    """Take the tiles of one sheet as one collection.

    Raises:
        SourceError: the sheet is no picture, or no whole number of tiles.
    """
    try:
        sheet = Sheet(path)
    except (PictureError, OSError) as error:
        raise SourceError(f"{path}: cannot be read as a sheet: {error}") from error
    _check_tiling(path, sheet.image.size, tile)
    for token_id, name in enumerate(sheet.tiles(*tile)):
        picture = Picture("tile", str(path), name, background)
        intake.add(Item(collection, str(token_id), picture), f"{path}:{name}")
    sheet.close()


def _check_tiling(path: Path, size: tuple[int, int], tile: tuple[int, int]) -> None:
    (width, height), (tile_width, tile_height) = size, tile
    sizes = f"the sheet of {width} x {height} pixels"
    if width % tile_width or height % tile_height:
        raise SourceError(
            f"{path}: {sizes} is no whole number of tiles of {tile_width} x {tile_height}; "
            "correct 'tile'"
        )
    if width * height // (tile_width * tile_height) > MAX_TILES:
        raise SourceError(f"{path}: {sizes} has over {MAX_TILES:,} tiles; correct 'tile'")
