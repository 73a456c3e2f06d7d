"""Tea Party: smooth porcelain at 512 px on a transparent ground."""

import numpy as np
from numpy.typing import NDArray

from simsearch.sample.design import Design, Look, Slot, Terms
from simsearch.sample.scene import Mark, Mask, Scene, inside
from simsearch.sample.shapes import (
    Colour,
    Points,
    curve,
    ellipse,
    heart,
    mix,
    moved,
    rgb,
    star,
    symmetric,
    tone,
    trace,
)  # fmt: skip

SIDE = 512
AXIS = 0.47

GLAZES = {
    "Celadon": "#a9cdb1", "Cobalt": "#4769b8", "Blush": "#f0b4ae", "Cream": "#f5e8cc",
    "Terracotta": "#cf7350", "Lavender": "#b6a4dc", "Mustard": "#e5b544", "Midnight": "#3b3a66",
    "Seafoam": "#74c7be",
}  # fmt: skip
TRIMS = {
    "White": "#fdf9f0",
    "Gold": "#ebb93c",
    "Coral": "#ec6f63",
    "Navy": "#33437c",
    "Fern": "#4f9a6a",
}
BODIES: dict[str, Points] = {
    "Round": trace("37 41, 24 47, 17.5 61, 23.5 75, 35 81.5"),
    "Tall": trace("38 33, 29.5 39, 26.5 57, 23.5 74, 33 81.5"),
    "Squat": trace("36 49, 21 52.5, 13 64.5, 19 76.5, 34 81.5"),
    "Pear": trace("39.5 35, 34.5 42, 23.5 59, 19.5 72, 33 81.5"),
    "Lantern": trace("36 40, 23.5 42.5, 21.5 60, 24.5 77.5, 36 81.5"),
}
SPOUTS: dict[str, Points] = {
    "Curved": trace("60 56, 71 60, 77 49, 81 40, 89.5 40.5, 85 52, 77 71, 60 75"),
    "Swan": trace("60 57, 70 62, 76 55, 75 43, 79 33, 87 32, 93.5 40, 85 41, 85 56, 76 71, 60 75"),
}  # fmt: skip
STRAIGHT: Points = ((0.58, 0.56), (0.845, 0.385), (0.905, 0.425), (0.66, 0.755))
HANDLES: dict[str, Points] = {
    "Loop": trace("30 50, 14 46, 7 57, 12 70, 30 72"),
    "Ear": trace("30 52, 17 43, 8 46, 10 57, 20 63, 30 63"),
    "Bamboo": trace("28 56, 20 32, 28 14, 47 8, 66 14, 74 32, 66 56"),
}  # fmt: skip
ANGLE: Points = ((0.3, 0.49), (0.1, 0.49), (0.1, 0.7), (0.3, 0.7))
WHITE = rgb("#ffffff")


def _saucer(scene: Scene, kind: str) -> None:
    scene.fill(scene.area(ellipse(0.47, 0.865, 0.36, 0.06)), rgb("#2a2148"), strength=0.22)
    colours = {"Plate": "#f4efe6", "Tray": "#a8744c", "Lily": "#7fbf7a"}
    if kind:
        colour = rgb(colours[kind])
        scene.form(ellipse(0.47, 0.845, 0.37, 0.065), tone(colour, -0.12))
        scene.form(ellipse(0.47, 0.832, 0.37, 0.06), colour)
        scene.fill(scene.area(ellipse(0.47, 0.83, 0.27, 0.036)), tone(colour, -0.22))


def _handle(scene: Scene, kind: str, glaze: Colour) -> None:
    colour = rgb("#c39a5b") if kind == "Bamboo" else glaze
    points = ANGLE if kind == "Angle" else curve(HANDLES[kind], closed=False)
    scene.fill(scene.line(points, 0.074), tone(colour, -0.72))
    scene.fill(scene.line(points, 0.05), tone(colour, 0.1), tone(colour, -0.3))
    scene.fill(scene.line(moved(points, -0.007, -0.009), 0.013), WHITE, strength=0.4)
    if kind == "Bamboo":
        for x, y in HANDLES[kind][1:-1]:
            scene.fill(scene.area(ellipse(x, y, 0.013, 0.03, turn=45)), tone(colour, -0.4))


def _spout(scene: Scene, kind: str, glaze: Colour, trim: Colour) -> None:
    points = STRAIGHT if kind == "Straight" else curve(SPOUTS[kind])
    tube = scene.form(points, glaze)
    tip = scene.area(((0.79, 0.25), (1, 0.25), (1, 0.47), (0.83, 0.455)))
    scene.fill(inside(tube, tip), trim, tone(trim, -0.2))
    if kind == "Swan":
        scene.fill(scene.area(ellipse(0.835, 0.365, 0.011, 0.014)), rgb("#241a3c"))


