"""``simsearch index``, ``sample``, ``weights`` and ``demo`` as they are typed."""

import json
import shlex
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsearch import cli
from simsearch.catalog import Catalog
from simsearch.cli import demo as demo_module
from simsearch.engine import SearchEngine
from simsearch.sales.table import SalesTable
from simsearch.sample import COLLECTIONS, SamplePlan
from simsearch.store import store
from simsearch.store.manifest import Manifest

TOML = """name = "Dots"
[images]
folder = "images"
[traits]
file = "traits.csv"
[sales]
file = "sales.csv"
seller = "seller"
buyer = "buyer"
"""
SALES = "token_id,date,price,currency,seller,buyer\n"


def paint(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def dots(tmp_path) -> Path:
    """A collection folder of six small pictures, with traits and three sales."""
    folder = tmp_path / "dots"
    for number in range(6):
        paint(folder / "images" / f"{number}.png", number)
    (folder / "collection.toml").write_text(TOML)
    lines = [f"{number},{'odd' if number % 2 else 'even'}" for number in range(6)]
    (folder / "traits.csv").write_text("\n".join(["token_id,parity", *lines]))
    (folder / "sales.csv").write_text(
        f"{SALES}0,2022-01-01,1.5,ETH,a,b\n1,2022-01-02,0,ETH,a,b\n2,2022-01-03,2,ETH,c,c\n"
    )
    return folder


@pytest.fixture
def mine(tmp_path) -> Path:
    return tmp_path / "mine"


def typed(capsys, *args: object, code: int = 0) -> tuple[str, str]:
    """Run a command line that ends with this code; its stdout and stderr."""
    assert cli.run([str(arg) for arg in args]) == code
    return capsys.readouterr()


def build(capsys, *args: object, code: int = 0) -> tuple[str, str]:
    return typed(capsys, "index", "build", *args, "--encoder", "pixels", code=code)


def test_build_says_what_it_made(dots, mine, capsys):
    out, err = build(capsys, dots, "--out", mine)
    assert "dots         Dots       6" in out
    assert "6 in 1 collection" in out
    assert "3, 2 of them left out of prices (1 self-trade, 1 zero-price)" in " ".join(out.split())
    assert err.splitlines() == ["reading …", "encoding …", "writing …", "fitting …"]
    catalog = Catalog.read(mine / store.CATALOG)
    assert catalog.keys() == [f"dots/{number}" for number in range(6)]
    assert catalog.last_sale(0).price == 1.5
    assert catalog.last_sale(2) is None


def test_the_manifest_keeps_how_an_index_was_built(dots, mine, capsys):
    more = ("--space", "traits", "--kind", "hnsw", "--seed", "3", "--per-collection", "4")
    build(capsys, dots, "--out", mine, *more)
    manifest = Manifest.read(mine)
    told = {"space": "traits", "kind": "hnsw", "seed": 3, "per_collection": 4}
    assert manifest.settings.items() >= told.items()
    assert manifest.settings["sources"] == [str(dots)]
    assert manifest.items == 4
    assert SearchEngine.open(mine).balance > 0
    assert SearchEngine.open(mine).retriever.index.kind == "hnsw"


def test_building_again_encodes_only_what_is_new(dots, mine, capsys):
    build(capsys, dots, "--out", mine)
    paint(dots / "images" / "6.png", 6)
    out, err = build(capsys, dots, "--out", mine)
    assert "encoded  1; the other pictures were known before" in out
    assert Manifest.read(mine).items == 7


def test_skipped_items_are_counted_on_stderr_and_kept(dots, mine, capsys):
    for number in range(5):
        (dots / "images" / f"bad{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    out, err = build(capsys, dots, "--out", mine)
    assert "skipped 5: 5 truncated; all are in" in err
    assert err.count("bad") == 3 * 2  # three are named, each by its place and its key
    assert "5: 5 truncated; see skipped.csv" in out
    assert len(store.read_skipped(mine)) == 5


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("images/bad.png", "no picture", "bad.png: not a picture, or damaged; "),
        ("sales.csv", f"{SALES}0,soon,1,ETH,a,b\n", "sales.csv:2: no usable sale: 'soon'"),
        ("sales.csv", f"{SALES}77,2022-01-01,1,ETH,a,b\n", "no usable sale: no item dots/77"),
        ("traits.csv", "token_id,parity\n77,odd\n", "token 77 has traits but no picture"),
    ],
)
def test_strict_stops_at_the_first_problem(name, text, part, dots, mine, capsys):
    (dots / name).write_text(text)
    out, err = build(capsys, dots, "--out", mine, "--strict", code=1)
    assert out == ""
    said = err.splitlines()[-1]
    assert said.startswith("error: stopped at ")
    assert part in said
    assert "skipped" not in said
    assert not mine.exists()
    build(capsys, dots, "--out", mine)


