"""Index folders: descriptors and thumbnails, manifests, locks, and whole replacements."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from simsearch.catalog import Skipped
from simsearch.errors import StoreError
from simsearch.store import store
from simsearch.store.descriptors import Descriptors, DescriptorWriter
from simsearch.store.manifest import FORMAT, EncoderStamp, Manifest
from simsearch.store.thumbnails import Thumbnails, ThumbnailWriter

ROOT = Path(__file__).parents[1]


class Colours:
    """Enough of an encoder to be named in a manifest."""

    name = "colours"
    weights_sha256 = "ab" * 32

    def __init__(self, **settings) -> None:
        self.settings = settings


def manifest(**more) -> Manifest:
    return Manifest(EncoderStamp.of(Colours(side=8)), 4, 3, **more)


def build(place: Path, **more) -> Manifest:
    made = manifest(**more)
    with store.locked(place), store.replaced(place) as folder:
        made.write(folder)
    return made


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    source = "import sys, time\nfrom pathlib import Path\nfrom simsearch.store import store\n"
    source += "from tests.test_store import build, manifest\n" + textwrap.dedent(code)
    command = [sys.executable, "-c", source, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 5), max_size=5),
    st.data(),
    st.integers(1, 7),
)
def test_descriptors_written_in_pieces_are_one_array(tmp_path_factory, sizes, data, chunk):
    path = tmp_path_factory.mktemp("d") / "descriptors.npy"
    numbers = st.floats(-100, 100, width=16)
    pieces = [data.draw(hnp.arrays(np.float16, (size, 3), elements=numbers)) for size in sizes]
    with DescriptorWriter(path, 3) as writer:
        for piece in pieces:
            writer.append(piece.astype(np.float32))
    whole = np.concatenate([np.empty((0, 3), np.float16), *pieces])
    np.testing.assert_array_equal(np.load(path, allow_pickle=False), whole)
    found = Descriptors(path)
    assert found.shape == whole.shape
    starts = [start for start, _ in found.chunks(chunk)]
    assert starts == list(range(0, len(whole), chunk))
    assert [len(piece) for _, piece in found.chunks(chunk)] == [
        min(chunk, len(whole) - start) for start in starts
    ]
    if len(whole):
        ids = data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=9))
        np.testing.assert_array_equal(found.rows(ids), whole[ids])


def test_damaged_descriptors_are_refused(tmp_path):
    path = tmp_path / "descriptors.npy"
    with pytest.raises(StoreError, match="build the index again"):
        Descriptors(path)
    np.save(path, np.zeros((3, 2), np.float32))
    with pytest.raises(StoreError, match="no float16 matrix"):
        Descriptors(path)
    np.save(path, np.zeros((300, 20), np.float16))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match="ends too early"):
        Descriptors(path)
    with pytest.raises(ValueError, match="do not fit"):
        DescriptorWriter(path, 3).append(np.zeros((2, 2), np.float32))


@settings(deadline=None)
@given(st.lists(st.binary(max_size=9), max_size=9))
def test_thumbnails_round_trip(tmp_path_factory, pictures):
    folder = tmp_path_factory.mktemp("t")
    writer = ThumbnailWriter(folder)
    for picture in pictures:
        writer.append(picture)
    writer.close()
    found = Thumbnails(folder)
    assert [found[row] for row in range(len(found))] == pictures


def test_damaged_thumbnails_are_refused(tmp_path):
    with pytest.raises(StoreError, match="no thumbnails"):
        Thumbnails(tmp_path)
    writer = ThumbnailWriter(tmp_path)
    writer.append(b"abc")
    writer.close()
    (tmp_path / "thumbnails.bin").write_bytes(b"ab")
    with pytest.raises(StoreError, match="2 bytes, not 3"):
        Thumbnails(tmp_path)


def test_manifest_round_trip(tmp_path):
    made = manifest(
        collections={"apes": 3},
        names={"apes": {"name": "Ápes"}},
        excluded={"dust": 2},
        fitted={"recall": 0.99},
    )
    made.write(tmp_path)
    assert Manifest.read(tmp_path) == made
    assert made.libraries["numpy"] == np.__version__
    assert made.build_id != manifest().build_id
    assert made.built_at.endswith("+00:00")


@pytest.mark.parametrize(("name", "value"), [("items", "x"), ("collections", 3), ("fitted", None)])
def test_a_manifest_of_other_types_is_damaged(tmp_path, name, value):
    manifest(collections={"apes": 3}).write(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(StoreError, match=f"damaged .at {name}"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no index here; make one: simsearch index build"),
        ("{", "unreadable"),
        ("[]", "no manifest of an index"),
        ("{}", "no manifest of an index"),
        (json.dumps({"format": FORMAT + 1}), "newer.*pip install --upgrade simsearch"),
        (json.dumps({"format": 0}), "older.*index build"),
        (json.dumps({"format": FORMAT}), "damaged"),
        (json.dumps({"format": FORMAT, "encoder": {"nam": 1}}), "damaged"),
    ],
)
def test_a_manifest_that_cannot_be_used_says_what_to_do(tmp_path, text, message):
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match=message):
        Manifest.read(tmp_path)


def test_another_encoder_is_refused_with_what_mends_it(tmp_path):
    made = manifest()
    made.require_encoder(Colours(side=8), tmp_path)
    with pytest.raises(StoreError, match="of these settings; give .*--weights FILE, or build it"):
        made.require_encoder(Colours(side=9), tmp_path)
    other = Colours(side=8)
    other.weights_sha256 = "cd" * 32
    with pytest.raises(StoreError, match=r"weights abababab\), not colours \(weights cdcdcdcd\)"):
        made.require_encoder(other, tmp_path)


def test_lock_says_who_holds_it_and_ends_with_a_killed_process(tmp_path):
    place = tmp_path / "deep" / "index"
    holder = python(
        """
        with store.locked(Path(sys.argv[1])):
            print("held", flush=True)
            time.sleep(60)
        """,
        place,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(StoreError, match=f"by process {holder.pid} on .* since 20"),
            store.locked(place, wait_seconds=0.1),
        ):
            pass
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    with store.locked(place, wait_seconds=5):
        pass
    assert not store.beside(place, "holder").exists()


def test_a_second_writer_waits_for_the_first(tmp_path):
    order = []

    def second() -> None:
        with store.locked(tmp_path / "index", wait_seconds=20):
            order.append("second")

    with store.locked(tmp_path / "index"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize("exchange", [True, False])
def test_replacing_leaves_nothing_behind(tmp_path, monkeypatch, exchange):
    if not exchange:
        monkeypatch.setattr(store, "_exchange_names", lambda *_: False)
    place = tmp_path / "index"
    for _ in range(3):
        made = build(place)
        assert Manifest.read(place) == made
    assert sorted(path.name for path in tmp_path.iterdir()) == [".index.lock", "index"]


def test_a_failing_build_leaves_the_old_index(tmp_path):
    place = tmp_path / "index"
    made = build(place)

    def interrupted() -> None:
        with store.locked(place), store.replaced(place) as folder:
            manifest().write(folder)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert Manifest.read(place) == made
    assert not store.beside(place, "building").exists()


def test_full_disk_is_named(tmp_path):
    code = """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        place = Path(sys.argv[1])
        try:
            with store.locked(place), store.replaced(place) as folder:
                (folder / "big").write_bytes(bytes(8192))
        except store.StoreError as error:
            print(error)
        """
    place = tmp_path / "index"
    made = build(place)
    out, _ = python(code, place).communicate(timeout=60)
    assert "no space left" in out
    assert "goes on where it stopped" in out
    assert Manifest.read(place) == made


def test_what_is_no_index_is_never_replaced(tmp_path):
    place = tmp_path / "photos"
    place.mkdir()
    store.require_replaceable(place)
    (place / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(StoreError, match="is no index"):
        build(place)
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(StoreError, match="is no index"):
        build(file)
    assert (place / "holiday.jpg").read_bytes() == b"precious"


def test_a_build_killed_between_two_renames_is_mended_by_the_next_reader(tmp_path):
    place = tmp_path / "index"
    made = build(place)
    place.rename(store.beside(place, "old"))
    assert store.read_whole(place, lambda _, found: found) == made
    assert place.exists()


def test_a_symbolic_link_to_an_index_stays_a_link(tmp_path):
    build(tmp_path / "real")
    link = tmp_path / "link"
    link.symlink_to("real")
    made = build(link)
    assert link.is_symlink()
    assert Manifest.read(tmp_path / "real") == made


@pytest.mark.parametrize("exchange", [True, False])
def test_a_reader_sees_one_build_or_another_never_half(tmp_path, exchange):
    place = tmp_path / "index"
    code = """
        if sys.argv[2] == "False":
            store._exchange_names = lambda *_: False
        place = Path(sys.argv[1])
        for number in range(60):
            with store.locked(place), store.replaced(place) as folder:
                for part in range(3):
                    (folder / f"part{part}").write_text(str(number))
                manifest(sales=number).write(folder)
            if number == 0:
                print("first", flush=True)
        """
    writer = python(code, place, exchange)
    assert writer.stdout.readline() == "first\n"

    def load(folder: Path, made: Manifest) -> set[int]:
        return {made.sales, *(int((folder / f"part{part}").read_text()) for part in range(3))}

    seen = []
    while writer.poll() is None:
        seen.append(store.read_whole(place, load))
    writer.communicate()
    assert all(len(numbers) == 1 for numbers in seen)
    assert len(set().union(*seen)) > 3
    assert store.read_whole(place, load) == {59}


def test_an_error_of_the_reader_is_not_hidden(tmp_path):
    build(tmp_path / "index")
    with pytest.raises(ZeroDivisionError):
        store.read_whole(tmp_path / "index", lambda *_: 1 / 0)
    with pytest.raises(StoreError, match="no index here"):
        store.read_whole(tmp_path / "none", lambda *_: 1)


def test_one_file_is_replaced_in_one_step(tmp_path):
    place = tmp_path / "index"
    build(place)
    store.replace_file(place, "note", lambda path: path.write_text("1") and None)

    def fail(path: Path) -> None:
        path.write_text("2")
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        store.replace_file(place, "note", fail)
    assert (place / "note").read_text() == "1"
    assert sorted(os.listdir(place)) == ["manifest.json", "note"]


def test_skipped_round_trip(tmp_path):
    entries = [
        Skipped("a.csv:3", "bad-price", 'a "quoted", line\nand another'),
        Skipped("é", "", ""),
    ]
    store.write_skipped(tmp_path, entries)
    assert store.read_skipped(tmp_path) == entries
