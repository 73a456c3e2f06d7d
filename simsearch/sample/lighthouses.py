"""Pocket Lighthouses: 24 px pixel art on a transparent ground."""

import numpy as np
from numpy.typing import NDArray

from simsearch.sample.design import Design, Look, Slot, Terms
from simsearch.sample.shapes import Points, box, rgb, tone
from simsearch.sample.sprite import Mask, Sprite

SIDE = 24

TOWERS = {
    "Chalk": "#f3ead8", "Brick": "#c65a46", "Slate": "#66788f", "Mint": "#8fd0b4",
    "Ochre": "#e0a63f", "Lilac": "#b49ad8", "Coal": "#474357", "Gold Leaf": "#f6cf4a",
}  # fmt: skip
BANDS = {
    "Crimson": "#c8314a", "Navy": "#2f4b8c", "Teal": "#1d8a8a", "Sunflower": "#f3bd2e",
    "Plum": "#7a3b86", "Rainbow": "",
}  # fmt: skip
RAINBOW = ("#d7443e", "#f08a32", "#f4cf3c", "#57b65a", "#3f8fd0", "#7a55b8")
LAMPS = {"Amber": "#ffc94d", "Rose": "#ff8fa8", "Aqua": "#6fe3ec", "Lime": "#b9ea62"}
ROOFS = {"Red": "#d2483f", "Green": "#4a9a62", "Blue": "#4377c4", "Copper": "#5fb59c"}
TOWER: Points = ((9, 8), (15, 8), (16.6, 20), (7.4, 20))


HILL: Points = ((1, 24), (3, 20.2), (8, 18.6), (16, 18.6), (21, 20.2), (23, 24))
FLAT: Points = ((0, 24), (1, 20.4), (23, 20.4), (24, 24))
GROUNDS: dict[str, tuple[Points, str, tuple[str, ...]]] = {
    "Rocks": (HILL, "#7d7f93", ("   dd  d      ll", "     dd         l", " l         d    ")),
    "Meadow": (HILL, "#6fb656", ("   r   y      y  r", "     y         r  ", "   y   r      y   ")),
    "Sea": (FLAT, "#4f9fd8", (" ww   ww   ww   ww", "w  w w  w w  w w  w")),
    "Dunes": (HILL, "#ecc887", ("    sss  ss   ss", "     ssss   sss")),
    "Pier": (FLAT, "#a9744a", ("b    b    b    b", "bbbbbbbbbbbbbbbbbbbb", "b    b    b    b")),
    "Ice": (FLAT, "#bfe8f6", ("", " i  i   i  i   i  i", "i  i i i  i i i  i i")),
}  # fmt: skip
SPECKS = {
    "d": "#5a5a74", "l": "#a9adbd", "r": "#f2708a", "y": "#ffe066", "w": "#d8f1ff", "s": "#c99d5c",
    "b": "#6d4630", "i": "#6fb7dc",
}  # fmt: skip


def _ground(sprite: Sprite, kind: str) -> None:
    outline, colour, specks = GROUNDS[kind]
    sprite.form(sprite.area(outline), rgb(colour))
    sprite.stamp(specks, 2, 21, SPECKS)


