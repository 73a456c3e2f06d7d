"""Fit a collection classifier on an index: its items ask it, themselves or their like left out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.errors import StoreError
from simsearch.index import VectorIndex, build_index
from simsearch.neighbors import SAME, Neighbors
from simsearch.recognition.classification import VOTERS, Asked, CollectionClassifier
from simsearch.space.look import LookSpace, Span
from simsearch.space.spaces import Rows

NAME = "collections.json"
Ids = NDArray[np.int64]
Codes = NDArray[np.integer[Any]]

SAMPLE = 100
"""Indexed items of each collection that a classifier is fitted on at most."""
FOLDS = 4
"""Parts into which the collections are cut, each of which is left out once."""


@dataclass(frozen=True)
class Described:
    """Indexed items as the encoder described them.

    Attributes:
        descriptors: theirs, in the order of the index.
        spans: parts of a descriptor, (name, start, stop).
        codes: int (n,), the collection of each item: 0, 1, 2 …
    """

    descriptors: Rows
    spans: Sequence[Span]
    codes: Codes


@dataclass(frozen=True)
class Membership:
    """The collection of a picture.

    Attributes:
        name: the likeliest collection, or the nearest one of a picture that is not known.
        probability: 0 to 1, that the picture belongs to it.
        known: whether the picture belongs to an indexed collection rather than to none.
    """

    name: str
    probability: float
    known: bool


@dataclass(frozen=True)
class Recogniser:
    """Names the collection of pictures that ask an opened index.

    Attributes:
        classifier: fitted on the index.
        index: searches its vectors.
        codes: int (n,), the collection of each row.
        names: of the collections, in the order of their codes.
    """

    classifier: CollectionClassifier
    index: VectorIndex
    codes: Codes
    names: Sequence[str]

    def identify(self, vector: NDArray[np.float32]) -> Membership:
        """Name the collection of a picture by its vector, float32 (d,) of unit length.

        A picture that is itself in the index belongs where it stands; the classifier judges others.
        """
        near = self.index.search(vector[None], VOTERS)
        if near.distances[0, 0] < SAME:
            return Membership(self.names[int(self.codes[near.ids[0, 0]])], 1.0, known=True)
        verdict = self.classifier.predict(Asked.of(vector[None], near, self.codes))
        name = self.names[int(verdict.codes[0])]
        return Membership(name, float(verdict.probability[0]), bool(verdict.known[0]))


def fit_on_index(index: VectorIndex, items: Described, seed: int = 0) -> CollectionClassifier:
    """Fit what an index answers with.

    Args:
        index: searches the vectors of the items.
        items: the items.
        seed: of the draws.
    """
    count = int(items.codes.max()) + 1
    known, codes = ask_itself(index, items.codes, seed=seed)
    return CollectionClassifier().fit(known, codes, count, ask_as_strangers(items, seed))


def save_classifier(folder: Path, fitted: CollectionClassifier, names: Sequence[str]) -> None:
    """Write ``collections.json``; ``names`` in the order of their codes."""
    (folder / NAME).write_text(json.dumps(fitted.state(names), indent=1), encoding="utf-8")


def open_classifier(folder: Path, names: Sequence[str]) -> CollectionClassifier:
    """The classifier of an index.

    Raises:
        StoreError: missing or damaged.
    """
    try:
        state = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return CollectionClassifier.from_state(state, names)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{folder / NAME}: unreadable ({error}); build it again") from error


def ask_itself(
    index: VectorIndex, codes: Codes, *, most: int = SAMPLE, k: int = VOTERS, seed: int = 0
) -> tuple[Asked, Ids]:
    """Let items of an index ask all its other items.

    Args:
        index: the index.
        codes: (n,), the collection of each row.
        most: items of a collection that ask at most; the only item of a collection does not.
        k: neighbours asked for.
        seed: of the draw.

    Returns:
        What they found, in the order of the index, and their collections.
    """
    rows = _drawn(codes, most, seed, least=2)
    vectors = np.ascontiguousarray(index.vectors[rows])
    near = _without(index.search(vectors, k + 1), rows)
    return Asked.of(vectors, near, codes), codes[rows].astype(np.int64)


def ask_as_strangers(items: Described, seed: int = 0) -> Asked | None:
    """Let items ask the other collections, in spaces that have not seen theirs.

    A space that knows a collection keeps it farther from the others than one that does not, so the
    look space is fitted again without each part of the collections. On a sample: few items less
    make a stranger hardly farther away.

    Returns:
        What they found, or None where there is no other collection.
    """
    present = np.unique(items.codes)
    if len(present) < 2:
        return None
    rows = _drawn(items.codes, SAMPLE, seed)
    codes = items.codes[rows]
    sample = items.descriptors.rows(rows)
    folds = min(FOLDS, len(present))
    fold = np.searchsorted(present, codes) % folds
    parts = []
    for number in range(folds):
        inside = fold != number
        look = LookSpace.fit(sample[inside], items.spans, seed)
        index = build_index("flat", look.transform(sample[inside]), seed=seed)
        asking = look.transform(sample[~inside])
        parts.append(Asked.of(asking, index.search(asking, VOTERS), codes[inside]))
    return _joined(parts)


def _drawn(codes: Codes, most: int, seed: int, least: int = 1) -> Ids:
    """Rows, ascending, of at most ``most`` items of each collection that has ``least`` of them."""
    order = np.random.default_rng(seed).permutation(len(codes))
    groups = [order[codes[order] == code] for code in np.unique(codes)]
    chosen = [group[:most] for group in groups if len(group) >= least]
    return np.sort(np.concatenate([*chosen, np.empty(0, dtype=np.int64)]))


def _without(near: Neighbors, rows: Ids) -> Neighbors:
    """Drop each row from its own neighbours, or the last one where it is not among them."""
    own = near.ids == rows[:, None]
    own[:, -1] |= ~own.any(axis=1)
    shape = (len(rows), near.k - 1)
    return Neighbors(near.ids[~own].reshape(shape), near.distances[~own].reshape(shape))


def _joined(parts: Sequence[Asked]) -> Asked:
    """Those that asked in different spaces; what they share is what they found, not the vectors."""
    width = min(part.vectors.shape[1] for part in parts)
    return Asked(
        np.concatenate([part.vectors[:, :width] for part in parts]),
        np.concatenate([part.collections for part in parts]),
        np.concatenate([part.distances for part in parts]),
    )
