"""Make an index folder from items: build, add and remove are one path with different items.

Encode what is new, put the index together beside its place, let the caller fit what it searches
with, write the manifest, and replace the index before in one step.
"""

import contextlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.building.assembly import (
    Chosen,
    assemble_catalog,
    changes,
    join_sales,
    mark_sales,
    with_last_sales,
    write_arrays,
)
from simsearch.building.encoding import Encoding, encode_items, stop_at_sale
from simsearch.catalog import Catalog, Item, Skipped
from simsearch.encoders import kept
from simsearch.errors import ItemNotFoundError, SourceError, StoreError
from simsearch.preprocessing import Preprocessing
from simsearch.sales.rates import Rates
from simsearch.sales.table import SalesTable
from simsearch.sources.contents import SourceContents
from simsearch.store import descriptors, store
from simsearch.store.descriptors import Descriptors
from simsearch.store.manifest import EncoderStamp, Manifest
from simsearch.store.shelves import Place, Shelf, Shelves


@dataclass(frozen=True)
class Assembled:
    """An index put together but for what searches it.

    Attributes:
        folder: where its files are and where ``Finish`` writes more.
        catalog: its items, the last sale of each filled in.
        descriptors: theirs, in the same order.
        sales: its sales, marked by hygiene.
        previous: folder of the index before, if the same encoder made it.
        previous_rows: int64 (n,): a row of ``previous`` with the same picture; -1 where there is
            none.
    """

    folder: Path
    catalog: Catalog
    descriptors: Descriptors
    sales: SalesTable
    previous: Path | None
    previous_rows: NDArray[np.int64]


Finish = Callable[[Assembled], Mapping[str, object]]
"""Fits and writes what searches the index; returns what the manifest keeps as ``fitted``."""


@dataclass(frozen=True)
class BuildConfig:
    """How an index is made.

    Attributes:
        place: the index folder.
        finish: fits and writes what searches the index.
        encoding: encoder, workers, strictness, progress; not needed to remove items.
        hygiene: whether sales hygiene is on; None means as in the index before, else on.
        rates: converts prices to US dollars, where given.
        settings: kept in the manifest, beside those of the index that is added to.
    """

    place: Path
    finish: Finish
    encoding: Encoding | None = None
    hygiene: bool | None = None
    rates: Rates | None = None
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class BuildResult:
    """What was done.

    Attributes:
        manifest: of the index made.
        encoded: how many pictures were encoded; the others had been before.
        skipped: what was left out this time.
        changes: items ``added`` to and ``replaced`` in the index before, or ``removed`` from it.
    """

    manifest: Manifest
    encoded: int
    skipped: Sequence[Skipped]
    changes: Mapping[str, int]


@dataclass(frozen=True)
class _Entry:
    """One item to be: a new one, one of the index before, or a new one in place of such."""

    item: Item | None = None
    old_row: int = -1


@dataclass(frozen=True)
class _Plan:
    """What the index shall hold, and the index before as far as it is carried on."""

    entries: Sequence[_Entry]
    contents: SourceContents
    shelves: Shelves
    stamp: EncoderStamp
    old: Manifest | None = None


NOTHING = SourceContents([], [], {}, [])


def build(contents: SourceContents, config: BuildConfig) -> BuildResult:
    """Make an index of these contents and nothing else; pictures encoded before are used again.

    Raises:
        StoreError: the place is no index, somebody else is writing it, or the disk is full.
        SourceError: nothing is left to index.
        PictureError: in a strict run, the first picture that cannot be used.
        SalesError: in a strict run, the first sale that cannot be used.
    """
    encoding = _required(config)
    with _writing(config.place):
        stamp = EncoderStamp.of(encoding.encoder)
        shelves = Shelves(_parts(config.place), stamp, _reusable(config.place, stamp))
        entries = [_Entry(item) for item in contents.items]
        return _make(_Plan(entries, contents, shelves, stamp), config)


def add(contents: SourceContents, config: BuildConfig) -> BuildResult:
    """Add items to an index: known keys are replaced in their place, new ones come last.

    A known item whose new picture cannot be used stays as it is. New sales are merged with the
    old ones. Raises what ``build`` raises, and ``StoreError`` where the encoder is another.
    """
    encoding = _required(config)
    with _writing(config.place):
        old = Manifest.read(config.place)
        old.require_encoder(encoding.encoder, config.place)
        shelves = Shelves(_parts(config.place), old.encoder, Shelf(config.place))
        new = {item.key: item for item in contents.items}
        keys = shelves.shelves[0].catalog.keys()
        entries = [_Entry(new.pop(key, None), row) for row, key in enumerate(keys)]
        entries += map(_Entry, new.values())
        return _make(_Plan(entries, contents, shelves, old.encoder, old), config)


def remove(keys: Iterable[str], config: BuildConfig) -> BuildResult:
    """Take items, and their sales, out of an index.

    Raises:
        ItemNotFoundError: the index has no item of that key.
        SourceError: nothing would be left.
        StoreError: as ``build``.
    """
    with _writing(config.place):
        old = Manifest.read(config.place)
        shelves = Shelves(_parts(config.place), old.encoder, Shelf(config.place))
        rows = {key: row for row, key in enumerate(shelves.shelves[0].catalog.keys())}
        for key in dict.fromkeys(keys):
            if rows.pop(key, None) is None:
                raise ItemNotFoundError(f"no item '{key}' in {config.place}; nothing was removed")
        entries = [_Entry(old_row=row) for row in rows.values()]
        return _make(_Plan(entries, NOTHING, shelves, old.encoder, old), config)


