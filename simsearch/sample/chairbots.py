"""Chairbots: robots built from furniture, 48 px pixel art with a coloured room."""

import numpy as np
from numpy.typing import NDArray

from simsearch.sample.design import Design, Look, Slot, Terms
from simsearch.sample.furniture import BODIES, HEADS, METAL
from simsearch.sample.shapes import Colour, mix, rgb, tone
from simsearch.sample.sprite import INK, Sprite

SIDE = 48

ROOMS = {
    "Sage": "#b9d3b0", "Peach": "#f7cdb0", "Sky": "#b5d8ec", "Butter": "#f6e3a1",
    "Mauve": "#cdb9dc", "Midnight": "#39406b", "Rose": "#f0b3bd", "Sunset": "#f29a6a",
}  # fmt: skip
WOODS = {
    "Oak": "#c08a50", "Walnut": "#7d4f35", "Birch": "#e6cfa3", "Cherry": "#a84a3c",
    "Teal Paint": "#3f9c97", "Ebony": "#4b4150", "Gilded": "#edc043",
}  # fmt: skip
LIGHTS = {
    "Cyan": "#6ff0f0", "Lime": "#b8f25c", "Amber": "#ffc64a", "Pink": "#ff8fc0", "Red": "#ff5a52",
}  # fmt: skip
EYES = {
    "Square": ("lll", "lwl", "lll"),
    "Slits": ("   ", "lll", "lll"),
    "Happy": (" l ", "l l", "l l"),
    "Crosses": ("l l", " l ", "l l"),
    "Hearts": ("l l", "lll", " l "),
}
BADGES = {
    "Heart": (" rr rr ", "rrrrrrr", "rrwrrrr", " rrrrr ", "  rrr  ", "   r   "),
    "Leaf": ("   lll ", "  llll ", " lldll ", " ldll  ", "dlll   "),
    "Star": ("   y   ", "  yyy  ", "yyywyyy", " yyyyy ", " yy yy ", " y   y "),
    "Key": (" ggg   ", "gg gg  ", "gg gggg", "gg gggg", " ggg  g"),
}
TOPPERS = {
    "Books": (18, 2, ("  rrrrrrr", "  rrrrrrr", "bbbbbbbbbb", "  yyyyyyyyyy", "  yyyyyyyyyy")),
    "Cup": (20, 2, ("wwwwww  ", "bbbbbbb ", "wwwwww w", "wwwwwww ", " wwww   ")),
    "Sprout": (21, 1, ("ll  ll", "lll ll", " llll ", "  ll  ", "  ll  ", "  ll  ")),
    "Cactus": (21, 0, (" lll  ", " lll l", "lllll ", "  lll ", "tttttt", " tttt ")),
    "Candle": (22, 0, (" y  ", "yoy ", " o  ", "wwww", "wwww", "wwww", "wwww")),
    "Cat": (19, 1, ("k    k", "kkkkkk   k", "kykkyk   k", "kkkkkkkkkk", " kkkkkkkk", " kkkkkkkk")),
}
COLOURS = {
    "r": "#e0505a", "w": "#fffaf0", "y": "#ffd84d", "g": "#f2a93b", "l": "#6fbe60", "d": "#3f8a4b",
    "b": "#4f7fc8", "o": "#f0803c", "t": "#c9704a", "k": "#4a3f63",
}  # fmt: skip


def _room(sprite: Sprite, wall: Colour) -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    sprite.paint(y >= 0, wall)
    sprite.paint((x % 8 < 1) & (y < 41), mix(wall, (255, 255, 255), 0.22))
    sprite.paint(y >= 41, tone(wall, -0.28))
    sprite.paint(y == 41, tone(wall, -0.5))
    sprite.paint(sprite.disc(24, 45.4, 15, 1.8), tone(wall, -0.5))


def _leg(sprite: Sprite, kind: str, x: int, wood: Colour) -> None:
    if kind == "Pegs":
        sprite.form(sprite.area(((x, 39), (x + 4, 39), (x + 3, 46), (x + 1, 46))), wood)
    elif kind == "Castors":
        sprite.form(sprite.box(x + 1, 39, 2, 3), METAL)
        sprite.form(sprite.disc(x + 2, 43.5, 2.6), tone(METAL, -0.5))
        sprite.paint(sprite.disc(x + 2, 43.5, 1), tone(METAL, 0.6))
    elif kind == "Springs":
        for step in range(4):
            sprite.paint(sprite.box(x - 1 + step % 2, 39 + 2 * step, 5, 1), INK)
            sprite.paint(sprite.box(x - 1 + step % 2, 40 + 2 * step, 5, 1), METAL)
    else:
        sprite.form(sprite.box(x, 39, 4, 4), wood)
        sprite.form(sprite.box(x - 2, 43, 7, 3), tone(wood, -0.2))


