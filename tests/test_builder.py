"""Building, adding to and taking from an index; killed, interrupted, out of space, at once."""

import datetime as dt
import random
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsearch.building import builder, encoding
from simsearch.building.builder import Assembled, BuildConfig, BuildResult
from simsearch.building.encoding import Encoding
from simsearch.catalog import Catalog, Item, LastSale, Picture
from simsearch.encoders import Block
from simsearch.errors import ItemNotFoundError, PictureError, SourceError, StoreError
from simsearch.images import fit_square, load_image, pixel_hash
from simsearch.sales.rates import Rates
from simsearch.sales.table import Sale, SalesTable
from simsearch.sources.contents import SourceContents
from simsearch.store import store
from simsearch.store.manifest import Manifest
from simsearch.store.shelves import Shelf

ROOT = Path(__file__).parents[1]
FILES = ("descriptors.npy", "catalog.parquet", "sales.parquet", "thumbnails.bin", "thumbnails.npy")


class Colours:
    """The mean colour of each quarter: a real encoder of twelve numbers, without a network.

    Black gives a zero vector and pure red a NaN, which no index may hold.
    """

    name = "colours"
    weights_sha256 = ""
    training = ""
    blocks = (Block("grid", 0, 12),)

    def __init__(self, delay: float = 0.0, settings: dict[str, object] | None = None) -> None:
        self.settings = settings or {}
        self.delay = delay
        self.seen = 0

    def prepare(self, rgb):
        return fit_square(rgb, 2)

    def encode(self, prepared):
        time.sleep(self.delay)
        self.seen += len(prepared)
        flat = prepared.reshape(len(prepared), 12).astype(np.float32) / 255
        flat[(flat == [1, 0, 0] * 4).all(axis=1)] = np.nan
        return flat


