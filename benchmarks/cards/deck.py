"""Faces of generated playing cards, of decks that differ in all but what the cards are."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.cards.court import court, jester
from benchmarks.cards.letters import PENS, letters
from benchmarks.cards.pips import SHAPES, fills, outline, pip
from simsearch.sample.shapes import Colour, mix, rgb

Chance = np.random.Generator

WIDTH, HEIGHT = 300, 420
"""Pixels of a face, in the proportions of a poker card."""
SUITS = ("spades", "hearts", "diamonds", "clubs")
RANKS = {
    "ace": "A", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "jack": "J", "queen": "Q", "king": "K",
}  # fmt: skip
JOKER = "joker"
CLASSES = (*(f"{rank} of {suit}" for suit in SUITS for rank in RANKS), JOKER)
"""The 53 classes, named as people say them."""

_PAPERS = (
    *("#fdfdfb",) * 3,
    *("#f7efdc", "#e9eef4", "#efe6ee", "#f3e9d2", "#d8c29c", "#22242b", "#16302b"),
)
_PALETTES = (
    ("#17181c", "#c8202c", "#c8202c", "#17181c"),
    ("#1b1b28", "#e0343f", "#e0343f", "#1b1b28"),
    ("#191919", "#d1222e", "#1d56b4", "#1b7f45"),
    ("#262b52", "#b8263f", "#d8781f", "#2d6a5a"),
    ("#333333", "#a02040", "#a02040", "#333333"),
)
_NIGHT = (
    ("#f2f2ee", "#ff5a5f", "#ff5a5f", "#f2f2ee"),
    ("#e8e3d0", "#ff7a6b", "#6fb4ff", "#7fdc9a"),
)
_ROBES = ("#c8202c", "#1f4fa0", "#e6b325", "#1b7f45", "#6a3a8c", "#111318", "#d9772b", "#3aa0a8")

_PAIRS: dict[int, tuple[float, ...]] = {
    0: (),
    4: (0.2, 0.8),
    6: (0.2, 0.5, 0.8),
    8: (0.2, 0.4, 0.6, 0.8),
}
"""Number of pips that stand in pairs → how far down the pairs are."""
_SINGLE: dict[int, tuple[int, tuple[float, ...]]] = {
    1: (0, (0.5,)),
    2: (0, (0.2, 0.8)),
    3: (0, (0.2, 0.5, 0.8)),
    4: (4, ()),
    5: (4, (0.5,)),
    6: (6, ()),
    7: (6, (0.35,)),
    8: (6, (0.35, 0.65)),
    9: (8, (0.5,)),
    10: (8, (0.3, 0.7)),
}
"""Number of pips → how many of them stand in pairs, and how far down the others are."""


def pip_places(number: int) -> list[tuple[float, float]]:
    """Middles of one to ten pips, as shares of the width and the height of a face."""
    paired, single = _SINGLE[number]
    places = [(x, y) for y in _PAIRS[paired] for x in (0.3, 0.7)] + [(0.5, y) for y in single]
    return [(x, 0.08 + 0.84 * y) for x, y in places]


@dataclass(frozen=True)
class Deck:
    """How the cards of one deck look.

    Attributes:
        paper: ground of a face.
        inks: of the suits, in their order.
        robes: three colours of the court.
        pen: lettering.
        weight: of the lettering's strokes.
        shape: outline of pips.
        filling: of pips.
        index: where rank and suit stand.
        body: what number cards show.
        figure: what court cards show.
        frame: line around the body.
        size: of pips.
    """

    paper: Colour
    inks: tuple[Colour, ...]
    robes: tuple[Colour, Colour, Colour]
    pen: str
    weight: float
    shape: str
    filling: str
    index: str
    body: str
    figure: str
    frame: str
    size: float

    @classmethod
    def draw(cls, chance: Chance) -> "Deck":
        """Draw a deck."""
        paper = rgb(_PAPERS[chance.integers(len(_PAPERS))])
        palettes = _NIGHT if sum(paper) < 300 else _PALETTES
        robes = [rgb(_ROBES[i]) for i in chance.permutation(len(_ROBES))[:3]]

        def one(*choices: str) -> str:
            return choices[chance.integers(len(choices))]

        return cls(
            paper=paper,
            inks=tuple(map(rgb, palettes[chance.integers(len(palettes))])),
            robes=(robes[0], robes[1], robes[2]),
            pen=one(*PENS),
            weight=float(chance.uniform(0.12, 0.2)),
            shape=one(*SHAPES),
            filling=one("full", "full", "full", "hollow", "shaded", "inlaid"),
            index=one("two", "two", "four", "large"),
            body=one("pips", "pips", "pips", "emblem"),
            figure=one("mirrored", "mirrored", "portrait", "emblem"),
            frame=one("none", "none", "line", "double"),
            size=float(chance.uniform(0.078, 0.1)),
        )


def face(name: str, deck: Deck) -> Image.Image:
    """Draw one of ``CLASSES``, RGBA with round corners."""
    card = Image.new("RGB", (WIDTH, HEIGHT), deck.paper)
    if name == JOKER:
        _joker(card, deck)
    else:
        rank, _, suit = name.split()
        ink = deck.inks[SUITS.index(suit)]
        _Body(card, deck, suit, ink).draw(rank)
        _indexes(card, deck, RANKS[rank], suit, ink)
    edge = Image.new("L", card.size)
    ImageDraw.Draw(edge).rounded_rectangle((0, 0, WIDTH - 1, HEIGHT - 1), 20, fill=255)
    card.putalpha(edge)
    return card


def _indexes(card: Image.Image, deck: Deck, rank: str, suit: str, ink: Colour) -> None:
    """Rank over suit in the corners; the lower ones stand on their heads."""
    scale = 1.45 if deck.index == "large" else 1.0
    wide, high = round(26 * scale), round(42 * scale)
    corner = Image.new("RGBA", (wide + 8, high + round(34 * scale)))
    corner.paste(ink, (4, 0), letters(rank, deck.pen, deck.weight, (wide, high)))
    small = 12 * scale
    middle = (corner.width / 2, high + 4 + small)
    pip(corner, outline(deck.shape, suit), middle, small, fills("full", ink, deck.paper))
    spot = (11, 14)
    _both_ways(card, corner, spot)
    if deck.index == "four":
        _both_ways(card, corner, (WIDTH - spot[0] - corner.width, spot[1]))


def _both_ways(card: Image.Image, part: Image.Image, place: tuple[int, int]) -> None:
    card.paste(part, place, part)
    turned = part.rotate(180)
    card.paste(turned, (WIDTH - place[0] - part.width, HEIGHT - place[1] - part.height), turned)


@dataclass(frozen=True)
class _Body:
    """The middle of a face."""

    card: Image.Image
    deck: Deck
    suit: str
    ink: Colour

    def draw(self, rank: str) -> None:
        _frame(self.card, self.deck, self.ink)
        names = list(RANKS)
        number = names.index(rank) + 1
        if number > 10:
            self._court(rank)
        elif self.deck.body == "pips" or number == 1:
            self._pips(number)
        else:
            self._emblem(RANKS[rank])

    def _pips(self, number: int) -> None:
        size = self.deck.size * (2.6 if number == 1 else 1)
        for x, y in pip_places(number):
            self._pip(x, y, size, turned=y > 0.501)

    def _pip(self, x: float, y: float, size: float, *, turned: bool = False) -> None:
        drawn = fills(self.deck.filling, self.ink, self.deck.paper)
        shape = outline(self.deck.shape, self.suit)
        pip(self.card, shape, (x * WIDTH, y * HEIGHT), size * WIDTH * (1, -1)[turned], drawn)

    def _emblem(self, rank: str) -> None:
        """The rank once more, large, with one pip."""
        mask = letters(rank, self.deck.pen, self.deck.weight, (104, 130))
        self.card.paste(self.ink, ((WIDTH - 104) // 2, 84), mask)
        self._pip(0.5, 0.68, 0.2)

    def _court(self, rank: str) -> None:
        if self.deck.figure == "emblem":
            self._emblem(RANKS[rank])
            return
        colours = (*self.deck.robes, self.ink, self.deck.paper)
        mirrored = self.deck.figure == "mirrored"
        size = (200, 170 if mirrored else 330)
        figure = court(rank, colours, size)
        if mirrored:
            _both_ways(self.card, figure, ((WIDTH - size[0]) // 2, HEIGHT // 2 - size[1]))
        else:
            self.card.paste(figure, ((WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2), figure)
        self._pip(0.3, 0.2, 0.075)
        self._pip(0.7, 0.8, 0.075, turned=True)


def _frame(card: Image.Image, deck: Deck, ink: Colour) -> None:
    draw = ImageDraw.Draw(card)
    for inset in {"none": (), "line": (46,), "double": (44, 50)}[deck.frame]:
        box = (inset, inset - 14, WIDTH - inset, HEIGHT - inset + 14)
        draw.rectangle(box, outline=mix(ink, deck.paper, 0.35), width=2)


def _joker(card: Image.Image, deck: Deck) -> None:
    ink = deck.inks[int(deck.weight * 1000) % 4]
    _frame(card, deck, ink)
    figure = jester((*deck.robes, ink, deck.paper), (210, 300))
    card.paste(figure, ((WIDTH - 210) // 2, (HEIGHT - 300) // 2), figure)
    column = Image.new("RGBA", (24, 150))
    for place, letter in enumerate("JOKER"):
        column.paste(ink, (0, 30 * place), letters(letter, deck.pen, deck.weight, (22, 27)))
    _both_ways(card, column, (13, 16))
