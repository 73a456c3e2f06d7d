"""Every planted fault of an index is found, and nothing is found where there is none."""

import csv
import datetime as dt
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsearch import cli
from simsearch.building.verify import even_sample, verify_index
from simsearch.catalog import Catalog
from simsearch.errors import StoreError
from simsearch.sales.table import Sale, SalesTable
from simsearch.space.spaces import Spaces
from simsearch.store import store

NAMES = [
    *("files", "counts", "items", "sales", "spaces", "vectors", "search", "thumbnails"),
    *("prices", "pictures", "descriptors"),
]


@pytest.fixture
def index(sample_index, tmp_path) -> Path:
    """A copy of the sample index that may be damaged."""
    return Path(shutil.copytree(sample_index.folder, tmp_path / "index"))


def results(folder: Path, **more) -> dict[str, bool | None]:
    return {check.name: check.passed for check in verify_index(folder, **more)}


def failed(folder: Path) -> dict[str, str]:
    return {c.name: c.message for c in verify_index(folder, sample=100) if c.passed is False}


def edit_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_array(path: Path, change) -> None:
    array = np.load(path)
    change(array)
    np.save(path, array)


def edit_catalog(folder: Path, **columns) -> None:
    path = folder / store.CATALOG
    catalog = Catalog.read(path)
    changed = {name: change(catalog.column(name).to_pylist()) for name, change in columns.items()}
    catalog.with_columns(**changed).write(path)


def test_a_sound_index_passes_every_check(sample_index):
    seen = []
    checks = verify_index(sample_index.folder, progress=lambda *told: seen.append(told))
    assert [check.name for check in checks] == NAMES
    assert all(check.passed for check in checks), checks
    assert ("vectors", 100, 100) in seen
    assert ("pictures", 100, 100) in seen
    assert "100 of 100 sampled" in checks[-2].message


def test_where_there_is_no_index_there_is_nothing_to_check(tmp_path):
    with pytest.raises(StoreError, match="no index here"):
        verify_index(tmp_path)


def test_a_file_of_other_length_is_found(index):
    np.save(index / "vectors.npy", np.load(index / "vectors.npy")[:-1])
    assert list(failed(index)) == ["files"]


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"items": 101}, "items: manifest.json says 101, the files hold 100"),
        ({"sales": 3}, "sales: manifest.json says 3"),
        ({"excluded": {"dust": 1}}, "excluded sales: manifest.json says {'dust': 1}"),
        ({"skipped": {"svg": 2}}, "skipped: manifest.json says {'svg': 2}, the files hold {}"),
        ({"dim": 12}, "numbers of a descriptor: manifest.json says 12"),
        ({"collections": {"masks": 100}}, "collections: manifest.json says {'masks': 100}"),
    ],
)
def test_a_wrong_count_is_found(index, changes, part):
    edit_manifest(index, **changes)
    assert part in failed(index)["counts"]


def test_a_key_that_is_there_twice_is_found(index):
    edit_catalog(index, token_id=lambda ids: [ids[1], *ids[1:]])
    assert "lighthouses/1 is there 2 times" in failed(index)["items"]


@pytest.mark.parametrize("name", ["content_hash", "pixel_hash", "width"])
def test_a_missing_hash_or_size_is_found(index, name):
    edit_catalog(index, **{name: lambda values: [None, *values[1:]]})
    assert f"lighthouses/0 has no {name}" in failed(index)["items"]


def test_a_last_sale_that_is_not_the_last_is_found(index):
    edit_catalog(index, last_price=lambda prices: [(price or 0) + 1 for price in prices])
    assert "has another last_price than its sales say" in failed(index)["sales"]


def test_a_sale_that_hygiene_would_mark_is_found(index):
    sales = SalesTable.read(index / store.SALES)
    none = np.full(len(sales), np.iinfo(np.int32).max, np.int32)
    sales.with_marks([None] * len(sales), none).write(index / store.SALES)
    assert "sales are not marked as hygiene marks them" in failed(index)["sales"]


def test_a_sale_of_no_item_is_found(index):
    stray = Sale("masks", "nobody", dt.date(2022, 1, 1), 1.0, "MATIC")
    sales = SalesTable.read(index / store.SALES).merge(SalesTable.from_sales([stray]))
    sales.write(index / store.SALES)
    found = failed(index)
    assert "a sale of masks/nobody, which is no item" in found["sales"]
    assert "a sale of masks/nobody, which is no item; build" in found["prices"]


def test_a_space_that_is_not_finite_is_found(index):
    spaces = Spaces.open(index)
    tensors = {name: np.array(tensor) for name, tensor in spaces.tensors.items()}
    tensors["weights/masks"][0, 0] = np.nan
    tensors["bias/teapots"] = tensors["bias/teapots"][:-1]
    Spaces(spaces.look, spaces.vocabulary, tensors).save(index)
    found = failed(index)["spaces"]
    assert "weights/masks holds numbers that are not finite" in found
    assert "the traits of teapots do not fit its head" in found


def test_a_vector_that_is_not_its_own_is_found(index):
    def swap(vectors):
        vectors[[3, 90]] = vectors[[90, 3]]

    edit_array(index / "vectors.npy", swap)
    message = failed(index)["vectors"]
    assert "lighthouses/3" in message
    assert message.count("is not its own") == 2


