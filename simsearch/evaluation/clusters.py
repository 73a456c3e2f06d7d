"""Groups: do they agree with collections and traits, which they know nothing of?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.errors import PictureError, SourceError
from simsearch.evaluation.cluster_metrics import agreement, mean_and_deviation, trait_agreement
from simsearch.evaluation.collection import drawn
from simsearch.evaluation.material import Ids, Material
from simsearch.evaluation.retrieval import Progress
from simsearch.evaluation.strangers import look_vectors
from simsearch.grouping.clustering import KMeans, check_k, medoids, nearest
from simsearch.grouping.groups import GroupSpace

Points = NDArray[np.float32]
Spread = Mapping[str, Mapping[str, float]]
"""Measure → its mean and standard deviation over seeds."""

SPACES = ("simsearch", "look", "whitened_pixels", "pixels", "colour_histogram", "random")
"""What is grouped in; the first one is what ``cluster`` uses, the last one groups at random."""
FEW = (8, 16, 32)
"""Numbers of groups where there is one collection."""
TRAIT_GROUPS = 16
_PIXEL_AXES, _WHITENED_AXES, _COLOURS = 256, 64, 8


@dataclass(frozen=True)
class ClusterSettings:
    """How groups are evaluated.

    Attributes:
        k: numbers of groups; by default as many as collections, twice and four times as many.
        seeds: runs of k-means.
        per_collection: items drawn of each collection at most; 0 = all.
        spaces: names in ``SPACES``.
        seed: of the draw, and the first of the seeds.
        transfer: whether groups fitted on one collection describe the others.
        progress: told how far it is.
    """

    k: tuple[int, ...] = ()
    seeds: int = 5
    per_collection: int = 300
    spaces: tuple[str, ...] = SPACES
    seed: int = 0
    transfer: bool = True
    progress: Progress = lambda stage, done, total: None


@dataclass
class ClusterResult:
    """All that was measured.

    Attributes:
        material: the items drawn.
        settings: how it was measured.
        by_k: number of groups → space → agreement with the collections; empty where there is one.
        traits: collection → trait type → space → adjusted mutual information (mean and standard
            deviation) of 16 groups made within the collection.
        transfer: float64 (collections, collections): how alike groups that were fitted on the
            collection of the row describe the one of the column, and its own groups, are.
        groups: int64 (n,), the groups of the first k, space and seed.
        medoids: int64 (k,), the row that stands for each of these groups.
        notes: what was left out, for people.
    """

    material: Material
    settings: ClusterSettings
    by_k: dict[int, dict[str, Spread]] = field(default_factory=dict)
    traits: dict[str, dict[str, Spread]] = field(default_factory=dict)
    transfer: NDArray[np.float64] | None = None
    groups: Ids = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    medoids: Ids = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Collections, in the order of their codes."""
        return list(self.material.catalog.collections)


def evaluate_clusters(material: Material, settings: ClusterSettings) -> ClusterResult:
    """Group a sample in several spaces and compare the groups with what is known of the items.

    Raises:
        SourceError: there are fewer than two items.
        UsageError: more groups than items.
    """
    material = drawn(material, settings.per_collection, settings.seed)
    if len(material.catalog) < 2:
        raise SourceError("one item alone makes no groups; index more pictures")
    for k in settings.k:
        check_k(k, len(material.catalog))
    result = ClusterResult(material, settings)
    count = len(result.names)
    points = spaces_of(result)
    result.by_k = {k: {} for k in _sizes(settings, count, len(material.catalog))}
    _keep_groups(result, next(iter(points.values())))
    for number, (name, there) in enumerate(points.items()):
        settings.progress("grouping", number, len(points))
        for k, found in result.by_k.items():
            found[name] = _agreement(result, there, k)
    _add_traits(result)
    if settings.transfer and count > 1:
        result.transfer = _transfer(result)
    return result


def _sizes(settings: ClusterSettings, collections: int, items: int) -> list[int]:
    """Numbers of groups: those asked for, or those by default that there are items enough for."""
    if settings.k:
        return list(settings.k)
    usual = [collections * times for times in (1, 2, 4)] if collections > 1 else list(FEW)
    return [k for k in usual if k <= items] or [items]


def _keep_groups(result: ClusterResult, points: Points | None) -> None:
    """Keep one set of groups to look at."""
    if points is not None:
        model = KMeans(next(iter(result.by_k)), seed=result.settings.seed).fit(points)
        result.groups = model.labels_
        result.medoids = medoids(points, model.labels_, model.centers_)


def spaces_of(result: ClusterResult) -> dict[str, Points | None]:
    """Points of all items in each space; None for random groups."""
    material, settings = result.material, result.settings
    everything = np.arange(len(material.catalog))
    descriptors = material.descriptors.rows(everything)
    space = GroupSpace.fit(descriptors, material.spans, settings.seed)
    points: dict[str, Points | None] = {
        "simsearch": space.transform(descriptors),
        "look": look_vectors(material, everything, settings.seed),
        "random": None,
    }
    try:
        points |= _pixel_spaces(material.grids())
    except PictureError as error:
        result.notes.append(f"No pixels to compare with: {error}.")
    return {name: points[name] for name in settings.spaces if name in points}


