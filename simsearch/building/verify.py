"""Whether an index is what it says: all counts, sales and vectors, and a sample of its pictures."""

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.building.assembly import mark_sales, with_last_sales
from simsearch.building.verify_prices import price_faults
from simsearch.encoders import Encoder
from simsearch.engine import SearchEngine
from simsearch.errors import PictureError, StoreError, VectorError, WeightsError
from simsearch.images import load_image, pixel_hash
from simsearch.index.exact import unit_vectors
from simsearch.sales.table import SalesTable
from simsearch.sources.reader import PictureReader, place_of
from simsearch.store import store
from simsearch.store.descriptors import NAME, Descriptors
from simsearch.store.manifest import Manifest

DESCRIPTOR_TOLERANCE = 0.02
"""Two descriptors of one picture differ by no more than this share of their length: float16 takes
0.0003, another processor's bf16 0.0004; different pictures differ by 0.1 and more."""
VECTOR_TOLERANCE = 1e-4
"""Largest difference of two computations of one vector's numbers, which order sums differently."""
_GONE = ("missing", "unreadable")
_SHOWN = 3
_LAST_SALE = ("last_price", "last_usd", "last_currency", "last_date")

Progress = Callable[[str, int, int], None]
"""Told what is being checked, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        passed: None where it could not be checked.
        message: what was found.
    """

    name: str
    passed: bool | None
    message: str


def verify_index(
    folder: Path,
    *,
    sample: int = 200,
    seed: int = 0,
    weights: Path | None = None,
    progress: Progress = lambda name, done, total: None,
) -> list[Check]:
    """Check all that an index holds, and a sample of its pictures against their sources.

    Args:
        folder: the index.
        sample: pictures that are read and encoded again, drawn evenly from the collections.
        seed: of the draw.
        weights: file of the encoder's weights where they are not the published ones.
        progress: called now and then.

    Returns:
        What was checked; a source that has gone is told, and no failure.

    Raises:
        StoreError: there is no index at all.
    """
    Manifest.read(folder)
    try:
        engine = SearchEngine.open(folder, weights=weights)
    except StoreError as error:
        return [Check("files", False, str(error))]
    rows = even_sample(engine.catalog.collection_codes, sample, seed)
    checks = [_counts(engine), _items(engine), _sales(engine), _spaces(engine)]
    checks += [_vectors(engine, progress), _search(engine, rows), _thumbnails(engine, rows)]
    faults = price_faults(engine, functools.partial(progress, "prices"))
    checks.append(_judged("prices", faults, "fitted on these items and sales"))
    files = Check("files", True, "all are there, with as many rows as the catalog")
    return [files, *checks, *_pictures(engine, rows, progress)]


def even_sample(codes: NDArray[np.int32], size: int, seed: int) -> NDArray[np.int64]:
    """Up to ``size`` rows, ascending, as many of each collection as it has to give.

    Args:
        codes: collection of each row, (n,).
        size: how many.
        seed: of the draw.
    """
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    order = shuffled[np.argsort(codes[shuffled], kind="stable")]
    first = np.searchsorted(codes[order], codes[order])
    turn = np.arange(len(codes)) - first  # the place of each row among those of its collection
    return np.sort(order[np.argsort(turn, kind="stable")[:size]])


def _judged(name: str, faults: Sequence[str], fine: str) -> Check:
    """A check that failed with the first few of these faults, or found everything fine."""
    if not faults:
        return Check(name, True, fine)
    more = f"; and {len(faults) - _SHOWN:,} more" if len(faults) > _SHOWN else ""
    return Check(name, False, "; ".join(faults[:_SHOWN]) + more)


def _counts(engine: SearchEngine) -> Check:
    """The manifest against the files."""
    manifest, sales = engine.manifest, SalesTable.read(engine.folder / store.SALES)
    skipped = Counter(entry.code for entry in store.read_skipped(engine.folder))
    pairs: dict[str, tuple[object, object]] = {
        "items": (manifest.items, len(engine.catalog)),
        "collections": (dict(manifest.collections), engine.catalog.collections),
        "sales": (manifest.sales, len(sales)),
        "excluded sales": (dict(manifest.excluded), sales.counts()),
        "skipped": (dict(manifest.skipped), dict(skipped)),
        "numbers of a descriptor": (manifest.dim, Descriptors(engine.folder / NAME).dim),
    }
    faults = [
        f"{name}: manifest.json says {said}, the files hold {held}"
        for name, (said, held) in pairs.items()
        if said != held
    ]
    return _judged("counts", faults, f"{manifest.items:,} items, {manifest.sales:,} sales")