def test_strict_stops_at_a_sale_that_no_rate_converts(dots, mine, tmp_path, capsys):
    rates = tmp_path / "rates.csv"
    rates.write_text("date,currency,usd\n2022-01-01,SOL,100\n")
    _, err = build(capsys, dots, "--out", mine, "--strict", "--rates", rates, code=1)
    assert "no rate of 'ETH' on 2022-01-01 (unknown-currency)" in err.splitlines()[-1]
    _, err = build(capsys, dots, "--out", mine, "--rates", rates)
    assert "skipped 3: 3 unknown-currency" in err


def test_rates_convert_and_hygiene_can_be_off(dots, mine, tmp_path, capsys):
    rates = tmp_path / "rates.csv"
    rates.write_text("date,currency,usd\n2022-01-01,ETH,3000\n")
    out, _ = build(capsys, dots, "--out", mine, "--rates", rates, "--no-hygiene")
    assert "all taken as they are (no hygiene)" in out
    sales = SalesTable.read(mine / store.SALES)
    assert sales.amounts("USD").tolist() == [4500, 0, 6000]
    assert sales.counts() == {}


def test_add_takes_new_items_and_sales_and_keeps_the_settings(dots, mine, tmp_path, capsys):
    build(capsys, dots, "--out", mine, "--no-hygiene", "--kind", "flat")
    more = tmp_path / "more" / "dots"
    shutil.copytree(dots, more)
    paint(more / "images" / "0.png", 100)
    paint(more / "images" / "9.png", 9)
    (more / "sales.csv").write_text(f"{SALES}0,2022-01-01,1.5,ETH,a,b\n9,2022-02-01,7,ETH,a,b\n")
    out, _ = typed(capsys, "index", "add", mine, more)
    assert out.startswith("added 1, replaced 6\n")
    assert "encoded  2; the other pictures" in out
    manifest = Manifest.read(mine)
    assert (manifest.items, manifest.sales, manifest.hygiene) == (7, 4, False)
    assert manifest.fitted["fitted_on"] == 6
    assert manifest.settings["kind"] == "flat"
    keys = Catalog.read(mine / store.CATALOG).keys()
    assert keys == [f"dots/{number}" for number in (*range(6), 9)]
    typed(capsys, "index", "verify", mine)
    build(capsys, dots, more, "--out", mine)
    assert Manifest.read(mine).fitted["fitted_on"] == 7


def test_a_build_of_what_was_added_fits_it(dots, mine, tmp_path, capsys):
    part = tmp_path / "part" / "dots"
    shutil.copytree(dots, part)
    (part / "images" / "5.png").unlink()
    build(capsys, part, "--out", mine)
    typed(capsys, "index", "add", mine, dots)
    build(capsys, dots, "--out", mine)
    fresh = tmp_path / "fresh"
    build(capsys, dots, "--out", fresh)
    assert Manifest.read(mine).fitted == Manifest.read(fresh).fitted
    for name in ("vectors.npy", "spaces.safetensors"):
        assert (mine / name).read_bytes() == (fresh / name).read_bytes()


def test_a_build_mends_fitted_files_that_cannot_be_read(dots, mine, capsys):
    build(capsys, dots, "--out", mine)
    right = (mine / "spaces.safetensors").read_bytes()
    (mine / "spaces.safetensors").write_bytes(b"nothing")
    typed(capsys, "index", "verify", mine, code=1)
    build(capsys, dots, "--out", mine)
    assert (mine / "spaces.safetensors").read_bytes() == right


def test_remove_takes_items_and_their_sales(dots, mine, capsys):
    build(capsys, dots, "--out", mine)
    before = SearchEngine.open(mine).retriever.index.vectors.copy()
    out, _ = typed(capsys, "index", "remove", mine, "dots/0", "dots/4")
    assert out.startswith("removed 2\n")
    assert "4 in 1 collection" in out
    engine = SearchEngine.open(mine)
    assert engine.catalog.keys() == [f"dots/{number}" for number in (1, 2, 3, 5)]
    np.testing.assert_array_equal(engine.retriever.index.vectors, before[[1, 2, 3, 5]])
    assert engine.manifest.sales == 2
    typed(capsys, "index", "verify", mine)
    _, err = typed(capsys, "index", "remove", mine, "dots/0", code=1)
    assert err == f"error: no item 'dots/0' in {mine}; nothing was removed\n"
    out, _ = typed(capsys, "index", "remove", mine, "dots/1", "dots/1")
    assert out.startswith("removed 1\n")
    assert "3 in 1 collection" in out


