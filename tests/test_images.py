"""Pictures: every mode and every kind of bad bytes, against values computed by hand."""

import io
import math
import struct
import warnings
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from simsearch.errors import PictureError
from simsearch.images import (
    MAX_BYTES,
    background_colour,
    decode,
    fit_square,
    load_image,
    load_rgb,
    pixel_hash,
    thumbnail,
)

HIDDEN, SHOWN = (255, 0, 0), (10, 200, 30)
MODES = (
    *("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB"),
    *("HSV", "I", "I;16", "I;16L", "I;16B", "F"),
)


def encoded(image: Image.Image, fmt: str = "PNG", **options: object) -> bytes:
    Image.init()
    if fmt not in Image.SAVE:
        pytest.skip(f"this Pillow cannot write {fmt}")
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def noise(height: int, width: int, seed: int = 0, channels: int = 3) -> np.ndarray:
    shape = (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def code_of(data: bytes) -> str:
    with pytest.raises(PictureError) as caught:
        load_image(data)
    assert "\n" not in str(caught.value)
    return caught.value.code


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """A PNG of grey pixels with a header of our choice; without an IDAT chunk it cannot decode."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + b"".join(chunks)


# ---------------------------------------------------------------- modes


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(MODES), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_every_mode_becomes_rgb_of_the_same_size(mode, width, height, seed):
    size = Image.new(mode, (width, height)).tobytes()
    raw = np.random.default_rng(seed).bytes(len(size))
    image = Image.frombytes(mode, (width, height), raw)
    if mode in ("P", "PA"):
        image.putpalette(noise(1, 256, seed).tobytes())
    rgb = load_rgb(image)
    assert rgb.shape == (height, width, 3)
    assert rgb.dtype == np.uint8


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr", "HSV"])
def test_colour_survives_every_colour_mode(mode):
    colours = [(255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)]
    source = Image.new("RGB", (4, 1))
    source.putdata(colours)
    if mode == "PA":
        source = source.convert("P").convert("PA")
    elif mode == "RGBa":
        source = source.convert("RGBA").convert("RGBa")
    else:
        source = source.convert(mode)
    assert np.abs(load_rgb(source)[0].astype(int) - colours).max() <= 2


def test_lab_is_converted_by_its_profile():
    lab = Image.new("LAB", (1, 1), (255, 128, 128))
    assert load_rgb(lab).min() > 240  # full lightness without colour


@pytest.mark.parametrize(
    ("fmt", "mode"),
    [
        *[("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")],
        *[("TIFF", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB")],
        *[("TIFF", mode) for mode in ("I", "I;16", "F")],
        *[("JPEG", mode) for mode in ("L", "RGB", "CMYK")],
        *[("GIF", "P"), ("GIF", "L"), ("BMP", "RGB"), ("PPM", "RGB"), ("PPM", "L")],
        *[("WEBP", "RGB"), ("WEBP", "RGBA"), ("JPEG2000", "RGB"), ("AVIF", "RGB"), ("QOI", "RGB")],
    ],
)
def test_files_of_every_format_decode(fmt, mode):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = Image.new("L", (6, 4), 255).convert(mode if mode != "LAB" else "RGB")
        if mode == "LAB":
            image = Image.new("LAB", (6, 4), (255, 128, 128))
        rgb = load_image(encoded(image, fmt))
    assert rgb.shape == (4, 6, 3)
    if mode not in ("I", "I;16"):  # 255 of 65,535 is nearly black
        assert rgb.min() >= 250


def transparent_pictures() -> dict[str, bytes]:
    """Two pixels: left shown, right of a hidden colour under alpha 0, in each form there is."""
    pictures = {}
    rgba = Image.new("RGBA", (2, 1))
    rgba.putdata([(*SHOWN, 255), (*HIDDEN, 0)])
    pictures["RGBA"] = encoded(rgba)
    pictures["RGBA webp"] = encoded(rgba, "WEBP", lossless=True, exact=True)
    rgb = Image.new("RGB", (2, 1))
    rgb.putdata([SHOWN, HIDDEN])
    pictures["RGB with a transparent colour"] = encoded(rgb, transparency=HIDDEN)
    palette = Image.new("P", (2, 1))
    palette.putpalette([*SHOWN, *HIDDEN])
    palette.putdata([0, 1])
    pictures["P with a transparent index"] = encoded(palette, transparency=1)
    pictures["P with alpha bytes"] = encoded(palette, transparency=b"\xff\x00")
    pictures["GIF"] = encoded(palette, "GIF", transparency=1)
    return pictures


@pytest.mark.parametrize("form", transparent_pictures())
@pytest.mark.parametrize("background", ["", "#638596"])
def test_hidden_colours_never_show(form, background):
    data = transparent_pictures()[form]
    expected = [SHOWN, background_colour(background)]
    assert load_image(data, background=background)[0].tolist() == [list(c) for c in expected]


@pytest.mark.parametrize("mode", ["LA", "La", "PA", "RGBa"])
def test_hidden_grey_never_shows_in_rare_modes(mode):
    shown, hidden = (99, 255), (7, 0)
    raw = {"RGBa": bytes([99, 99, 99, 255, 0, 0, 0, 0])}.get(mode, bytes([*shown, *hidden]))
    image = Image.frombytes(mode, (2, 1), raw)
    if mode == "PA":
        image.putpalette([value for value in range(256) for _ in range(3)])
    assert load_rgb(image, "#010203")[0].tolist() == [[99, 99, 99], [1, 2, 3]]


def test_grey_files_with_a_transparent_value():
    for mode, values in (("L", (9, 77)), ("I;16", (9 * 257, 77 * 257)), ("1", (0, 255))):
        image = Image.new(mode, (2, 1))
        image.putdata(values)
        data = encoded(image, transparency=values[1])
        shown = 0 if mode == "1" else 9
        assert load_image(data, background="#0000ff")[0].tolist() == [[shown] * 3, [0, 0, 255]]


def test_half_transparent_pixels_mix_with_the_background():
    pixel = encoded(Image.new("RGBA", (1, 1), (200, 0, 100, 128)))
    over = {"": 255, "#000000": 0, "#646464": 100}
    for background, level in over.items():
        expected = [(c * 128 + level * 127) / 255 for c in (200, 0, 100)]
        assert np.abs(load_image(pixel, background=background)[0, 0] - expected).max() <= 0.51


def test_backgrounds_must_be_colours():
    for wrong in ("white", "#fff", "#12345g", "638596", "#638596\n"):
        with pytest.raises(ValueError, match="no colour"):
            background_colour(wrong)


@given(st.lists(st.integers(0, 65_535), min_size=1, max_size=20))
@settings(deadline=None)
def test_sixteen_bits_are_scaled_not_clipped(values):
    expected = np.rint(np.array(values) / 257)
    stored = np.array([values], dtype=np.uint16)
    for data in (encoded(Image.fromarray(stored)), encoded(Image.fromarray(stored), "TIFF")):
        rgb = load_image(data)
        assert (np.abs(rgb[0].astype(int) - expected[:, None]) <= 0.5).all()
    big_endian = Image.frombytes("I;16B", (len(values), 1), stored.astype(">u2").tobytes())
    np.testing.assert_array_equal(load_rgb(big_endian), rgb)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 100.0, 255.0], [0, 100, 255]),
        ([-5.0, 32_767.5, 65_535.0], [0, 128, 255]),
        ([0.0, 600_000.0, 1_000_000.0], [0, 153, 255]),
        ([math.nan, math.inf, 1.0], [0, 255, 255]),
    ],
)
def test_floats_are_scaled_by_their_range(values, expected):
    image = Image.fromarray(np.array([values], dtype=np.float32))
    assert load_image(encoded(image, "TIFF"))[0, :, 0].tolist() == expected


# ---------------------------------------------------------------- orientation and frames


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(fmt, orientation):
    stored = np.zeros((16, 24, 3), dtype=np.uint8)
    stored[:8, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.swapaxes(0, 1),
        6: stored.swapaxes(0, 1)[:, ::-1],
        7: stored.swapaxes(0, 1)[::-1, ::-1],
        8: stored.swapaxes(0, 1)[::-1],
    }[orientation]
    rgb = load_image(encoded(Image.fromarray(stored), fmt, exif=exif))
    assert rgb.shape == turned.shape
    assert np.abs(rgb.astype(int) - turned).mean() < 8


def test_broken_exif_does_not_lose_the_picture():
    exif = b"Exif\x00\x00MM\x00*\xff\xff\xff\xff garbage"
    data = encoded(Image.fromarray(noise(4, 4)), exif=exif)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow comments on it
        np.testing.assert_array_equal(load_image(data), noise(4, 4))


@pytest.mark.parametrize("fmt", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animations_show_their_first_frame(fmt):
    frames = [Image.new("RGB", (5, 5), colour) for colour in (SHOWN, HIDDEN, (0, 0, 0))]
    options = {"lossless": True} if fmt == "WEBP" else {}
    data = encoded(frames[0], fmt, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(load_image(data), np.array(frames[0]))


def test_only_the_first_frame_of_an_animation_is_read():
    frames = [Image.fromarray(noise(8, 8, seed)) for seed in range(50)]
    data = encoded(frames[0].quantize(), "GIF", save_all=True, append_images=frames[1:])
    first_only = encoded(frames[0].quantize(), "GIF")
    cut = data[: len(first_only) + 40]  # the second frame is broken off
    np.testing.assert_array_equal(load_image(cut), load_image(first_only))
    long = data[:-1] + data[len(first_only) : -1] * 100 + b";"
    np.testing.assert_array_equal(load_image(long), load_image(first_only))


# ---------------------------------------------------------------- bad bytes


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"hello, this is text", "not-an-image"),
        (b"\x00" * 100, "not-an-image"),
        (b"%PDF-1.7 ...", "not-an-image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not-an-image"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "svg"),
        (b'\xef\xbb\xbf \n<?xml version="1.0"?>\n<!-- x --><svg width="9"></svg>', "svg"),
        (b"<!DOCTYPE html><html><body><svg></svg></body></html>", "html"),
        (b"\n<html><title>404</title></html>", "html"),
        (b"<?xml version='1.0'?><rss></rss>", "not-an-image"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (png(4, 4, png_chunk(b"IDAT", b"no deflate stream"), png_chunk(b"IEND", b"")), "corrupt"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\x0dIHDR" + b"\x07" * 17, "corrupt"),
        (b"BMW is a company that makes cars, and no picture", "truncated"),
    ],
)
def test_what_is_no_picture_has_its_own_reason_code(data, code):
    assert code_of(data) == code


@pytest.mark.parametrize("fmt", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "QOI"])
def test_truncated_files_are_named_so(fmt):
    data = encoded(Image.fromarray(noise(64, 64)), fmt)
    for share in (0.9, 0.5, 0.1):
        assert code_of(data[: int(len(data) * share)]) in ("truncated", "corrupt")
    if fmt in ("PNG", "JPEG", "GIF", "BMP", "TIFF"):
        assert code_of(data[: len(data) // 2]) == "truncated"


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"]),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_damaged_bytes_give_a_picture_or_a_picture_error(fmt, damage):
    data = bytearray(encoded(Image.fromarray(noise(12, 12)), fmt))
    for place, value in damage:
        data[int(place * len(data))] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow comments on odd metadata
        with suppress(PictureError):  # and no other error
            rgb = load_image(bytes(data))
            assert rgb.ndim == 3
            assert rgb.dtype == np.uint8


def test_huge_pictures_are_refused_on_the_header():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Pillow's own warning must not appear either
        assert code_of(encoded(Image.new("1", (12_000, 12_000)))) == "too-large"
        # no pixel data at all: had decoding begun, the code would be another
        empty = png_chunk(b"IDAT", b"")
        for width, height in ((12_000, 12_000), (40_000, 2), (2**31 - 1, 2**31 - 1)):
            assert code_of(png(width, height, empty)) == "too-large"
        assert code_of(png(4, 4, empty)) == "truncated"
        gif = b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0, 0, 0)
        frame = b"," + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\x02\x00;"
        assert code_of(gif + frame) == "too-large"


def test_too_many_bytes_are_refused_before_decoding():
    assert code_of(encoded(Image.new("L", (2, 2))) + b"\x00" * MAX_BYTES) == "too-large"


def test_bombs_in_metadata_are_never_unpacked():
    bomb = zlib.compress(b"\x00" * (200 * 2**20), 9)
    pixels = png_chunk(b"IDAT", zlib.compress(b"\x00\x05\x06" * 2)) + png_chunk(b"IEND", b"")
    assert load_image(png(2, 2, pixels))[0, :, 0].tolist() == [5, 6]
    for kind in (b"iCCP", b"zTXt"):
        assert code_of(png(2, 2, png_chunk(kind, b"name\x00\x00" + bomb), pixels)) == "corrupt"


def test_pillow_is_left_as_it_was():
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    load_image(encoded(Image.new("RGB", (3, 3))))
    code_of(png(12_000, 12_000))
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


def test_a_larger_limit_may_be_given():
    assert decode(io.BytesIO(encoded(Image.new("1", (7000, 7000)))), max_pixels=10**8).mode == "1"


# ---------------------------------------------------------------- fitting, hash, thumbnail


def area_mean(rgb: np.ndarray, side: int) -> np.ndarray:
    """Brute force: white padding, then every pixel enlarged until ``side`` divides the length."""
    height, width, _ = rgb.shape
    big = rgb.repeat(2, axis=0).repeat(2, axis=1).astype(float)  # halves of pixels exist
    square = 2 * max(height, width)
    top, left = (square - 2 * height) // 2, (square - 2 * width) // 2
    padded = np.full((square, square, 3), 255.0)
    padded[top : top + 2 * height, left : left + 2 * width] = big
    padded = padded.repeat(side, axis=0).repeat(side, axis=1)
    return padded.reshape(side, square, side, square, 3).mean(axis=(1, 3))


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 23), st.integers(1, 23), st.integers(1, 12), st.integers(0, 1000))
def test_fit_square_is_the_area_mean(height, width, side, seed):
    rgb = noise(height, width, seed)
    fitted = fit_square(rgb, side)
    assert fitted.shape == (side, side, 3)
    assert fitted.dtype == np.uint8
    assert np.abs(fitted - area_mean(rgb, side)).max() <= 0.51


def test_fit_square_of_large_pictures_is_the_area_mean():
    for height, width in ((150, 150), (97, 211)):
        rgb = noise(height, width)
        assert np.abs(fit_square(rgb, 6) - area_mean(rgb, 6)).max() <= 0.51


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(2, 15), st.sampled_from([8, 64]))
def test_an_enlargement_fits_to_the_same(height, width, factor, side):
    rgb = noise(height, width)
    enlarged = rgb.repeat(factor, axis=0).repeat(factor, axis=1)
    difference = fit_square(rgb, side).astype(int) - fit_square(enlarged, side)
    assert np.abs(difference).max() <= 1


def test_fit_square_by_hand():
    two = np.array([[[0, 0, 0], [255, 255, 255]], [[100, 0, 0], [0, 100, 0]]], dtype=np.uint8)
    np.testing.assert_array_equal(fit_square(two, 2), two)
    np.testing.assert_array_equal(fit_square(two, 4), two.repeat(2, 0).repeat(2, 1))
    assert fit_square(two, 1).tolist() == [[[89, 89, 64]]]
    wide = np.zeros((1, 2, 3), dtype=np.uint8)
    assert fit_square(wide, 4)[:, 0, 0].tolist() == [255, 0, 0, 255]


def test_pixel_hash_is_the_identity_of_shape_and_pixels():
    rgb = noise(4, 6)
    assert pixel_hash(rgb) == pixel_hash(rgb.copy())
    assert pixel_hash(rgb[:, ::-1]) == pixel_hash(np.ascontiguousarray(rgb[:, ::-1]))
    others = [rgb[::-1], rgb.reshape(6, 4, 3), rgb ^ 1]
    assert len({pixel_hash(picture) for picture in [rgb, *others]}) == 4
    assert len(pixel_hash(rgb)) == 32


def test_thumbnails_are_exact_when_small_and_reduced_when_large():
    small = noise(24, 24)
    np.testing.assert_array_equal(load_image(thumbnail(small)), small)
    large = np.zeros((720, 360, 3), dtype=np.uint8)
    large[:360] = 200
    reduced = load_image(thumbnail(large, 96))
    assert reduced.shape == (96, 48, 3)
    assert abs(int(reduced[10, 20, 0]) - 200) <= 3
    assert int(reduced[90, 20, 0]) <= 3
    thin = load_image(thumbnail(np.zeros((2000, 1, 3), dtype=np.uint8)))
    assert thin.shape[1] == 1
