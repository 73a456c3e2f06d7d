"""The search engine: queries, filters, refusals, replacement while open, and many threads."""

import dataclasses
import io
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsearch import engine
from simsearch.building import builder
from simsearch.building.builder import BuildConfig
from simsearch.building.encoding import Encoding
from simsearch.building.fitting import Fitting
from simsearch.encoders import load_encoder
from simsearch.engine import SearchEngine
from simsearch.errors import ItemNotFoundError, PictureError, StoreError, UsageError
from simsearch.filters import Filter
from simsearch.sample import write_sample
from simsearch.sources import read_sources
from simsearch.store import store
from simsearch.store.manifest import Manifest

ROOT = Path(__file__).parents[1]
NAMES = ("lighthouses", "masks")


def build(place: Path, source: Path, encoder: str = "vgg16-nft", **settings) -> None:
    chosen = load_encoder(encoder, threads=1)
    config = BuildConfig(place, Fitting.of(chosen), Encoding(chosen, workers=2), settings=settings)
    builder.build(read_sources([source]), config)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, seed=2, size=40, collections=NAMES)
    return folder


@pytest.fixture(scope="module")
def place(source, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("indexes") / "sample"
    build(place, source, space="traits")
    return place


@pytest.fixture(scope="module")
def opened(place) -> SearchEngine:
    return SearchEngine.open(place)


@pytest.fixture
def copy(place, tmp_path) -> Path:
    """An index of one's own to damage."""
    return Path(shutil.copytree(place, tmp_path / "copy"))


def png(rgb: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG")
    return stream.getvalue()


def tile(source: Path, number: int) -> bytes:
    """One lighthouse out of the sheet, as a file of its own."""
    sheet = Image.open(source / "lighthouses/sheet.png")
    row, column = divmod(number, sheet.width // 24)
    part = sheet.crop((24 * column, 24 * row, 24 * column + 24, 24 * row + 24))
    stream = io.BytesIO()
    part.save(stream, "PNG")
    return stream.getvalue()


def answered(found: engine.Answer) -> list[tuple[str, float]]:
    return [(one.key, one.distance) for one in found.neighbors]


def test_an_indexed_picture_finds_itself_first(opened, source):
    for number in (0, 17, 39):
        query = opened.read(tile(source, number), "tile.png")
        assert query.descriptor.dtype == np.float16
        row = opened.catalog.row(f"lighthouses/{number}")
        np.testing.assert_array_equal(
            query.descriptor[:3072], opened.retriever.descriptors.rows([row])[0, :3072]
        )
        first = opened.answer(query, 3, balance=0.0).neighbors[0]
        assert (first.rank, first.key, first.distance) == (1, f"lighthouses/{number}", 0.0)


def test_an_item_leaves_itself_out(opened):
    key = "masks/mask-0007"
    query = opened.item(key)
    assert query.row == opened.catalog.row(key)
    assert query.rgb.shape[2] == 3
    for balance in (0.0, 0.9):
        found = opened.answer(query, 100, balance=balance)
        keys = [one.key for one in found.neighbors]
        assert len(keys) == 79
        assert key not in keys
        free = opened.answer(dataclasses.replace(query, row=-1), 100, balance=balance)
        assert [pair for pair in answered(free) if pair[0] != key] == answered(found)
        assert (free.neighbors[0].key, free.neighbors[0].distance) == (key, 0.0) or balance > 0


def test_neighbors_say_what_the_catalog_says(opened):
    found = opened.answer(opened.item("lighthouses/3"), 30)
    distances = [one.distance for one in found.neighbors]
    assert distances == sorted(distances)
    assert distances[0] >= 0
    assert distances[-1] <= 2
    for rank, one in enumerate(found.neighbors, 1):
        item = opened.catalog.item(one.row)
        assert one.rank == rank
        assert one.key == item.key
        assert one.traits == item.traits
        assert one.last_sale == opened.catalog.last_sale(one.row)
        assert one.cluster is None
    assert any(one.last_sale for one in found.neighbors)


def test_the_balance_is_the_index_s_own_unless_asked_otherwise(opened, source, tmp_path):
    query = opened.item("lighthouses/3")
    assert opened.balance == engine.SPACES["traits"]
    assert answered(opened.answer(query)) == answered(opened.answer(query, balance=0.9))
    assert answered(opened.answer(query)) != answered(opened.answer(query, balance=0.0))
    build(tmp_path / "plain", source / "masks")
    assert SearchEngine.open(tmp_path / "plain").balance == 0


def test_times_add_up(opened, source):
    timing = opened.answer(opened.read(tile(source, 1), "t")).timing_ms
    assert timing.keys() == {"decode", "encode", "search", "value", "total"}
    assert timing["total"] == pytest.approx(sum(timing.values()) - timing["total"])
    assert min(timing.values()) > 0


def trait_of(opened: SearchEngine, key: str) -> tuple[str, str]:
    return opened.catalog.traits(opened.catalog.row(key))[0]


def test_filters_leave_what_a_scan_leaves(opened):
    query = opened.item("lighthouses/3")
    trait = trait_of(opened, "lighthouses/3")
    everything = opened.answer(query, 1000, balance=0.0).neighbors
    cases = {
        Filter(collections=("masks",)): lambda one: one.collection == "masks",
        Filter(collections=NAMES): lambda one: True,
        Filter(traits=(trait,)): lambda one: trait in one.traits,
        Filter(currency="ETH"): lambda one: one.last_sale and one.last_sale.currency == "ETH",
        Filter(min_price=0.5, max_price=2.0, currency="ETH"): lambda one: (
            one.last_sale and one.last_sale.currency == "ETH" and 0.5 <= one.last_sale.price <= 2.0
        ),
        Filter(collections=("masks",), traits=(trait,)): lambda one: False,
    }
    for only, wanted in cases.items():
        found = opened.answer(query, 1000, balance=0.0, only=only).neighbors
        expected = [(one.key, one.distance) for one in everything if wanted(one)]
        assert [(one.key, one.distance) for one in found] == expected
        assert [one.rank for one in found] == list(range(1, len(found) + 1))
        by_traits = opened.answer(query, 1000, balance=0.9, only=only).neighbors
        assert {one.key for one in by_traits} == {key for key, _ in expected}
        assert opened.answer(query, 3, balance=0.0, only=only).neighbors == found[:3]


@pytest.mark.parametrize(
    ("only", "message"),
    [
        (Filter(collections=("apes",)), "it has lighthouses, masks"),
        (Filter(traits=(("hat", "none"),)), "types are"),
        (Filter(min_price=1.0), "cannot be compared"),
    ],
)
def test_a_filter_of_what_is_not_there_is_a_usage_error(opened, only, message):
    with pytest.raises(UsageError, match=message):
        opened.answer(opened.item("masks/mask-0007"), only=only)


def test_bad_questions_are_refused(opened):
    with pytest.raises(UsageError, match="ask for 1 neighbour or more"):
        opened.answer(opened.item("masks/mask-0007"), 0)
    with pytest.raises(ItemNotFoundError, match="apes/1"):
        opened.item("apes/1")
    with pytest.raises(PictureError):
        opened.read(b"no picture", "x.png")


def refused(place: Path) -> str:
    with pytest.raises(StoreError) as caught:
        SearchEngine.open(place)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_index_is_refused_with_the_command_that_makes_one(tmp_path):
    assert "simsearch index build" in refused(tmp_path / "nothing")
    assert "simsearch index build" in refused(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "catalog.parquet",
        "descriptors.npy",
        "thumbnails.bin",
        "thumbnails.npy",
        "spaces.safetensors",
        "vectors.npy",
        "index.faiss",
        "index.json",
        "manifest.json",
    ],
)
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_damaged_file_is_named_and_the_remedy_told(copy, name, damage):
    content = (copy / name).read_bytes()
    (copy / name).unlink()
    if damage == "cut":
        (copy / name).write_bytes(content[: len(content) // 3])
    message = refused(copy)
    assert "build" in message
    assert str(copy) in message


def rewrite(folder: Path, **values) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | values))


def test_another_format_is_refused(copy):
    rewrite(copy, format=99)
    assert "upgrade" in refused(copy)
    rewrite(copy, format=0)
    assert "simsearch index build" in refused(copy)


def test_rows_that_do_not_belong_together_are_refused(copy):
    vectors = np.load(copy / "descriptors.npy")
    np.save(copy / "descriptors.npy", vectors[:-1])
    assert "79 rows, the catalog 80" in refused(copy)


@pytest.mark.parametrize("ahead", [False, True])
def test_an_index_of_another_encoder_is_refused_when_a_picture_asks(copy, source, ahead):
    manifest = Manifest.read(copy)
    stamp = dataclasses.asdict(manifest.encoder)
    rewrite(copy, encoder=stamp | {"weights_sha256": "0" * 64})
    other = SearchEngine.open(copy, ahead=ahead)
    with pytest.raises(StoreError, match=r"encoder-0{12}\.safetensors: .* missing") as caught:
        other.read(tile(source, 1), "t")
    assert "\n" not in str(caught.value)
    assert other.answer(other.item("lighthouses/1")).neighbors  # indexed items need no encoder


def test_an_index_that_is_replaced_stays_whole_for_who_has_it_open(source, place, tmp_path):
    moving = Path(shutil.copytree(place, tmp_path / "moving"))
    old = SearchEngine.open(moving)  # has read next to nothing yet
    build(moving, source / "masks", space="traits")
    new = SearchEngine.open(moving)
    query = old.item("lighthouses/3")
    fresh = SearchEngine.open(place)
    assert answered(old.answer(query, 50)) == answered(fresh.answer(query, 50))
    assert len(old.catalog) == 80
    assert len(new.catalog) == 40
    with pytest.raises(ItemNotFoundError):
        new.item("lighthouses/3")


def test_opening_while_the_index_is_replaced_again_and_again(place, source, tmp_path):
    """All that is opened is of one build: either all eighty items or the forty masks."""
    moving, masks = tmp_path / "moving", tmp_path / "masks"
    build(masks, source / "masks")
    shutil.copytree(place, moving)
    stop = threading.Event()

    def replace() -> None:
        while not stop.is_set():
            for one in (masks, place):
                with store.locked(moving), store.replaced(moving) as folder:
                    shutil.copytree(one, folder, dirs_exist_ok=True)

    replacing = threading.Thread(target=replace)
    replacing.start()
    try:
        seen: list[int] = []
        while len(seen) < 15 or len(set(seen)) < 2:
            one = SearchEngine.open(moving)
            seen.append(len(one.catalog))
            found = one.answer(one.item("masks/mask-0007"), 100)
            assert len(found.neighbors) == len(one.catalog) - 1 == one.manifest.items - 1
    finally:
        stop.set()
        replacing.join()
    assert set(seen) == {40, 80}


def test_many_threads_get_the_answers_that_one_gets(place, source):
    shared, alone = SearchEngine.open(place), SearchEngine.open(place)
    keys = [alone.catalog.key(row) for row in range(0, 80, 4)]
    only = Filter(collections=("masks",))

    def ask(one: SearchEngine, number: int) -> list:
        if number % 5 == 4:
            query = one.read(tile(source, number % 40), "t")
        else:
            query = one.item(keys[number % len(keys)])
        limits = {"only": only} if number % 3 == 0 else {}
        return answered(one.answer(query, 12, balance=(0.0, 0.9)[number % 2], **limits))

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda number: ask(shared, number), range(120)))
    assert together == [ask(alone, number) for number in range(120)]