def _items(engine: SearchEngine) -> Check:
    """Keys that occur once, hashes and sizes that are there."""
    catalog = engine.catalog
    faults = [f"{key} is there {n} times" for key, n in Counter(catalog.keys()).items() if n > 1]
    for name, digits in (("content_hash", 64), ("pixel_hash", 32)):
        bad = [row for row, text in enumerate(_texts(engine, name)) if len(text) != digits]
        faults += [f"{catalog.key(row)} has no {name}" for row in bad]
    for name in ("width", "height"):
        bad = np.flatnonzero(catalog.integers(name) < 1).tolist()
        faults += [f"{catalog.key(row)} has no {name}" for row in bad]
    return _judged("items", faults, "every key once, each with its hashes and size")


def _texts(engine: SearchEngine, name: str) -> list[str]:
    return [text or "" for text in engine.catalog.column(name).to_pylist()]


def _sales(engine: SearchEngine) -> Check:
    """Hygiene's marks and the last sale of each item, computed again."""
    sales, catalog = SalesTable.read(engine.folder / store.SALES), engine.catalog
    faults = [f"a sale of {key}, which is no item" for key in set(sales.keys()) - {*catalog.keys()}]
    marked = mark_sales(sales, engine.manifest.hygiene)
    reasons = zip(sales.text("reason"), marked.text("reason"), strict=True)
    wrong = sum(kept != right for kept, right in reasons)
    faults += [f"{wrong:,} sales are not marked as hygiene marks them"] if wrong else []
    again = with_last_sales(catalog, sales)
    for name in _LAST_SALE:
        kept, right = (one.column(name).to_pylist() for one in (catalog, again))
        differ = [row for row, pair in enumerate(zip(kept, right, strict=True)) if len({*pair}) > 1]
        faults += [f"{catalog.key(row)} has another {name} than its sales say" for row in differ]
    return _judged("sales", faults, "marks and last sales are those of the sales table")


def _spaces(engine: SearchEngine) -> Check:
    """Every fitted number is finite, every head as wide as its list of traits."""
    spaces = engine.retriever.spaces
    faults = [
        f"{name} holds numbers that are not finite"
        for name, tensor in spaces.tensors.items()
        if not np.isfinite(tensor).all()
    ]
    for collection, traits in spaces.vocabulary.items():
        widths = {spaces.tensors[f"{part}/{collection}"].shape[-1] for part in ("weights", "bias")}
        if widths != {len(traits)}:
            faults.append(f"the traits of {collection} do not fit its head")
    return _judged("spaces", faults, f"{len(spaces.tensors):,} arrays, all finite")


def _vectors(engine: SearchEngine, progress: Progress) -> Check:
    """Every vector is of unit length and the one that its descriptor gives."""
    vectors, look = engine.retriever.index.vectors, engine.retriever.spaces.look
    try:
        unit_vectors(vectors, look.width)
    except VectorError as error:
        return Check("vectors", False, str(error))
    faults: list[str] = []
    for start, block in Descriptors(engine.folder / NAME).chunks(1024):
        usable = np.isfinite(block).all(1) & block.any(1)
        gaps = np.abs(look.transform(block) - vectors[start : start + len(block)]).max(axis=1)
        bad = start + np.flatnonzero(~usable | ~(gaps <= VECTOR_TOLERANCE))
        faults += [
            f"the vector of {engine.catalog.key(row)} is not its own" for row in bad.tolist()
        ]
        progress("vectors", start + len(block), len(vectors))
    return _judged("vectors", faults, f"{len(vectors):,}, each that of its descriptor")


