"""Transfer: what was learned on one collection, does it help to read and group the others?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simsearch.draws import evenly
from simsearch.errors import SourceError, UsageError
from simsearch.evaluation.cluster_metrics import trait_agreement
from simsearch.evaluation.clusters import TRAIT_GROUPS, trait_values
from simsearch.evaluation.material import Ids, Material, Split
from simsearch.evaluation.reading import Values, commonest_right, near_alike, read_right, varied
from simsearch.evaluation.retrieval import Progress
from simsearch.grouping.clustering import KMeans
from simsearch.grouping.groups import FIT_ITEMS, GroupSpace
from simsearch.space.heads import LEAST_ITEMS
from simsearch.space.spaces import Rows

Teach = Callable[[str, Ids], Rows]
"""Trains the encoder on some catalog rows, for which there is a name, and gives the descriptors
that it then makes of all rows."""

BEFORE, ONE, OWN, ALL = "before", "one", "own", "all"
"""The encoder as it came; what was trained or fitted on the one collection, on the collection that
is read itself, and on all of them."""
TOGETHER = "all others together"
DEEP = "deep"
"""Name of the part of a descriptor that training changes."""


@dataclass(frozen=True)
class TransferSettings:
    """How transfer is measured.

    Attributes:
        train: the collection that is trained on.
        query_share: part of each collection that is read; heads are fitted on the rest.
        k: neighbours asked for.
        seeds: runs of k-means.
        own: whether the encoder is also trained on every other collection, to compare.
        seed: of the split and everything fitted, and the first of the seeds.
        progress: told how far it is.
    """

    train: str
    query_share: float = 0.3
    k: int = 10
    seeds: int = 3
    own: bool = True
    seed: int = 0
    progress: Progress = lambda stage, done, total: None


@dataclass(frozen=True)
class Carried:
    """What was carried over to one collection.

    Attributes:
        asked: how many of its pictures were read.
        commonest: share of trait values right where the commonest of its type is always said.
        traits: encoder → share that a linear head on what its network says reads right.
        neighbors: encoder → how the nearest pictures share traits, see ``near_alike``.
        groups: space → adjusted mutual information of groups made in it with the traits.
    """

    asked: int
    commonest: float
    traits: Mapping[str, float]
    neighbors: Mapping[str, float]
    groups: Mapping[str, float]


@dataclass
class TransferResult:
    """All that was measured.

    Attributes:
        material: the items.
        settings: how it was measured.
        collections: each other collection that has traits; last all others together, where the
            name of the collection takes the place of the traits.
        left_out: other collections whose items are too few, or have no traits that vary.
    """

    material: Material
    settings: TransferSettings
    collections: dict[str, Carried] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def evaluate_transfer(
    material: Material, teach: Teach, settings: TransferSettings
) -> TransferResult:
    """Train on one collection, then read the traits of the others and group them.

    No network or head has seen a picture that it reads. Groups know nothing of traits.

    Args:
        material: items of several collections, with descriptors that have a deep part.
        teach: trains the encoder.
        settings: how.

    Raises:
        UsageError: there is no such collection.
        SourceError: there is no other one, or too little to train on.
    """
    names = list(material.catalog.collections)
    if settings.train not in names:
        raise UsageError(f"--train {settings.train}: choose one of {', '.join(names)}")
    if len(names) < 2:
        raise SourceError("there is no other collection to carry over to; give more sources")
    codes = material.catalog.collection_codes
    one = np.flatnonzero(codes == names.index(settings.train))
    if len(one) < LEAST_ITEMS:
        few = f"{settings.train} has {len(one)} pictures, too few to train on"
        raise SourceError(f"{few}; choose a collection of {LEAST_ITEMS} or more")
    encoders = {BEFORE: material.descriptors, ONE: teach(settings.train, one)}
    drawn = {ALL: evenly(codes, FIT_ITEMS, settings.seed), ONE: one}
    spaces = {name: _space(material, rows, settings.seed) for name, rows in drawn.items()}
    run = _Run(material, settings, encoders, spaces)
    result = TransferResult(material, settings)
    for code, name in enumerate(names):
        settings.progress("reading the others", code, len(names))
        if name != settings.train:
            found = run.carried(name, np.flatnonzero(codes == code), teach)
            if found:
                result.collections[name] = found
            else:
                result.left_out.append(name)
    if len(names) > 2:
        result.collections[TOGETHER] = run.together(np.flatnonzero(codes != codes[one[0]]))
    return result


@dataclass(frozen=True)
class _Columns:
    """Some columns of descriptors."""

    whole: Rows
    columns: slice

    def rows(self, ids: ArrayLike) -> NDArray[np.floating[Any]]:
        return self.whole.rows(ids)[:, self.columns]


def _deep(material: Material, descriptors: Rows) -> Material:
    """The same items, of whose descriptors only the deep part is left."""
    start, stop = next((a, b) for name, a, b in material.spans if name == DEEP)
    part = _Columns(descriptors, slice(start, stop))
    return Material(material.encoder, material.catalog, part, ((DEEP, 0, stop - start),))


def _space(material: Material, rows: Ids, seed: int) -> GroupSpace:
    return GroupSpace.fit(material.descriptors.rows(rows), material.spans, seed)


@dataclass(frozen=True)
class _Run:
    """What all collections are measured with."""

    material: Material
    settings: TransferSettings
    encoders: Mapping[str, Rows]
    spaces: Mapping[str, GroupSpace]

    def carried(self, name: str, rows: Ids, teach: Teach) -> Carried | None:
        """Measure one collection; None where there is too little of it."""
        values = varied(trait_values(self.material, rows))
        if not values or len(rows) < LEAST_ITEMS:
            return None
        encoders, spaces = dict(self.encoders), dict(self.spaces)
        if self.settings.own:
            encoders[OWN] = teach(name, rows[self._split(rows).indexed])
        spaces[OWN] = _space(self.material, rows, self.settings.seed)
        return self._measured(rows, values, encoders, spaces)

    def together(self, rows: Ids) -> Carried:
        """Measure whether collections are told apart."""
        names = list(self.material.catalog.collections)
        owners = [names[code] for code in self.material.catalog.collection_codes[rows].tolist()]
        return self._measured(rows, {"collection": owners}, self.encoders, self.spaces)

    def _split(self, rows: Ids) -> Split:
        """Who of some rows is read, as places among them."""
        codes = self.material.catalog.collection_codes[rows]
        return Split.draw(codes, self.settings.query_share, seed=self.settings.seed)

    def _measured(
        self,
        rows: Ids,
        values: Values,
        encoders: Mapping[str, Rows],
        spaces: Mapping[str, GroupSpace],
    ) -> Carried:
        split, k, seed = self._split(rows), self.settings.k, self.settings.seed
        deep = {name: _deep(self.material, one).take(rows) for name, one in encoders.items()}
        return Carried(
            len(split.asked),
            commonest_right(values, split),
            {name: read_right(one, values, split) for name, one in deep.items()},
            {name: near_alike(one, split, k, seed) for name, one in deep.items()},
            {name: self._agreement(rows, values, space) for name, space in spaces.items()},
        )

    def _agreement(self, rows: Ids, values: Values, space: GroupSpace) -> float:
        """Adjusted mutual information of groups with values, mean over types and seeds."""
        points = space.transform(self.material.descriptors.rows(rows))
        kinds = len(np.unique(self.material.catalog.collection_codes[rows]))
        k = min(kinds if kinds > 1 else TRAIT_GROUPS, len(rows))
        seeds = range(self.settings.seed, self.settings.seed + self.settings.seeds)
        runs = [trait_agreement(values, KMeans(k, seed=seed).fit(points).labels_) for seed in seeds]
        return float(np.mean([list(found.values()) for found in runs]))
