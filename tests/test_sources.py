"""Every form of source, read from real files made here; counts of the real collections."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from simsearch.errors import SourceError
from simsearch.images import MAX_BYTES
from simsearch.sources import PictureReader, read_sources
from simsearch.sources.names import natural_order

SHARED = Path(__file__).parents[2] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared collections are absent")


def png(level: int = 0, size: tuple[int, int] = (3, 2)) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", size, level).save(buffer, "PNG")
    return buffer.getvalue()


def write(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def keys(contents) -> list[str]:
    return [item.key for item in contents.items]


def codes(contents) -> list[str]:
    return [skipped.code for skipped in contents.skipped]


# ---------------------------------------------------------------- folders


def test_a_folder_of_pictures_is_one_collection_in_natural_order(tmp_path):
    folder = tmp_path / "frogs"
    for name in ("10.png", "2.PNG", "1.jpg", "deep/er/30.png", "4", "vector.svg"):
        write(folder / name, png())
    for name in (".hidden.png", "notes.txt", "README", "__MACOSX/._1.png", "Thumbs.db"):
        write(folder / name, png())
    contents = read_sources([folder / "deep" / "er"])
    assert keys(contents) == ["er/30"]
    (folder / "deep/er/30.png").unlink()
    contents = read_sources([folder])
    assert keys(contents) == ["frogs/1", "frogs/2", "frogs/4", "frogs/10", "frogs/vector"]
    assert contents.skipped == []
    assert contents.items[1].picture.path == str(folder / "2.PNG")


def test_a_tree_is_one_collection_per_folder(tmp_path):
    for name in ("cats/1.png", "cats/more/2.png", "dogs/1.png", "empty/note.txt"):
        write(tmp_path / name, png())
    loose = write(tmp_path / "loose.png", png())
    contents = read_sources([tmp_path])
    assert keys(contents) == ["cats/1", "cats/2", "dogs/1"]
    assert [(s.source, s.code) for s in contents.skipped] == [(str(loose), "loose")]


def test_splits_lie_above_the_collections(tmp_path):
    write(tmp_path / "train/cats/1.png", png())
    write(tmp_path / "train/dogs/1.png", png())
    write(tmp_path / "val/cats/2.png", png())
    write(tmp_path / "test/dogs/3.png", png())
    write(tmp_path / "docs/about.txt", "no picture")
    found = {item.key: item.split for item in read_sources([tmp_path]).items}
    assert found == {"cats/1": "train", "dogs/1": "train", "cats/2": "valid", "dogs/3": "test"}


def test_splits_of_one_collection_take_the_name_of_the_folder(tmp_path):
    write(tmp_path / "frogs/train/1.png", png())
    write(tmp_path / "frogs/test/2.png", png())
    found = {item.key: item.split for item in read_sources([tmp_path / "frogs"]).items}
    assert found == {"frogs/1": "train", "frogs/2": "test"}


def test_a_collection_may_be_called_test_beside_others(tmp_path):
    write(tmp_path / "test/1.png", png())
    write(tmp_path / "cats/1.png", png())
    contents = read_sources([tmp_path])
    assert keys(contents) == ["cats/1", "test/1"]
    assert {item.split for item in contents.items} == {""}


def test_linked_files_count_and_linked_folders_are_not_entered(tmp_path):
    outside = write(tmp_path / "elsewhere/7.png", png())
    folder = tmp_path / "tree" / "frogs"
    folder.mkdir(parents=True)
    (folder / "1.png").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    assert keys(read_sources([folder.parent])) == ["frogs/1"]


def test_names_that_are_no_text_are_refused(tmp_path):
    write(tmp_path / "frogs/1.png", png())
    Path(os.fsdecode(bytes(tmp_path / "frogs") + b"/\xff2.png")).write_bytes(png())
    contents = read_sources([tmp_path / "frogs"])
    assert keys(contents) == ["frogs/1"]
    assert codes(contents) == ["bad-name"]
    contents.skipped[0].source.encode()


# ---------------------------------------------------------------- archives


def test_a_zip_is_one_collection(tmp_path):
    members = {"b/10.png": png(10), "2.png": png(2), "__MACOSX/2.png": b"", ".x.png": b""}
    path = write_zip(tmp_path / "frogs.zip", members | {"read.me": b"text", "c/": b""})
    contents = read_sources([path])
    assert keys(contents) == ["frogs/2", "frogs/10"]
    with PictureReader() as reader:
        levels = [reader.read(item.picture).rgb()[0, 0, 0] for item in contents.items]
    assert levels == [2, 10]


def test_names_that_lead_out_of_a_zip_are_refused_and_nothing_is_written(tmp_path):
    names = ["../evil.png", "/abs.png", "a/../../b.png", "C:\\x\\1.png", "..\\2.png", "\\3.png"]
    folder = tmp_path / "in"
    folder.mkdir()
    path = write_zip(folder / "z.zip", dict.fromkeys(names, png()) | {"a\\5.png": png()})
    before = sorted(tmp_path.rglob("*"))
    contents = read_sources([path])
    assert keys(contents) == ["z/5"]
    assert codes(contents) == ["outside"] * len(names)
    assert sorted(tmp_path.rglob("*")) == before


def test_zip_bombs_are_refused_by_their_entry(tmp_path):
    path = write_zip(tmp_path / "z.zip", {"1.png": bytes(MAX_BYTES + 1), "2.png": png()})
    assert path.stat().st_size < 100_000
    contents = read_sources([path])
    assert keys(contents) == ["z/2"]
    assert codes(contents) == ["too-large"]


def test_encrypted_members_are_named(tmp_path):
    path = write_zip(tmp_path / "z.zip", {"1.png": png(), "2.png": png()})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    path.write_bytes(data)
    contents = read_sources([path])
    assert keys(contents) == ["z/2"]
    assert codes(contents) == ["encrypted"]


def test_the_first_of_two_equal_names_in_a_zip_wins(tmp_path):
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.png", png(5))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("1.png", png(6))
        archive.writestr("x/1.jpg", png(7))
    contents = read_sources([path])
    assert keys(contents) == ["z/1"]
    assert codes(contents) == ["duplicate-key"] * 2
    with PictureReader() as reader:
        assert reader.read(contents.items[0].picture).rgb()[0, 0, 0] == 5


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_damaged_archives_are_errors(tmp_path, content):
    with pytest.raises(SourceError, match="zip archive"):
        read_sources([write(tmp_path / "z.zip", content)])


# ---------------------------------------------------------------- all sources


def test_what_is_no_source_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    for path, message in (
        (tmp_path / "absent", "no such file"),
        (tmp_path / "empty", "no pictures"),
        (write(tmp_path / "one.png", png()), "no source"),
        (write_zip(tmp_path / "nothing.zip", {"a.txt": b""}), "no pictures"),
    ):
        with pytest.raises(SourceError, match=message):
            read_sources([path])


def test_the_first_of_two_equal_keys_wins(tmp_path):
    first = write(tmp_path / "a/frogs/1.png", png())
    second = write(tmp_path / "b/frogs/1.jpg", png())
    contents = read_sources([str(tmp_path / "a"), tmp_path / "b"])
    assert [item.picture.path for item in contents.items] == [str(first)]
    assert [(s.source, s.code) for s in contents.skipped] == [(str(second), "duplicate-key")]
    assert str(first) in contents.skipped[0].message


def test_a_strict_run_stops_at_the_first_problem(tmp_path):
    write(tmp_path / "a/1.png", png())
    write(tmp_path / "a/1.jpg", png())
    with pytest.raises(SourceError, match="a/1 is already given.*duplicate-key"):
        read_sources([tmp_path / "a"], strict=True)


def many(folder: Path, names: list[str]) -> Path:
    for name in names:
        write(folder / name, png())
    return folder


def test_samples_are_balanced_seeded_and_independent_of_the_order_on_disk(tmp_path):
    names = [f"{c}/{i}.png" for c, n in (("a", 30), ("b", 12), ("c", 3)) for i in range(n)]
    first = read_sources([many(tmp_path / "x", names)], per_collection=10, seed=1)
    second = read_sources([many(tmp_path / "y", names[::-1])], per_collection=10, seed=1)
    assert keys(first) == keys(second)
    counts = {name: sum(item.collection == name for item in first.items) for name in "abc"}
    assert counts == {"a": 10, "b": 10, "c": 3}
    assert keys(first) == sorted(keys(first), key=natural_order)
    other = read_sources([tmp_path / "x"], per_collection=10, seed=2)
    assert set(keys(other)) != set(keys(first))
    larger = read_sources([tmp_path / "x"], per_collection=11, seed=1)
    assert set(keys(first)) < set(keys(larger))


def test_every_item_is_as_likely_to_be_sampled(tmp_path):
    folder = many(tmp_path / "x", [f"a/{i}.png" for i in range(20)])
    drawn = [k for s in range(200) for k in keys(read_sources([folder], per_collection=5, seed=s))]
    counts = np.unique(drawn, return_counts=True)[1]
    assert len(counts) == 20
    assert 25 < counts.min() <= counts.max() < 80  # 50 expected, standard deviation 6


@given(st.lists(st.integers(0, 10**30)))
def test_natural_order_is_numeric(numbers):
    names = sorted((f"x{n}.png" for n in numbers), key=natural_order)
    assert names == [f"x{n}.png" for n in sorted(numbers)]


@given(st.lists(st.text()))
def test_natural_order_sorts_any_names(names):
    assert sorted(sorted(names), key=natural_order) == sorted(names[::-1], key=natural_order)


# ---------------------------------------------------------------- the real collections


@pytest.mark.shared
@needs_shared
def test_the_shared_collections_have_their_known_counts():
    contents = read_sources([SHARED])
    assert len(contents.items) == 94_071
    assert len(contents.names) == len(set(keys(contents)) and os.listdir(SHARED)) == 16
    assert contents.skipped == []
    counts = {name: 0 for name in contents.names}
    for item in contents.items:
        counts[item.collection] += 1
    assert (counts["dooggies"], counts["nouns"], counts["cryptopunks"]) == (9993, 314, 10_000)
    assert len(contents.sales) == 15_412
    with_traits = {item.collection for item in contents.items if item.traits}
    assert len(with_traits) == 8
    punk = contents.items[keys(contents).index("cryptopunks/0")]
    assert dict(punk.traits)["gender"] == "Female"
    assert ("accessories", "Earring") in punk.traits


@pytest.mark.shared
@needs_shared
def test_a_sample_of_the_shared_collections_decodes():
    contents = read_sources([SHARED], per_collection=3, seed=5)
    assert len(contents.items) == 48
    with PictureReader() as reader:
        for item in contents.items:
            rgb = reader.read(item.picture).rgb()
            assert rgb.shape[2] == 3
            assert len(np.unique(rgb)) > 1