def test_a_query_imports_no_slow_library(place, source, tmp_path):
    (tmp_path / "tile.png").write_bytes(tile(source, 5))
    code = """
import sys
from pathlib import Path
from simsearch.engine import SearchEngine
from simsearch.filters import Filter
engine = SearchEngine.open(Path(sys.argv[1]))
query = engine.read(Path(sys.argv[2]).read_bytes(), "tile")
only = Filter(("lighthouses",), (engine.catalog.traits(5)[0],), 0.0, 1e9, "ETH")
for one in (query, engine.item("masks/mask-0007")):
    for balance in (0.0, 0.9):
        assert engine.answer(one, balance=balance).neighbors
        engine.answer(one, balance=balance, only=only)
print(*{"torch", "torchvision", "pandas", "sklearn", "scipy", "matplotlib"} & set(sys.modules))
"""
    command = [sys.executable, "-c", code, str(place), str(tmp_path / "tile.png")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_an_encoder_without_a_grid_answers_too(source, tmp_path):
    build(tmp_path / "i", source, "pixels")
    one = SearchEngine.open(tmp_path / "i")
    found = one.answer(one.read(tile(source, 9), "t"), 5)
    assert found.neighbors[0].key == "lighthouses/9"
    assert found.neighbors[0].distance == pytest.approx(0, abs=1e-6)
    assert one.answer(one.item("masks/mask-0007"), 5, balance=0.9).neighbors


def test_a_transparent_file_finds_itself_on_its_collection_s_background(tmp_path):
    write_sample(tmp_path / "sources", size=20, collections=("moths",))
    build(tmp_path / "index", tmp_path / "sources")
    opened = SearchEngine.open(tmp_path / "index")
    with zipfile.ZipFile(next((tmp_path / "sources" / "moths").glob("*.zip"))) as archive:
        member = archive.namelist()[3]
        query = opened.read(archive.read(member), member)
    first = opened.answer(query, 1).neighbors[0]
    assert (first.token_id, first.distance) == (Path(member).stem, 0.0)
