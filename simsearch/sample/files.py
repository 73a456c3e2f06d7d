"""Collections on disk in every form that the readers know, to the byte the same each time."""

import base64
import csv
import datetime as dt
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simsearch.catalog import Trait
from simsearch.sample.market import START, Row, Series

Rgba = NDArray[np.uint8]
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Token:
    """One item to be written: its id, its traits, and what draws its picture when it is needed."""

    id: str
    traits: tuple[Trait, ...]
    draw: Callable[[], Rgba]


def encoded(picture: Rgba, kind: str) -> bytes:
    """Bytes of a picture as ``png``, ``jpg``, ``webp`` (lossless) or ``gif`` (two frames)."""
    image = Image.fromarray(picture)
    stream = io.BytesIO()
    if kind == "png":
        image.save(stream, "PNG", compress_level=3)
    elif kind == "jpg":
        image.convert("RGB").save(stream, "JPEG", quality=90)
    elif kind == "webp":
        image.save(stream, "WEBP", lossless=True, exact=True, method=2)
    else:
        colours, codes = np.unique(picture[..., :3].reshape(-1, 3), axis=0, return_inverse=True)
        frames = [Image.fromarray(codes.reshape(picture.shape[:2]).astype(np.uint8), "P")]
        frames.append(frames[0].transpose(Image.Transpose.FLIP_LEFT_RIGHT))
        for frame in frames:
            frame.putpalette(colours.tobytes())
        frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=600, loop=0)
    return stream.getvalue()


def write_sheet(folder: Path, tokens: Sequence[Token]) -> list[str]:
    """One PNG of 20 tiles a row; returns the lines of ``[images]``."""
    pictures = [token.draw() for token in tokens]
    side = pictures[0].shape[0]
    columns = min(20, len(tokens))
    sheet = np.zeros((-(-len(tokens) // columns) * side, columns * side, 4), dtype=np.uint8)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        place = np.s_[row * side : (row + 1) * side, column * side : (column + 1) * side]
        sheet[place] = picture
    content = encoded(sheet, "png")
    (folder / "sheet.png").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return ['sheet = "sheet.png"', f"tile = [{side}, {side}]", f'sha256 = "{digest}"']


def write_zip(folder: Path, tokens: Sequence[Token], kind: str, inside: str = "") -> list[str]:
    """One archive of pictures, in a folder ``inside`` it."""
    with zipfile.ZipFile(folder / "images.zip", "w", zipfile.ZIP_STORED) as archive:
        for token in tokens:
            member = zipfile.ZipInfo(f"{inside}{token.id}.{kind}", EPOCH)
            archive.writestr(member, encoded(token.draw(), kind))
    return ['zip = "images.zip"']


def write_folder(folder: Path, tokens: Sequence[Token], odd: str) -> list[str]:
    """A folder of PNG pictures, one of them (the eighth) of the kind ``odd``."""
    (folder / "images").mkdir()
    for number, token in enumerate(tokens):
        kind = odd if number == min(7, len(tokens) - 1) else "png"
        (folder / "images" / f"{token.id}.{kind}").write_bytes(encoded(token.draw(), kind))
    return ['folder = "images"']


def write_table(folder: Path, collection: str, tokens: Sequence[Token]) -> list[str]:
    """A CSV whose cells hold the pictures as data URIs."""
    rows: list[Sequence[object]] = [("collection", "token_id", "image")]
    for token in tokens:
        text = base64.b64encode(encoded(token.draw(), "png")).decode()
        rows.append((collection, token.id, f"data:image/png;base64,{text}"))
    _write_csv(folder / "images.csv", rows)
    return ['table = "images.csv"']


Cells = Mapping[str, Sequence[str]]


def _trait_rows(tokens: Sequence[Token], types: Sequence[str]) -> Iterable[Cells]:
    for token in tokens:
        cells: dict[str, list[str]] = {kind: [] for kind in types}
        for kind, value in token.traits:
            cells[kind].append(value)
        yield cells


def write_trait_csv(
    folder: Path, tokens: Sequence[Token], types: Sequence[str], absent: str
) -> str:
    """A column a trait type; several values of a type are joined by `` / ``."""
    rows: list[Sequence[object]] = [("token_id", *types)]
    for token, cells in zip(tokens, _trait_rows(tokens, types), strict=True):
        rows.append((token.id, *(" / ".join(cells[kind]) or absent for kind in types)))
    _write_csv(folder / "traits.csv", rows)
    return "traits.csv"


def write_trait_parquet(folder: Path, tokens: Sequence[Token], types: Sequence[str]) -> str:
    """The same table as Parquet, null where a trait is absent."""
    import pyarrow
    import pyarrow.parquet

    cells = list(_trait_rows(tokens, types))
    columns: dict[str, list[str | None]] = {"token_id": [token.id for token in tokens]}
    columns |= {kind: [" / ".join(row[kind]) or None for row in cells] for kind in types}
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "traits.parquet")
    return "traits.parquet"


def write_metadata(folder: Path, name: str, tokens: Sequence[Token]) -> str:
    """ERC-721 metadata, one JSON object a line."""
    lines = []
    for token in tokens:
        attributes = [{"trait_type": kind, "value": value} for kind, value in token.traits]
        about = {"token_id": token.id, "name": f"{name} #{token.id}", "attributes": attributes}
        lines.append(json.dumps(about))
    (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return "metadata.jsonl"


def write_sales(folder: Path, ids: Sequence[str], rows: Sequence[Row], bundles: bool) -> list[str]:
    """The sales table; returns the lines of ``[sales]``."""
    names = ["token_id", "date", "price", "currency", "seller", "buyer"]
    names += ["tx", "quantity"] if bundles else []
    table: list[Sequence[object]] = [names]
    for number, row in enumerate(rows):
        day = START + dt.timedelta(days=row.day)
        tx = f"{folder.name}-{row.tx or number}"  # the same in two collections were a bundle
        cells = (ids[row.item], day, f"{row.price:.6g}", row.currency, row.seller, row.buyer)
        table.append((*cells, tx, row.quantity) if bundles else cells)
    _write_csv(folder / "sales.csv", table)
    keys = ["id", *names[1:]]
    pairs = [f'{key} = "{name}"' for key, name in zip(keys, names, strict=True)]
    return ['file = "sales.csv"', *pairs]


def write_rates(path: Path, rates: Mapping[str, Series]) -> None:
    """Dollars for a unit of each currency and day."""
    rows: list[Sequence[object]] = [("date", "currency", "usd")]
    for name, series in sorted(rates.items()):
        rows += [
            (START + dt.timedelta(days=day), name, f"{usd:.10g}") for day, usd in enumerate(series)
        ]
    _write_csv(path, rows)


def write_toml(
    folder: Path, head: Mapping[str, str], sections: Mapping[str, Sequence[str]]
) -> None:
    """``collection.toml``: texts first, then sections of ready lines."""
    lines = [f'{key} = "{value}"' for key, value in head.items()]
    for section, content in sections.items():
        lines += ["", f"[{section}]", *content]
    (folder / "collection.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_csv(path: Path, rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


ImageWriter = Callable[[Path, Sequence[Token]], list[str]]
TraitWriter = Callable[[Path, Sequence[Token]], str]
