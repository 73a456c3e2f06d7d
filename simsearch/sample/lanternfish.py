"""Lantern Abyss: smooth deep-sea fish at 256 px, opaque, made to be kept as JPEG."""

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
    mix,
    moved,
    rgb,
    star,
    tone,
    trace,
)  # fmt: skip

SIDE = 256

WATERS = {
    "Twilight": ("#3a76b8", "#0d1f4f"), "Midnight": ("#1d2a6b", "#070a26"),
    "Kelp": ("#2f8f86", "#07303f"), "Trench": ("#5a3a8c", "#120a33"),
    "Vent": ("#8f3b52", "#1d0a24"), "Abyss": ("#15161f", "#020207"),
}  # fmt: skip
SKINS = {
    "Coral": "#f0705f", "Teal": "#35b3a6", "Sand": "#e9c17a", "Plum": "#a85bb8", "Steel": "#8aa4c4",
    "Olive": "#9aae4e", "Ghost": "#e6eef4", "Sunburst": "#f7a531",
}  # fmt: skip
FINS = {
    "Rose": "#ff9db0",
    "Indigo": "#5a63d6",
    "Lemon": "#ffe36b",
    "Aqua": "#6fdcea",
    "Scarlet": "#e0434e",
}
GLOWS = {"Cyan": "#7ff6ff", "Gold": "#ffdc6a", "Lime": "#c4ff6e", "Pink": "#ff9ad8"}
BODIES: dict[str, Points] = {
    "Globe": trace("20 55, 30 36, 50 28, 68 40, 79 50, 68 62, 50 76, 30 72"),
    "Torpedo": trace("13 53, 30 39, 52 37, 70 45, 81 50, 70 58, 50 66, 28 66"),
    "Disc": trace("20 53, 33 32, 52 20, 67 36, 79 50, 67 66, 52 83, 33 74"),
    "Hatchet": trace("18 47, 34 34, 55 36, 70 45, 81 50, 68 57, 55 72, 38 83, 26 68"),
    "Box": trace("17 50, 24 36, 46 32, 64 34, 79 50, 66 67, 46 72, 24 68"),
}  # fmt: skip
TAILS: dict[str, Points] = {
    "Fan": curve(((0.75, 0.5), (0.9, 0.3), (0.96, 0.5), (0.9, 0.7))),
    "Fork": trace("74 48, 97 28, 88 50, 97 73, 74 53"),
    "Lyre": curve(trace("74 47, 85 34, 97 20, 92 40, 87 50, 92 61, 97 81, 85 67, 74 53")),
    "Leaf": curve(((0.74, 0.5), (0.83, 0.42), (0.98, 0.5), (0.83, 0.58))),
}  # fmt: skip
TOP = {"Globe": 0.28, "Torpedo": 0.37, "Disc": 0.2, "Hatchet": 0.345, "Box": 0.315}
INK = rgb("#140d2e")
WHITE = rgb("#ffffff")


def _water(scene: Scene, kind: str) -> None:
    top, bottom = (rgb(text) for text in WATERS[kind])
    scene.fill(scene.area(box(0, 0, 1, 1)), top, bottom)
    for x in (0.1, 0.42, 0.78):
        ray = scene.area(((x, -0.02), (x + 0.13, -0.02), (x - 0.08, 0.95), (x - 0.3, 0.95)))
        scene.fill(ray, tone(top, 0.4), strength=0.13)


def _floor(scene: Scene, kind: str, water: str) -> None:
    far = mix(rgb(WATERS[water][1]), rgb(WATERS[water][0]), 0.35)
    if kind:
        {"Dunes": _dunes, "Weeds": _weeds, "Corals": _corals, "Vents": _vents}[kind](scene, far)


def _dunes(scene: Scene, far: Colour) -> None:
    ridge = trace("-10 4, 20 0, 50 5, 80 -2, 110 3")
    for y, share in ((0.86, 0.25), (0.92, 0.5)):
        hill = (*curve(moved(ridge, 0, y), closed=False), (1.1, 1.1), (-0.1, 1.1))
        scene.fill(scene.area(hill), mix(far, rgb("#d9b98a"), share))