def _pixel_spaces(pictures: NDArray[np.uint8]) -> dict[str, Points]:
    flat = pictures.reshape(len(pictures), -1).astype(np.float32) / np.float32(255)
    return {
        "whitened_pixels": _principal(flat, _WHITENED_AXES, whiten=True),
        "pixels": _principal(flat, _PIXEL_AXES, whiten=False),
        "colour_histogram": colour_histogram(pictures),
    }


def colour_histogram(pictures: NDArray[np.uint8]) -> Points:
    """Square roots of the shares of 8 x 8 x 8 colours, (n, 512): unit length, as Hellinger's."""
    step = 256 // _COLOURS
    places = (pictures.reshape(len(pictures), -1, 3) // step).astype(np.int64)
    codes = places @ np.array([_COLOURS * _COLOURS, _COLOURS, 1])
    codes += np.arange(len(codes))[:, None] * _COLOURS**3
    counts = np.bincount(codes.ravel(), minlength=len(codes) * _COLOURS**3)
    shares = counts.reshape(len(codes), -1) / codes.shape[1]
    return np.asarray(np.sqrt(shares), dtype=np.float32)


def _principal(flat: Points, width: int, *, whiten: bool) -> Points:
    """Principal components: all but a little of the distances, at a fraction of the cost."""
    from sklearn.decomposition import PCA

    width = min(width, *flat.shape)
    pca = PCA(width, whiten=whiten, svd_solver="randomized", random_state=0)
    points = pca.fit_transform(flat)
    if not whiten:
        return np.asarray(points, dtype=np.float32)
    points = points[:, pca.explained_variance_ > 1e-6 * pca.explained_variance_[:1]]
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(points / np.maximum(lengths, 1e-9), dtype=np.float32)


def _seeds(settings: ClusterSettings) -> range:
    return range(settings.seed, settings.seed + settings.seeds)


def _grouped(points: Points | None, count: int, k: int, seed: int) -> Ids:
    """Groups of some points, or random ones."""
    if points is None:
        return np.random.default_rng(seed).integers(0, k, count)
    return KMeans(k, seed=seed).fit(points).labels_


def _agreement(result: ClusterResult, points: Points | None, k: int) -> Spread:
    """Agreement with the collections; nothing where there is one only."""
    codes = result.material.catalog.collection_codes
    if len(result.names) < 2:
        return {}
    return mean_and_deviation(
        [
            agreement(codes, _grouped(points, len(codes), k, seed))
            for seed in _seeds(result.settings)
        ]
    )


def _add_traits(result: ClusterResult) -> None:
    """Make groups within each collection that has traits."""
    codes = result.material.catalog.collection_codes
    for code, name in enumerate(result.names):
        result.settings.progress("grouping by traits", code, len(result.names))
        rows = np.flatnonzero(codes == code)
        values = trait_values(result.material, rows)
        if values and len(rows) > TRAIT_GROUPS:
            part = ClusterResult(result.material.take(rows), result.settings)
            result.traits[name] = _by_type(
                {
                    space: _trait_runs(values, points, result.settings)
                    for space, points in spaces_of(part).items()
                }
            )


def _by_type(by_space: Mapping[str, Spread]) -> dict[str, Spread]:
    kinds = next(iter(by_space.values()))
    return {kind: {space: found[kind] for space, found in by_space.items()} for kind in kinds}


def _trait_runs(
    values: Mapping[str, Sequence[str]], points: Points | None, settings: ClusterSettings
) -> Spread:
    count = len(next(iter(values.values())))
    return mean_and_deviation(
        [
            trait_agreement(values, _grouped(points, count, TRAIT_GROUPS, seed))
            for seed in _seeds(settings)
        ]
    )


def trait_values(material: Material, rows: Ids) -> dict[str, list[str]]:
    """Trait type → value of each row; several values are joined, none is empty."""
    items = [material.catalog.traits(row) for row in rows.tolist()]
    kinds = sorted({kind for traits in items for kind, _ in traits})
    return {
        kind: [" / ".join(sorted(v for k, v in traits if k == kind)) for traits in items]
        for kind in kinds
    }


def _transfer(result: ClusterResult) -> NDArray[np.float64]:
    """Let the groups of each collection describe all others."""
    from sklearn.metrics import adjusted_mutual_info_score as alike

    material, seed = result.material, result.settings.seed
    codes = material.catalog.collection_codes
    parts = [material.descriptors.rows(np.flatnonzero(codes == c)) for c in np.unique(codes)]
    fitted = [_fitted(part, material, seed) for part in parts]
    own = [describe(part) for describe, part in zip(fitted, parts, strict=True)]
    rows = [
        [alike(groups, describe(part)) for groups, part in zip(own, parts, strict=True)]
        for describe in fitted
    ]
    return np.array(rows)


def _fitted(
    descriptors: NDArray[Any], material: Material, seed: int
) -> Callable[[NDArray[Any]], Ids]:
    """A space and groups of one collection: from descriptors to groups."""
    space = GroupSpace.fit(descriptors, material.spans, seed)
    points = space.transform(descriptors)
    centers = KMeans(min(TRAIT_GROUPS, len(points)), seed=seed).fit(points).centers_
    return lambda others: nearest(centers, space.transform(others))
