"""Court cards and the joker of generated decks: figures made of a few flat forms."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from simsearch.sample.shapes import Colour, Points, ellipse, mix, rgb, star, trace

Colours = tuple[Colour, Colour, Colour, Colour, Colour]
"""Robe, its pattern, metal and jewels, the suit's ink, and paper."""

_SKIN = rgb("#f0cfa8")
_DARK = rgb("#23201f")
_HAIR = {"jack": rgb("#b9742f"), "queen": rgb("#5a2f1c"), "king": rgb("#8d8a86")}
_CROWN = trace("30 26, 26 4, 37 15, 43 1, 50 13, 57 1, 63 15, 74 4, 70 26")
_TIARA = trace("31 24, 33 14, 42 19, 50 6, 58 19, 67 14, 69 24")
_CAP = trace("28 27, 26 15, 44 9, 70 11, 76 24, 72 28")
_FEATHER = trace("68 18, 80 0, 92 4, 84 16, 72 22")
_BOB = trace("30 24, 70 24, 73 54, 63 54, 62 34, 38 34, 37 54, 27 54")
_LOCKS = trace("30 22, 70 22, 80 74, 66 76, 62 34, 38 34, 34 76, 20 74")
_BEARD = trace("34 42, 40 48, 60 48, 66 42, 62 62, 50 72, 38 62")
_ROBE = trace("50 58, 76 66, 98 100, 2 100, 24 66")
_STOLE = trace("42 58, 58 58, 64 100, 36 100")


@dataclass(frozen=True)
class _Canvas:
    """Draws outlines given from 0 to 1 onto the upper part of a picture."""

    image: Image.Image

    def form(self, points: Points, colour: Colour, line: Colour | None = _DARK) -> None:
        wide, high = self.image.size
        path = [(x * wide, y * min(high, wide)) for x, y in points]
        ImageDraw.Draw(self.image).polygon(path, fill=colour, outline=line, width=2)

    def dots(self, places: Sequence[tuple[float, float]], radius: float, colour: Colour) -> None:
        for x, y in places:
            self.form(ellipse(x, y, radius, radius, sides=16), colour)


def court(rank: str, colours: Colours, size: tuple[int, int]) -> Image.Image:
    """A jack, queen or king, RGBA; below the bust of a taller picture the robe goes on."""
    made = _Canvas(Image.new("RGBA", size))
    _dress(made, rank, colours)
    if rank == "queen":
        made.form(_LOCKS, _HAIR[rank])
    made.form(ellipse(0.5, 0.38, 0.14, 0.19), _SKIN)
    _face(made)
    {"jack": _jack, "queen": _queen, "king": _king}[rank](made, colours)
    return made.image


def _dress(made: _Canvas, rank: str, colours: Colours) -> None:
    robe, pattern, metal, ink, paper = colours
    if made.image.height > made.image.width:
        made.form(((0.02, 1.0), (0.98, 1.0), (0.86, 1.62), (0.14, 1.62)), robe)
        made.form(((0.36, 1.0), (0.64, 1.0), (0.7, 1.62), (0.3, 1.62)), pattern)
        made.dots([(0.5, 1.08 + 0.13 * step) for step in range(5)], 0.035, metal)
    made.form(_ROBE, robe)
    made.form(_STOLE, pattern)
    ways = {"jack": 0.0, "queen": 0.03, "king": -0.03}[rank]
    made.dots([(x, 0.86 + ways) for x in (0.2, 0.3, 0.7, 0.8)], 0.03, metal)
    made.form(star(0.5, 0.86, 0.09, 0.045, tips=4), mix(ink, paper, 0.1))


def _face(made: _Canvas) -> None:
    made.dots([(0.445, 0.36), (0.555, 0.36)], 0.014, _DARK)
    made.form(trace("50 38, 52 44, 48 44"), mix(_SKIN, _DARK, 0.25), None)
    made.form(trace("46 49, 54 49, 50 51"), rgb("#b0343c"), None)


def _king(made: _Canvas, colours: Colours) -> None:
    metal = colours[2]
    made.form(_BEARD, _HAIR["king"])
    made.form(trace("46 49, 54 49, 50 51"), rgb("#b0343c"), None)
    made.form(_CROWN, metal)
    made.dots([(0.26, 0.04), (0.43, 0.02), (0.57, 0.02), (0.74, 0.04)], 0.022, colours[1])
    made.form(trace("84 8, 88 4, 92 8, 91 74, 85 74"), rgb("#b8bec8"))  # a sword
    made.form(trace("78 74, 98 74, 98 79, 78 79"), metal)


def _queen(made: _Canvas, colours: Colours) -> None:
    made.form(trace("36 26, 64 26, 62 31, 38 31"), _HAIR["queen"])
    made.form(_TIARA, colours[2])
    made.dots([(0.5, 0.07), (0.35, 0.15), (0.65, 0.15)], 0.025, colours[1])
    made.form(trace("11 90, 14 90, 17 40, 14 40"), rgb("#2c7a3f"))  # a flower
    made.dots([(0.15 + dx, 0.36 + dy) for dx, dy in _petals(0.055)], 0.04, colours[1])
    made.dots([(0.15, 0.36)], 0.03, colours[2])


def _petals(away: float) -> list[tuple[float, float]]:
    return list(star(0, 0, away, away, tips=3))


def _jack(made: _Canvas, colours: Colours) -> None:
    made.form(_BOB, _HAIR["jack"])
    made.form(_FEATHER, colours[2])
    made.form(_CAP, colours[1])
    made.form(trace("28 24, 73 24, 73 28, 28 28"), colours[2])
    made.form(trace("12 12, 15 12, 16 96, 13 96"), rgb("#7b5230"))  # a halberd
    made.form(trace("14 10, 26 14, 24 30, 14 26"), rgb("#b8bec8"))


def jester(colours: Colours, size: tuple[int, int]) -> Image.Image:
    """The joker, RGBA."""
    robe, pattern, metal, ink, _ = colours
    made = _Canvas(Image.new("RGBA", size))
    made.form(trace("50 62, 78 70, 90 132, 10 132, 22 70"), robe)
    made.form(trace("50 62, 78 70, 90 132, 50 132"), pattern)
    collar = star(0.5, 0.66, 0.36, 0.2, tips=9)
    made.form(collar, metal)
    made.form(ellipse(0.5, 0.46, 0.17, 0.2), _SKIN)
    made.dots([(0.44, 0.43), (0.56, 0.43)], 0.018, _DARK)
    made.dots([(0.5, 0.49)], 0.028, rgb("#d8343c"))
    made.form(trace("40 53, 60 53, 56 59, 50 61, 44 59"), rgb("#b0343c"))
    made.form(trace("32 36, 50 30, 50 12, 22 4, 4 22, 20 22"), robe)
    made.form(trace("68 36, 50 30, 50 12, 78 4, 96 22, 80 22"), pattern)
    made.form(trace("40 34, 50 2, 60 34"), ink)
    made.dots([(0.05, 0.24), (0.5, 0.04), (0.95, 0.24)], 0.042, metal)
    return made.image