def test_what_an_earlier_run_left_is_told(dots, mine, capsys):
    build(capsys, dots, "--out", mine)
    store.beside(mine, "parts").mkdir()
    _, err = build(capsys, dots, "--out", mine)
    assert err.startswith("an earlier run stopped on its way: going on from there\n")


def test_info_tells_all_that_the_manifest_does(sample_index, capsys):
    out, _ = typed(capsys, "index", "info", sample_index.folder)
    words = " ".join(out.split())
    manifest = Manifest.read(sample_index.folder)
    assert "100 in 3 collections" in words
    assert "vgg16-nft (weights " in words
    assert str(manifest.settings["training"]) in words
    assert f"{manifest.sales:,}, {sum(manifest.excluded.values())} of them left out" in words
    assert all(f"{count} {code}" in words for code, count in manifest.excluded.items())
    assert all(f"{name} {version}" in words for name, version in manifest.libraries.items())
    assert all(path.name in words for path in sample_index.folder.iterdir())
    assert str(sample_index.sources) in out.replace("\n", "").replace(" ", "")
    assert max(map(len, out.splitlines())) <= 80


def test_info_as_json(sample_index, capsys):
    out, err = typed(capsys, "index", "info", "--json", sample_index.folder)
    found = json.loads(out)
    assert err == ""
    kept = json.loads(json.dumps(asdict(Manifest.read(sample_index.folder))))
    assert {name: found[name] for name in kept} == kept
    folder = sample_index.folder
    files = [path for path in folder.rglob("*") if path.is_file()]
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
    assert found["files"] == sizes
    assert "outlines/vectors.npy" in sizes
    assert found["bytes"] == sum(sizes.values())


def test_every_planted_wash_sale_of_the_sample_is_left_out(sample_index):
    planted = sum(len(plan.wash) for plan in sample_index.plan.collections.values())
    assert sum(Manifest.read(sample_index.folder).excluded.values()) == planted


def test_what_weights_were_trained_on_is_said(sample_index, capsys):
    training = str(Manifest.read(sample_index.folder).settings["training"])
    assert training.endswith("of 16 collections")
    out, _ = typed(capsys, "index", "info", sample_index.folder)
    assert training in " ".join(out.split())


def test_sample_writes_what_can_be_indexed(tmp_path, capsys):
    out, err = typed(capsys, "sample", tmp_path / "s", "--size", 20, "--collection", "lighthouses")
    assert "lighthouses   Pocket Lighthouses      20   ETH" in out
    assert SamplePlan.read(tmp_path / "s" / "plan.json").size == 20
    build(capsys, tmp_path / "s", "--out", tmp_path / "i")
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "mine.txt").write_text("keep")
    _, err = typed(capsys, "sample", tmp_path / "t", code=2)
    assert "is not empty and holds no sample" in err


def test_weights_are_listed_and_found(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SIMSEARCH_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    out, _ = typed(capsys, "weights", "list")
    assert "vgg16-nft" in out
    assert "not here;" in out
    out, _ = typed(capsys, "weights", "path", "vgg16-nft")
    assert Path(out.strip()).is_file()
    assert typed(capsys, "weights", "get", "vgg16-nft")[0] == out
    out, err = typed(capsys, "weights", "path", "vgg16", code=1)
    assert (out, err.count("\n")) == ("", 1)
    assert all(part in err for part in ("https://", str(tmp_path), "--weights", "vgg16-nft"))


def test_demo_shows_its_commands_and_what_to_try_next(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo_module, "_SIZE", 20)
    out, _ = typed(capsys, "demo", "here now")
    commands = [line for line in out.splitlines() if line.startswith("$ simsearch ")]
    steps = ["sample", "index", "cluster", "sample", "query"]
    assert [line.split()[2] for line in commands] == steps
    assert "teapots/" in out
    assert Image.open("here now/answer.png").size[0] > 1000
    assert SearchEngine.open(Path("here now/index")).catalog.collections.keys() == {*COLLECTIONS}
    tries = [shlex.split(line) for line in out.partition("Next:\n")[2].splitlines()]
    assert [line[0] for line in tries] == ["simsearch"] * len(tries)
    *once, served = tries
    for line in once:
        typed(capsys, *line[1:])
    assert served[1:] == ["app", "--index", "here now/index"]  # runs until it is stopped
    again, _ = typed(capsys, "demo", "here now")
    assert "encoded  0; the other pictures were known before" in again