_GRID = tuple(
    (0.12 + 0.1 * x + 0.05 * (y % 2), 0.38 + 0.088 * y) for y in range(6) for x in range(8)
)
_ROWS = (0.46, 0.54, 0.69, 0.77)


def _wave(y: float) -> Points:
    return curve(tuple((0.04 * step, y + 0.018 * (-1) ** step) for step in range(26)), closed=False)


_PATTERNS: dict[str, tuple[Mark, ...]] = {
    "": (),
    "Dots": tuple((ellipse(x, y, 0.02, 0.02), 0) for x, y in _GRID),
    "Stars": tuple((star(x, y, 0.03, 0.013), 0) for x, y in _GRID),
    "Hoops": tuple((((0, y), (1, y)), 0.032) for y in _ROWS),
    "Waves": tuple((_wave(y), 0.018) for y in _ROWS),
    "Lattice": tuple(
        (((x, 0.3), (x + lean, 0.85)), 0.011)
        for x in (0.085 * step for step in range(-5, 17))
        for lean in (-0.55, 0.55)
    ),
    "Blossoms": tuple(
        (ellipse(*petal, 0.022, 0.022), 0)
        for x, y in _GRID[::2]
        for petal in star(x, y, 0.03, 0.03)[::2]
    ),
}
_HEARTS: tuple[Mark, ...] = tuple((ellipse(x, y, 0.017, 0.017), 0) for x, y in _GRID[::2])


def _pattern(scene: Scene, kind: str, body: Mask, colour: Colour) -> None:
    scene.fill(inside(scene.pattern(_PATTERNS[kind]), body), colour)
    if kind == "Blossoms":
        scene.fill(inside(scene.pattern(_HEARTS), body), mix(colour, rgb("#f6c945"), 0.8))


def _body(scene: Scene, look: Look, glaze: Colour, trim: Colour) -> None:
    half = BODIES[look["Body"]]
    outline = curve(symmetric(half, AXIS))
    scene.form(symmetric(((0.36, 0.79), (0.34, 0.845)), AXIS), trim)
    body = scene.form(outline, glaze)
    _pattern(scene, look["Pattern"], body, mix(trim, glaze, 0.12))
    shine = scene.area(ellipse(0.31, 0.52, 0.028, 0.07, turn=24))
    scene.fill(inside(shine, body), WHITE, strength=0.6)
    scene.fill(
        inside(scene.area(ellipse(0.285, 0.64, 0.014, 0.02, turn=10)), body), WHITE, strength=0.5
    )


def _lid(scene: Scene, look: Look, glaze: Colour, trim: Colour) -> None:
    x, y = BODIES[look["Body"]][0]
    cap = ((AXIS - 0.03, y - 0.075), (x + 0.01, y - 0.035), (x - 0.03, y + 0.008))
    _knob(scene, look["Knob"], y - 0.085, trim)
    scene.form(curve(symmetric(cap, AXIS)), glaze)
    scene.form(ellipse(AXIS, y + 0.008, AXIS - x + 0.035, 0.02), trim)


def _knob(scene: Scene, kind: str, y: float, trim: Colour) -> None:
    if kind == "Ball":
        scene.form(ellipse(AXIS, y - 0.015, 0.036, 0.036), trim)
    elif kind == "Star":
        scene.form(star(AXIS, y - 0.02, 0.062, 0.029), trim)
    elif kind == "Heart":
        scene.form(heart(AXIS, y - 0.015, 0.05), trim)
    elif kind == "Leaf":
        left = ((0, 0.03), (-0.05, -0.02), (-0.04, -0.07), (0.01, -0.02))
        right = ((0, 0.03), (0.07, 0), (0.08, -0.05), (0.01, -0.02))
        scene.form(curve(moved(left, AXIS, y)), rgb("#6fb15c"))
        scene.form(curve(moved(right, AXIS, y)), rgb("#86c76c"))
    else:
        _bird(scene, AXIS, y)


def _bird(scene: Scene, x: float, y: float) -> None:
    blue = rgb("#5aa7dd")
    tail = ((-0.04, -0.02), (-0.115, -0.045), (-0.10, 0))
    beak = ((0.045, -0.05), (0.1, -0.035), (0.045, -0.025))
    body = (
        (-0.065, -0.03), (-0.01, -0.05), (0.015, -0.085), (0.06, -0.07), (0.06, -0.02),
        (0.02, 0.025), (-0.04, 0.015),
    )  # fmt: skip
    scene.form(moved(tail, x, y), tone(blue, -0.2))
    scene.form(moved(beak, x, y), rgb("#f2a33c"))
    scene.form(curve(moved(body, x, y)), blue)
    scene.fill(scene.area(ellipse(x + 0.036, y - 0.052, 0.009, 0.009)), rgb("#1f1836"))


