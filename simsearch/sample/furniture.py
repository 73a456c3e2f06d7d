"""Bodies and heads of the robots that are built from furniture; 48 px pixel art."""

from collections.abc import Callable

from simsearch.sample.shapes import Colour, box, mix, rgb, tone
from simsearch.sample.sprite import INK, Sprite

METAL = rgb("#9aa3b5")
SCREEN = rgb("#2f2a47")
BRASS = rgb("#f0cf5a")
BOOKS = {
    "r": "#d2524e", "b": "#4f7fc8", "g": "#5fae68", "y": "#f0c851", "p": "#9a68c0", "o": "#ec8f48",
    "k": "#2b1f3d",
}  # fmt: skip
Painter = Callable[[Sprite, Colour], None]


def _frame(sprite: Sprite, wood: Colour) -> None:
    sprite.form(sprite.box(13, 22, 22, 17), wood)


def _dresser(sprite: Sprite, wood: Colour) -> None:
    _frame(sprite, wood)
    for y in (24, 29, 34):
        sprite.paint(sprite.box(15, y, 18, 4), tone(wood, -0.4))
        sprite.form(sprite.box(16, y, 17, 3), tone(wood, 0.12), outline=False)
        sprite.stamp(("y          y", "k          k"), 18, y + 1, {"y": "#ffe08a", "k": "#5b4630"})


def _armchair(sprite: Sprite, wood: Colour) -> None:
    cloth = mix(wood, rgb("#e8889a"), 0.65)
    sprite.form(sprite.area(box(14, 21, 34, 39)), cloth)
    sprite.form(sprite.box(13, 34, 22, 5), tone(cloth, 0.15))
    for x in (13, 31):
        sprite.form(sprite.disc(x + 2, 30, 3.4, 3.2) | sprite.box(x, 30, 4, 9), wood)


def _bookshelf(sprite: Sprite, wood: Colour) -> None:
    _frame(sprite, wood)
    for y, titles in ((24, "rbgypobgr"), (31, "obgrypbor")):
        sprite.paint(sprite.box(15, y, 18, 6), tone(wood, -0.65))
        for place, title in enumerate(titles):
            height = 4 + (place * 7 + y) % 3 % 2
            sprite.stamp((title + "k",) * height, 15 + 2 * place, y + 6 - height, BOOKS)


def _trunk(sprite: Sprite, wood: Colour) -> None:
    _frame(sprite, wood)
    sprite.paint(sprite.box(13, 27, 22, 1), tone(wood, -0.6))
    for x in (16, 29):
        sprite.form(sprite.box(x, 22, 3, 17), rgb("#8a5a3b"))
    sprite.form(sprite.box(22, 25, 4, 4), BRASS)


def _clock_case(sprite: Sprite, wood: Colour) -> None:
    _frame(sprite, wood)
    sprite.paint(sprite.box(16, 24, 16, 14), tone(wood, -0.6))
    sprite.paint(sprite.box(17, 25, 14, 12), tone(wood, -0.75))
    sprite.paint(sprite.line(((24, 24), (20, 34)), 1), rgb("#d8b848"))
    sprite.form(sprite.disc(20, 34, 2.4), rgb("#f4d35e"))


def _radio(sprite: Sprite, wood: Colour) -> None:
    sprite.form(sprite.box(14, 8, 20, 12), wood)
    sprite.paint(sprite.box(16, 10, 16, 6), SCREEN)
    sprite.stamp(("a b a b a b a b a",), 16, 17, {"a": "#f0cf5a", "b": "#2b1f3d"})


def _lampshade(sprite: Sprite, _: Colour) -> None:
    sprite.form(sprite.area(((19, 7), (29, 7), (34, 19), (14, 19))), rgb("#f3dfae"))
    sprite.paint(sprite.box(17, 11, 14, 5), rgb("#5b4a5e"))
    sprite.stamp(("r" * 18,), 15, 18, {"r": "#d8574e"})


def _clock(sprite: Sprite, _: Colour) -> None:
    for x in (17, 31):
        sprite.form(sprite.disc(x, 8, 2.6), rgb("#e3b341"))
    sprite.form(sprite.disc(24, 13.5, 8), rgb("#d8574e"))
    sprite.form(sprite.disc(24, 13.5, 6.4), rgb("#3a3352"), outline=False)


def _toaster(sprite: Sprite, _: Colour) -> None:
    sprite.form(sprite.disc(24, 10, 9, 3) | sprite.box(15, 10, 18, 10), METAL)
    sprite.paint(sprite.box(18, 11, 12, 6), SCREEN)
    sprite.paint(sprite.box(33, 12, 3, 2), INK)
    sprite.paint(sprite.box(18, 18, 12, 1), tone(METAL, -0.5))


def _birdhouse(sprite: Sprite, wood: Colour) -> None:
    sprite.form(sprite.box(16, 10, 16, 10), wood)
    sprite.paint(sprite.box(18, 11, 12, 6), SCREEN)
    sprite.form(sprite.area(((24, 5), (35, 11.4), (13, 11.4))), rgb("#b8513f"))


BODIES: dict[str, Painter] = {
    "Dresser": _dresser,
    "Armchair": _armchair,
    "Trunk": _trunk,
    "Bookshelf": _bookshelf,
    "Clock Case": _clock_case,
}
HEADS: dict[str, Painter] = {
    "Radio": _radio,
    "Lampshade": _lampshade,
    "Clock": _clock,
    "Toaster": _toaster,
    "Birdhouse": _birdhouse,
}
