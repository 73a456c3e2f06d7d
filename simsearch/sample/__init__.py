"""Generated sample collections with planted answers: six styles, six ways to lie on disk.

The pictures are made up by this package; nothing is taken from an existing collection.
"""

import datetime as dt
import shutil
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from simsearch.errors import UsageError
from simsearch.sample import (
    chairbots,
    files,
    lanternfish,
    lighthouses,
    masks,
    moths,
    teapots,
)
from simsearch.sample.design import Design, Look, draw_looks, hidden_slots, traits_of
from simsearch.sample.market import START, Row, Series, draw_premiums, make_rates, open_market
from simsearch.sample.plan import CollectionPlan, SamplePlan, WashSale
from simsearch.sample.scene import forget

__all__ = ["COLLECTIONS", "DESIGNS", "CollectionPlan", "SamplePlan", "WashSale", "write_sample"]


@dataclass(frozen=True)
class _Form:
    """A design and how it lies on disk.

    Attributes:
        design: the collection.
        images: writes the pictures, returns the lines of ``[images]``.
        traits: writes the traits, returns the file's name.
        chain: for ``collection.toml``.
        token: format of the token id, given the item's number from 0.
    """

    design: Design
    images: files.ImageWriter
    traits: Callable[[Path, Sequence[files.Token], Sequence[str]], str]
    chain: str
    token: Callable[[int], str]


def _one_up(number: int) -> str:
    return str(number + 1)


def _metadata(name: str, folder: Path, tokens: Sequence[files.Token], _: Sequence[str]) -> str:
    return files.write_metadata(folder, name, tokens)


_CSV = partial(files.write_trait_csv, absent="")
_FORMS = {
    form.design.id: form
    for form in (
        _Form(lighthouses.DESIGN, files.write_sheet, _CSV, "ethereum", str),
        _Form(moths.DESIGN, partial(files.write_zip, kind="png"), _CSV, "ethereum", _one_up),
        _Form(
            chairbots.DESIGN,
            partial(files.write_folder, odd="gif"),
            partial(_metadata, "Chairbot"),
            "solana",
            _one_up,
        ),
        _Form(
            teapots.DESIGN,
            partial(files.write_folder, odd="webp"),
            partial(files.write_trait_csv, absent="none"),
            "ethereum",
            _one_up,
        ),
        _Form(
            lanternfish.DESIGN,
            partial(files.write_zip, kind="jpg", inside="depths/"),
            files.write_trait_parquet,
            "ethereum",
            _one_up,
        ),
        _Form(
            masks.DESIGN,
            lambda folder, tokens: files.write_table(folder, masks.DESIGN.id, tokens),
            _CSV,
            "polygon",
            "mask-{:04d}".format,
        ),
    )
}
COLLECTIONS = tuple(_FORMS)
"""Ids of the six collections, which are their folders' names."""
DESIGNS = {name: form.design for name, form in _FORMS.items()}
"""What each collection is made of."""


def write_sample(
    folder: Path,
    *,
    seed: int = 0,
    size: int = 400,
    collections: Iterable[str] = COLLECTIONS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SamplePlan:
    """Write the sample collections, ``rates.csv`` and ``plan.json`` into a folder.

    The same arguments give the same bytes. A collection does not depend on which others are asked
    for. An older sample in the folder is replaced.

    Args:
        folder: made where it is missing; must be empty or hold a sample.
        seed: source of all chance.
        size: items of a collection, at least 20 (``teapots``, the one of large pictures, has half).
        collections: ids out of ``COLLECTIONS``.
        progress: called with the number of collections written and of all.

    Raises:
        UsageError: the folder holds something else, a collection is unknown, size is too small.
    """
    wanted = [name for name in COLLECTIONS if name in set(collections)]
    _check(folder, size, set(collections))
    for name in COLLECTIONS:
        shutil.rmtree(folder / name, ignore_errors=True)
    rates = make_rates(_generator(seed, "rates"))
    plans = {}
    for done, name in enumerate(wanted, start=1):
        plans[name] = _write_collection(folder / name, _FORMS[name], seed, size, rates)
        progress(done, len(wanted))
    plan = SamplePlan(seed, size, plans)
    files.write_rates(folder / "rates.csv", rates)
    plan.write(folder / "plan.json")
    return plan


def _check(folder: Path, size: int, collections: set[str]) -> None:
    unknown = collections - set(COLLECTIONS)
    if unknown or not collections:
        raise UsageError(
            f"no sample collection {sorted(unknown)}: choose of {', '.join(COLLECTIONS)}"
        )
    if size < 20:
        raise UsageError(f"a sample of {size} items is too small for its wash trades: ask for 20")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / "plan.json").exists():
        raise UsageError(f"{folder} is not empty and holds no sample: name a new folder")


def _generator(seed: int, name: str) -> np.random.Generator:
    """A source of chance of its own for each name."""
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))


def _write_collection(
    folder: Path, form: _Form, seed: int, size: int, rates: Mapping[str, Series]
) -> CollectionPlan:
    design, rng = form.design, _generator(seed, form.design.id)
    folder.mkdir()
    looks = draw_looks(design, rng, round(size * design.share))
    premiums = draw_premiums(design.slots, rng)
    level, market = open_market(design, looks, premiums, rates, rng)
    rows = market.trade()
    ids = tuple(form.token(number) for number in range(len(looks)))
    _write_files(folder, form, ids, looks, rows)
    forget()
    return CollectionPlan(
        name=design.name,
        items=ids,
        currency=design.terms.currency,
        other=design.terms.other,
        sigma=design.terms.sigma,
        start=START,
        level=tuple(float(value) for value in level),
        premiums=premiums,
        wash=tuple(_wash_sales(ids, rows)),
        hidden=tuple(_hidden(design, ids, looks)),
    )


def _write_files(
    folder: Path, form: _Form, ids: Sequence[str], looks: Sequence[Look], rows: Sequence[Row]
) -> None:
    design = form.design
    tokens = [
        files.Token(token_id, traits_of(design, look), partial(design.draw, look))
        for token_id, look in zip(ids, looks, strict=True)
    ]
    types = list(dict.fromkeys(slot.trait_type for slot in design.slots))
    images = form.images(folder, tokens)
    if design.background:
        images.append(f'background = "{design.background}"')
    traits = [f'file = "{form.traits(folder, tokens, types)}"', 'id = "token_id"']
    if len(types) < len(design.slots):
        traits.append('separator = " / "')
    sales = files.write_sales(folder, ids, rows, design.terms.bundles)
    head = {"name": design.name, "chain": form.chain}
    files.write_toml(folder, head, {"images": images, "traits": traits, "sales": sales})


def _wash_sales(ids: Sequence[str], rows: Sequence[Row]) -> Iterable[WashSale]:
    for line, row in enumerate(rows, start=2):
        if row.wash:
            yield WashSale(line, ids[row.item], START + dt.timedelta(days=row.day), row.wash)


def _hidden(
    design: Design, ids: Sequence[str], looks: Sequence[Look]
) -> Iterable[tuple[str, str, str]]:
    slots = {slot.name: slot for slot in design.slots}
    for token_id, look in zip(ids, looks, strict=True):
        for name in sorted(hidden_slots(design, look)):
            yield token_id, slots[name].trait_type, look[name]
