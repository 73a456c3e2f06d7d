"""All that is fitted on an index: look space, cell weights and trait heads, in one file."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simsearch.catalog import Catalog, Trait
from simsearch.errors import StoreError
from simsearch.space.cells import even_weights, fit_cell_weights
from simsearch.space.heads import HEAD_CODE, LEAST_ITEMS, MOST_ITEMS, MOST_TRAITS, TraitHead
from simsearch.space.look import LookSpace, Span
from simsearch.space.outlines import OutlineSpace
from simsearch.space.trait_matrix import TraitMatrix, trait_matrix
from simsearch.tensors import save_state

Floats = NDArray[np.float32]

NAME = "spaces.safetensors"
FORMAT = "3"
"""Of this file; raised where fitting changes so that what was fitted before no longer serves."""
FIT_ITEMS = 10_000
"""Items the look space is fitted on at most, drawn evenly from the collections."""
FIT_NUMBERS = 100_000_000
"""Numbers in their descriptors at most, which bounds the memory of wide ones."""
OWN_ITEMS = 4_000
"""Items that a look space of some items alone is fitted on at most."""
OWN_NUMBERS = 50_000_000
"""Numbers in their descriptors at most."""
CELL_ITEMS = 4_000
"""Items of a collection its cell weights are fitted on at most."""
_CHUNK = 500


class Rows(Protocol):
    """Descriptors that can be read by row."""

    def rows(self, ids: ArrayLike) -> NDArray[np.floating[Any]]:
        """Descriptors (len(ids), dim) of some rows."""
        ...


@dataclass
class Spaces:
    """What turns descriptors into answers.

    Attributes:
        look: the space of the searchable vectors.
        vocabulary: the traits each collection's head knows, in the order of its scores.
        tensors: cell weights and heads by name, read from the file when first asked for.
        outlines: the space of the vectors that find edited copies, where there is a grid.
    """

    look: LookSpace
    vocabulary: Mapping[str, list[Trait]]
    tensors: Mapping[str, NDArray[np.generic]]
    outlines: OutlineSpace | None = None
    _heads: dict[str, TraitHead] = field(default_factory=dict, repr=False)

    @property
    def grid(self) -> slice | None:
        """Columns of a descriptor that hold the colours of a grid, if it has such."""
        for name, start, stop in self.look.spans:
            if name == "grid":
                return slice(start, stop)
        return None

    def cell_weights(self, collection: str) -> Floats:
        """Cell weights of a collection; even ones where it was not there when they were fitted."""
        name = f"cells/{collection}"
        if name in self.tensors:
            return np.asarray(self.tensors[name], dtype=np.float32)
        grid = self.grid or slice(0, 0)
        return even_weights((grid.stop - grid.start) // 3)

    def head(self, collection: str) -> TraitHead | None:
        """Trait head of a collection, None where it has none."""
        if collection not in self.vocabulary:
            return None
        if collection not in self._heads:
            weights, bias = (self.tensors[f"{part}/{collection}"] for part in ("weights", "bias"))
            head = TraitHead(weights.astype(np.float32), bias.astype(np.float32, copy=False))
            self._heads[collection] = head
        return self._heads[collection]

    def trait_scores(self, descriptor: NDArray[np.floating], collection: str) -> Floats | None:
        """Scores 0..1 of the traits in ``vocabulary[collection]``, (t,), or None without a head."""
        head = self.head(collection)
        if head is None:
            return None
        scores: Floats = head.predict(self._head_features(descriptor[None]))[0]
        return scores

    def _head_features(self, descriptors: NDArray[np.floating]) -> Floats:
        """What heads read: coded colours where there is a grid, else the look vector."""
        if self.grid is None:
            return self.look.transform(descriptors)
        return HEAD_CODE(descriptors[:, self.grid])

    @classmethod
    def fit(
        cls,
        descriptors: Rows,
        catalog: Catalog,
        spans: Sequence[Span],
        *,
        rows: NDArray[np.int64] | None = None,
        seed: int = 0,
        look: LookSpace | None = None,
    ) -> "Spaces":
        """Fit everything on the given catalog rows (all by default) and on nothing else.

        A look space that is given is taken as it is.
        """
        rows = np.arange(len(catalog)) if rows is None else rows
        groups = dict(_by_collection(catalog, rows))
        most = min(FIT_ITEMS, FIT_NUMBERS // spans[-1][2])
        sample = _even_draw(list(groups.values()), most, seed)
        drawn = descriptors.rows(sample)
        spaces = cls(look or LookSpace.fit(drawn, spans, seed), {}, {})
        if spaces.grid is not None:
            spaces.outlines = OutlineSpace.fit(drawn[:, spaces.grid], seed)
        del drawn
        tensors: dict[str, NDArray[np.generic]] = {}
        vocabulary: dict[str, list[Trait]] = {}
        for name, members in groups.items():
            if spaces.grid is not None:
                some = _draw(members, CELL_ITEMS, seed)
                grids = descriptors.rows(some)[:, spaces.grid]
                tensors[f"cells/{name}"] = fit_cell_weights(grids, seed)
            known = _labels(catalog, members)
            labelled = _draw(np.unique(known.items), MOST_ITEMS, seed)
            if len(labelled) >= LEAST_ITEMS:
                features = spaces._features_of(descriptors, members[labelled])
                head = TraitHead.fit(features, known.dense(labelled))
                tensors[f"weights/{name}"] = head.weights.astype(np.float16)
                tensors[f"bias/{name}"] = head.bias
                vocabulary[name] = [(kind, value) for _, kind, value in known.vocabulary]
        return cls(spaces.look, vocabulary, tensors, spaces.outlines)

    def _features_of(self, descriptors: Rows, rows: NDArray[np.int64]) -> Floats:
        """Head features of many rows, coded a piece at a time so that memory holds them once."""
        width = self.look.width if self.grid is None else HEAD_CODE.dim
        features = np.empty((len(rows), width), dtype=np.float32)
        for start in range(0, len(rows), _CHUNK):
            part = slice(start, start + _CHUNK)
            features[part] = self._head_features(descriptors.rows(rows[part]))
        return features

    def save(self, folder: Path) -> None:
        """Write ``spaces.safetensors``."""
        notes = {
            "format": FORMAT,
            "spans": json.dumps(self.look.spans),
            "vocabulary": json.dumps(self.vocabulary),
        }
        spaces = {"look": self.look}
        if self.outlines is not None:
            spaces["outlines"] = self.outlines.space
        fitted = {
            f"{kind}/{name}": tensor
            for kind, space in spaces.items()
            for name, tensor in space.tensors().items()
        }
        save_state(folder / NAME, fitted | dict(self.tensors), notes)

    @classmethod
    def open(cls, folder: Path) -> "Spaces":
        """Open what ``save`` wrote; cell weights and heads are read when asked for.

        Raises:
            StoreError: missing or damaged.
        """
        try:
            tensors = _TensorFile(folder / NAME)
            if tensors.notes["format"] != FORMAT:
                raise ValueError(f"format {tensors.notes['format']}, not {FORMAT}")
            spans = [
                (name, start, stop) for name, start, stop in json.loads(tensors.notes["spans"])
            ]
            vocabulary = {
                name: [(kind, value) for kind, value in pairs]
                for name, pairs in json.loads(tensors.notes["vocabulary"]).items()
            }
            look = LookSpace.from_tensors(spans, _named(tensors, "look/"))
            outlines = None
            if lines := _named(tensors, "outlines/"):
                outlines = OutlineSpace.from_tensors(lines)
            return cls(look, vocabulary, tensors, outlines)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise StoreError(f"{folder / NAME}: unreadable ({error}); build it again") from error


def fit_look(
    descriptors: Rows, groups: Sequence[NDArray[np.int64]], spans: Sequence[Span], seed: int
) -> LookSpace:
    """Look space of some items and no others; a few thousand, as many of each group, are drawn."""
    most = min(OWN_ITEMS, OWN_NUMBERS // spans[-1][2])
    return LookSpace.fit(descriptors.rows(_even_draw(groups, most, seed)), spans, seed)


def transform_rows(look: LookSpace, descriptors: Rows, rows: NDArray[np.int64]) -> Floats:
    """Unit vectors float32 (len(rows), width) of some rows, read a piece at a time."""
    vectors = np.empty((len(rows), look.width), dtype=np.float32)
    for start in range(0, len(rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        vectors[part] = look.transform(descriptors.rows(rows[part]))
    return vectors


def _named(tensors: Mapping[str, NDArray[Any]], start: str) -> dict[str, NDArray[Any]]:
    """Those whose name starts so, by the rest of it."""
    return {name.removeprefix(start): tensors[name] for name in tensors if name.startswith(start)}


class _TensorFile(Mapping[str, NDArray[Any]]):
    """Tensors of a safetensors file, each read on first use and kept."""

    def __init__(self, path: Path) -> None:
        from safetensors import SafetensorError, safe_open

        try:
            opened: Any = safe_open(path, framework="numpy")
            self._file = opened
        except SafetensorError as error:
            raise ValueError(str(error)) from error
        self._names = list(self._file.keys())
        self._read: dict[str, NDArray[Any]] = {}
        self.notes: dict[str, str] = self._file.metadata() or {}

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._read:
            self._read[name] = self._file.get_tensor(name)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _labels(catalog: Catalog, rows: NDArray[np.int64]) -> TraitMatrix:
    """The commonest traits of some items of one collection."""
    matrix = trait_matrix(catalog, rows)
    counts = np.bincount(matrix.indices, minlength=len(matrix.vocabulary))
    common = np.sort(np.argsort(-counts, kind="stable")[:MOST_TRAITS])
    return matrix.restricted([matrix.vocabulary[column] for column in common])


def _by_collection(
    catalog: Catalog, rows: NDArray[np.int64]
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    codes = catalog.collection_codes[rows]
    for code, name in enumerate(catalog.collections):
        if (members := rows[codes == code]).size:
            yield name, members


def _draw(rows: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """At most ``most`` of the rows, in ascending order so that they are read in one sweep."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])


def _even_draw(groups: Sequence[NDArray[np.int64]], most: int, seed: int) -> NDArray[np.int64]:
    """About ``most`` rows, as many from each group as it has to give."""
    share = max(most // len(groups), 1)
    return np.sort(np.concatenate([_draw(group, share, seed) for group in groups]))
