"""Paper Carnival: flat festive masks at 128 px, opaque."""

import math

import numpy as np
from numpy.typing import NDArray

from simsearch.sample.design import Design, Look, Slot, Terms
from simsearch.sample.scene import Mark, Mask, Scene, inside
from simsearch.sample.shapes import (
    Colour,
    Points,
    box,
    curve,
    ellipse,
    flipped,
    heart,
    mix,
    moved,
    rgb,
    star,
    symmetric,
    tone,
    trace,
)  # fmt: skip

SIDE = 128
AXIS = 0.5

PAPERS = {
    "Tomato": "#e8604c", "Marigold": "#f4b942", "Turquoise": "#4fbdb6", "Lilac": "#bca2e0",
    "Pine": "#33715f", "Navy": "#2e3f78", "Blossom": "#f5b7c5", "Linen": "#efe3cb",
}  # fmt: skip
LACQUERS = {
    "Ivory": "#f8efdc", "Vermilion": "#d8432f", "Indigo": "#4350a8", "Jade": "#3fa57e",
    "Saffron": "#f0a727", "Charcoal": "#453f52", "Pink": "#f08fae", "Gold": "#e9c24d",
}  # fmt: skip
PAINTS = {
    "Crimson": "#c72f45",
    "Cobalt": "#2f62c9",
    "Lemon": "#ffe04f",
    "Mint": "#7fe0b0",
    "White": "#ffffff",
    "Violet": "#8646b8",
}
SHAPES: dict[str, Points] = {
    "Oval": trace("44 23.5, 29 31, 24.5 50, 31 72, 43 84"),
    "Shield": trace("42 25.5, 26 26.5, 24.5 50, 33 73, 46 86"),
    "Moon": trace("42 22, 24 33, 18 53, 25 72, 42 82"),
    "Owl": trace("46 31, 35 30, 20 20, 22.5 50, 27 70, 45 85"),
    "Fox": trace("46 33, 38 31, 27 15, 23.5 40, 20 56, 36 70, 46.5 84"),
}  # fmt: skip
INK = rgb("#2a1b3a")
WHITE = rgb("#ffffff")


def _both(points: Points) -> tuple[Points, Points]:
    return points, flipped(points, AXIS)


def _ray(near: float) -> Points:
    far = near + math.tau / 24
    ends = ((0.5 + math.cos(angle), 0.52 + math.sin(angle)) for angle in (near, far))
    return ((0.5, 0.52), *ends)


_PRINTS: dict[str, tuple[Mark, ...]] = {
    "": (),
    "Rays": tuple((_ray(math.tau * step / 12), 0) for step in range(12)),
    "Dots": tuple(
        (ellipse(0.06 + 0.125 * x, 0.06 + 0.125 * y, 0.022, 0.022), 0)
        for x in range(8)
        for y in range(8)
    ),
    "Arches": tuple((ellipse(0.5, 0.62, radius, radius), 0.035) for radius in (0.72, 0.6, 0.48)),
    "Confetti": tuple(
        (
            moved(((0, 0), (0.03, 0.03 * (-1) ** n)), (0.37 * n + 0.08) % 1, (0.61 * n + 0.05) % 1),
            0.022,
        )
        for n in range(26)
    ),
}


def _paper(scene: Scene, colour: Colour, kind: str) -> None:
    scene.fill(scene.area(box(0, 0, 1, 1)), colour)
    ink = mix(colour, WHITE, 0.22) if sum(colour) < 600 else tone(colour, -0.15)
    scene.fill(scene.pattern(_PRINTS[kind]), ink)


def _plume(scene: Scene, kind: str, paint: Colour) -> None:
    if kind:
        plumes = {"Feathers": _feathers, "Horns": _horns, "Crown": _crown, "Leaves": _leaves}
        plumes[kind](scene, paint)


def _horns(scene: Scene, paint: Colour) -> None:
    for horn in _both(curve(trace("36 31, 24 22, 20 5, 30 13, 43 26"))):
        scene.form(horn, mix(paint, rgb("#f4e6c8"), 0.45))


def _crown(scene: Scene, paint: Colour) -> None:
    scene.form(symmetric(trace("50 7, 38 21, 26 12, 30 33"), AXIS), rgb("#f0c343"))
    for x, y in ((0.26, 0.11), (0.5, 0.06), (0.74, 0.11)):
        scene.form(ellipse(x, y, 0.026, 0.026), paint)


def _leaves(scene: Scene, _: Colour) -> None:
    for x, turn in ((0.3, 35), (0.4, 65), (0.5, 90), (0.6, 115), (0.7, 145)):
        leaf = ellipse(x, 0.21 + abs(x - 0.5) * 0.35, 0.105, 0.04, turn)
        scene.form(leaf, rgb("#5fae5a"))


def _feathers(scene: Scene, paint: Colour) -> None:
    for lean, shade in ((-0.2, -0.1), (0.2, -0.1), (-0.1, 0.12), (0.1, 0.12), (0.0, 0.3)):
        _feather(scene, lean, tone(paint, shade))


