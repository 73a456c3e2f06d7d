"""Velvet Moths: 40 px pixel art, mirror-symmetric, on a transparent ground."""

import numpy as np
from numpy.typing import NDArray

from simsearch.sample.design import Design, Look, Slot, Terms
from simsearch.sample.shapes import Colour, Point, curve, mix, rgb, tone
from simsearch.sample.sprite import Mask, Sprite, grown, shrunk

SIDE = 40

FORE: dict[str, tuple[Point, ...]] = {
    "Broad": ((19, 13), (12, 7), (4, 5), (2, 9), (4, 16), (9, 21), (19, 20)),
    "Swept": ((19, 13), (12, 9), (3, 7), (1.6, 10), (7, 16), (12, 20), (19, 20)),
    "Sickle": ((19, 13), (13, 6), (6, 3), (2.4, 5), (6, 9), (7, 15), (12, 20), (19, 20)),
    "Scalloped": ((19, 13), (11, 6), (4, 6), (2, 10), (5, 12), (3, 16), (8, 17), (8, 21), (19, 20)),
}
HIND: dict[str, tuple[Point, ...]] = {
    "Round": ((19, 19), (10, 18), (5, 23), (6, 30), (12, 33), (17, 29), (19, 24)),
    "Tailed": ((19, 19), (10, 18), (6, 22), (8, 28), (8, 36), (11, 37), (13, 30), (19, 24)),
    "Pointed": ((19, 19), (10, 18), (4, 21), (6, 26), (11, 31), (15, 34), (17, 29), (19, 24)),
    "Long": ((19, 19), (11, 19), (8, 25), (9, 32), (13, 36), (17, 32), (19, 24)),
}
VELVETS = {
    "Dusk": ("#7d6bb5", "#c58bb8"), "Moss": ("#7d9a55", "#c7c06a"),
    "Bark": ("#a9825b", "#d9b68a"), "Lunar": ("#a8e0c0", "#d7f3d8"),
    "Ember": ("#c8553d", "#f0a04b"), "Ink": ("#4a5578", "#7f90b8"),
    "Sorbet": ("#f2a2b8", "#fbe08a"), "Ivory": ("#efe4cf", "#d9c3a0"),
    "Royal": ("#3c6fd1", "#67c7e8"),
}  # fmt: skip
MARKS = ("Bands", "Veins", "Speckles", "Eyespots", "Crescent")
DUSTS = {
    "Cream": "#fff3d0", "Soot": "#332a45", "Copper": "#d9793a", "Violet": "#9a5bd0",
    "Jade": "#2fae8a", "Gilt": "#ffd447",
}  # fmt: skip
FURS = {
    "Cinnamon": "#b5763f", "Ash": "#a7a3b5", "Snow": "#f4f0e8", "Rust": "#cc5a38",
    "Night": "#4d4468",
}  # fmt: skip
SPARKS: dict[str, tuple[tuple[int, int], ...]] = {
    "Sparks": ((1, 1), (0, 32), (15, 0)),
    "Stardust": ((1, 1), (0, 19), (2, 35), (14, 36), (7, 0)),
}


def _wing(sprite: Sprite, mask: Mask, colour: Colour, dust: Colour) -> None:
    """Velvet that darkens to the rim, with a fringe in the colour of the dust."""
    sprite.form(mask, colour)
    inner = shrunk(mask, 1)
    sprite.paint(mask & ~inner, mix(tone(colour, -0.3), dust, 0.55))
    sprite.paint(inner & ~shrunk(mask, 2), tone(colour, -0.18))
    sprite.paint(shrunk(mask, 4), tone(colour, 0.25))


def _fore_marks(sprite: Sprite, kind: str, mask: Mask, dust: Colour) -> None:
    body = shrunk(mask, 1)
    y, x = np.mgrid[:SIDE, :SIDE]
    reach = np.hypot(x - 20, y - 16)
    if kind == "Bands":
        sprite.paint(body & ((reach > 11) & (reach < 13) | (reach > 7) & (reach < 8.3)), dust)
    elif kind == "Eyespots":
        sprite.paint(sprite.disc(9, 12, 3.2) & body, tone(dust, -0.6))
        sprite.paint(sprite.disc(9, 12, 2.4) & body, dust)
        sprite.paint(sprite.disc(9, 12, 1.2) & body, rgb("#241b3a"))
    elif kind == "Veins":
        for end in ((2, 8), (3, 13), (6, 18), (8, 6)):
            sprite.paint(sprite.line(((19, 15), end)) & body, dust)
    elif kind == "Speckles":
        sprite.paint(body & ((x * 7 + y * 5) % 11 < 2), dust)
    else:
        sprite.paint((sprite.disc(9, 12, 3.4) & ~sprite.disc(10.6, 11, 2.8)) & body, dust)