@pytest.mark.parametrize("number", [np.nan, 7.0])
def test_a_vector_of_wrong_length_is_found(index, number):
    edit_array(index / "vectors.npy", lambda vectors: vectors.__setitem__((5, 0), number))
    assert "(rows 5)" in failed(index)["vectors"]


def test_another_descriptor_is_found(index):
    def swap(rows):
        rows[[10, 11]] = rows[[11, 10]]

    edit_array(index / "descriptors.npy", swap)
    found = failed(index)
    assert "lighthouses/10" in found["vectors"]
    assert "lighthouses/10 is" in found["descriptors"]


def edit_prices(folder: Path, change) -> None:
    with np.load(folder / "prices.npz") as kept:
        arrays = {name: kept[name] for name in kept.files}
    change(arrays)
    np.savez(folder / "prices.npz", allow_pickle=False, **arrays)


def other_vector(arrays):
    arrays["teapots/vectors"][[3, 4]] = arrays["teapots/vectors"][[4, 3]]


def other_sales(arrays):
    arrays["masks/day"] += 1


def one_collection(arrays):
    arrays["currencies"] = np.array(json.dumps({"teapots": "ETH", "masks": "MATIC"}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_vector, "the vector that prices teapots/.* is not its own; the vector that"),
        (other_sales, "prices.npz is not of these sales of masks"),
        (one_collection, "nothing prices lighthouses, which was sold"),
    ],
)
def test_prices_of_something_else_are_found(index, change, message):
    edit_prices(index, change)
    found = failed(index)
    assert list(found) == ["prices"]
    assert re.search(message, found["prices"])


def test_a_damaged_thumbnail_is_found(index):
    data = bytearray((index / "thumbnails.bin").read_bytes())
    data[:4] = b"none"
    (index / "thumbnails.bin").write_bytes(data)
    assert "the thumbnail of lighthouses/0" in failed(index)["thumbnails"]


def test_a_picture_that_changed_is_found(sample_index, tmp_path, capsys):
    sources = Path(shutil.copytree(sample_index.sources / "teapots", tmp_path / "teapots"))
    index = str(tmp_path / "index")
    build = ["index", "build", str(sources), "--out", index, "--encoder", "pixels"]
    assert cli.run(build) == 0
    Image.new("RGB", (9, 9), "red").save(sources / "images" / "7.png")
    (sources / "images" / "3.png").write_bytes(b"")
    found = failed(Path(index))
    assert list(found) == ["pictures"]
    assert "teapots/7 is another picture now" in found["pictures"]
    assert "3.png: holds no bytes" in found["pictures"]
    capsys.readouterr()
    assert cli.run(["index", "verify", index]) == 1
    out, err = capsys.readouterr()
    assert "WRONG" in out
    last = err.splitlines()[-1]
    assert last == (
        f"error: {index}: wrong: pictures; bring it up to date: "
        f"simsearch index add {index} {sources}"
    )
    shutil.rmtree(sources)
    after = results(Path(index))
    assert (after["pictures"], after["descriptors"]) == (None, None)
    assert cli.run(["index", "verify", index]) == 0
    assert "unknown" in capsys.readouterr().out


def test_pixels_that_are_decoded_otherwise_are_found(index):
    edit_catalog(index, pixel_hash=lambda hashes: ["0" * 32, *hashes[1:]])
    assert "lighthouses/0 is decoded to other pixels" in failed(index)["pictures"]


def test_other_weights_are_found(index, capsys):
    manifest = json.loads((index / "manifest.json").read_text())
    edit_manifest(index, encoder=manifest["encoder"] | {"weights_sha256": "0" * 64})
    assert list(failed(index)) == ["descriptors"]
    assert cli.run(["index", "verify", str(index), "--sample", "5"]) == 1
    err = capsys.readouterr().err
    assert "build it again as it was built, with encoder vgg16-nft (weights 00000000)" in err
    assert "simsearch index build" not in err


def test_what_was_built_without_options_is_built_so_again(index, capsys):
    (index / "thumbnails.bin").write_bytes(b"?" * (index / "thumbnails.bin").stat().st_size)
    sources = json.loads((index / "manifest.json").read_text())["settings"]["sources"][0]
    assert cli.run(["index", "verify", str(index), "--sample", "2"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith(f"build it anew: simsearch index build {sources} --out {index}")
    edit_manifest(index, hygiene=False)
    assert cli.run(["index", "verify", str(index), "--sample", "2"]) == 1
    assert "build it again as it was built" in capsys.readouterr().err


def test_weights_that_are_not_here_are_no_fault(index, monkeypatch, tmp_path):
    monkeypatch.setenv("SIMSEARCH_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    from simsearch import weights

    monkeypatch.setattr(weights, "_PACKAGE_FOLDER", tmp_path)
    assert results(index, sample=5)["descriptors"] is None


def test_skipped_entries_are_counted(index):
    with (index / store.SKIPPED).open("a", newline="") as file:
        csv.writer(file).writerow(["a.svg", "svg", "a/1 skipped"])
    assert "the files hold {'svg': 1}" in failed(index)["counts"]


def test_a_sample_is_even_over_the_collections():
    codes = np.repeat([0, 1, 2], [1000, 50, 3]).astype(np.int32)
    rows = even_sample(codes, 63, seed=0)
    assert np.bincount(codes[rows]).tolist() == [30, 30, 3]
    assert (np.diff(rows) > 0).all()
    assert even_sample(codes, 63, seed=1).tolist() != rows.tolist()
    assert even_sample(codes, 5000, seed=0).tolist() == list(range(1053))