def _feather(scene: Scene, lean: float, colour: Colour) -> None:
    tip, root = (0.5 + lean * 1.2, 0.06 + abs(lean) * 0.35), (0.5 + lean * 0.4, 0.36)
    middle = (root[0] + tip[0]) / 2
    scene.form(curve((root, (middle - 0.055, 0.17), tip, (middle + 0.055, 0.17))), colour)
    scene.fill(scene.line((root, tip), 0.01), tone(colour, -0.5))


def _ribbons(scene: Scene, kind: str, paint: Colour) -> None:
    if kind == "Ribbons":
        band = (
            (0.27, 0.5), (0.13, 0.6), (0.17, 0.75), (0.06, 0.93), (0.15, 0.95), (0.25, 0.76),
            (0.22, 0.63), (0.31, 0.56),
        )  # fmt: skip
        for points in _both(curve(band)):
            scene.form(points, paint)
    elif kind == "Tassels":
        for x in (0.2, 0.8):
            scene.fill(scene.line(((x + (0.5 - x) * 0.2, 0.52), (x, 0.66)), 0.02), INK)
            scene.form(
                ((x - 0.03, 0.66), (x + 0.03, 0.66), (x + 0.05, 0.86), (x - 0.05, 0.86)), paint
            )
            scene.form(ellipse(x, 0.66, 0.036, 0.036), rgb("#f0c343"))
    elif kind == "Ruff":
        for step in range(7):
            x = 0.2 + 0.1 * step
            scene.form(ellipse(x, 0.83 - (x - 0.5) ** 2 * 0.9, 0.075, 0.1), mix(paint, WHITE, 0.7))


def _swirl() -> Points:
    angles = [0.5 + 0.27 * step for step in range(20)]
    return tuple((0.655 + 0.012 * t * math.cos(t), 0.62 + 0.012 * t * math.sin(t)) for t in angles)


_CHEEKS: dict[str, tuple[Mark, ...]] = {
    "Dots": tuple(
        (ellipse(x, y, 0.022, 0.022), 0) for x, y in ((0.655, 0.59), (0.7, 0.63), (0.635, 0.655))
    ),
    "Rounds": ((ellipse(0.655, 0.62, 0.06, 0.06), 0),),
    "Stripes": tuple((((0.615, y + 0.03), (0.785, y)), 0.024) for y in (0.55, 0.6, 0.65)),
    "Tears": ((curve(((0.655, 0.52), (0.625, 0.64), (0.655, 0.69), (0.685, 0.64))), 0),),
    "Swirls": ((_swirl(), 0.02),),
}


def _cheeks(scene: Scene, kind: str, face: Mask, paint: Colour) -> None:
    right = _CHEEKS[kind]
    left = tuple((flipped(points, AXIS), width) for points, width in right)
    scene.fill(inside(scene.pattern(left + right), face), paint)


def _eyes(scene: Scene, kind: str, lacquer: Colour) -> None:
    shapes: dict[str, Points] = {
        "Almond": curve(((0.27, 0.45), (0.34, 0.405), (0.44, 0.47), (0.34, 0.49))),
        "Round": ellipse(0.36, 0.455, 0.062, 0.062),
        "Crescent": curve(((0.28, 0.48), (0.36, 0.4), (0.44, 0.48), (0.36, 0.45))),
        "Star": star(0.36, 0.455, 0.085, 0.038),
        "Drowsy": curve(trace("28 45, 44 45, 42 50, 36 52, 30 50")),
    }
    for points in _both(shapes[kind]):
        scene.fill(scene.line((*points, points[0]), 0.026), tone(lacquer, -0.5))
        scene.fill(scene.area(points), INK)
    for x in (0.345, 0.625):
        scene.fill(scene.area(ellipse(x, 0.45, 0.014, 0.014)), WHITE)


def _nose(scene: Scene, lacquer: Colour) -> None:
    ridge = curve(trace("48 46, 45.5 59.5, 50 62, 54.5 59.5, 52 46"))
    scene.fill(scene.area(ridge), tone(lacquer, -0.22))
    scene.fill(
        scene.area(curve(((0.482, 0.45), (0.468, 0.58), (0.5, 0.598), (0.515, 0.45)))),
        tone(lacquer, 0.25),
    )


def _mouth(scene: Scene, kind: str) -> None:
    red = rgb("#b8283f")
    if kind == "Smile":
        lips = curve(trace("37 68, 43 70, 50 70.5, 57 70, 63 68, 50 77.5"))
        scene.fill(scene.area(lips), red)
        scene.fill(scene.line(((0.42, 0.708), (0.58, 0.708)), 0.014), WHITE)
    elif kind == "Song":
        scene.form(ellipse(0.5, 0.72, 0.045, 0.055), red)
        scene.fill(scene.area(ellipse(0.5, 0.725, 0.026, 0.036)), INK)
    elif kind == "Fangs":
        scene.fill(scene.line(((0.4, 0.7), (0.6, 0.7)), 0.026), INK)
        for x in (0.43, 0.57):
            scene.fill(scene.area(((x - 0.025, 0.7), (x + 0.025, 0.7), (x, 0.78))), WHITE)
    elif kind == "Kiss":
        scene.fill(scene.area(heart(0.5, 0.715, 0.05)), red)
    else:
        scene.fill(
            scene.line(curve(((0.41, 0.72), (0.5, 0.7), (0.59, 0.72)), closed=False), 0.022), INK
        )