def _hind_marks(sprite: Sprite, kind: str, mask: Mask, dust: Colour) -> None:
    inner = shrunk(mask, 1)
    y, x = np.mgrid[:SIDE, :SIDE]
    if kind == "Edge":
        sprite.paint(shrunk(mask, 2) & ~shrunk(mask, 3), dust)
    elif kind == "Spots":
        sprite.paint(inner & (sprite.disc(11, 24, 2.2) | sprite.disc(13, 29, 1.5)), dust)
        sprite.paint(inner & sprite.disc(11, 24, 1), rgb("#241b3a"))
    elif kind == "Rays":
        sprite.paint(inner & ((x - y) % 4 == 0) & (y > 20), dust)


def _body(sprite: Sprite, kind: str, fur: Colour) -> None:
    lengths = {"Slim": (1.7, 9), "Plump": (2.7, 8), "Banded": (2.4, 9.5)}
    width, length = lengths[kind]
    abdomen = sprite.disc(20, 24, width, length)
    sprite.form(abdomen, fur)
    if kind == "Banded":
        rows = (np.arange(SIDE) % 3 == 0)[:, None]
        sprite.paint(abdomen & rows, tone(fur, -0.6))
    sprite.form(sprite.disc(20, 17, 3.2, 3.4), tone(fur, 0.18))
    sprite.form(sprite.disc(20, 12.4, 2.4, 2.2), fur)
    sprite.stamp(("k", "k"), 18, 12, {"k": "#1d1630"})


def _antennae(sprite: Sprite, kind: str, fur: Colour) -> None:
    ink = tone(fur, -0.55)
    stem = sprite.line(curve(((19, 11), (17, 7), (13, 3)), closed=False))
    if kind == "Fern":
        y, x = np.mgrid[:SIDE, :SIDE]
        sprite.paint(grown(stem) & ((x + y) % 2 == 0), tone(fur, -0.3))
    sprite.paint(stem, ink)
    if kind == "Clubs":
        sprite.form(sprite.disc(13, 3, 1.6), fur)
    elif kind == "Curls":
        sprite.paint(sprite.disc(12.5, 4.5, 2.5) & ~sprite.disc(12.5, 4.5, 1.4), ink)


def _glimmer(sprite: Sprite, kind: str, dust: Colour) -> None:
    lit = mix(dust, (255, 255, 255), 0.35)
    for x, y in SPARKS.get(kind, ()):
        sprite.paint(sprite.box(x, y + 1, 3, 1) | sprite.box(x + 1, y, 1, 3), lit)
        sprite.paint(sprite.box(x + 1, y + 1, 1, 1), (255, 255, 255))
    if kind == "Aura":
        sprite.paint(sprite.disc(20, 20, 19.6) & ~sprite.disc(20, 20, 18.2), lit, 190)


def draw(look: Look) -> NDArray[np.uint8]:
    """Picture of a look, uint8 (40, 40, 4)."""
    sprite = Sprite(SIDE)
    fore, hind = (rgb(text) for text in VELVETS[look["Velvet"]])
    dust, fur = rgb(DUSTS[look["Dust"]]), rgb(FURS[look["Fur"]])
    _glimmer(sprite, look["Glimmer"], dust)
    lower = sprite.area(curve(HIND[look["Hindwing"]]))
    _wing(sprite, lower, hind, dust)
    _hind_marks(sprite, look["Hind Marks"], lower, dust)
    upper = sprite.area(curve(FORE[look["Forewing"]]))
    _wing(sprite, upper, fore, dust)
    _fore_marks(sprite, look["Fore Marks"], upper, dust)
    _antennae(sprite, look["Antennae"], fur)
    _body(sprite, look["Body"], fur)
    sprite.mirror()
    return sprite.rgba


DESIGN = Design(
    id="moths",
    name="Velvet Moths",
    side=SIDE,
    draw=draw,
    background="#232a4d",
    terms=Terms("ETH", price=0.12, drift=-0.0008, volatility=0.025, sigma=0.2, sales=3),
    slots=(
        Slot("Velvet", dict(zip(VELVETS, (20, 18, 16, 13, 11, 9, 6, 5, 2), strict=True))),
        Slot("Dust", dict(zip(DUSTS, (30, 22, 18, 14, 11, 5), strict=True))),
        Slot("Forewing", dict(zip(FORE, (40, 30, 18, 12), strict=True))),
        Slot("Hindwing", dict(zip(HIND, (42, 14, 28, 16), strict=True))),
        Slot("Fore Marks", dict(zip(MARKS, (32, 24, 20, 14, 10), strict=True))),
        Slot("Hind Marks", {"": 30, "Edge": 34, "Spots": 22, "Rays": 14}),
        Slot("Body", {"Slim": 40, "Plump": 38, "Banded": 22}),
        Slot("Fur", dict(zip(FURS, (34, 26, 20, 14, 6), strict=True))),
        Slot("Antennae", {"Thread": 40, "Fern": 32, "Clubs": 18, "Curls": 10}),
        Slot("Glimmer", {"": 76, "Sparks": 14, "Stardust": 7, "Aura": 3}),
    ),
    exclusive=((("Velvet", "Royal"), ("Glimmer", "Aura")),),
)
