"""Variants of a picture: each undoes its edit on pictures whose edit is known."""

import numpy as np
import pytest

from simsearch.evaluation.edits import EDITS, enlarged
from simsearch.images import fit_square
from simsearch.variants import CROPS, SIDE, uncropped, unframed, variants


def picture(seed=0, side=256):
    """A smooth picture on a plain ground that reaches all four edges, and a figure on it."""
    rng = np.random.default_rng(seed)
    rgb = np.empty((side, side, 3), dtype=np.uint8)
    rgb[:] = rng.integers(60, 200, 3)
    for _ in range(6):
        top, left = rng.integers(side // 8, side // 2, 2)
        high, wide = rng.integers(side // 8, side // 2, 2)
        rgb[top : top + high, left : left + wide] = rng.integers(0, 256, 3)
    return rgb


def by_name(rgb, name):
    return [one for one in variants(rgb) if one.name == name]


@pytest.mark.parametrize("edit", ["border", "screenshot"])
@pytest.mark.parametrize("seed", range(3))
def test_what_frames_a_picture_is_cut_off_to_the_pixel(edit, seed):
    rgb = picture(seed)
    np.testing.assert_array_equal(unframed(EDITS[edit](rgb)), rgb)
    (inner,) = by_name(EDITS[edit](rgb), "framed")
    np.testing.assert_array_equal(inner.rgb, rgb)


def test_a_picture_without_a_frame_is_left_whole():
    noise = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    assert unframed(noise).shape == noise.shape
    plain = np.full((40, 40, 3), 9, dtype=np.uint8)
    assert unframed(plain).shape == plain.shape
    assert not by_name(plain, "framed")


def test_a_speck_in_wide_surroundings_is_no_picture():
    rgb = np.zeros((100, 100, 3), dtype=np.uint8)
    rgb[40:60, 40:60] = 255
    assert unframed(rgb).shape == rgb.shape


def test_mirroring_is_undone():
    rgb = picture()
    (back,) = by_name(EDITS["flip"](rgb), "mirrored")
    np.testing.assert_array_equal(back.rgb, rgb)
    assert back.known.all()


def test_a_turn_is_undone_where_the_picture_is_known():
    rgb = picture()
    edited = EDITS["rotate"](rgb)
    apart = [
        np.abs(one.rgb[one.known].astype(float) - rgb[one.known]).mean()
        for one in by_name(edited, "turned")
    ]
    assert min(apart) < 3 < max(apart)
    assert all(0.85 < one.known.mean() < 1 for one in by_name(edited, "turned"))


def test_a_crop_is_put_back_in_its_place():
    rgb = picture()
    assert 0.1 in CROPS
    back = uncropped(fit_square(EDITS["crop"](rgb), SIDE), 0.1)
    assert np.abs(back.rgb[back.known].astype(float) - rgb[back.known]).mean() < 3
    free = round(0.1 * SIDE)
    assert back.known.sum() == (SIDE - 2 * free) ** 2
    np.testing.assert_array_equal(back.rgb[0, free:-free], back.rgb[free, free:-free])


def test_variants_of_any_shape_are_squares_of_one_size():
    tall = enlarged(np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8))
    for one in variants(tall):
        assert one.rgb.shape == (SIDE, SIDE, 3)
        assert one.rgb.dtype == np.uint8
        assert one.known.shape == (SIDE, SIDE)
