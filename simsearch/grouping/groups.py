"""Groups of an index: a space of drawn outlines, k-means in it, and the file that keeps both."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Catalog
from simsearch.draws import evenly
from simsearch.errors import StoreError
from simsearch.grouping.clustering import KChoice, KMeans, check_k, choose_k, medoids, nearest
from simsearch.space.look import LookSpace, Span
from simsearch.space.outlines import outlines
from simsearch.space.spaces import Rows
from simsearch.store import store
from simsearch.tensors import save_state

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

NAME = "groups.safetensors"
WIDTH = 64
"""Numbers per point, the constant one not included."""
FIT_ITEMS = 10_000
"""Items that groups are fitted on at most, drawn evenly from the collections."""
CHOICE_ITEMS = 5_000
"""Items that the number of groups is chosen on at most."""
_CHUNK = 1024


@dataclass(frozen=True)
class GroupSpace:
    """The space groups are made in: outlines of the colour grid, partly whitened.

    Descriptors without a grid are taken as they are.

    Attributes:
        spans: the blocks of a descriptor.
        space: from outlines, or descriptors, to unit vectors.
    """

    spans: tuple[Span, ...]
    space: LookSpace

    @classmethod
    def fit(cls, descriptors: NDArray[Any], spans: Sequence[Span], seed: int = 0) -> "GroupSpace":
        """Fit on descriptors (n, dim)."""
        drawn = _drawn(descriptors, spans)
        blocks = [("outlines", 0, drawn.shape[1])] if _grid(spans) else spans
        space = LookSpace.fit(drawn, blocks, seed)
        return cls(tuple(spans), replace(space, components=space.components[:, :WIDTH]))

    def transform(self, descriptors: NDArray[Any]) -> Floats:
        """Unit vectors float32 (n, width) of descriptors (n, dim)."""
        return self.space.transform(_drawn(descriptors, self.spans))

    def points(self, descriptors: Rows, count: int) -> Floats:
        """Unit vectors of the first ``count`` rows, read piece by piece."""
        starts = range(0, count, _CHUNK)
        rows = (np.arange(start, min(start + _CHUNK, count)) for start in starts)
        return np.concatenate([self.transform(descriptors.rows(part)) for part in rows])


def _grid(spans: Sequence[Span]) -> slice | None:
    """Columns that hold the colours of a grid."""
    for name, start, stop in spans:
        if name in ("grid", "pixels"):
            return slice(start, stop)
    return None


def _drawn(descriptors: NDArray[Any], spans: Sequence[Span]) -> NDArray[Any]:
    grid = _grid(spans)
    return descriptors if grid is None else outlines(descriptors[:, grid])


@dataclass(frozen=True)
class Groups:
    """Fitted groups, numbered from 0, the largest of the fit first.

    Attributes:
        space: where they lie.
        centers: float32 (k, width).
        choice: how many there are and why.
    """

    space: GroupSpace
    centers: Floats
    choice: KChoice

    @classmethod
    def fit(
        cls,
        descriptors: Rows,
        codes: NDArray[np.integer[Any]],
        spans: Sequence[Span],
        k: int | None = None,
        seed: int = 0,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> "Groups":
        """Fit groups on items drawn evenly from the collections, which are used for nothing else.

        Args:
            descriptors: of all items.
            codes: (n,), the collection of each item.
            spans: parts of a descriptor, (name, start, stop).
            k: how many groups; None chooses, see ``choose_k``.
            seed: of the draw and of k-means.
            progress: told how far the choice is.

        Raises:
            UsageError: k below 1 or above the number of items.
        """
        if k is not None:
            check_k(k, len(codes))
        rows = evenly(codes, max(FIT_ITEMS, k or 0), seed)
        sample = descriptors.rows(rows)
        space = GroupSpace.fit(sample, spans, seed)
        points = space.transform(sample)
        if k is None:
            part = evenly(codes[rows], CHOICE_ITEMS, seed)
            choice = choose_k(points[part], seed, progress)
        else:
            choice = KChoice(k, [], [], [], [], f"{k} groups, as asked")
        fitted = KMeans(choice.k, seed=seed).fit(points)
        if len(fitted.centers_) < choice.k:
            made = f"{len(fitted.centers_)} groups: no more items of {choice.k} asked for differ"
            choice = replace(choice, k=len(fitted.centers_), reason=made)
        return cls(space, fitted.centers_, choice)

    def labels(self, descriptors: NDArray[Any]) -> Ids:
        """Group of each of descriptors (n, dim)."""
        return nearest(self.centers, self.space.transform(descriptors))

    def describe(self, descriptors: Rows, count: int) -> "Grouped":
        """Groups of the first ``count`` rows."""
        points = self.space.points(descriptors, count)
        found = nearest(self.centers, points)
        gaps = points - self.centers[found]
        apart: Floats = np.einsum("nd,nd->n", gaps, gaps) / np.float32(2)
        return Grouped(found, medoids(points, found, self.centers), apart)

    def save(self, path: Path) -> None:
        """Write one safetensors file."""
        notes = {
            "spans": json.dumps(self.space.spans),
            "blocks": json.dumps(self.space.space.spans),
            "choice": json.dumps(asdict(self.choice)),
        }
        save_state(path, self.space.space.tensors() | {"centers": self.centers}, notes)

    @classmethod
    def open(cls, path: Path) -> "Groups":
        """Read what ``save`` wrote.

        Raises:
            StoreError: missing or damaged.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                notes = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            blocks, spans = (
                tuple((name, start, stop) for name, start, stop in json.loads(notes[part]))
                for part in ("blocks", "spans")
            )
            space = GroupSpace(spans, LookSpace.from_tensors(blocks, tensors))
            choice = KChoice(**json.loads(notes["choice"]))
            return cls(space, tensors["centers"], choice)
        except (OSError, KeyError, ValueError, TypeError, SafetensorError) as error:
            raise StoreError(
                f"{path}: unreadable ({error}); build the index again, then run 'simsearch cluster'"
            ) from error


