"""Exact cosine distances in plain NumPy: the door for vectors, the final ranking, and the oracle.

Every index ranks its answers here, so a pair of vectors has one distance and ties one order,
whichever index, batch or filter found them.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simsearch.errors import VectorError
from simsearch.neighbors import Neighbors

UNIT_TOLERANCE = 1e-5  # float32 normalisation stays within 1e-6; float16 does not, and is refused
ROUNDING = 1e-5  # two ways of summing a float32 product of unit vectors differ by less than this
_ROWS_AT_ONCE = 16_384  # bounds the memory of a pass: 16 MB at width 256


def unit_vectors(vectors: ArrayLike, dim: int | None = None) -> NDArray[np.float32]:
    """Check vectors at the door, and give them back as one contiguous array.

    Args:
        vectors: float32 (n, width), each row of length 1; a memory-mapped array is not copied.
        dim: the width they must have; any where absent.

    Raises:
        VectorError: a wrong shape or type, or rows that are not finite, zero or not of unit length.
    """
    checked = np.asarray(vectors)
    if checked.ndim != 2 or checked.dtype != np.float32 or dim not in (None, checked.shape[1]):
        raise VectorError(
            f"vectors are {checked.dtype} {checked.shape}, not float32 (n, {dim or 'width'}): "
            "use the encoder and the space that the index was built with"
        )
    lengths = np.empty(len(checked), dtype=np.float32)
    for start in range(0, len(checked), _ROWS_AT_ONCE):
        block = slice(start, start + _ROWS_AT_ONCE)
        lengths[block] = np.linalg.norm(checked[block], axis=1)
    bad = np.flatnonzero(~(np.abs(lengths - 1) <= UNIT_TOLERANCE))  # NaN fails every comparison
    if len(bad):
        shown = ", ".join(map(str, bad[:10])) + (", …" if len(bad) > 10 else "")
        raise VectorError(
            f"{len(bad)} of {len(checked)} vectors are not finite or not of length 1 "
            f"(rows {shown}): leave these items out or encode them again"
        )
    return np.ascontiguousarray(checked)


def ranked(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    candidates: NDArray[np.int64],
    k: int,
) -> Neighbors:
    """The k nearest among each query's candidates, by true distance, equal ones by row number.

    Args:
        vectors: float32 (n, d), unit length.
        queries: float32 (q, d), unit length.
        candidates: int64 (q, c), rows of ``vectors``, each at most once per query; -1 for none.
        k: how many to keep; columns beyond c are filled with -1.
    """
    distances = _distances(vectors, queries, candidates)
    order = np.lexsort((candidates, distances), axis=1)[:, :k]
    answer = Neighbors.empty(len(queries), k)
    answer.ids[:, : order.shape[1]] = np.take_along_axis(candidates, order, axis=1)
    answer.distances[:, : order.shape[1]] = np.take_along_axis(distances, order, axis=1)
    return answer


def scan(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    k: int,
    allowed: NDArray[np.bool_] | None = None,
) -> Neighbors:
    """The k nearest by looking at every vector, or at every ``allowed`` (n,) one: never wrong."""
    rows = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
    answer = Neighbors.empty(len(queries), k)
    for number, query in enumerate(queries):
        near = rows[_within_reach((vectors @ query)[rows], k)]
        one = ranked(vectors, query[None], near[None], k)
        answer.ids[number], answer.distances[number] = one.ids[0], one.distances[0]
    return answer


def _within_reach(similarities: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Places of the k greatest similarities and of all that rounding may have put behind them."""
    if len(similarities) <= k:
        return np.arange(len(similarities))
    least = np.partition(similarities, -k)[-k] - ROUNDING
    return np.flatnonzero(similarities >= least)


def _distances(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], candidates: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Cosine distances (q, c), inf where a candidate is -1.

    1 - x·y = |x - y|² / 2 for unit vectors; the right side is exactly 0 for equal vectors and keeps
    all its digits for near ones, where the left one cancels.
    """
    pairs = candidates.ravel()
    asked = np.repeat(np.arange(len(queries)), candidates.shape[1])
    halves = np.empty(len(pairs), dtype=np.float32)
    for start in range(0, len(pairs), _ROWS_AT_ONCE):
        block = slice(start, start + _ROWS_AT_ONCE)
        gaps = vectors[pairs[block]] - queries[asked[block]]
        halves[block] = np.einsum("ij,ij->i", gaps, gaps, dtype=np.float64) / 2
    distances = np.minimum(halves, np.float32(2)).reshape(candidates.shape)
    return np.where(candidates < 0, np.float32(np.inf), distances)