def _weeds(scene: Scene, far: Colour) -> None:
    for x, high in ((0.07, 0.3), (0.15, 0.2), (0.86, 0.22), (0.94, 0.34)):
        bends = ((x, 1.02), (x + 0.03, 1 - high * 0.4), (x - 0.03, 1 - high * 0.7), (x, 1 - high))
        stem = scene.line(curve(bends, closed=False), 0.035)
        scene.fill(stem, mix(far, rgb("#4fae6a"), 0.6))


def _corals(scene: Scene, far: Colour) -> None:
    reef = (
        (0.09, 0.1, "#e86a7c"),
        (0.2, 0.06, "#f0a04f"),
        (0.83, 0.07, "#b56be0"),
        (0.93, 0.11, "#e86a7c"),
    )
    for x, size, text in reef:
        tips = ((x + lean * size, 1 - size * (2 - abs(lean))) for lean in (-0.45, 0, 0.45))
        branches = tuple((((x, 1.02), tip), 0.34 * size) for tip in tips)
        scene.fill(scene.pattern(branches), mix(far, rgb(text), 0.7))


def _vents(scene: Scene, far: Colour) -> None:
    for x, high in ((0.12, 0.16), (0.88, 0.22)):
        chimney = ((-0.09, 0.01), (-0.035, -high), (0.035, -high), (0.09, 0.01))
        scene.fill(scene.area(moved(chimney, x, 1)), tone(far, -0.6))
        scene.glow(x, 1 - high, 0.11, rgb("#ff7a3c"), 0.9)


_PLACES = tuple(((0.137 * step + 0.05) % 1, (0.293 * step + 0.11) % 1) for step in range(16))
_BUBBLES: tuple[Mark, ...] = tuple(
    (ellipse(x, y, 0.012 + 0.005 * (step % 4), 0.012 + 0.005 * (step % 4), sides=24), 0.006)
    for step, (x, y) in enumerate(_PLACES[:9])
)
_SNOW: tuple[Mark, ...] = tuple((ellipse(x, y, 0.007, 0.007), 0) for x, y in _PLACES)


def _drift(scene: Scene, kind: str, glow: Colour) -> None:
    if kind == "Bubbles":
        scene.fill(scene.pattern(_BUBBLES), rgb("#d8f1ff"), strength=0.75)
    elif kind == "Snow":
        scene.fill(scene.pattern(_SNOW), rgb("#eaf3ff"), strength=0.7)
    elif kind == "Jellies":
        for x, y in ((0.1, 0.14), (0.87, 0.12), (0.62, 0.08)):
            bell = curve(((x - 0.04, y + 0.01), (x, y - 0.04), (x + 0.04, y + 0.01), (x, y)))
            arms = tuple((((x + d, y), (x + d * 1.3, y + 0.07)), 0.006) for d in (-0.02, 0, 0.02))
            scene.glow(x, y, 0.09, glow, 0.6)
            scene.fill(scene.area(bell), glow, strength=0.85)
            scene.fill(scene.pattern(arms), glow, strength=0.6)


def _fins(scene: Scene, look: Look, fin: Colour) -> None:
    tail = scene.form(TAILS[look["Tail"]], fin, line=0.009)
    for y in (0.44, 0.5, 0.56):
        ray = scene.line(((0.8, 0.5), (0.89, 0.5 + (y - 0.5) * 2)), 0.006)
        scene.fill(inside(ray, tail), tone(fin, -0.4), strength=0.7)
    for part in _DORSALS[look["Dorsal"]]:
        scene.form(moved(part, 0, TOP[look["Body"]]), fin, line=0.009)


_DORSALS: dict[str, tuple[Points, ...]] = {
    "Sail": (curve(trace("36 12, 42 -12, 60 -13, 70 2, 66 20")),),
    "Low": (curve(((0.4, 0.1), (0.5, -0.05), (0.64, -0.01), (0.66, 0.18))),),
    "Spines": tuple(
        ((x - 0.035, 0.12), (x + lean, lean / 2 - 0.1), (x + 0.045, 0.13))
        for x, lean in ((0.36, -0.04), (0.45, 0.0), (0.54, 0.05), (0.63, 0.1))
    ),
}