def _pattern(sprite: Sprite, kind: str, body: Mask) -> Mask:
    """Pixels of the tower that take the second colour."""
    y, x = np.mgrid[:SIDE, :SIDE]
    rule = {
        "Hoops": (y - 9) % 4 < 2,
        "Spiral": (x + y) % 6 < 3,
        "Checks": ((x - 8) // 2 + (y - 8) // 2) % 2 == 0,
        "Stripe": (x == 11) | (x == 12),
        "Base": y > 15,
    }
    return np.asarray(body & rule[kind])


def _tower(sprite: Sprite, look: Look) -> None:
    body = sprite.area(TOWER)
    sprite.form(body, rgb(TOWERS[look["Tower"]]))
    marked = _pattern(sprite, look["Pattern"], body)
    for row in range(SIDE):
        text = BANDS[look["Paint"]] or RAINBOW[(row // 2) % len(RAINBOW)]
        line = marked & (np.arange(SIDE) == row)[:, None]
        sprite.paint(line, rgb(text))
        sprite.paint(line & ~np.roll(body, -1, axis=1), tone(rgb(text), -0.35))
        sprite.paint(line & ~np.roll(body, 1, axis=1), tone(rgb(text), 0.35))


def _door(sprite: Sprite, kind: str) -> None:
    colours = {"k": "#33223f", "d": "#7a4a2e", "l": "#b9784a", "y": "#ffe08a", "b": "#8fd7f2"}
    rows = {
        "Arch": (" kk ", "kdlk", "kdlk", "kdyk"),
        "Round": (" kk ", "kldk", "kddk", " kk "),
        "Glass": ("kkkk", "kbbk", "kbyk", "kbbk"),
    }
    if kind:
        sprite.stamp(rows[kind], 10, 16, colours)
    sprite.stamp(("kk", "yy"), 11, 11, colours)


def _lantern(sprite: Sprite, lamp: str, roof: str, shape: str) -> None:
    sprite.form(sprite.box(8, 8, 8, 1), rgb("#59536e"))
    sprite.form(sprite.box(10, 5, 4, 3), rgb("#59536e"))
    sprite.stamp(("aaaa", "awwa", "awwa"), 10, 5, {"a": LAMPS[lamp], "w": "#fffbe6"})
    shapes: dict[str, Points] = {
        "Dome": ((9, 5), (9.2, 3.4), (10.6, 2), (13.4, 2), (14.8, 3.4), (15, 5)),
        "Cone": ((8.6, 5), (11.4, 1.2), (12.6, 1.2), (15.4, 5)),
        "Flat": box(8, 3, 16, 5),
    }
    sprite.form(sprite.area(shapes[shape]), rgb(ROOFS[roof]))


def _beam(sprite: Sprite, kind: str, lamp: str) -> None:
    colour = rgb(LAMPS[lamp])
    right: Points = ((12, 6), (24, 1), (24, 10))
    left: Points = ((12, 6), (0, 1), (0, 10))
    if kind in ("East", "Both"):
        sprite.paint(sprite.area(right), colour, 170)
    if kind in ("West", "Both"):
        sprite.paint(sprite.area(left), colour, 170)
    if kind == "Halo":
        sprite.paint(sprite.disc(12, 6, 8.6), colour, 120)
        sprite.paint(sprite.disc(12, 6, 6.2), colour, 200)


_SKY = {
    "Gull": (1, 11, ("ww  ww", " wkkw ", "  ww  ")),
    "Moon": (1, 11, (" mm ", "mm  ", "mm  ", " mm ")),
    "Kite": (1, 11, ("  r  ", " rrr ", "  r  ", "   s ", "  s  ")),
    "Balloon": (1, 10, (" rrr ", "rryrr", "rryrr", " rrr ", "  s  ", "  b  ")),
}
_SHORE = {
    "Boat": (17, 16, ("  w   ", "  ww  ", "  www ", " bbbbb", "  bbb ")),
    "Cat": (17, 16, ("o o   ", "ooo  o", "gog  o", " oooo ", " oooo ", " o  o ")),
    "Flag": (18, 14, ("srrr", "srrr", "s   ", "s   ", "s   ", "s   ", "s   ")),
    "Whale": (17, 17, (" n  n ", " nnnn ", "  nn  ", " nnnn ")),
    "Fir": (18, 14, ("  t  ", " ttt ", "  t  ", " ttt ", "ttttt", "  b  ", "  b  ")),
}
_INK = {
    "w": "#fdfdf5", "k": "#4a4a66", "m": "#ffe9a3", "r": "#e2504c", "s": "#6b5a55", "y": "#ffd65c",
    "b": "#8a5a3b", "o": "#ef9a4a", "g": "#3c6b45", "n": "#4d7db8", "t": "#3f8a5b",
}  # fmt: skip


def draw(look: Look) -> NDArray[np.uint8]:
    """Picture of a look, uint8 (24, 24, 4)."""
    sprite = Sprite(SIDE)
    _beam(sprite, look["Beam"], look["Lamp"])
    _ground(sprite, look["Ground"])
    _tower(sprite, look)
    _door(sprite, look["Door"])
    _lantern(sprite, look["Lamp"], look["Roof"], look["Roof Shape"])
    for slot, things in (("Sky", _SKY), ("Shore", _SHORE)):
        if look[slot]:
            x, y, rows = things[look[slot]]
            sprite.sticker(rows, x, y, _INK)
    return sprite.rgba


DESIGN = Design(
    id="lighthouses",
    name="Pocket Lighthouses",
    side=SIDE,
    draw=draw,
    terms=Terms("ETH", price=0.4, drift=0.0012, volatility=0.02, sigma=0.15, bundles=False),
    slots=(
        Slot("Tower", dict(zip(TOWERS, (26, 20, 16, 14, 10, 7, 5, 2), strict=True))),
        Slot("Pattern", {"Hoops": 34, "Spiral": 22, "Base": 20, "Stripe": 14, "Checks": 10}),
        Slot("Paint", dict(zip(BANDS, (30, 24, 18, 14, 11, 3), strict=True))),
        Slot("Lamp", dict(zip(LAMPS, (50, 24, 18, 8), strict=True))),
        Slot("Beam", {"": 30, "East": 24, "West": 24, "Both": 16, "Halo": 6}),
        Slot("Roof", dict(zip(ROOFS, (40, 28, 22, 10), strict=True))),
        Slot("Roof Shape", {"Dome": 50, "Cone": 35, "Flat": 15}),
        Slot("Door", {"": 15, "Arch": 50, "Round": 20, "Glass": 15}),
        Slot("Ground", {"Rocks": 30, "Meadow": 24, "Sea": 18, "Dunes": 13, "Pier": 10, "Ice": 5}),
        Slot("Sky", {"": 55, "Gull": 22, "Kite": 11, "Moon": 8, "Balloon": 4}, "Extras"),
        Slot("Shore", {"": 45, "Flag": 20, "Fir": 14, "Boat": 11, "Cat": 6, "Whale": 4}, "Extras"),
    ),
    exclusive=(
        (("Ground", "Dunes"), ("Shore", "Fir")),
        (("Ground", "Meadow"), ("Shore", "Whale")),
        (("Beam", "Halo"), ("Sky", "Moon")),
    ),
)
