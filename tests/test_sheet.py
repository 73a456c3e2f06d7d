"""The contact sheet: pictures where they belong, crisp, and no text beyond its place."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFont

from simsearch import sheet


def sprite(seed=0, shape=(24, 24)):
    draw = np.random.default_rng(seed)
    return draw.choice(np.array([20, 90, 160, 230], dtype=np.uint8), (*shape, 1)).repeat(3, axis=2)


def drawn(query, found):
    with Image.open(io.BytesIO(sheet.answer_sheet(query, found))) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def test_pixel_art_is_repeated_by_a_whole_factor():
    rgb = sprite(shape=(50, 24))
    big = np.asarray(sheet.fitted(rgb, 192))
    assert big.shape == (150, 72, 3)
    assert np.array_equal(big, rgb.repeat(3, axis=0).repeat(3, axis=1))


@pytest.mark.parametrize("shape", [(500, 300), (100, 60), (1, 3000)])
def test_other_pictures_fill_the_box_without_distortion(shape):
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    width, height = sheet.fitted(rgb, 192).size
    assert max(width, height) == 192
    assert width / height == pytest.approx(shape[1] / shape[0], rel=0.02) or min(width, height) == 1


def test_query_and_neighbours_stand_in_their_places():
    query, others = sprite(9), [sprite(n) for n in range(7)]
    page = drawn((query, ["query"]), [(rgb, ["name", "0.98", "1 ETH"]) for rgb in others])
    assert np.array_equal(page[32 : 32 + 384 : 16, 32 : 32 + 384 : 16], query)
    left, step = 2 * 32 + 384, 192 + 8 + 3 * 22 + 20
    for number, rgb in enumerate(others):
        x, y = left + number % 5 * (192 + 20), 32 + number // 5 * step
        assert np.array_equal(page[y : y + 192 : 8, x : x + 192 : 8], rgb)


def test_text_stays_in_its_column():
    long = "W" * 500
    page = drawn((sprite(), [long] * 3), [(sprite(), [long] * 4)] * 2)
    white = (page == 255).all(axis=(0, 2))
    assert white[:30].all()
    assert white[32 + 384 + 2 : 2 * 32 + 384 - 2].all()
    assert white[2 * 32 + 384 + 192 + 2 : 2 * 32 + 384 + 192 + 20 - 2].all()
    assert white[-30:].all()
    assert (page[-20:] == 255).all()


def test_nothing_found_is_an_answer_too():
    page = drawn((sprite(), ["nothing found"]), [])
    assert page.shape[1] == 2 * 32 + 384


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.integers(0, 300))
def test_shortened_fits_whatever_the_text(text, width):
    font = ImageFont.load_default(14)
    short = sheet.shortened(text, font, width)
    assert short == "…" or font.getlength(short) <= width
    assert short.isprintable()
    if short.endswith("…") and not text.endswith("…"):
        assert len(short) <= len(text)


def test_shortened_keeps_as_much_as_fits():
    font = ImageFont.load_default(14)
    text = "cryptopunks #1234 with a name that is far too long"
    short = sheet.shortened(text, font, 150)
    kept = len(short) - 1
    assert text.startswith(short[:-1])
    assert font.getlength(text[: kept + 2].rstrip() + "…") > 150


@pytest.mark.parametrize("name", ["猫と犬 😀", "Прекрасный Ξ", "עברית", "a\x00b\nc\u202e", ""])
def test_any_name_can_be_drawn(name):
    assert drawn((sprite(), [name]), [(sprite(), [name, name])]).any()