@dataclass(frozen=True)
class Grouped:
    """Groups of n items.

    Attributes:
        labels: int64 (n,), group of each item.
        medoids: int64 (k,), the row that stands for each group; -1 where it is empty.
        distances: float32 (n,), half the squared distance of each item to the centre of its group.
    """

    labels: Ids
    medoids: Ids
    distances: Floats

    @property
    def sizes(self) -> Ids:
        """Items of each group, int64 (k,)."""
        return np.bincount(self.labels, minlength=len(self.medoids))

    def members(self, group: int, most: int) -> Ids:
        """Members but the medoid, from the middle to the edge, in even steps where many."""
        rows = np.flatnonzero(self.labels == group)
        rows = rows[rows != self.medoids[group]]
        ordered = rows[np.argsort(self.distances[rows], kind="stable")]
        steps = np.linspace(0, len(ordered) - 1, min(most, len(ordered)))
        return np.asarray(ordered[steps.round().astype(np.int64)])

    def collections(self, group: int, catalog: Catalog) -> dict[str, int]:
        """Items of each collection in a group, most first."""
        names = list(catalog.collections)
        counts = np.bincount(catalog.collection_codes[self.labels == group])
        order = np.argsort(-counts, kind="stable")
        return {names[code]: int(counts[code]) for code in order.tolist() if counts[code]}


def write_groups(place: Path, build_id: str, groups: Groups, catalog: Catalog, found: Ids) -> None:
    """Put groups into an index: their file, and the group of each item into the catalog.

    Args:
        place: the index folder.
        build_id: the build that the groups were made of.
        groups: to be kept.
        catalog: of that build.
        found: (n,), group of each item.

    Raises:
        StoreError: the index was built again meanwhile, or cannot be written.
    """
    marked = catalog.with_columns(cluster=found)
    store.replace_file(place, NAME, groups.save, build_id)
    store.replace_file(place, store.CATALOG, marked.write, build_id)


def keep_groups(
    previous: Path, folder: Path, catalog: Catalog, descriptors: Rows, previous_rows: Ids
) -> None:
    """Carry the groups of an index over to the one that takes its place; new items get theirs.

    Args:
        previous: folder of the index before; nothing happens where it has no groups.
        folder: of the new one, whose catalog is written again.
        catalog: of the new one.
        descriptors: of the new one.
        previous_rows: (n,), a row of the index before that shows the same picture; -1 for none.
    """
    if not (previous / NAME).exists():
        return
    try:
        groups = Groups.open(previous / NAME)
    except StoreError:
        return  # damaged: the new index is whole without them, and can be grouped again
    old = Catalog.read(previous / store.CATALOG).column("cluster").fill_null(-1).to_numpy()
    found = np.append(old, -1)[previous_rows].astype(np.int64)
    new = np.flatnonzero(found < 0)
    for start in range(0, len(new), _CHUNK):
        rows = new[start : start + _CHUNK]
        found[rows] = groups.labels(descriptors.rows(rows))
    groups.save(folder / NAME)
    catalog.with_columns(cluster=found).write(folder / store.CATALOG)