def _search(engine: SearchEngine, rows: NDArray[np.int64]) -> Check:
    """The index finds sampled vectors themselves, or equal ones."""
    index = engine.retriever.index
    try:
        found = index.search(index.vectors[rows], 1).distances[:, 0] <= VECTOR_TOLERANCE
    except VectorError as error:
        return Check("search", False, str(error))
    share = float(found.mean())
    message = f"{found.sum():,} of {len(rows):,} sampled vectors find themselves ({index.kind})"
    least = 1.0 if index.kind == "flat" else index.recall - 0.05
    return Check("search", share >= least, message)


def _thumbnails(engine: SearchEngine, rows: NDArray[np.int64]) -> Check:
    """Sampled thumbnails are pictures."""
    faults = []
    for row in rows.tolist():
        try:
            load_image(engine.thumbnails[row])
        except PictureError as error:
            faults.append(f"the thumbnail of {engine.catalog.key(row)}: {error}")
    return _judged("thumbnails", faults, f"{len(rows):,} sampled ones can be shown")


@dataclass(frozen=True)
class _Reading:
    """A sampled picture read again.

    Attributes:
        fault: what is wrong with it.
        gone: its source cannot be read any more.
        apart: difference of its descriptor from the one kept, as a share of that one's length.
    """

    key: str
    fault: str = ""
    gone: bool = False
    apart: float | None = None


def _pictures(
    engine: SearchEngine, rows: NDArray[np.int64], progress: Progress
) -> tuple[Check, Check]:
    """Sampled pictures against their sources, and their descriptors against the encoder."""
    encoder, problem = _encoder(engine)
    readings = []
    with PictureReader() as reader:
        for done, row in enumerate(rows.tolist(), start=1):
            readings.append(_read_again(engine, reader, encoder, row))
            progress("pictures", done, len(rows))
    return _judged_sources(readings), problem or _judged_descriptors(readings)


def _encoder(engine: SearchEngine) -> tuple[Encoder | None, Check | None]:
    """The encoder, or why there is none: other weights are a fault, absent ones are not."""
    try:
        return engine.encoder, None
    except WeightsError as error:
        return None, Check("descriptors", None, f"not encoded again: {error}")
    except StoreError as error:
        return None, Check("descriptors", False, str(error))


def _read_again(
    engine: SearchEngine, reader: PictureReader, encoder: Encoder | None, row: int
) -> _Reading:
    catalog, key = engine.catalog, engine.catalog.key(row)
    picture = catalog.picture(row)
    try:
        encoded = reader.read(picture)
        if encoded.content_hash != catalog.column("content_hash")[row].as_py():
            return _Reading(key, f"{key} is another picture now in {place_of(picture)}")
        rgb = encoded.rgb()
    except PictureError as error:
        return _Reading(key, "" if error.code in _GONE else str(error), error.code in _GONE)
    if pixel_hash(rgb) != catalog.column("pixel_hash")[row].as_py():
        return _Reading(key, f"{key} is decoded to other pixels than when it was indexed")
    if encoder is None:
        return _Reading(key)
    kept = engine.retriever.descriptors.rows([row])[0].astype(np.float32)
    gap = encoder.encode(encoder.prepare(rgb)[None])[0] - kept
    return _Reading(key, apart=float(np.linalg.norm(gap)) / max(float(np.linalg.norm(kept)), 1e-12))


def _judged_sources(readings: Sequence[_Reading]) -> Check:
    gone = [one.key for one in readings if one.gone]
    faults = [one.fault for one in readings if one.fault]
    fine = f"{len(readings) - len(gone):,} of {len(readings):,} sampled are those indexed"
    if gone:
        fine += f"; the sources of {len(gone):,} have gone, such as that of {gone[0]}"
    judged = _judged("pictures", faults, fine)
    return Check("pictures", None, fine) if len(gone) == len(readings) else judged


def _judged_descriptors(readings: Sequence[_Reading]) -> Check:
    apart = {one.key: one.apart for one in readings if one.apart is not None}
    if not apart:
        return Check("descriptors", None, "no picture could be encoded again")
    far = [f"{key} is {gap:.0%} apart" for key, gap in apart.items() if gap > DESCRIPTOR_TOLERANCE]
    fine = f"{len(apart):,} encoded again, at most {max(apart.values()):.2%} apart"
    return _judged("descriptors", far, fine)
