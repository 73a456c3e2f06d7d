"""Pictures with one label each, and which of them train, validate and test."""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Item
from simsearch.draws import at_most, split_queries
from simsearch.errors import SourceError
from simsearch.filters import as_written
from simsearch.sources.names import natural_order
from simsearch.training.decoding import Pictures, Preparation, Progress, decode_items

Ids = NDArray[np.int64]

TRAIN, VALID, TEST = "train", "valid", "test"
PARTS = (TRAIN, VALID, TEST)


@dataclass(frozen=True)
class Draw:
    """Which label is meant, and who trains, validates and tests.

    Attributes:
        label: a trait type; empty for the collection, which in a tree of folders is the folder.
        per_class: pictures of each class at most, in each part that folders give; 0 = all.
        test_share: part of each class that is set aside, where no folders say who tests.
        valid_share: part of the training pictures of each class that says when to stop.
        seed: of the draws.
    """

    label: str = ""
    per_class: int = 0
    test_share: float = 0.2
    valid_share: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures of classes.

    Attributes:
        pixels: uint8 (m, side, side, 3), memory-mapped, of these and perhaps of others.
        items: theirs, n.
        places: int64 (n,), rows of ``pixels``.
        classes: names, 2 before 10; each has a training picture.
        codes: int64 (n,), the class of each.
        parts: text (n,): ``train``, ``valid`` or ``test``.
        left_out: reason → pictures that are not among these.
    """

    pixels: Pictures
    items: list[Item]
    places: Ids
    classes: tuple[str, ...]
    codes: Ids
    parts: NDArray[np.str_]
    left_out: Counter[str]

    @cached_property
    def _rows(self) -> dict[str, Ids]:
        return {part: np.flatnonzero(self.parts == part) for part in PARTS}

    def rows(self, part: str) -> Ids:
        """Positions, ascending, of the pictures of a part."""
        return self._rows[part]

    def take(self, rows: Ids) -> Pictures:
        """Some of the pictures, uint8 (len(rows), side, side, 3)."""
        return np.asarray(self.pixels[self.places[rows]])

    def counts(self, part: str) -> Ids:
        """How many pictures of each class a part has, int64 (classes,)."""
        return np.bincount(self.codes[self.rows(part)], minlength=len(self.classes))


def read_labelled(
    items: Sequence[Item],
    draw: Draw,
    preparation: Preparation,
    folder: Path,
    progress: Progress = lambda done, total: None,
) -> LabelledPictures:
    """Decode the pictures of items and say who trains; the same for the same items and draw.

    Parts that the items state (folders ``train``, ``valid``, ``test``) are kept; ``valid`` stands
    in where there is no ``test``. Others are drawn class by class: of two or more pictures at least
    one trains, and a class with one picture trains only. Left out are pictures without a label or
    with several (``no-label``, ``several-labels``), beyond ``per_class`` (``not-drawn``), that
    cannot be read (their reason code), or of classes without a training picture
    (``not-in-training``).

    Args:
        items: of any source or catalog.
        draw: which label, and the shares.
        preparation: what is made of each picture.
        folder: keeps what was decoded.
        progress: told how many pictures are decoded, of how many.

    Raises:
        SourceError: fewer than two classes, no picture to train on, or none that can be read.
    """
    left_out: Counter[str] = Counter()
    kinds = {kind for item in items for kind, _ in item.traits}
    draw = replace(draw, label=as_written(draw.label, kinds))
    labels = [_label(item, draw.label) for item in items]
    left_out += Counter(label.reason for label in labels if label.reason)
    known = [place for place, label in enumerate(labels) if not label.reason]
    if not known:
        raise SourceError(_nothing(draw.label, kinds))
    chosen = _drawn([items[place] for place in known], [labels[p].name for p in known], draw)
    left_out["not-drawn"] += len(known) - len(chosen)
    kept = [items[known[place]] for place in chosen.tolist()]
    decoded = decode_items(kept, preparation, folder, progress)
    left_out += decoded.left_out
    names = [_label(item, draw.label).name for item in decoded.items]
    return _split(decoded.pixels, decoded.items, names, draw, +left_out)


@dataclass(frozen=True)
class _Label:
    name: str = ""
    reason: str = ""


def _label(item: Item, kind: str) -> _Label:
    """Collection of an item, or its value of a trait type; else why it has no label."""
    if not kind:
        return _Label(item.collection)
    values = {value for one, value in item.traits if one == kind}
    if len(values) == 1:
        return _Label(values.pop())
    return _Label(reason="several-labels" if values else "no-label")


def _nothing(kind: str, kinds: Set[str]) -> str:
    if kind:
        told = ", ".join(sorted(kinds)) or "none"
        return f"no picture has one value of the trait type '{kind}' (--label); types are {told}"
    return "there are no pictures; give folders of classes, or a source of several collections"


def _coded(names: Sequence[str]) -> tuple[tuple[str, ...], Ids]:
    """Classes, 2 before 10, and the place of each name among them."""
    classes = tuple(sorted(set(names), key=natural_order))
    place = {name: code for code, name in enumerate(classes)}
    return classes, np.array([place[name] for name in names], dtype=np.int64)


def _drawn(items: Sequence[Item], names: Sequence[str], draw: Draw) -> Ids:
    """Places of at most ``per_class`` items of each class and of each part that folders give."""
    if not draw.per_class:
        return np.arange(len(items))
    _, codes = _coded([f"{name}\0{item.split}" for name, item in zip(names, items, strict=True)])
    return np.flatnonzero(
        at_most(np.ones(len(items), dtype=bool), codes, draw.per_class, draw.seed)
    )


def _split(
    pixels: Pictures,
    items: list[Item],
    names: Sequence[str],
    draw: Draw,
    left_out: Counter[str],
) -> LabelledPictures:
    """Give each picture its part, and leave out classes that nobody can learn."""
    classes, codes = _coded(names)
    parts = _parts([item.split for item in items], codes, draw)
    learned = np.isin(np.arange(len(classes)), codes[parts == TRAIN])
    kept = np.flatnonzero(learned[codes])
    left_out["not-in-training"] += len(items) - len(kept)
    chosen = tuple(name for name, there in zip(classes, learned, strict=True) if there)
    if not chosen:
        raise SourceError("no picture is left to train on; put some into train/CLASS/")
    if len(chosen) < 2:
        message = f"all training pictures are of one class, '{chosen[0]}'; give two or more classes"
        raise SourceError(message)
    return LabelledPictures(
        pixels,
        [items[place] for place in kept.tolist()],
        kept,
        chosen,
        (np.cumsum(learned) - 1)[codes[kept]],
        parts[kept],
        +left_out,
    )


def _parts(given: Sequence[str], codes: Ids, draw: Draw) -> NDArray[np.str_]:
    """The part of each picture: as it was given, else drawn."""
    parts = np.array([part if part in PARTS else "" for part in given], dtype="U5")
    if TEST not in parts:
        parts[parts == VALID] = TEST
    _set_aside(parts, "", codes, draw.test_share, draw.seed, TEST)
    parts[parts == ""] = TRAIN
    if VALID not in parts:
        _set_aside(parts, TRAIN, codes, draw.valid_share, draw.seed, VALID)
    return parts


def _set_aside(
    parts: NDArray[np.str_], of: str, codes: Ids, share: float, seed: int, into: str
) -> None:
    """Move a share of each class from one part into another."""
    rows = np.flatnonzero(parts == of)
    if share > 0 and len(rows):
        parts[rows[split_queries(codes[rows], share, seed)]] = into
