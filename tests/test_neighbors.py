"""The neighbour table: its shape check, its cuts, its renumbering."""

import numpy as np
import pytest

from simsearch.neighbors import Neighbors


def table(rows):
    ids = np.array(rows, dtype=np.int64)
    distances = np.where(ids < 0, np.inf, np.arange(ids.shape[1])).astype(np.float32)
    return Neighbors(ids, distances)


def test_unequal_shapes_are_refused_with_both_in_the_message():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(2, 2\)"):
        Neighbors(np.zeros((2, 3), dtype=np.int64), np.zeros((2, 2), dtype=np.float32))


def test_top_keeps_the_first_columns():
    first = table([[4, 2, 7], [1, 0, -1]]).top(2)
    assert first.k == 2
    assert first.ids.tolist() == [[4, 2], [1, 0]]


def test_empty_finds_nothing():
    nothing = Neighbors.empty(2, 3)
    assert (nothing.ids == -1).all()
    assert np.isinf(nothing.distances).all()


def test_renumbered_turns_places_of_a_part_into_rows_and_keeps_holes():
    part = table([[0, 2, -1], [1, -1, -1]])
    rows = part.renumbered(np.array([10, 20, 30]))
    assert rows.ids.tolist() == [[10, 30, -1], [20, -1, -1]]
    assert np.array_equal(rows.distances, part.distances)
