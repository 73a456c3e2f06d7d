"""FAISS indexes: ``flat`` scans every vector, ``hnsw`` and ``ivfpq`` find candidates first.

In a folder: ``vectors.npy`` holds the vectors once, for every kind and for whoever else needs them;
``index.faiss`` what the kind adds to them (nothing but an empty shell for ``flat``); ``index.json``
what was measured.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from simsearch.errors import StoreError, UsageError
from simsearch.index import exact
from simsearch.index.structures import Settings, build_structure, find_candidates, grown
from simsearch.neighbors import Neighbors

VECTORS, STRUCTURE, FACTS = "vectors.npy", "index.faiss", "index.json"

_SPARE = 16  # looked up besides the k asked for, to see that no tie was cut off
_MEASURED_QUERIES = 400
_MEASURED_K = 10
_PRODUCT_NUMBERS = 1000  # numbers of queries, for each thread, from which matrix products pay


class FaissIndex:
    """See ``simsearch.index.VectorIndex``."""

    def __init__(
        self,
        kind: str,
        vectors: NDArray[np.float32],
        structure: faiss.Index | None,
        settings: Settings,
    ) -> None:
        self.kind = kind
        self.vectors = vectors
        self.settings = settings
        self.recall = 1.0
        self.recall_unranked = 1.0
        self._structure = structure

    @classmethod
    def build(cls, kind: str, vectors: NDArray[np.float32], settings: Settings) -> "FaissIndex":
        """Check the vectors, build, and measure the recall where the kind is not exact."""
        vectors = exact.unit_vectors(vectors)
        index = cls(kind, vectors, build_structure(kind, vectors, settings), settings)
        index._measure()
        return index

    @property
    def size(self) -> int:
        """Number of vectors."""
        return len(self.vectors)

    @property
    def dim(self) -> int:
        """Width of a vector."""
        return int(self.vectors.shape[1])

    def search(
        self, queries: NDArray[np.float32], k: int, *, allowed: NDArray[np.bool_] | None = None
    ) -> Neighbors:
        """The k nearest; with ``allowed`` (size,) the exact k nearest among the allowed rows.

        Raises:
            VectorError: queries that are no unit vectors of this width.
            UsageError: k below 1.
        """
        queries = exact.unit_vectors(queries, self.dim)
        if k < 1:
            raise UsageError(f"cannot look for {k} neighbours; ask for 1 or more")
        if allowed is not None and (allowed.dtype != np.bool_ or allowed.shape != (self.size,)):
            raise ValueError(f"allowed must be {self.size} booleans, one for each vector")
        if allowed is None and self._structure is not None:
            candidates = find_candidates(self._structure, queries, k, self.settings)
            found = exact.ranked(self.vectors, queries, candidates, k)
            doubtful = found.ids[:, min(k, self.size) - 1] < 0
        else:
            found, doubtful = self._scan(queries, k, allowed)
        if doubtful.any():
            sure = exact.scan(self.vectors, queries[doubtful], k, allowed)
            found.ids[doubtful], found.distances[doubtful] = sure.ids, sure.distances
        return found

    def _scan(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[Neighbors, NDArray[np.bool_]]:
        """The exact k nearest, and for which queries rounding or ties may have hidden one."""
        rows = None if allowed is None else np.flatnonzero(allowed)
        available = self.size if rows is None else len(rows)
        wanted = min(k + _SPARE, available)
        similarities, candidates = _greatest_products(self.vectors, queries, wanted, rows)
        found = exact.ranked(self.vectors, queries, candidates, k)
        if wanted == available:
            return found, np.zeros(len(queries), dtype=np.bool_)
        unseen = 1 - similarities[:, -1] - exact.ROUNDING  # nothing unseen is nearer than this
        return found, found.distances[:, -1] >= unseen

    def _measure(self) -> None:
        """Recall@10 over a seeded sample of the vectors, each leaving itself out.

        Vectors that are not in the index do as well (within .002 on 2,000 held-out pictures). A
        neighbour counts as found when one is answered that is no farther: of identical pictures
        none is the right one. ``recall_unranked`` is the recall of the structure's own order.
        """
        if self._structure is None:
            return
        count = min(_MEASURED_QUERIES, self.size)
        asked = np.random.default_rng(self.settings.seed).choice(self.size, count, replace=False)
        queries, k = self.vectors[asked], _MEASURED_K + 1
        limits = self._scan(queries, k, None)[0].distances[:, -1:]
        candidates = find_candidates(self._structure, queries, k, self.settings)
        self.recall, self.recall_unranked = (
            _share_found(exact.ranked(self.vectors, queries, some, k), asked, limits)
            for some in (candidates, candidates[:, :k])
        )

    def add(self, vectors: NDArray[np.float32]) -> "FaissIndex":
        """A new index with these vectors behind the present ones.

        A graph and lists are added to; lists are trained anew once there should be twice as many.
        """
        new = exact.unit_vectors(vectors, self.dim)
        joined = np.concatenate([self.vectors, new])
        structure = None if self._structure is None else grown(self._structure, new)
        if structure is None:
            structure = build_structure(self.kind, joined, self.settings)
        index = FaissIndex(self.kind, joined, structure, self.settings)
        index._measure()
        return index

    def remove(self, rows: NDArray[np.int64]) -> "FaissIndex":
        """A new index without these rows; FAISS cannot renumber a graph or lists: built anew."""
        kept = np.delete(self.vectors, rows, axis=0)
        return FaissIndex.build(self.kind, kept, self.settings)

    def facts(self) -> dict[str, object]:
        """Kind, size, width, recall before and after ranking, settings."""
        return {
            "kind": self.kind,
            "size": self.size,
            "dim": self.dim,
            "recall": self.recall,
            "recall_unranked": self.recall_unranked,
            "settings": asdict(self.settings),
        }

    def save(self, folder: Path) -> None:
        """Write three files; a file that is mapped meanwhile keeps its contents.

        Raises:
            OSError: the folder is missing or the disk is full.
        """
        structure = self._structure
        if structure is None:
            structure = faiss.IndexFlatIP(self.dim)
        _replace(folder / VECTORS, self._write_vectors)
        _replace(folder / STRUCTURE, lambda path: _write_structure(structure, path))
        facts = self.facts() | {"structure_bytes": (folder / STRUCTURE).stat().st_size}
        text = json.dumps(facts, indent=2) + "\n"
        _replace(folder / FACTS, lambda path: path.write_text(text, encoding="utf-8"))

    def _write_vectors(self, path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, self.vectors, allow_pickle=False)

    @classmethod
    def open(cls, folder: Path) -> "FaissIndex":
        """Open what ``save`` wrote, memory-mapped.

        Raises:
            StoreError: files that are missing, damaged or do not belong together.
        """
        try:
            facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            mapped = np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)
            structure = _read_structure(folder / STRUCTURE, facts["structure_bytes"])
            index = cls(
                facts["kind"],
                np.asarray(mapped),
                structure if structure.ntotal else None,
                Settings(**facts["settings"]),
            )
            index.recall, index.recall_unranked = facts["recall"], facts["recall_unranked"]
            whole = (index.size, index.dim) == (facts["size"], facts["dim"])
        except (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise StoreError(
                f"{folder}: its vectors cannot be read ({reason}); build the index again"
            ) from error
        if not whole or structure.d != index.dim or structure.ntotal not in (0, index.size):
            raise StoreError(f"{folder}: files of different indexes; build the index again")
        return index


def _greatest_products(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    k: int,
    rows: NDArray[np.int64] | None,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Inner products (q, k), falling, and their rows, among ``rows`` or all; nothing is copied."""
    products = np.empty((len(queries), k), dtype=np.float32)
    found = np.empty((len(queries), k), dtype=np.int64)
    if k and len(queries):
        asked, searched, *answers = map(faiss.swig_ptr, (queries, vectors, products, found))
        sizes = (vectors.shape[1], len(queries), len(vectors), k)
        selector = None if rows is None else faiss.IDSelectorArray(rows)
        # FAISS 1.15 would loop over batches for which one matrix product is five times faster.
        many = queries.size >= _PRODUCT_NUMBERS * faiss.omp_get_max_threads()
        faiss.cvar.distance_compute_blas_threshold = 0 if many else 1 << 30
        faiss.knn_inner_product(asked, searched, *sizes, *answers, selector)
    return products, found


def _share_found(found: Neighbors, asked: NDArray[np.int64], limits: NDArray[np.float32]) -> float:
    """Mean share of the true ten that a query found; itself is no answer."""
    right = (found.distances <= limits) & (found.ids != asked[:, None])
    return float(np.minimum(right.sum(axis=1), _MEASURED_K).mean()) / _MEASURED_K


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _write_structure(structure: faiss.Index, path: Path) -> None:
    try:
        faiss.write_index(structure, str(path))
    except RuntimeError as error:  # FAISS has no other kind; it names the system's reason
        raise OSError(str(error)) from error


def _read_structure(path: Path, size: int) -> faiss.Index:
    """Map a structure, or read it where FAISS cannot map (it can on Linux and Windows)."""
    if path.stat().st_size != size:  # FAISS would read on behind the end of a mapped file
        raise OSError(f"{path.name} has {path.stat().st_size:,} bytes, not {size:,}")
    try:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError:
        return faiss.read_index(str(path))
