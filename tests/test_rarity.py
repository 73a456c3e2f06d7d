"""Rarity: counts by hand."""

import numpy as np

from simsearch.catalog import Catalog, Item, Picture
from simsearch.rarity import Traits


def catalog(*traits):
    place = Picture("file", "/a.png")
    return Catalog.from_items(
        [Item(f"c{n % 2}", str(n), place, own) for n, own in enumerate(traits)]
    )


def test_counts_by_hand():
    made = catalog(
        (("hat", "red"), ("eye", "one")),
        (("hat", "blue"),),  # of the other collection
        (("hat", "red"), ("hat", "green")),
        (),
        (("eye", "one"), ("eye", "one")),
    )
    found = Traits.of(made, np.array([0, 2, 4]))
    assert found.names == [("eye", "one"), ("hat", "green"), ("hat", "red")]
    assert found.counts.tolist() == [2, 1, 2]
    assert found.has.tolist() == [[True, False, True], [False, True, True], [True, False, False]]
    assert {kind: places.tolist() for kind, places in found.kinds.items()} == {
        "eye": [0],
        "hat": [1, 2],
    }
    assert found.several == {"hat"}


def test_items_without_traits():
    found = Traits.of(catalog((), ()), np.array([0]))
    assert found.names == []
    assert found.counts.tolist() == []
    assert found.several == frozenset()