def _jewel(scene: Scene, kind: str, paint: Colour) -> None:
    if kind == "Gem":
        scene.form(((0.5, 0.3), (0.545, 0.355), (0.5, 0.42), (0.455, 0.355)), rgb("#4fd0e8"))
    elif kind == "Sun":
        scene.form(star(0.5, 0.36, 0.075, 0.042, 9), rgb("#ffc93c"))
    elif kind == "Flower":
        for turn in range(5):
            x, y = star(0.5, 0.36, 0.04, 0.04, 5)[2 * turn]
            scene.form(ellipse(x, y, 0.03, 0.03), mix(paint, WHITE, 0.25), line=0.007)
        scene.fill(scene.area(ellipse(0.5, 0.36, 0.024, 0.024)), rgb("#ffd84d"))
    elif kind == "Eye":
        scene.form(curve(((0.42, 0.365), (0.5, 0.325), (0.58, 0.365), (0.5, 0.4))), WHITE)
        scene.fill(scene.area(ellipse(0.5, 0.362, 0.03, 0.03)), rgb("#7a3fc0"))
        scene.fill(scene.area(ellipse(0.5, 0.362, 0.014, 0.014)), INK)


def _headband(scene: Scene, kind: str, paint: Colour) -> None:
    if kind:
        # The eyes stay free: the band is deepest in the middle, where it hides the jewel.
        half = trace("50 27, 36 30, 22 36, 26 39, 40.5 41.5, 50 45.8")
        band = curve(symmetric(half, AXIS))
        scene.form(band, rgb({"Silk": "#7d4fb5", "Leather": "#8a5a3b"}[kind]))
        for x in (0.32, 0.41, 0.5, 0.59, 0.68):
            scene.fill(
                scene.area(ellipse(x, 0.335 + abs(x - 0.5) * 0.1, 0.015, 0.015)),
                mix(paint, WHITE, 0.4),
            )


def draw(look: Look) -> NDArray[np.uint8]:
    """Picture of a look, uint8 (128, 128, 4), opaque."""
    scene = Scene(SIDE)
    lacquer, paint = rgb(LACQUERS[look["Lacquer"]]), rgb(PAINTS[look["Paint"]])
    _paper(scene, rgb(PAPERS[look["Paper"]]), look["Print"])
    _ribbons(scene, look["Trimming"], paint)
    _plume(scene, look["Plume"], paint)
    half = SHAPES[look["Shape"]]
    face = scene.form(curve(symmetric(half, AXIS)), lacquer, line=0.014)
    _cheeks(scene, look["Cheeks"], face, paint)
    _nose(scene, lacquer)
    _eyes(scene, look["Eyes"], lacquer)
    _mouth(scene, look["Mouth"])
    _jewel(scene, look["Jewel"], paint)
    _headband(scene, look["Headband"], paint)
    return np.asarray(scene.image)


DESIGN = Design(
    id="masks",
    name="Paper Carnival",
    side=SIDE,
    draw=draw,
    terms=Terms("MATIC", price=240, drift=-0.0004, volatility=0.03, sigma=0.22, sales=2),
    slots=(
        Slot("Paper", dict(zip(PAPERS, (18, 17, 15, 14, 12, 10, 9, 5), strict=True))),
        Slot("Print", {"": 30, "Rays": 24, "Dots": 20, "Arches": 15, "Confetti": 11}),
        Slot("Lacquer", dict(zip(LACQUERS, (24, 18, 15, 13, 11, 9, 7, 3), strict=True))),
        Slot("Paint", dict(zip(PAINTS, (24, 22, 18, 15, 12, 9), strict=True))),
        Slot("Shape", {"Oval": 30, "Moon": 22, "Shield": 20, "Owl": 16, "Fox": 12}),
        Slot("Eyes", {"Almond": 34, "Round": 26, "Crescent": 20, "Drowsy": 14, "Star": 6}),
        Slot("Mouth", {"Smile": 34, "Stern": 24, "Song": 18, "Fangs": 14, "Kiss": 10}),
        Slot("Cheeks", {"Rounds": 26, "Dots": 24, "Stripes": 20, "Tears": 16, "Swirls": 14}),
        Slot("Plume", {"": 30, "Feathers": 26, "Leaves": 18, "Horns": 16, "Crown": 10}),
        Slot("Trimming", {"": 40, "Ribbons": 30, "Tassels": 18, "Ruff": 12}),
        Slot("Jewel", {"": 40, "Gem": 24, "Flower": 18, "Sun": 12, "Eye": 6}),
        Slot("Headband", {"": 78, "Silk": 14, "Leather": 8}),
    ),
    exclusive=(
        (("Plume", "Crown"), ("Headband", "Leather")),
        (("Shape", "Owl"), ("Plume", "Horns")),
    ),
    covers=((("Headband", "Silk"), "Jewel"), (("Headband", "Leather"), "Jewel")),
)
