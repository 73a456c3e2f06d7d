"""The FAISS structures that find candidates without looking at every vector: HNSW and IVF-PQ.

They hold shortened copies of the vectors. What they find is ranked by the vectors themselves
(``exact.ranked``), so short codes cost little recall and no accuracy of distances.
"""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

SMALLEST = 256
"""Fewer vectors than this are always scanned: quicker than any structure, and exact."""

_TRAINING_PER_LIST = 40  # FAISS asks for 39 and warns below
_KMEANS_ROUNDS = 10
_ADDED_AT_ONCE = 65_536  # turned vectors are a second copy: bounds it


@dataclass(frozen=True)
class Settings:
    """How structures are built and searched; the values were chosen with ``benchmarks.index``.

    Attributes:
        seed: of every random choice.
        links: HNSW, neighbours of a node (twice as many on the ground level).
        build_width: HNSW, nodes kept in view while a node is linked (efConstruction).
        search_width: HNSW, least nodes kept in view while searching (efSearch).
        probes: IVF-PQ, least lists that are read.
        candidates: IVF-PQ, least candidates that are ranked again.
    """

    seed: int = 0
    links: int = 32
    build_width: int = 200
    search_width: int = 128
    probes: int = 32
    candidates: int = 100


def build_structure(
    kind: str, vectors: NDArray[np.float32], settings: Settings
) -> faiss.Index | None:
    """Build what finds candidates, or None where vectors are scanned."""
    if kind == "flat" or len(vectors) < SMALLEST:
        return None
    build = {"hnsw": _build_hnsw, "ivfpq": _build_ivfpq}[kind]
    return build(vectors, settings)


def grown(structure: faiss.Index, vectors: NDArray[np.float32]) -> faiss.Index | None:
    """A copy of a structure with more vectors; None where it has to be built for the new size."""
    lists = _lists(structure.ntotal + len(vectors))
    if _is_ivf(structure) and lists >= 2 * faiss.extract_index_ivf(structure).nlist:
        return None
    copy = faiss.deserialize_index(faiss.serialize_index(structure))  # a mapped one cannot grow
    with _reproducible():
        copy.add(vectors)
    return copy


def find_candidates(
    structure: faiss.Index, queries: NDArray[np.float32], k: int, settings: Settings
) -> NDArray[np.int64]:
    """Rows (q, c >= k) that are likely to hold the k nearest, the likeliest first, -1 for none."""
    if _is_ivf(structure):
        return _candidates_ivfpq(structure, queries, k, settings)
    wanted = max(settings.search_width, 2 * k)
    width = faiss.SearchParametersHNSW(efSearch=wanted)
    return np.asarray(structure.search(queries, wanted, params=width)[1])


def _is_ivf(structure: faiss.Index) -> bool:
    return isinstance(structure, faiss.IndexPreTransform)


def _build_hnsw(vectors: NDArray[np.float32], settings: Settings) -> faiss.Index:
    """A graph to walk (Malkov and Yashunin, 2016) over vectors of 8 bits a number."""
    codes = faiss.ScalarQuantizer.QT_8bit
    index = faiss.IndexHNSWSQ(vectors.shape[1], codes, settings.links, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = settings.build_width
    index.hnsw.rng = faiss.RandomGenerator(settings.seed)
    index.train(_sample(vectors, 65_536, settings.seed))
    with _reproducible():
        index.add(vectors)
    return index


def _build_ivfpq(vectors: NDArray[np.float32], settings: Settings) -> faiss.Index:
    """Lists of 4-bit product codes (Jégou et al., 2011; André et al., 2017), vectors turned first.

    The random turn spreads what the vectors hold evenly over the codes' parts. It does most of what
    a learned one (OPQ) does, in none of its time.
    """
    lists = _lists(len(vectors))
    even = vectors.shape[1] + vectors.shape[1] % 2
    name = f"RR{even},IVF{lists},PQ{even // 2}x4fs"
    index = faiss.index_factory(vectors.shape[1], name, faiss.METRIC_INNER_PRODUCT)
    inverted = faiss.downcast_index(faiss.extract_index_ivf(index))
    for clustering in (inverted.cp, inverted.pq.cp):
        clustering.seed = settings.seed
        clustering.niter = _KMEANS_ROUNDS
        clustering.min_points_per_centroid = 1
    index.train(_sample(vectors, _TRAINING_PER_LIST * max(lists, 64), settings.seed))
    for start in range(0, len(vectors), _ADDED_AT_ONCE):
        index.add(vectors[start : start + _ADDED_AT_ONCE])
    return index


def _candidates_ivfpq(
    structure: faiss.Index, queries: NDArray[np.float32], k: int, settings: Settings
) -> NDArray[np.int64]:
    wanted = max(settings.candidates, 10 * k)
    inverted = faiss.extract_index_ivf(structure)
    enough = math.ceil(2 * wanted * inverted.nlist / structure.ntotal)
    lists = faiss.SearchParametersIVF(nprobe=min(inverted.nlist, max(settings.probes, enough)))
    params = faiss.SearchParametersPreTransform(index_params=lists)
    return np.asarray(structure.search(queries, wanted, params=params)[1])


def _lists(size: int) -> int:
    """FAISS advises 4 to 16 times the root; fewer lists train faster."""
    return max(1, min(round(4 * math.sqrt(size)), size // _TRAINING_PER_LIST))


def _sample(vectors: NDArray[np.float32], count: int, seed: int) -> NDArray[np.float32]:
    if len(vectors) <= count:
        return vectors
    rows = np.random.default_rng(seed).choice(len(vectors), count, replace=False)
    return vectors[np.sort(rows)]


@contextlib.contextmanager
def _reproducible() -> Iterator[None]:
    """Before FAISS 1.15.1 threads raced for places in a graph; one thread builds one graph."""
    threads = faiss.omp_get_max_threads()
    if not hasattr(faiss, "hnsw_add_vertices_deterministic"):
        faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
