"""Reading pictures from where they lie: hashes, threads, what has gone, what lies about itself."""

import gc
import hashlib
import io
import os
import struct
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsearch.catalog import Picture
from simsearch.errors import PictureError
from simsearch.images import MAX_BYTES
from simsearch.sources import PictureReader, read_sources
from simsearch.sources.sheet import Sheet


def noise(seed: int, size: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def encoded(rgb: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()


def write_zip(path: Path, count: int, seed: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(count):
            archive.writestr(f"{number}.png", encoded(noise(seed + number)))
    return path


def code_of(picture: Picture) -> str:
    with PictureReader() as reader, pytest.raises(PictureError) as caught:
        reader.read(picture).rgb()
    assert picture.path in str(caught.value)
    return caught.value.code


def test_content_hashes_are_of_the_bytes_and_the_background(tmp_path):
    data = encoded(noise(1))
    (tmp_path / "a.png").write_bytes(data)
    (tmp_path / "b.png").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("c.png", data)
    places = [
        Picture("file", str(tmp_path / "a.png")),
        Picture("file", str(tmp_path / "b.png")),
        Picture("zip", str(tmp_path / "c.zip"), "c.png"),
        Picture("file", str(tmp_path / "a.png"), background="#000000"),
    ]
    with PictureReader() as reader:
        hashes = [reader.read(place).content_hash for place in places]
    assert hashes[:3] == [hashlib.sha256(data).hexdigest()] * 3
    assert hashes[3] != hashes[0]
    assert len(hashes[3]) == 64


def test_a_hash_costs_no_decoding(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture at all")
    with PictureReader() as reader:
        read = reader.read(Picture("file", str(tmp_path / "a.png")))
    assert read.content_hash == hashlib.sha256(b"no picture at all").hexdigest()
    with pytest.raises(PictureError, match="a.png: not a picture, or damaged"):
        read.rgb()


def test_tiles_are_hashed_by_their_pixels(tmp_path):
    tiles = np.concatenate([noise(1), noise(2), noise(1)], axis=1)
    (tmp_path / "s.png").write_bytes(encoded(tiles))
    Image.fromarray(tiles).save(tmp_path / "same.bmp")
    with PictureReader() as reader:
        places = [(name, f"4x4+{n}") for name in ("s.png", "same.bmp") for n in range(3)]
        read = [reader.read(Picture("tile", str(tmp_path / p), member)) for p, member in places]
    hashes = [one.content_hash for one in read]
    assert hashes[0] == hashes[2] == hashes[3] != hashes[1] == hashes[4]
    np.testing.assert_array_equal(read[1].rgb(), noise(2))


def test_a_palette_sheet_is_held_at_one_byte_a_pixel(tmp_path):
    Image.fromarray(noise(0, 64)).quantize(16).save(tmp_path / "s.png")
    sheet = Sheet(tmp_path / "s.png")
    assert sheet.image.mode == "P"
    assert sheet.read("8x8+9").mode == "P"


def test_threads_read_the_right_pictures_from_few_open_files(tmp_path):
    expected = {}
    for number in range(6):
        path = write_zip(tmp_path / f"{number}.zip", 20, seed=100 * number)
        for item in read_sources([path]).items:
            expected[item.picture] = noise(100 * number + int(item.token_id))
    for number in range(3):
        pixels = noise(number, 40)
        (tmp_path / f"{number}.png").write_bytes(encoded(pixels))
        for tile in range(100):
            top, left = tile // 10 * 4, tile % 10 * 4
            picture = Picture("tile", str(tmp_path / f"{number}.png"), f"4x4+{tile}")
            expected[picture] = pixels[top : top + 4, left : left + 4]
    order = list(expected)
    np.random.default_rng(0).shuffle(order)
    gc.collect()  # files that others have left to it
    open_before = len(os.listdir("/dev/fd"))
    with PictureReader(open_containers=2) as reader, ThreadPoolExecutor(8) as pool:
        for picture, rgb in zip(
            order, pool.map(lambda p: reader.read(p).rgb(), order), strict=True
        ):
            np.testing.assert_array_equal(rgb, expected[picture])
        assert len(os.listdir("/dev/fd")) <= open_before + 2
    assert len(os.listdir("/dev/fd")) <= open_before


def test_what_has_gone_is_named(tmp_path):
    path = write_zip(tmp_path / "z.zip", 2)
    (tmp_path / "s.png").write_bytes(encoded(noise(0)))
    for picture in (
        Picture("file", str(tmp_path / "gone.png")),
        Picture("zip", str(tmp_path / "gone.zip"), "1.png"),
        Picture("zip", str(path), "7.png"),
        Picture("tile", str(tmp_path / "gone.png"), "4x4+0"),
        Picture("tile", str(tmp_path / "s.png"), "4x4+1"),
        Picture("tile", str(tmp_path / "s.png"), "soup"),
        Picture("inline", str(tmp_path / "gone.csv"), "1:image"),
        Picture("inline", str(tmp_path / "gone.parquet"), "1:image"),
    ):
        assert code_of(picture) == "missing"


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"PK no archive")
    (tmp_path / "t.csv").write_text("a,image\n1,\n")
    os.mkfifo(tmp_path / "pipe.png")
    for picture in (
        Picture("zip", str(tmp_path / "bad.zip"), "1.png"),
        Picture("inline", str(tmp_path / "bad.zip"), "1:image"),
        Picture("inline", str(tmp_path / "t.csv"), "1:absent"),
        Picture("file", str(tmp_path / "pipe.png")),
        Picture("file", str(tmp_path)),
        Picture("soup", str(tmp_path)),
    ):
        assert code_of(picture) in ("unreadable", "missing")


def test_files_are_judged_by_size_before_they_are_read(tmp_path):
    (tmp_path / "empty.png").touch()
    assert code_of(Picture("file", str(tmp_path / "empty.png"))) == "empty"
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert code_of(Picture("file", str(tmp_path / "huge.png"))) == "too-large"


def lying_zip(path: Path, size: int, real: bytes) -> Path:
    """A deflated member whose entry and local header both state another size."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.png", real)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 22, size)
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, size)
    path.write_bytes(data)
    return path


def test_headers_that_lie_about_sizes_do_no_harm(tmp_path):
    bomb = lying_zip(tmp_path / "bomb.zip", 10, bytes(300 * 2**20))
    assert code_of(Picture("zip", str(bomb), "1.png")) == "unreadable"
    short = lying_zip(tmp_path / "short.zip", 1000, encoded(noise(0)))
    with PictureReader() as reader:
        rgb = reader.read(Picture("zip", str(short), "1.png")).rgb()
    np.testing.assert_array_equal(rgb, noise(0))
    huge = lying_zip(tmp_path / "huge.zip", 2**31, encoded(noise(0)))
    assert code_of(Picture("zip", str(huge), "1.png")) == "too-large"


def test_damaged_members_are_unreadable(tmp_path):
    path = write_zip(tmp_path / "z.zip", 1)
    data = bytearray(path.read_bytes())
    data[60] ^= 255
    path.write_bytes(data)
    assert code_of(Picture("zip", str(path), "0.png")) == "unreadable"
