"""The points of a map as the page sends them: places, hover pictures and colours."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simsearch.arrow import codes, numbers
from simsearch.catalog import Catalog
from simsearch.draws import evenly
from simsearch.engine import SearchEngine
from simsearch.maps import Map, pca_map
from simsearch.rarity import Traits

SHOWN = 2_000
"""Points on the page at most: each carries its picture."""
SIDE = 48
"""Pixels on a side of a hover picture at most."""
MOST = 24
"""Kinds of points told apart by colour at most; the smaller ones are ``OTHER``."""
OTHER, NONE = "others", "none"
_SMALL = 700
"""Bytes of a thumbnail that is sent as it is."""
_GREY = "#8a8f98"

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Kinds:
    """Points told apart by a colour each.

    Attributes:
        of: (m,), place of each point in ``names``.
        names: for people, the largest kind first, then ``OTHER`` and ``NONE`` where there are such.
        colours: of each name.
    """

    of: NDArray[np.int64]
    names: list[str]
    colours: list[str]


@dataclass(frozen=True)
class Scale:
    """Points coloured by their last price.

    Attributes:
        prices: float64 (m,), NaN where there is none in this currency.
        currency: the one that most of them are in.
    """

    prices: NDArray[np.float64]
    currency: str


def laid_out(engine: SearchEngine, kept: Map | None, collections: Sequence[str]) -> Map:
    """The map that is shown: a sample drawn evenly from some collections, all by default.

    Args:
        engine: the index.
        kept: a map that was computed before; None = PCA, fitted on all items of the collections.
        collections: names.
    """
    catalog = engine.catalog
    rows = rows_of(catalog, collections)
    known = rows if kept is None else kept.of(rows).rows
    shown = known[evenly(catalog.collection_codes[known], SHOWN, 0)]
    if kept is not None:
        return kept.of(shown)
    return pca_map(engine.retriever.index.vectors, rows, shown)


def rows_of(catalog: Catalog, collections: Sequence[str]) -> Rows:
    """Catalog rows of some collections, all by default."""
    if not collections:
        return np.arange(len(catalog))
    names = list(catalog.collections)
    return np.flatnonzero(np.isin(catalog.collection_codes, [names.index(c) for c in collections]))


def by_collection(catalog: Catalog, rows: Rows) -> Kinds:
    """Points by collection."""
    names = np.array(list(catalog.collections), dtype=object)
    return _kinds(names[catalog.collection_codes[rows]])


def by_group(catalog: Catalog, rows: Rows) -> Kinds:
    """Points by group."""
    found = catalog.integers("cluster")[rows]
    return _kinds(np.array([NONE if n < 0 else f"group {n}" for n in found], dtype=object))


def by_trait(catalog: Catalog, rows: Rows, kind: str) -> Kinds:
    """Points by their value of one trait type; several values are joined."""
    traits = Traits.of(catalog, rows)
    places = traits.kinds.get(kind, np.zeros(0, dtype=np.int64))
    values: list[list[str]] = [[] for _ in rows]
    for place in places.tolist():
        for item in np.flatnonzero(traits.has[:, place]).tolist():
            values[item].append(traits.names[place][1])
    return _kinds(np.array([" + ".join(own) or NONE for own in values], dtype=object))


def by_price(catalog: Catalog, rows: Rows) -> Scale:
    """Points by last price, in the currency that most of them are in."""
    number, names = codes(catalog.column("last_currency"))
    own = number[rows]
    if not (own >= 0).any():
        return Scale(np.full(len(rows), np.nan), "")
    most = int(np.bincount(own[own >= 0]).argmax())
    prices = numbers(catalog.column("last_price"), np.nan)[rows]
    return Scale(np.where((own == most) & (prices > 0), prices, np.nan), names[most])


def trait_kinds(catalog: Catalog, collections: Sequence[str]) -> list[str]:
    """Trait types of some collections, in alphabetical order."""
    from simsearch.arrow import row_numbers

    traits = catalog.column("traits").take(row_numbers(rows_of(catalog, collections)))
    return sorted(traits.flatten().field("type").unique().to_pylist())


def _kinds(found: NDArray[np.object_]) -> Kinds:
    names, place, count = np.unique(found, return_inverse=True, return_counts=True)
    named = [n for n in np.argsort(-count, kind="stable").tolist() if names[n] != NONE]
    order = named[:MOST]
    rank = np.full(len(names), len(order))
    rank[order] = np.arange(len(order))
    shown, colours = [str(names[n]) for n in order], palette(len(order))
    if len(named) > MOST:
        shown, colours = [*shown, OTHER], [*colours, _GREY]
    if NONE in names.tolist():
        rank[names == NONE] = len(shown)
        shown, colours = [*shown, NONE], [*colours, _GREY + "66"]
    return Kinds(rank[place], shown, colours)


def palette(count: int) -> list[str]:
    """Colours that differ and read on white and near-black: hues of even steps in OKLCH.

    From one to the next, lightness alternates, so that neighbours on the circle stay apart.
    """
    levels = ((0.66, 0.16), (0.56, 0.15), (0.75, 0.13))
    hues = [(25 + 360 * n / max(count, 1)) for n in range(count)]
    return [_hex(*levels[n % len(levels)], hue) for n, hue in enumerate(hues)]


def _hex(lightness: float, chroma: float, hue: float) -> str:
    """SRGB of an OKLCH colour (Ottosson 2020), clipped."""
    a, b = chroma * np.cos(np.radians(hue)), chroma * np.sin(np.radians(hue))
    cone = np.array([[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728]])
    cone = np.vstack([cone, [1, -0.0894841775, -1.2914855480]])
    linear = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    ) @ ((cone @ [lightness, a, b]) ** 3)
    linear = np.clip(linear, 0, 1)
    light = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255 * part):02x}" for part in light.tolist())


def hover_picture(encoded: bytes) -> str:
    """A thumbnail as a data URI of about a kilobyte at most."""
    with Image.open(BytesIO(encoded)) as image:
        kind = str(image.format).lower()
        if len(encoded) > _SMALL:
            buffer = BytesIO()
            small = image.convert("RGB")
            small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            small.save(buffer, "WEBP", quality=60)
            kind, encoded = "webp", buffer.getvalue()
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"