def _scale(x: float, y: float) -> Points:
    angles = (-1.2, -0.6, 0.0, 0.6, 1.2)
    return tuple((x - 0.04 * math.sin(angle), y + 0.04 * math.cos(angle)) for angle in angles)


_MARKS: dict[str, tuple[Mark, ...]] = {
    "Stripes": tuple(
        (curve(((x, 0.1), (x + 0.04, 0.5), (x, 0.9)), closed=False), 0.042)
        for x in (0.44, 0.55, 0.66)
    ),
    "Spots": tuple(
        (ellipse(0.42 + 0.075 * (n % 5), 0.4 + 0.1 * (n // 5) + 0.04 * (n % 2), 0.02, 0.02), 0)
        for n in range(14)
    ),
    "Scales": tuple(
        (_scale(0.44 + 0.062 * column + 0.031 * (row % 2), 0.28 + 0.075 * row), 0.009)
        for row in range(7)
        for column in range(6)
    ),
}


def _skin(scene: Scene, kind: str, body: Mask, colour: Colour, glow: Colour) -> None:
    belly = scene.area(ellipse(0.42, 0.8, 0.32, 0.16))
    scene.fill(inside(belly, body), tone(colour, 0.6), strength=0.55)
    if kind in _MARKS:
        marks = inside(scene.pattern(_MARKS[kind]), body)
        scene.fill(marks, tone(colour, -0.45), strength=0.85)
    elif kind == "Lights":
        for step in range(6):
            x, y = 0.4 + 0.068 * step, 0.57 - 0.012 * step
            scene.glow(x, y, 0.045, glow)
            scene.fill(scene.area(ellipse(x, y, 0.013, 0.013)), mix(glow, WHITE, 0.7))


def _eye(scene: Scene, kind: str, skin: Colour, glow: Colour) -> None:
    x, y = 0.335, 0.475
    size = 0.085 if kind == "Huge" else 0.062
    scene.fill(scene.area(ellipse(x, y, size + 0.011, size + 0.011)), tone(skin, -0.75))
    scene.fill(scene.area(ellipse(x, y, size, size)), rgb("#fdfcf0"))
    scene.fill(scene.area(ellipse(x - 0.012, y, size * 0.68, size * 0.68)), glow, tone(glow, -0.35))
    pupil = 0.2 if kind == "Pinpoint" else 0.44
    scene.fill(scene.area(ellipse(x - 0.014, y, size * pupil, size * pupil)), INK)
    scene.fill(scene.area(ellipse(x - 0.032, y - 0.022, size * 0.2, size * 0.2)), WHITE)
    if kind == "Sleepy":
        lid = scene.area(ellipse(x, y, size + 0.004, size + 0.004))
        scene.fill(inside(lid, scene.area(box(0, 0, 1, y - 0.005))), tone(skin, -0.2))
        scene.fill(
            scene.line(((x - size, y - 0.005), (x + size, y - 0.005)), 0.012), tone(skin, -0.75)
        )


def _mouth(scene: Scene, kind: str, skin: Colour) -> None:
    if kind == "Pout":
        lips = mix(skin, rgb("#ff7088"), 0.6)
        scene.form(ellipse(0.225, 0.585, 0.03, 0.022), lips, line=0.008)
        scene.form(ellipse(0.23, 0.62, 0.03, 0.02), lips, line=0.008)
    elif kind == "Calm":
        smile = curve(((0.215, 0.59), (0.29, 0.645), (0.39, 0.61)), closed=False)
        scene.fill(scene.line(smile, 0.014), tone(skin, -0.8))
    else:
        _jaw(scene, kind, skin)


def _jaw(scene: Scene, kind: str, skin: Colour) -> None:
    low, reach, tip = (0.7, 0.68, 0.0) if kind == "Fangs" else (0.675, 0.64, 0.012)
    rim = ((0.205, 0.585), (0.29, 0.615), (0.4, 0.59), (0.37, low - 0.02), (0.29, low))
    jaw = curve((*rim, (0.23, low - 0.03)))
    scene.fill(scene.line((*jaw, jaw[0]), 0.014), tone(skin, -0.8))
    scene.fill(scene.area(jaw), rgb("#43142f"))
    teeth: tuple[Mark, ...] = tuple(
        (((x - 0.018, 0.57), (x + 0.018, 0.57), (x + tip, reach), (x - tip, reach)), 0)
        for x in (0.235, 0.275, 0.315, 0.355)
    )
    scene.fill(inside(scene.pattern(teeth), scene.area(jaw)), rgb("#fffdf0"))


def _lure(scene: Scene, kind: str, look: Look, glow: Colour) -> None:
    if not kind:
        return
    y = TOP[look["Body"]] + 0.06
    tips = ((0.13, 0.2), (0.25, 0.13)) if kind == "Twin" else ((0.15, 0.2),)
    for x, top in tips:
        stalk = curve(
            ((0.4, y + 0.06), (0.34, top - 0.03), (0.24, top - 0.08), (x, top)), closed=False
        )
        scene.fill(scene.line(stalk, 0.018), tone(rgb(SKINS[look["Skin"]]), -0.5))
        scene.glow(x, top, 0.17, glow, 0.9)
        bulb = star(x, top, 0.06, 0.028) if kind == "Star" else ellipse(x, top, 0.036, 0.036)
        scene.fill(scene.area(bulb), mix(glow, WHITE, 0.65))


def draw(look: Look) -> NDArray[np.uint8]:
    """Picture of a look, uint8 (256, 256, 4), opaque."""
    scene = Scene(SIDE)
    skin, fin, glow = rgb(SKINS[look["Skin"]]), rgb(FINS[look["Fins"]]), rgb(GLOWS[look["Glow"]])
    _water(scene, look["Water"])
    _floor(scene, look["Floor"], look["Water"])
    _drift(scene, look["Drift"], glow)
    _fins(scene, look, fin)
    body = scene.form(curve(BODIES[look["Body"]]), skin, line=0.01)
    _skin(scene, look["Pattern"], body, skin, glow)
    scene.form(curve(((0.47, 0.58), (0.6, 0.6), (0.63, 0.72), (0.5, 0.68))), fin, line=0.008)
    _eye(scene, look["Eye"], skin, glow)
    _mouth(scene, look["Mouth"], skin)
    _lure(scene, look["Lure"], look, glow)
    return np.asarray(scene.image)


DESIGN = Design(
    id="lanternfish",
    name="Lantern Abyss",
    side=SIDE,
    draw=draw,
    terms=Terms("ETH", price=0.06, drift=0.0015, volatility=0.022, sigma=0.16, other="USDC"),
    slots=(
        Slot("Water", dict(zip(WATERS, (30, 25, 18, 14, 9, 4), strict=True))),
        Slot("Floor", {"": 30, "Dunes": 28, "Weeds": 20, "Corals": 14, "Vents": 8}),
        Slot("Drift", {"": 30, "Bubbles": 34, "Snow": 24, "Jellies": 12}),
        Slot("Skin", dict(zip(SKINS, (22, 20, 16, 13, 11, 9, 6, 3), strict=True))),
        Slot("Fins", dict(zip(FINS, (30, 24, 20, 16, 10), strict=True))),
        Slot("Glow", dict(zip(GLOWS, (40, 28, 20, 12), strict=True))),
        Slot("Body", dict(zip(BODIES, (30, 24, 18, 14, 14), strict=True))),
        Slot("Tail", dict(zip(TAILS, (36, 30, 16, 18), strict=True))),
        Slot("Dorsal", {"Low": 45, "Sail": 30, "Spines": 25}),
        Slot("Pattern", {"": 26, "Stripes": 24, "Spots": 22, "Scales": 18, "Lights": 10}),
        Slot("Eye", {"Round": 44, "Sleepy": 26, "Huge": 18, "Pinpoint": 12}),
        Slot("Mouth", {"Calm": 34, "Grin": 28, "Pout": 22, "Fangs": 16}),
        Slot("Lure", {"": 46, "Lantern": 36, "Star": 12, "Twin": 6}),
    ),
    exclusive=((("Water", "Kelp"), ("Floor", "Vents")), (("Water", "Abyss"), ("Drift", "Bubbles"))),
)