def _face(scene: Scene, kind: str, glaze: Colour) -> None:
    if not kind:
        return
    ink = rgb("#2b1d3f") if sum(glaze) > 300 else rgb("#fff2dc")
    for x in (0.385, 0.555):
        _eye(scene, kind, x, ink)
        blush = scene.area(ellipse(x + (x - AXIS) * 0.5, 0.65, 0.03, 0.018))
        scene.fill(blush, rgb("#ff7f91"), strength=0.65)
    if kind == "Wow":
        scene.fill(scene.area(ellipse(AXIS, 0.66, 0.017, 0.022)), ink)
    else:
        smile = curve(((0.44, 0.645), (AXIS, 0.667), (0.5, 0.645)), closed=False)
        scene.fill(scene.line(smile, 0.012), ink)


def _eye(scene: Scene, kind: str, x: float, ink: Colour) -> None:
    lids = {"Sleepy": 0.022, "Beam": -0.026}
    if kind in lids:
        lid = curve(((x - 0.03, 0.605), (x, 0.605 + lids[kind]), (x + 0.03, 0.605)), closed=False)
        scene.fill(scene.line(lid, 0.013), ink)
    else:
        scene.fill(scene.area(ellipse(x, 0.605, 0.021, 0.027)), ink)
        scene.fill(scene.area(ellipse(x + 0.007, 0.596, 0.007, 0.009)), mix(WHITE, ink, 0.1))


def _steam(scene: Scene, kind: str) -> None:
    mist, bright = rgb("#b9c9e6"), rgb("#e6eefa")
    if kind == "Wisps":
        for x in (0.85, 0.93):
            wisp = ((0, 0), (-0.03, -0.05), (0.02, -0.1), (-0.015, -0.16))
            scene.fill(scene.line(curve(moved(wisp, x, 0.3), closed=False), 0.018), mist, bright)
    elif kind == "Hearts":
        scene.form(heart(0.87, 0.24, 0.042), rgb("#f58aa5"), line=0.008)
        scene.form(heart(0.93, 0.13, 0.028), rgb("#f9b0c0"), line=0.008)
    elif kind == "Clouds":
        for x, y, size in ((0.87, 0.24, 0.036), (0.91, 0.215, 0.045), (0.955, 0.245, 0.03)):
            scene.fill(scene.area(ellipse(x, y, size, size)), mist)
            scene.fill(scene.area(ellipse(x, y, size * 0.8, size * 0.8)), bright)


def draw(look: Look) -> NDArray[np.uint8]:
    """Picture of a look, uint8 (512, 512, 4)."""
    scene = Scene(SIDE)
    glaze, trim = rgb(GLAZES[look["Glaze"]]), rgb(TRIMS[look["Trim"]])
    _saucer(scene, look["Saucer"])
    _handle(scene, look["Handle"], glaze)
    _spout(scene, look["Spout"], glaze, trim)
    _body(scene, look, glaze, trim)
    _lid(scene, look, glaze, trim)
    _face(scene, look["Face"], glaze)
    _steam(scene, look["Steam"])
    return np.asarray(scene.image)


DESIGN = Design(
    id="teapots",
    name="Tea Party",
    side=SIDE,
    share=0.5,
    draw=draw,
    terms=Terms("ETH", price=1.1, drift=0.0006, volatility=0.015, sigma=0.12, sales=4),
    slots=(
        Slot("Glaze", dict(zip(GLAZES, (20, 17, 15, 13, 11, 9, 7, 5, 3), strict=True))),
        Slot("Trim", dict(zip(TRIMS, (34, 20, 20, 16, 10), strict=True))),
        Slot("Body", {"Round": 34, "Squat": 22, "Pear": 18, "Lantern": 14, "Tall": 12}),
        Slot(
            "Pattern",
            {
                "": 20,
                "Dots": 20,
                "Hoops": 18,
                "Waves": 15,
                "Blossoms": 12,
                "Lattice": 9,
                "Stars": 6,
            },
        ),
        Slot("Spout", {"Curved": 50, "Straight": 32, "Swan": 18}),
        Slot("Handle", {"Loop": 42, "Ear": 26, "Angle": 18, "Bamboo": 14}),
        Slot("Knob", {"Ball": 40, "Heart": 20, "Star": 17, "Leaf": 15, "Bird": 8}),
        Slot("Face", {"": 48, "Smile": 20, "Sleepy": 16, "Beam": 11, "Wow": 5}),
        Slot("Saucer", {"": 36, "Plate": 34, "Tray": 20, "Lily": 10}),
        Slot("Steam", {"": 50, "Wisps": 30, "Clouds": 14, "Hearts": 6}),
    ),
    exclusive=(
        (("Handle", "Bamboo"), ("Steam", "Clouds")),
        (("Glaze", "Cream"), ("Steam", "Hearts")),
    ),
)
