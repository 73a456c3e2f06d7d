"""Edits do what their names say: sizes, places and colours, computed by hand."""

import numpy as np
import pytest

from simsearch.evaluation.edits import EDITS, enlarged


def picture(height=24, width=24, seed=0):
    draw = np.random.default_rng(seed)
    return draw.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("side", "factor"), [(24, 11), (255, 2), (256, 1), (1, 256), (720, 1)])
def test_enlarged_repeats_pixels_by_the_least_whole_factor(side, factor):
    rgb = picture(side, side + 3)
    big = enlarged(rgb)
    assert big.shape == (side * factor, (side + 3) * factor, 3)
    assert np.array_equal(big[::factor, ::factor], rgb)
    assert np.array_equal(big[factor - 1 :: factor, factor - 1 :: factor], rgb)


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("shape", [(24, 24), (300, 260), (1, 1), (2, 5)])
def test_every_edit_gives_another_rgb_picture_and_always_the_same(name, shape):
    big = enlarged(picture(*shape))
    before = big.copy()
    edited = EDITS[name](big)
    assert edited.dtype == np.uint8
    assert edited.ndim == 3
    assert edited.shape[2] == 3
    assert np.array_equal(big, before), "an edit must not write into its input"
    assert np.array_equal(edited, EDITS[name](big))
    assert edited.shape != big.shape or shape == (1, 1) or not np.array_equal(edited, big)


def test_sizes():
    big = enlarged(picture(320, 400))
    sizes = {name: edit(big).shape[:2] for name, edit in EDITS.items()}
    assert sizes["resize"] == (192, 240)
    assert sizes["crop"] == (256, 320)
    assert sizes["border"] == (400, 480)
    kept = {"jpeg", "flip", "recolour", "text", "rotate", "brightness", "background", "blur"}
    assert {sizes[name] for name in kept | {"pixelate"}} == {(320, 400)}


def test_crop_border_and_flip_keep_every_pixel_they_show():
    big = enlarged(picture(320, 400))
    assert np.array_equal(EDITS["crop"](big), big[32:-32, 40:-40])
    framed = EDITS["border"](big)
    assert np.array_equal(framed[40:-40, 40:-40], big)
    assert (framed[:40] == 24).all()
    assert np.array_equal(EDITS["flip"](big), big[:, ::-1])


def test_recolour_turns_red_towards_yellow():
    red = np.full((256, 256, 3), (200, 40, 40), dtype=np.uint8)
    colour = EDITS["recolour"](red)[0, 0].astype(int)
    # Hue 0 -> 30 degrees: green lies halfway between the lowest and the highest channel.
    assert colour[0] == 200
    assert colour[1] == pytest.approx((colour[0] + colour[2]) / 2, abs=3)
    assert colour[2] < 40


def test_background_changes_the_outline_colour_only():
    big = np.full((256, 256, 3), (10, 200, 130), dtype=np.uint8)
    big[100:150, 100:150] = (90, 90, 90)
    edited = EDITS["background"](big)
    assert (edited[100:150, 100:150] == 90).all()
    assert edited[0, 0].tolist() == [138, 72, 2]
    assert (edited == (138, 72, 2)).all(axis=2).sum() == 256 * 256 - 2500


def test_text_and_screenshot_keep_the_rest_of_the_picture():
    big = enlarged(picture(256, 256))
    marked = EDITS["text"](big)
    assert np.array_equal(marked[:170], big[:170])
    white = (marked == 255).all(axis=2).sum()
    assert white > 500
    shown = EDITS["screenshot"](big)
    margin, bar = 31, 36
    place = shown[bar + margin : bar + margin + 256, margin : margin + 256]
    assert np.array_equal(place, big)


def test_rotation_is_five_degrees_counterclockwise():
    black = np.zeros((401, 401, 3), dtype=np.uint8)
    black[200, 380] = black[199:202, 379:382] = 255
    rows, columns = np.nonzero(EDITS["rotate"](black)[150:250, 300:395, 0] > 128)
    angle = np.degrees(np.arctan2(200 - (rows.mean() + 150), columns.mean() + 300 - 200))
    assert angle == pytest.approx(5, abs=0.3)


def test_pixelate_leaves_thirty_two_by_thirty_two_colours():
    big = enlarged(picture(256, 256))
    coarse = EDITS["pixelate"](big)
    expected = big.reshape(32, 8, 32, 8, 3).mean(axis=(1, 3))
    assert np.abs(coarse[::8, ::8] - expected).max() <= 1
    assert np.array_equal(coarse[::8, ::8], coarse[7::8, 7::8])