def _arm(sprite: Sprite, kind: str, side: int, wood: Colour) -> None:
    """The left (-1) or right (1) arm."""
    joint = (24 + side * 12, 25)
    x = 24 + side * 18
    if kind == "Hooks":
        sprite.form(sprite.line((joint, (x - side, 31)), 2), METAL)
        sprite.form(sprite.disc(x, 34, 3.4) & ~sprite.disc(x, 33.4, 1.8), METAL)
    elif kind == "Brooms":
        sprite.form(sprite.line((joint, (x - side, 35)), 2.6), wood)
        for spread in (-2, 0, 2):
            bristle = ((x - side, 35), (x - side + spread, 39))
            sprite.paint(sprite.line(bristle), rgb("#f0d58a"))
    else:
        up = kind == "Wave" and side > 0
        sprite.form(sprite.line((joint, (x, 26), (x, 14 if up else 36)), 2.6), wood)
        reach = 3.2 if kind == "Wave" else 2.4
        sprite.form(sprite.disc(x, 14 if up else 37, reach), tone(wood, 0.2))


def _badge(sprite: Sprite, kind: str) -> None:
    if kind:
        sprite.form(sprite.disc(24, 31.5, 6), rgb("#fff6e0"))
        sprite.stamp(BADGES[kind], 21, 29, COLOURS)


def _cloth(sprite: Sprite, kind: str) -> None:
    if kind == "Apron":
        sprite.form(sprite.area(((17, 23), (31, 23), (33, 41), (15, 41))), rgb("#f4f1ea"))
        y, x = np.mgrid[:SIDE, :SIDE]
        weave = ((x + y) % 6 == 0) | ((x - y) % 6 == 0)
        inner = sprite.area(((18, 24), (30, 24), (32, 40), (16, 40)))
        sprite.paint(inner & weave, rgb("#e2728a"))
    elif kind == "Scarf":
        sprite.form(sprite.box(15, 21, 18, 3), rgb("#d9434f"))
        sprite.form(sprite.box(29, 24, 4, 9), rgb("#d9434f"))
        for row in (26, 29, 32):
            sprite.paint(sprite.box(29, row, 4, 1), rgb("#fbeee0"))
    elif kind == "Bow":
        blue = rgb("#5b6fd6")
        for tip in (18, 30):
            sprite.form(sprite.area(((24, 23.5), (tip, 20), (tip, 27))), blue)
        sprite.form(sprite.box(23, 22, 2, 3), blue)


def draw(look: Look) -> NDArray[np.uint8]:
    """Picture of a look, uint8 (48, 48, 4), opaque."""
    sprite = Sprite(SIDE)
    wood = rgb(WOODS[look["Wood"]])
    _room(sprite, rgb(ROOMS[look["Room"]]))
    for x, side in ((15, -1), (29, 1)):
        _leg(sprite, look["Legs"], x, wood)
        _arm(sprite, look["Arms"], side, wood)
    BODIES[look["Body"]](sprite, wood)
    _badge(sprite, look["Badge"])
    if look["Topper"]:
        x, y, rows = TOPPERS[look["Topper"]]
        sprite.sticker(rows, x, y, COLOURS)
    HEADS[look["Head"]](sprite, wood)
    for x in (19, 26):
        colours = {"l": LIGHTS[look["Light"]], "w": "#ffffff"}
        sprite.stamp(EYES[look["Eyes"]], x, 12, colours)
    _neck(sprite)
    _cloth(sprite, look["Cloth"])
    return sprite.rgba


def _neck(sprite: Sprite) -> None:
    sprite.form(sprite.box(21, 20, 6, 2), METAL)


DESIGN = Design(
    id="chairbots",
    name="Chairbots",
    side=SIDE,
    draw=draw,
    terms=Terms("SOL", price=9, drift=0.002, volatility=0.03, sigma=0.18),
    slots=(
        Slot("Room", dict(zip(ROOMS, (19, 18, 16, 14, 12, 10, 8, 3), strict=True))),
        Slot("Wood", dict(zip(WOODS, (26, 22, 18, 14, 11, 7, 2), strict=True))),
        Slot("Body", dict(zip(BODIES, (30, 24, 20, 15, 11), strict=True))),
        Slot("Head", dict(zip(HEADS, (30, 24, 18, 17, 11), strict=True))),
        Slot("Eyes", dict(zip(EYES, (36, 26, 20, 12, 6), strict=True))),
        Slot("Light", dict(zip(LIGHTS, (34, 26, 20, 14, 6), strict=True))),
        Slot("Arms", {"Rails": 36, "Brooms": 28, "Hooks": 22, "Wave": 14}),
        Slot("Legs", {"Pegs": 36, "Blocks": 28, "Castors": 22, "Springs": 14}),
        Slot("Topper", dict(zip(("", *TOPPERS), (34, 18, 14, 12, 10, 8, 4), strict=True))),
        Slot("Badge", dict(zip(("", *BADGES), (48, 20, 15, 11, 6), strict=True))),
        Slot("Cloth", {"": 58, "Scarf": 18, "Bow": 14, "Apron": 10}),
    ),
    exclusive=(
        (("Head", "Clock"), ("Topper", "Books")),
        (("Head", "Birdhouse"), ("Topper", "Cup")),
    ),
    covers=((("Cloth", "Apron"), "Badge"),),
)
