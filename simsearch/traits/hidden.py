"""Which labels cannot be seen: found from pictures and labels, without the layers of the art.

How each cell gets its colour is learned from the labels, as a decision tree: the topmost layer that
covers the cell decides. A label is hidden where the learned rules draw the same picture for the
same item without it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.traits.choices import Choices
from simsearch.traits.evidence import Codes, Evidence, Flags, Ids

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class CellRule:
    """How one cell gets its colour from an item's traits.

    Attributes:
        trait: int64 (nodes,), the trait that a node asks for; -1 at a leaf.
        absent: int64 (nodes,), next node where the item lacks it.
        present: int64 (nodes,), next node where it has it.
        code: int64 (nodes,), the colour at a leaf.
    """

    trait: Ids
    absent: Ids
    present: Ids
    code: Ids

    @classmethod
    def fit(cls, codes: Codes, labels: Flags) -> "CellRule":
        """Grow a tree that splits as long as a split saves more bits than it takes to describe.

        Args:
            codes: uint16 (n,), colour of the cell in each picture.
            labels: bool (n, traits).
        """
        nodes: list[list[int]] = []
        item, trait = np.nonzero(labels)
        todo = [(np.arange(len(codes)), np.arange(len(item)), -1, 0)]
        while todo:
            rows, pairs, parent, side = todo.pop()
            if parent >= 0:
                nodes[parent][side] = len(nodes)
            tally = np.bincount(codes[rows])
            best = _best_split(codes[item[pairs]], trait[pairs], tally, labels.shape[1])
            nodes.append([best, -1, -1, int(tally.argmax())])
            if best >= 0:
                has, told = labels[rows, best], labels[item[pairs], best]
                todo.append((rows[has], pairs[told], len(nodes) - 1, 2))
                todo.append((rows[~has], pairs[~told], len(nodes) - 1, 1))
        return cls(*np.array(nodes, dtype=np.int64).T)

    def draw(self, asks: Callable[[Ids, Ids], Flags], count: int) -> Ids:
        """Colours of the cell for ``count`` items.

        Args:
            asks: whether items (m,) have traits (m,), bool (m,).
            count: number of items.
        """
        node = np.zeros(count, dtype=np.int64)
        walking = np.flatnonzero(self.trait[node] >= 0)
        while len(walking):
            at = node[walking]
            has = asks(walking, self.trait[at])
            node[walking] = np.where(has, self.present[at], self.absent[at])
            walking = walking[self.trait[node[walking]] >= 0]
        return self.code[node]


def _best_split(codes: Codes, traits: Ids, tally: Ids, count: int) -> int:
    """The trait that tells most about the colour, -1 where none is worth asking for.

    Args:
        codes: (m,), colour of the item of each of some labels.
        traits: (m,), the trait of each label.
        tally: how many items have each colour.
        count: number of traits.
    """
    seen = np.flatnonzero(tally)
    if len(seen) < 2:
        return -1
    cell = traits * len(seen) + np.searchsorted(seen, codes)
    inside = np.bincount(cell, minlength=count * len(seen)).reshape(count, len(seen))
    left = _bits(inside) + _bits(tally[seen] - inside)
    best = int(left.argmin())
    return best if _bits(tally[seen][None])[0] - left[best] > math.log2(count + 1) else -1


def _bits(counts: Ids) -> NDArray[np.float64]:
    """Bits that describe the colours of some pictures, of counts (..., colours).

    They name the colour of each picture, and say how frequent each colour is, to the precision
    that so many pictures allow (Rissanen, Automatica 1978): one colour alone costs nothing, and
    colours that vary without regard to the labels do not pay for being told apart by chance.
    """
    total = np.maximum(counts.sum(axis=-1), 1)
    names = total * np.log2(total) - (counts * np.log2(np.maximum(counts, 1))).sum(axis=-1)
    free = np.maximum((counts > 0).sum(axis=-1) - 1, 0)
    bits: NDArray[np.float64] = names + free / 2 * np.log2(total)
    return bits


@dataclass(frozen=True)
class _Doubts:
    """Items as they would be without one of their labels: a row, and what stands in its place.

    Attributes:
        row: int64 (m,), the item.
        trait: int64 (m,), the label in doubt.
        group: int64 (m,), the group of traits that it belongs to.
        other: int64 (m,), the trait of the group that the item would have; -1 for none.
    """

    row: Ids
    trait: Ids
    group: Ids
    other: Ids

    def take(self, kept: Flags | Ids) -> "_Doubts":
        return _Doubts(self.row[kept], self.trait[kept], self.group[kept], self.other[kept])


def hidden_labels(
    evidence: Evidence,
    labels: Flags,
    choices: Choices,
    progress: Progress = lambda done, total: None,
) -> Flags:
    """Find the labels without which the picture would be the same.

    Of a type with one value at most, the label may give way to another value or to none, of the
    others it is left out; but only where every pair of what the item then has is seen together on
    some item: a label that follows from the others is no news, and not hidden.

    Args:
        evidence: of all labelled pictures.
        labels: bool (n, traits).
        choices: of these labels.
        progress: told how many cells are learned, of how many.

    Returns:
        bool (n, traits), true where a label cannot be seen.
    """
    group_of = np.arange(labels.shape[1]) + len(choices.groups)
    for number, columns in enumerate(choices.groups):
        group_of[columns] = number
    doubts = _plausible(labels, choices, group_of)
    order = np.random.default_rng(0).permutation(len(evidence.cells))
    for done, place in enumerate(order.tolist()):
        if not len(doubts.row):
            break
        doubts = _remaining(doubts, CellRule.fit(evidence.codes[place], labels), labels, group_of)
        progress(done + 1, len(order))
    hidden = np.zeros(labels.shape, dtype=bool)
    hidden[doubts.row, doubts.trait] = True
    return hidden


def _remaining(doubts: _Doubts, rule: CellRule, labels: Flags, group_of: Ids) -> _Doubts:
    """The doubts that a cell does not settle: it looks the same with and without the label."""
    asked = np.zeros(int(group_of.max(initial=0)) + 1, dtype=bool)
    asked[group_of[rule.trait[rule.trait >= 0]]] = True
    concerned = np.flatnonzero(asked[doubts.group])
    some = doubts.take(concerned)

    def as_it_is(at: Ids, traits: Ids) -> Flags:
        return labels[some.row[at], traits]

    def without(at: Ids, traits: Ids) -> Flags:
        own = group_of[traits] == some.group[at]
        return np.where(own, traits == some.other[at], labels[some.row[at], traits])

    kept = np.ones(len(doubts.row), dtype=bool)
    count = len(concerned)
    kept[concerned] = rule.draw(as_it_is, count) == rule.draw(without, count)
    return doubts.take(kept)


def _plausible(labels: Flags, choices: Choices, group_of: Ids) -> _Doubts:
    """What each item could be without each of its labels."""
    flags, groups = choices.with_absence(labels)
    full = flags.astype(np.float32)
    together = full.T @ full
    conflicts = full @ (together == 0)
    # together[t, s] == together[s, s]: no item has s without t.
    implied_by = full @ (together == np.diag(together)[:, None]).astype(np.float32)
    parts = []
    for number, columns in enumerate(groups):
        for other in columns.tolist():
            # Its own label is the one thing that another of the group is never seen with.
            values = columns[(columns < labels.shape[1]) & (columns != other)]
            row, place = np.nonzero(labels[:, values] & (conflicts[:, [other]] == 1))
            stands = other if other < labels.shape[1] else -1
            parts.append((row, values[place], np.full(len(row), number), np.full(len(row), stands)))
    free = np.flatnonzero(group_of >= len(choices.groups))
    row, place = np.nonzero(labels[:, free] & (implied_by[:, free] == 1))
    trait = free[place]
    parts.append((row, trait, group_of[trait], np.full(len(row), -1)))
    return _Doubts(
        *(np.concatenate(column).astype(np.int64) for column in zip(*parts, strict=True))
    )


def ceiling(labels: Flags, hidden: Flags) -> float:
    """Micro F1 of saying every label that can be seen and nothing else; NaN without labels."""
    total, seen = int(labels.sum()), int((labels & ~hidden).sum())
    return 2 * seen / (total + seen) if total else float("nan")
