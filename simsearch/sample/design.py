"""What a generated collection is made of: slots, their parts and how often each is drawn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Trait

Look = dict[str, str]
"""Slot name to part name; an empty text where the slot stays empty."""

Part = tuple[str, str]
"""Slot and part."""


@dataclass(frozen=True)
class Slot:
    """One place of the picture that takes one of several parts.

    Attributes:
        name: the slot.
        parts: part name to weight; the empty name means that nothing is drawn there.
        label: trait type in the tables where it is not the slot's name; slots may share one.
    """

    name: str
    parts: Mapping[str, float]
    label: str = ""

    @property
    def trait_type(self) -> str:
        """Trait type under which the slot's part is listed."""
        return self.label or self.name


@dataclass(frozen=True)
class Terms:
    """How a collection trades.

    Attributes:
        currency: unit of the prices and of the level.
        price: first day's price of an item without any trait premium.
        drift: mean change of the log level a day.
        volatility: standard deviation of that change.
        sigma: standard deviation of a sale's log price around the item's worth.
        sales: mean number of sales an item.
        other: second currency in which every seventh sale is paid; empty for none.
        bundles: the sales table tells transactions and quantities.
    """

    currency: str
    price: float
    drift: float
    volatility: float
    sigma: float
    sales: float = 2.5
    other: str = ""
    bundles: bool = True


@dataclass(frozen=True)
class Design:
    """A collection to be generated.

    Attributes:
        id: folder name.
        name: for people.
        side: pixels of a picture's side.
        slots: in the order in which the traits are listed.
        draw: gives the RGBA picture, uint8 (side, side, 4), of a look.
        terms: how it trades.
        exclusive: pairs of parts that never meet; the second gives way.
        covers: (part, slot): where the part is worn, nothing of the slot is seen.
        share: part of the asked number of items that this collection gets.
        background: colour shown behind transparent pixels, ``#rrggbb``; empty means white.
    """

    id: str
    name: str
    side: int
    slots: tuple[Slot, ...]
    draw: Callable[[Look], NDArray[np.uint8]]
    terms: Terms
    exclusive: tuple[tuple[Part, Part], ...] = ()
    covers: tuple[tuple[Part, str], ...] = ()
    share: float = 1
    background: str = ""


def draw_looks(design: Design, rng: np.random.Generator, count: int) -> list[Look]:
    """Draw ``count`` looks, no two alike, every part as rare as its weight says."""
    looks: dict[tuple[str, ...], Look] = {}
    while len(looks) < count:
        look = _draw_look(design, rng)
        looks.setdefault(tuple(look.values()), look)
    return list(looks.values())


def _draw_look(design: Design, rng: np.random.Generator) -> Look:
    look = {}
    for slot in design.slots:
        weights = np.array(list(slot.parts.values()), dtype=np.float64)
        place = int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum(), "right"))
        look[slot.name] = list(slot.parts)[place]
    for (slot_name, part), (loser, lost) in design.exclusive:
        if look[slot_name] == part and look[loser] == lost:
            look[loser] = ""
    return look


def traits_of(design: Design, look: Look) -> tuple[Trait, ...]:
    """The traits of a look as (type, value), in the order of the slots."""
    return tuple((slot.trait_type, look[slot.name]) for slot in design.slots if look[slot.name])


def hidden_slots(design: Design, look: Look) -> set[str]:
    """Slots whose part lies wholly under another part of this look."""
    return {slot for (over, part), slot in design.covers if look[over] == part and look[slot]}