def paint(path: Path, colour: tuple[int, int, int] | int, size: int = 4) -> Path:
    """A picture of one colour, or of random ones from a seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(colour if isinstance(colour, int) else 0)
    array = pixels.integers(1, 256, (size, size, 3), dtype=np.uint8)
    if not isinstance(colour, int):
        array[:] = colour
    Image.fromarray(array).save(path)
    return path


def item(path: Path, collection: str = "apes", token: str | None = None) -> Item:
    traits = (("seed", path.stem[-1]),)
    return Item(collection, token or path.stem, Picture("file", str(path)), traits)


def pictures(folder: Path, count: int, start: int = 0) -> list[Item]:
    return [item(paint(folder / f"{n}.png", n + 1)) for n in range(start, start + count)]


def contents(items, sales=()) -> SourceContents:
    return SourceContents(list(items), list(sales), {"apes": {"name": "Ápes"}}, [])


def config(place: Path, encoder: Colours | None = None, **more) -> BuildConfig:
    strict = more.pop("strict", False)
    chosen = Encoding(encoder or Colours(), workers=2, strict=strict)
    return BuildConfig(place, more.pop("finish", lambda made: {"kind": "none"}), chosen, **more)


def build(place: Path, items, encoder: Colours | None = None, **more) -> BuildResult:
    sales = more.pop("sales", ())
    return builder.build(contents(items, sales), config(place, encoder, **more))


def sale(token: str, day: int, price: float, **more) -> Sale:
    date = dt.date(2021, 1, 1) + dt.timedelta(days=day)
    return Sale("apes", token, date, price, more.pop("currency", "ETH"), **more)


def content_of(place: Path) -> dict[str, bytes]:
    return {name: (place / name).read_bytes() for name in FILES}


def expected(items: list[Item]) -> np.ndarray:
    rgb = [load_image(Path(one.picture.path).read_bytes()) for one in items]
    prepared = np.stack([fit_square(one, 2) for one in rgb])
    return Colours().encode(prepared).astype(np.float16)


def check(place: Path, items: list[Item]) -> None:
    """The index holds exactly these items, each with its own descriptor, size and thumbnail."""
    shelf = Shelf(place)
    assert shelf.catalog.items() == items
    np.testing.assert_array_equal(shelf.descriptors.slice(0, len(items)), expected(items))
    hashes = shelf.catalog.column("pixel_hash").to_pylist()
    for row, one in enumerate(items):
        rgb = load_image(Path(one.picture.path).read_bytes())
        assert hashes[row] == pixel_hash(rgb)
        np.testing.assert_array_equal(load_image(shelf.thumbnails[row]), rgb)
        assert shelf.catalog.integers("width")[row] == rgb.shape[1]
    assert Manifest.read(place).items == len(items)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr(encoding, "PART_ITEMS", 8)
    monkeypatch.setattr(encoding, "BATCH", 3)


def test_build_writes_what_the_pictures_hold(tmp_path):
    items = pictures(tmp_path / "p", 21)
    seen: list[Assembled] = []

    def finish(made: Assembled) -> dict[str, object]:
        seen.append(made)
        assert len(made.catalog) == len(made.descriptors) == len(made.previous_rows) == 21
        (made.folder / "index.faiss").write_bytes(b"x")
        return {"kind": "flat", "recall": 1.0}

    result = build(tmp_path / "i", items, finish=finish, settings={"space": "look"})
    check(tmp_path / "i", items)
    assert result.encoded == 21
    assert result.skipped == []
    assert result.manifest == Manifest.read(tmp_path / "i")
    assert result.manifest.fitted == {"kind": "flat", "recall": 1.0}
    assert result.manifest.settings == {"space": "look"}
    assert result.manifest.collections == {"apes": 21}
    assert result.manifest.names == {"apes": {"name": "Ápes"}}
    assert (tmp_path / "i" / "index.faiss").exists()
    assert seen[0].previous is None
    assert (seen[0].previous_rows == -1).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".i.lock", "i", "p"]


def test_progress_reaches_the_end(tmp_path):
    items = pictures(tmp_path / "p", 10)
    calls = []
    chosen = Encoding(
        Colours(), workers=1, progress=lambda done, total: calls.append((done, total))
    )
    builder.build(contents(items), BuildConfig(tmp_path / "i", lambda made: {}, chosen))
    assert calls == [(n, 10) for n in range(1, 11)]


def test_equal_pictures_are_encoded_once(tmp_path):
    first = pictures(tmp_path / "p", 5)
    again = [Item("cats", one.token_id, one.picture, one.traits) for one in first * 4]
    again = [Item("cats", str(n), one.picture, one.traits) for n, one in enumerate(again)]
    encoder = Colours()
    assert build(tmp_path / "i", first + again, encoder).encoded == encoder.seen == 5
    check(tmp_path / "i", first + again)


def test_a_second_build_encodes_only_what_is_new(tmp_path):
    items = pictures(tmp_path / "p", 20)
    build(tmp_path / "i", items)
    before = content_of(tmp_path / "i")
    seen: list[Assembled] = []
    assert build(tmp_path / "i", items, finish=lambda made: seen.append(made) or {}).encoded == 0
    assert content_of(tmp_path / "i") == before
    assert seen[0].previous == tmp_path / "i"
    assert seen[0].previous_rows.tolist() == list(range(20))
    more = [*pictures(tmp_path / "p", 3, start=50), *items[::-1]]
    assert build(tmp_path / "i", more).encoded == 3
    check(tmp_path / "i", more)


def test_another_encoder_uses_nothing_of_the_one_before(tmp_path):
    items = pictures(tmp_path / "p", 9)
    build(tmp_path / "i", items)
    other = Colours(settings={"version": 2})
    assert build(tmp_path / "i", items, other).encoded == 9
    with pytest.raises(StoreError, match="built with encoder colours"):
        builder.add(contents(items), config(tmp_path / "i", Colours()))


def test_bad_pictures_are_skipped_and_counted_and_never_enter(tmp_path):
    good = pictures(tmp_path / "p", 12)
    broken = tmp_path / "p" / "cut.png"
    broken.write_bytes(b"")
    bad = [
        item(broken),
        Item("apes", "gone", Picture("file", str(tmp_path / "gone.png"))),
        item(paint(tmp_path / "p" / "black.png", (0, 0, 0))),
        item(paint(tmp_path / "p" / "red.png", (255, 0, 0))),
    ]
    mixed = [bad[0], *good[:6], bad[2], bad[1], *good[6:], bad[3]]
    result = build(tmp_path / "i", mixed, sales=[sale("red", 0, 1.0, file="s.csv", line=3)])
    check(tmp_path / "i", good)
    assert [(one.source, one.code) for one in result.skipped] == [
        (str(broken), "empty"),
        (str(tmp_path / "p" / "black.png"), "no-descriptor"),
        (str(tmp_path / "gone.png"), "missing"),
        (str(tmp_path / "p" / "red.png"), "no-descriptor"),
        ("s.csv:3", "unknown-token"),
    ]
    assert store.read_skipped(tmp_path / "i") == result.skipped
    assert result.manifest.skipped["no-descriptor"] == 2
    with pytest.raises(PictureError, match=r"^stopped at apes/cut: .*cut\.png"):
        build(tmp_path / "strict", mixed, strict=True)
    assert not (tmp_path / "strict").exists()


def test_nothing_to_index_is_an_error(tmp_path):
    gone = Item("apes", "gone", Picture("file", str(tmp_path / "gone.png")))
    with pytest.raises(SourceError, match="no item would be left .*skipped: 1 missing"):
        build(tmp_path / "i", [gone])
    with pytest.raises(SourceError, match="none given"):
        build(tmp_path / "i", [])
    assert [path.name for path in tmp_path.iterdir()] == [".i.lock"]


def test_add_replaces_in_place_and_appends(tmp_path):
    items = pictures(tmp_path / "p", 12)
    build(tmp_path / "i", items, settings={"space": "look"})
    paint(tmp_path / "q" / "3.png", 99)
    changed = item(tmp_path / "q" / "3.png")
    same = Item("apes", "5", items[5].picture, (("seed", "new"),))
    new = pictures(tmp_path / "p", 2, start=70)
    made: list[Assembled] = []
    result = builder.add(
        contents([new[0], changed, same, new[1]]),
        config(tmp_path / "i", finish=lambda a: made.append(a) or {}, settings={"k": 1}),
    )
    assert result.encoded == 3
    wanted = [*items[:3], changed, items[4], same, *items[6:], *new]
    check(tmp_path / "i", wanted)
    assert made[0].previous == tmp_path / "i"
    assert made[0].previous_rows.tolist() == [0, 1, 2, -1, *range(4, 12), -1, -1]
    assert result.manifest.settings == {"space": "look", "k": 1}


def test_add_needs_no_picture_of_the_items_before(tmp_path):
    items = pictures(tmp_path / "p", 5)
    build(tmp_path / "i", items)
    before = expected(items)
    for one in items:
        Path(one.picture.path).unlink()
    new = pictures(tmp_path / "q", 1, start=30)
    builder.add(contents(new), config(tmp_path / "i"))
    np.testing.assert_array_equal(Shelf(tmp_path / "i").descriptors.slice(0, 5), before)
    known_again = builder.add(contents(items[:1]), config(tmp_path / "i"))
    assert [one.code for one in known_again.skipped] == ["missing"]
    assert Catalog.read(tmp_path / "i" / "catalog.parquet").items() == items + new


def test_remove_takes_items_and_their_sales(tmp_path):
    items = pictures(tmp_path / "p", 6)
    sales = [sale(str(n), 0, 1.0 + n) for n in range(6)]
    build(tmp_path / "i", items, sales=sales, hygiene=False)
    plain = BuildConfig(tmp_path / "i", lambda made: {})
    result = builder.remove(["apes/0", "apes/4"], plain)
    check(tmp_path / "i", [items[n] for n in (1, 2, 3, 5)])
    assert SalesTable.read(tmp_path / "i" / "sales.parquet").prices.tolist() == [2, 3, 4, 6]
    assert (result.manifest.sales, result.manifest.hygiene) == (4, False)
    with pytest.raises(ItemNotFoundError, match="apes/0"):
        builder.remove(["apes/1", "apes/0"], plain)
    with pytest.raises(SourceError, match="nothing was changed .none given; to drop"):
        builder.remove([f"apes/{n}" for n in (1, 2, 3, 5)], plain)
    check(tmp_path / "i", [items[n] for n in (1, 2, 3, 5)])


def test_sales_are_merged_marked_and_shown(tmp_path):
    items = pictures(tmp_path / "p", 3)
    first = [sale("0", 0, 2.0), sale("0", 3, 0.0), sale("9", 0, 1.0, file="s.csv", line=7)]
    result = build(tmp_path / "i", items, sales=first)
    assert [(one.source, one.code) for one in result.skipped] == [("s.csv:7", "unknown-token")]
    assert (result.manifest.sales, result.manifest.excluded) == (2, {"zero-price": 1})
    catalog = Catalog.read(tmp_path / "i" / "catalog.parquet")
    assert catalog.last_sale(0) == LastSale(2.0, "ETH", dt.date(2021, 1, 1))
    assert catalog.last_sale(1) is None
    rates = tmp_path / "rates.csv"
    rates.write_text("date,currency,usd\n2021-01-01,ETH,700\n")
    later = [sale("0", 0, 2.0, line=99), sale("0", 5, 4.0), sale("1", 1, 9.0, currency="SOL")]
    added = builder.add(
        contents([], later), config(tmp_path / "i", rates=Rates.read(rates), hygiene=False)
    )
    table = SalesTable.read(tmp_path / "i" / "sales.parquet")
    assert table.prices.tolist() == [2.0, 0.0, 4.0]
    assert table.amounts("USD").tolist() == [1400.0, 0.0, 2800.0]
    assert [one.code for one in added.skipped] == ["unknown-currency"]
    assert added.manifest.excluded == {}
    assert added.manifest.skipped == {"unknown-token": 1, "unknown-currency": 1}
    catalog = Catalog.read(tmp_path / "i" / "catalog.parquet")
    assert catalog.last_sale(0) == LastSale(4.0, "ETH", dt.date(2021, 1, 6))
    assert catalog.column("last_usd").to_pylist() == [2800.0, None, None]


def test_groups_of_known_items_stay_when_others_are_added(tmp_path):
    items = pictures(tmp_path / "p", 3)
    build(tmp_path / "i", items)
    grouped = Catalog.read(tmp_path / "i" / "catalog.parquet").with_columns(cluster=[2, 0, 1])
    store.replace_file(tmp_path / "i", "catalog.parquet", grouped.write)
    builder.add(contents(pictures(tmp_path / "p", 1, start=9)), config(tmp_path / "i"))
    found = Catalog.read(tmp_path / "i" / "catalog.parquet")
    assert found.column("cluster").to_pylist() == [2, 0, 1, None]


def test_a_failing_finish_leaves_the_old_index_and_the_encoded_pictures(tmp_path):
    items = pictures(tmp_path / "p", 20)
    build(tmp_path / "i", items[:4])
    before = content_of(tmp_path / "i")

    def fail(made: Assembled) -> dict[str, object]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "i", items, finish=fail)
    assert content_of(tmp_path / "i") == before
    assert build(tmp_path / "i", items).encoded == 0
    check(tmp_path / "i", items)


def test_a_damaged_index_or_part_is_mended_by_building_again(tmp_path):
    items = pictures(tmp_path / "p", 20)
    build(tmp_path / "i", items)
    for name in ("descriptors.npy", "catalog.parquet", "manifest.json"):
        (tmp_path / "i" / name).write_bytes(b"?")
        assert build(tmp_path / "i", items).encoded == 20
        check(tmp_path / "i", items)

    def fail(made: Assembled) -> dict[str, object]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "j", items, finish=fail)
    (tmp_path / ".j.parts" / "part-000001" / "thumbnails.npy").unlink()
    assert build(tmp_path / "j", items).encoded == 8
    check(tmp_path / "j", items)


def run(code: str, *arguments: object, limit: int | None = None) -> subprocess.Popen[str]:
    source = textwrap.dedent(
        """
        import sys
        import time
        from pathlib import Path
        from simsearch.building import encoding
        from tests.test_builder import Colours, build, item
        encoding.PART_ITEMS, encoding.BATCH = 8, 3
        folder, place = Path(sys.argv[1]), Path(sys.argv[2])
        items = [item(path) for path in sorted(folder.glob("*.png"))]
        """
    )
    command = [sys.executable, "-c", source + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=limit and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))),
    )


def sources(folder: Path, count: int) -> list[Item]:
    pictures(folder, count)
    return [item(path) for path in sorted(folder.glob("*.png"))]


def test_killed_at_random_moments_it_goes_on_and_ends_the_same(tmp_path):
    items = sources(tmp_path / "p", 60)
    build(tmp_path / "undisturbed", items)
    build(tmp_path / "i", items[:3])
    old = content_of(tmp_path / "i")
    code = """
        def finish(made):
            time.sleep(0.3)
            return {}
        print("ready", flush=True)
        build(place, items, Colours(delay=0.03), finish=finish)
        """
    chance = random.Random(0)
    kills = 0
    for _ in range(10):
        process = run(code, tmp_path / "p", tmp_path / "i")
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.05, 0.6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        now = store.read_whole(tmp_path / "i", lambda place, _: content_of(place))
        if now != old:
            break
    assert kills >= 1
    parts = [Shelf(part) for part in (tmp_path / ".i.parts").glob("part-??????")]
    missing = 0 if now != old else 57 - sum(len(part.catalog) for part in parts)
    assert build(tmp_path / "i", items).encoded == missing
    assert content_of(tmp_path / "i") == content_of(tmp_path / "undisturbed")
    check(tmp_path / "i", items)
    assert sorted(path.name for path in tmp_path.glob(".i.*")) == [".i.lock"]


def test_a_killed_build_loses_at_most_one_part(tmp_path):
    items = sources(tmp_path / "p", 30)
    code = """
        class Slow(Colours):
            def encode(self, prepared):
                if self.seen >= 20:
                    print("there", flush=True)
                    sys.stdout.close()
                    time.sleep(60)
                return super().encode(prepared)
        build(place, items, Slow())
        """
    process = run(code, tmp_path / "p", tmp_path / "i")
    assert process.stdout.readline() == "there\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "i").exists()
    assert build(tmp_path / "i", items).encoded == 30 - 16
    check(tmp_path / "i", items)


@pytest.mark.parametrize("limit", [600, 3000])
def test_a_full_disk_leaves_the_old_index_and_says_what_to_do(tmp_path, limit):
    items = sources(tmp_path / "p", 40)
    build(tmp_path / "i", items[:3])
    old = content_of(tmp_path / "i")
    code = """
        from simsearch.errors import StoreError
        try:
            build(place, items)
        except StoreError as error:
            print(error)
        """
    out, _ = run(code, tmp_path / "p", tmp_path / "i", limit=limit).communicate(timeout=60)
    assert "no space left" in out
    assert "Traceback" not in out
    assert content_of(tmp_path / "i") == old
    build(tmp_path / "i", items)
    check(tmp_path / "i", items)


def test_of_two_builds_at_once_the_second_waits(tmp_path):
    items = sources(tmp_path / "p", 30)
    code = """
        build(place, items[:20] if sys.argv[3] == "a" else items, Colours(delay=0.05))
        """
    both = [run(code, tmp_path / "p", tmp_path / "i", name) for name in "ab"]
    for process in both:
        out, _ = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, "")
    found = Catalog.read(tmp_path / "i" / "catalog.parquet").items()
    assert found in (items, items[:20])
    check(tmp_path / "i", found)


def test_a_second_build_that_waits_too_long_says_who_holds_the_index(tmp_path, monkeypatch):
    items = pictures(tmp_path / "p", 3)
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.1)
    with (
        store.locked(tmp_path / "i"),
        pytest.raises(StoreError, match="is being written by process"),
    ):
        build(tmp_path / "i", items)


def test_a_folder_that_is_no_index_is_refused_before_any_work(tmp_path):
    items = pictures(tmp_path / "p", 3)
    encoder = Colours()
    with pytest.raises(StoreError, match="is no index"):
        build(tmp_path / "p", items, encoder)
    assert encoder.seen == 0
