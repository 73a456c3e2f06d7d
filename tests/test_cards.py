"""The generated playing cards: all classes, drawn as their names say, from the seed alone."""

import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from benchmarks.cards.deck import (
    CLASSES,
    HEIGHT,
    JOKER,
    RANKS,
    SUITS,
    WIDTH,
    Deck,
    face,
    pip_places,
)
from benchmarks.cards.folder import COUNTS, picture, write_cards
from benchmarks.cards.letters import PENS, STROKES, letters
from benchmarks.cards.photo import SIDE


def deck(**changes):
    plain = {
        "paper": (255, 255, 255),
        "inks": ((0, 0, 0), (200, 0, 0), (0, 0, 200), (0, 120, 0)),
        "robes": ((10, 20, 200), (230, 200, 20), (20, 160, 60)),
        "pen": "round",
        "weight": 0.15,
        "shape": "smooth",
        "filling": "full",
        "index": "two",
        "body": "pips",
        "figure": "mirrored",
        "frame": "none",
        "size": 0.08,
    }
    return Deck(**(plain | changes))


def test_there_are_52_cards_and_a_joker():
    assert len(set(CLASSES)) == 53
    assert JOKER in CLASSES
    assert {"ace of spades", "ten of hearts", "queen of diamonds"} < set(CLASSES)
    assert COUNTS == {"train": 100, "test": 5}


@pytest.mark.parametrize("number", range(1, 11))
def test_a_number_card_has_as_many_pips_as_it_says(number):
    places = pip_places(number)
    assert len(set(places)) == number
    assert Counter(x for x, _ in places)[0.3] == Counter(x for x, _ in places)[0.7]
    # 7 alone has more above than below.
    below = sorted(round(1 - y, 9) for _, y in places)
    assert (sorted(round(y, 9) for _, y in places) == below) == (number != 7)


@pytest.mark.parametrize("suit", SUITS)
def test_ink_grows_with_the_number_of_pips(suit):
    names = [f"{rank} of {suit}" for rank in ("two", "three", "four", "six", "eight", "ten")]
    inked = []
    for name in names:
        middle = np.asarray(face(name, deck()).convert("RGB"))[:, WIDTH // 5 : -WIDTH // 5]
        inked.append((middle.min(axis=2) < 128).sum())
    shares = np.array(inked) / np.array([2, 3, 4, 6, 8, 10])
    assert np.allclose(shares, shares[0], rtol=0.03)


def test_a_face_has_the_colour_of_its_suit_and_round_corners():
    for suit, ink in zip(SUITS, deck().inks, strict=True):
        card = face(f"five of {suit}", deck())
        assert card.size == (WIDTH, HEIGHT)
        assert card.getpixel((0, 0))[3] == 0
        assert card.getpixel((WIDTH // 2, HEIGHT // 2))[:3] == ink


def test_every_class_looks_different_in_one_deck():
    for figure in ("mirrored", "portrait", "emblem"):
        faces = {face(name, deck(figure=figure)).tobytes() for name in CLASSES}
        assert len(faces) == len(CLASSES)


@pytest.mark.parametrize("pen", PENS)
def test_every_letter_can_be_written_and_none_looks_like_another(pen):
    wanted = set("".join(RANKS.values())) | set("JOKER")
    assert wanted == set(STROKES)
    written = {one: np.asarray(letters(one, pen, 0.15, (50, 64))) for one in wanted - {"O"}}
    for one, mask in written.items():
        assert 0.03 < (mask > 128).mean() < 0.9, one
        assert all(
            np.abs(mask - 0.0 - other).mean() > 5 for o, other in written.items() if o != one
        )


def test_a_picture_is_the_same_for_the_same_seed_and_no_other():
    first = picture("nine of clubs", 3, "train", seed=1)
    assert first == picture("nine of clubs", 3, "train", seed=1)
    others = [
        picture("nine of clubs", 3, "test", seed=1),
        picture("nine of clubs", 3, "train", seed=2),
        picture("nine of clubs", 4, "train", seed=1),
    ]
    assert len({first, *others}) == 4
    assert Image.open(io.BytesIO(first)).size == (SIDE, SIDE) == (224, 224)


def test_the_folder_has_all_classes_and_counts_and_is_drawn_once(tmp_path):
    place = tmp_path / "cards"
    write_cards(place, {"train": 1, "test": 1}, seed=5)
    for split in ("train", "test"):
        folders = {one.name: len(list(one.glob("*.jpg"))) for one in (place / split).iterdir()}
        assert folders == dict.fromkeys(CLASSES, 1)
    written = (place / "test" / "joker" / "000.jpg").read_bytes()
    assert written == picture("joker", 0, "test", seed=5)
    assert [one.name for one in tmp_path.iterdir()] == ["cards"]