def _required(config: BuildConfig) -> Encoding:
    if config.encoding is None:
        raise ValueError("an encoder is needed to build an index or add to it")
    return config.encoding


def _parts(place: Path) -> Path:
    return store.beside(place, "parts")


@contextlib.contextmanager
def _writing(place: Path) -> Iterator[None]:
    """Hold the place, and refuse one that is no index before any work is done."""
    with store.locked(place), store.space_errors(place):
        store.recover(place)
        store.require_replaceable(place)
        yield


def _reusable(place: Path, stamp: EncoderStamp) -> Shelf | None:
    """The index before, if this encoder made it and it is not damaged: a build mends that."""
    with contextlib.suppress(StoreError):
        return Shelf(place) if Manifest.read(place).encoder == stamp else None
    return None


def _make(plan: _Plan, config: BuildConfig) -> BuildResult:
    """Encode, put together, finish, write the manifest, replace."""
    chosen, problems = _encode(plan, config.encoding)
    problems = [*plan.contents.skipped, *problems]
    if not chosen:
        codes = ", ".join(f"{n} {code}" for code, n in Counter(p.code for p in problems).items())
        why = f"skipped: {codes}" if codes else "none given; to drop an index, delete its folder"
        raise SourceError(
            f"{config.place}: no item would be left and nothing was changed ({why}); give pictures"
        )
    with store.replaced(config.place) as folder:
        made, unsold = _assemble(folder, chosen, plan, config)
        _keep(folder, plan, config)
        skipped = [*problems, *unsold]
        manifest = _describe(made, skipped, plan, config)
        manifest.write(folder)
    shutil.rmtree(_parts(config.place), ignore_errors=True)
    known = sum(entry.old_row >= 0 for entry in plan.entries)
    return BuildResult(manifest, plan.shelves.encoded, skipped, changes(chosen, known, plan.old))


def _encode(plan: _Plan, encoding: Encoding | None) -> tuple[list[Chosen], list[Skipped]]:
    """Place of every item that can be used; a known item outlives a new picture that cannot."""
    new = [entry.item for entry in plan.entries if entry.item is not None]
    found = iter(encode_items(new, plan.shelves, encoding) if encoding else [])
    chosen: list[Chosen] = []
    problems: list[Skipped] = []
    for entry in plan.entries:
        place = Place(0, entry.old_row) if entry.item is None else next(found)
        if isinstance(place, Place):
            chosen.append((place, entry.item))
            continue
        problems.append(place)
        if entry.old_row >= 0:
            chosen.append((Place(0, entry.old_row), None))
    return chosen, problems


def _assemble(
    folder: Path, chosen: Sequence[Chosen], plan: _Plan, config: BuildConfig
) -> tuple[Assembled, list[Skipped]]:
    """Write all that does not have to be fitted; also what of the sales was skipped."""
    catalog = assemble_catalog(chosen, plan.shelves)
    old = SalesTable.read(config.place / store.SALES) if plan.old else SalesTable.from_sales([])
    sales, unsold = join_sales(old, plan.contents.sales, catalog, config.rates)
    stop_at_sale(unsold, config.encoding)
    sales = mark_sales(sales, _hygiene(plan, config))
    catalog = with_last_sales(catalog, sales)
    catalog.write(folder / store.CATALOG)
    sales.write(folder / store.SALES)
    write_arrays(folder, [place for place, _ in chosen], plan.shelves)
    previous = config.place if plan.shelves.previous else None
    rows = [place.row if previous and place.shelf == 0 else -1 for place, _ in chosen]
    found = Descriptors(folder / descriptors.NAME)
    return Assembled(folder, catalog, found, sales, previous, np.array(rows, np.int64)), unsold


def _keep(folder: Path, plan: _Plan, config: BuildConfig) -> None:
    """Write what encoding needs besides the package; to remove items, take the old index's."""
    if config.encoding is not None:
        kept.keep(config.encoding.encoder, folder)
    else:
        Preprocessing.kept(config.place, plan.stamp.settings).keep(folder)
        kept.carry(plan.stamp.weights_sha256, config.place, folder)


def _hygiene(plan: _Plan, config: BuildConfig) -> bool:
    if config.hygiene is not None:
        return config.hygiene
    return plan.old.hygiene if plan.old else True


def _describe(
    made: Assembled, skipped: Sequence[Skipped], plan: _Plan, config: BuildConfig
) -> Manifest:
    """Fit what searches the index, and say what the index is."""
    fitted = config.finish(made)
    before = store.read_skipped(config.place) if plan.old else []
    noted = list(dict.fromkeys([*before, *skipped]))
    store.write_skipped(made.folder, noted)
    old_names, old_settings = (plan.old.names, plan.old.settings) if plan.old else ({}, {})
    names = {**old_names, **plan.contents.names}
    return Manifest(
        encoder=plan.stamp,
        dim=made.descriptors.dim,
        items=len(made.catalog),
        collections=made.catalog.collections,
        names={name: names[name] for name in made.catalog.collections if name in names},
        sales=len(made.sales),
        hygiene=_hygiene(plan, config),
        excluded=made.sales.counts(),
        skipped=dict(Counter(entry.code for entry in noted)),
        settings={**old_settings, **config.settings},
        fitted=fitted,
    )
