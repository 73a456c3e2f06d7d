"""What a search must beat: pixels, whitened pixels, equal pixels, a perceptual hash, chance.

Pictures come as uint8 (n, side, side, 3), side 32 for the published tables. Each baseline takes the
indexed pictures, the asking pictures and k, and answers with places in the indexed array, nearest
first. What is fitted is fitted on indexed pictures only. Memory stays bounded: pictures become
floats in blocks.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.neighbors import Neighbors

Pictures = NDArray[np.uint8]
Vectors = NDArray[np.float32]
Measure = Callable[[Pictures], Vectors]
"""From pictures to unit vectors that are compared by their cosine."""
Baseline = Callable[[Pictures, Pictures, int], Neighbors]

_INDEXED_BLOCK, _QUERY_BLOCK = 8192, 4096
_FIT_PICTURES = 16_384
"""Pictures the whitening is fitted on at most, drawn at random."""
_SHORTLIST = 512
"""Candidates whose equal pixels are counted exactly."""


def pixels(indexed: Pictures, queries: Pictures, k: int) -> Neighbors:
    """Cosine distance of raw pixels, the mean indexed picture subtracted."""
    mean = indexed.reshape(len(indexed), -1).mean(axis=0).astype(np.float32) / np.float32(255)
    return _nearest(lambda part: _unit(_flat(part) - mean), indexed, queries, k)


def whitened_pixels(indexed: Pictures, queries: Pictures, k: int) -> Neighbors:
    """Cosine distance of ``whitened`` vectors."""
    return _nearest(whitened(indexed), indexed, queries, k)


def whitened(indexed: Pictures) -> Measure:
    """Raw pixels after PCA-whitening to 256 numbers."""
    return _principal(indexed, whiten=True)


def principal(indexed: Pictures) -> Measure:
    """Raw pixels in 256 principal axes: all but a little of their distances."""
    return _principal(indexed, whiten=False)


def _principal(indexed: Pictures, *, whiten: bool) -> Measure:
    from sklearn.decomposition import PCA

    draw = np.random.default_rng(0).permutation(len(indexed))[:_FIT_PICTURES]
    sample = _flat(indexed[np.sort(draw)])
    if (sample == sample[0]).all():  # nothing to tell apart: all are equally far from each other
        return lambda part: np.zeros((len(part), 1), dtype=np.float32)
    width = min(256, len(sample) - 1, sample.shape[1])
    axes = PCA(width, whiten=whiten, svd_solver="randomized", random_state=0).fit(sample)
    del sample
    # A direction without variance (few or repeated pictures) would be rounding noise, enlarged.
    kept = axes.explained_variance_ > 1e-6 * axes.explained_variance_[0]
    return lambda part: _unit(axes.transform(_flat(part))[:, kept])


def equal_pixels(indexed: Pictures, queries: Pictures, k: int) -> Neighbors:
    """Share of pixels whose colours differ, counted exactly among a shortlist of candidates.

    The shortlist comes from a sketch: each (place, colour) gets a random sign, so that the dot
    product of two pictures is the number of equal pixels plus noise of mean 0.
    """
    shortlist = _nearest(sketch, indexed, queries, max(k, _SHORTLIST)).ids
    codes = np.concatenate([_colours(part) for part in _blocks(indexed, _INDEXED_BLOCK)])
    result = Neighbors.empty(len(queries), k)
    for row, (query, places) in enumerate(zip(_colours(queries), shortlist, strict=True)):
        found = places[places >= 0]
        differing = (codes[found] != query).mean(axis=1)
        order = np.argsort(differing, kind="stable")[:k]
        result.ids[row, : len(order)] = found[order]
        result.distances[row, : len(order)] = differing[order]
    return result


def perceptual_hash(indexed: Pictures, queries: Pictures, k: int) -> Neighbors:
    """Share of differing bits of the 64-bit DCT hash (Zauner, Perceptual hash functions, 2010)."""
    import faiss

    index = faiss.IndexBinaryFlat(64)
    index.add(dct_hash(indexed))
    bits, ids = index.search(dct_hash(queries), min(k, len(indexed)))
    return _padded(ids, bits / 64, k)


def chance(indexed: Pictures, queries: Pictures, k: int) -> Neighbors:
    """Different indexed pictures at random, all at distance 1; seeded."""
    draw = np.random.default_rng(0)
    width = min(k, len(indexed))
    ids = [draw.choice(len(indexed), width, replace=False) for _ in queries]
    places = np.array(ids, dtype=np.int64).reshape(len(queries), width)
    return _padded(places, np.ones(places.shape, dtype=np.float32), k)


BASELINES: dict[str, Baseline] = {
    "pixels": pixels,
    "whitened_pixels": whitened_pixels,
    "equal_pixels": equal_pixels,
    "perceptual_hash": perceptual_hash,
    "random": chance,
}
"""Name → baseline."""


def dct_hash(pictures: Pictures) -> NDArray[np.uint8]:
    """The 64 lowest frequencies of the luma, one bit each: above their median or not.

    Args:
        pictures: uint8 (n, side, side, 3).

    Returns:
        uint8 (n, 8), 64 bits packed.
    """
    side = pictures.shape[1]
    places = np.pi / side * (np.arange(side) + 0.5)
    cosines = np.cos(np.arange(8)[:, None] * places).astype(np.float32)
    bits = []
    for part in _blocks(pictures, _QUERY_BLOCK):
        luma = part @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        lowest = (cosines @ luma @ cosines.T).reshape(len(part), 64)
        bits.append(lowest > np.median(lowest, axis=1, keepdims=True))
    return np.packbits(np.concatenate(bits), axis=1)


def hash_signs(pictures: Pictures) -> Vectors:
    """Bits of ``dct_hash`` as signs, rows at length 1: their cosine orders like Hamming."""
    bits = np.unpackbits(dct_hash(pictures), axis=1).astype(np.float32)
    return (2 * bits - 1) / np.float32(8)


def _nearest(encode: Measure, indexed: Pictures, queries: Pictures, k: int) -> Neighbors:
    """Exact k nearest by 1 - dot product, block by block."""
    import faiss

    best = Neighbors.empty(len(queries), k)
    for number, part in enumerate(_blocks(indexed, _INDEXED_BLOCK)):
        vectors, first = encode(part), number * _INDEXED_BLOCK
        for start in range(0, len(queries), _QUERY_BLOCK):
            asking = slice(start, start + _QUERY_BLOCK)
            near, ids = faiss.knn(
                encode(queries[asking]),
                vectors,
                min(k, len(part)),
                metric=faiss.METRIC_INNER_PRODUCT,
            )
            _merge(best, asking, ids + first, 1 - near)
    return best


def _merge(best: Neighbors, rows: slice, ids: NDArray[np.int64], distances: Vectors) -> None:
    """Put what one block gave among the best of the blocks before it, in place."""
    all_ids = np.hstack([best.ids[rows], ids])
    all_distances = np.hstack([best.distances[rows], distances])
    order = np.argsort(all_distances, axis=1, kind="stable")[:, : best.k]
    best.ids[rows] = np.take_along_axis(all_ids, order, axis=1)
    best.distances[rows] = np.take_along_axis(all_distances, order, axis=1)


def _padded(ids: NDArray[np.int64], distances: NDArray[np.floating[Any]], k: int) -> Neighbors:
    """The answer at full width where fewer than k pictures are indexed."""
    result = Neighbors.empty(len(ids), k)
    result.ids[:, : ids.shape[1]] = ids
    result.distances[:, : ids.shape[1]] = distances
    return result


def _blocks(pictures: Pictures, size: int) -> list[Pictures]:
    return [pictures[start : start + size] for start in range(0, len(pictures), size)]


def _flat(pictures: Pictures) -> Vectors:
    """Each picture as one row of 0..1."""
    flat: Vectors = pictures.reshape(len(pictures), -1).astype(np.float32)
    flat /= 255
    return flat


def _unit(vectors: Vectors) -> Vectors:
    """Rows at length 1; a row of zeros stays one."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return unit


def _colours(pictures: Pictures) -> NDArray[np.uint32]:
    """Each pixel's colour as one number, uint32 (n, side * side)."""
    places = pictures.reshape(len(pictures), -1, 3).astype(np.uint32)
    return places @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)


def sketch(pictures: Pictures) -> Vectors:
    """A fixed random sign for the colour at each place, rows at length 1."""
    codes = _colours(pictures)
    places = np.arange(codes.shape[1], dtype=np.uint32) * np.uint32(0x9E3779B1)
    mixed = (codes ^ places) * np.uint32(0x85EBCA6B)
    mixed = (mixed ^ mixed >> np.uint32(15)) * np.uint32(0xC2B2AE35)
    length = np.float32(codes.shape[1]) ** -0.5
    signs: Vectors = np.where(mixed >> np.uint32(31), length, -length).astype(np.float32)
    return signs
