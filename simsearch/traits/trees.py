"""Decision trees over facts "cell c shows colour v", one for each trait, in plain arrays."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.traits.evidence import Evidence, Flags, Ids

Floats = NDArray[np.float32]

_NAMES = ("roots", "cell", "colour", "room", "absent", "present", "share")
_BLOCK = 256


@dataclass(frozen=True)
class Tree:
    """A tree over facts of some evidence.

    Attributes:
        fact: int64 (nodes,), what a node asks for; -1 at a leaf.
        absent: int64 (nodes,), where to go when the picture does not show it.
        present: int64 (nodes,), where to go when it does.
        share: float64 (nodes,), probability of the trait among the pictures that come by.
    """

    fact: Ids
    absent: Ids
    present: Ids
    share: NDArray[np.float64]

    def predict(self, evidence: Evidence, rows: Ids) -> NDArray[np.float64]:
        """Probabilities (rows,) of pictures of the evidence itself."""
        node = np.zeros(len(rows), dtype=np.int64)
        places, codes = evidence.place_of(np.maximum(self.fact, 0))
        while (inner := self.fact[node] >= 0).any():
            at = node[inner]
            hit = evidence.codes[places[at], rows[inner]] == codes[at]
            node[inner] = np.where(hit, self.present[at], self.absent[at])
        return self.share[node]


def fit_tree(evidence: Evidence, labels: Flags, rows: Ids, counts: Ids, seed: int = 0) -> Tree:
    """Grow a tree for one trait, and keep the splits that pay for their description.

    A split must save more bits on the labels than it takes to say which of the candidates it asks
    for (minimum description length; Quinlan & Rivest, Information and Computation 1989), which is
    cost-complexity pruning (Breiman et al., 1984) at a price that nothing has to tune.

    Args:
        evidence: of the pictures.
        labels: bool (n,), which picture has the trait.
        rows: the pictures to learn from.
        counts: ``evidence.count(rows)``.
        seed: of ties between facts that tell equally much.
    """
    from sklearn.tree import DecisionTreeClassifier

    positive = rows[labels[rows]]
    base = len(positive) / max(len(rows), 1)
    facts = evidence.telling(evidence.count(positive), counts, len(positive), len(rows))
    if not len(facts) or len(positive) in (0, len(rows)):
        nowhere = np.array([-1])
        return Tree(nowhere, nowhere, nowhere, np.array([base]))
    price = math.log2(len(facts) + 1) / len(rows)
    model = DecisionTreeClassifier(criterion="entropy", ccp_alpha=price, random_state=seed)
    grown: Any = model.fit(evidence.shown(facts, rows), labels[rows]).tree_
    asked = np.where(grown.feature >= 0, facts[grown.feature], -1)
    seen = grown.n_node_samples
    # One picture's worth of the base rate, so that a leaf of few pictures is less sure.
    share = (grown.value[:, 0, 1] * seen + base) / (seen + 1)
    left, right = (part.astype(np.int64) for part in (grown.children_left, grown.children_right))
    return Tree(asked, left, right, share)


@dataclass(frozen=True)
class Grove:
    """Many trees that read pictures of any source, in arrays of one length.

    Attributes:
        roots: int32 (trees,), first node of each.
        cell: int32 (nodes,), the cell that a node looks at; -1 at a leaf.
        colour: float32 (nodes, 3), the colour it looks for, levels 0 to 255.
        room: float32 (nodes,), by how much each channel may differ.
        absent: int32 (nodes,), next node where it is not shown.
        present: int32 (nodes,), next node where it is.
        share: float32 (nodes,), probability at a leaf.
    """

    roots: NDArray[np.int32]
    cell: NDArray[np.int32]
    colour: Floats
    room: Floats
    absent: NDArray[np.int32]
    present: NDArray[np.int32]
    share: Floats

    @classmethod
    def of(cls, trees: Sequence[Tree], evidence: Evidence) -> "Grove":
        """Join trees over the same evidence."""
        sizes = [len(tree.fact) for tree in trees]
        roots = np.append(0, np.cumsum(sizes))[:-1]
        offset = np.repeat(roots, sizes)
        fact = np.concatenate([tree.fact for tree in trees])
        tests = [evidence.test_of(one) if one >= 0 else (-1, np.zeros(3), 0.0) for one in fact]
        cell, colour, room = zip(*tests, strict=True)
        links = [np.concatenate([getattr(t, way) for t in trees]) for way in ("absent", "present")]
        absent, present = (np.where(fact >= 0, link + offset, -1) for link in links)
        return cls(
            roots.astype(np.int32),
            np.array(cell, dtype=np.int32),
            np.array(colour, dtype=np.float32),
            np.array(room, dtype=np.float32),
            absent.astype(np.int32),
            present.astype(np.int32),
            np.concatenate([tree.share for tree in trees]).astype(np.float32),
        )

    def predict(self, pictures: NDArray[np.uint8]) -> Floats:
        """Probabilities float32 (n, trees) of pictures (n, cells, 3)."""
        shares = np.empty((len(pictures), len(self.roots)), dtype=np.float32)
        for start in range(0, len(pictures), _BLOCK):
            part = slice(start, start + _BLOCK)
            shares[part] = self._predict(pictures[part])
        return shares

    def _predict(self, pictures: NDArray[np.uint8]) -> Floats:
        node = np.tile(self.roots, len(pictures))
        row = np.repeat(np.arange(len(pictures)), len(self.roots))
        walking = np.flatnonzero(self.cell[node] >= 0)
        while len(walking):
            at = node[walking]
            apart = np.abs(pictures[row[walking], self.cell[at]] - self.colour[at]).max(axis=1)
            node[walking] = np.where(apart <= self.room[at], self.present[at], self.absent[at])
            walking = walking[self.cell[node[walking]] >= 0]
        return self.share[node].reshape(len(pictures), -1)

    def tensors(self) -> dict[str, Floats]:
        """All arrays by name, as float32: node numbers stay exact up to 16 million."""
        return {name: np.asarray(getattr(self, name), dtype=np.float32) for name in _NAMES}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> "Grove":
        """The grove that ``tensors`` came from.

        Raises:
            KeyError, ValueError: no such tensors, or nodes that do not exist.
        """
        roots, cell, absent, present = (
            tensors[name].astype(np.int32) for name in ("roots", "cell", "absent", "present")
        )
        colour, room, share = (
            tensors[name].astype(np.float32) for name in ("colour", "room", "share")
        )
        grove = cls(roots, cell, colour, room, absent, present, share)
        inner = grove.cell >= 0
        after = np.concatenate([grove.absent[inner], grove.present[inner]])
        before = np.tile(np.flatnonzero(inner), 2)
        last = max(after.max(initial=0), roots.max(initial=0))
        if not (after > before).all() or last >= len(cell) or roots.min(initial=0) < 0:
            raise ValueError("nodes of a trait tree do not follow one another")
        return grove
