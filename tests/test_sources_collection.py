"""Collection folders: every key of collection.toml, and everything that can be wrong with one."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from simsearch.errors import SalesError, SourceError
from simsearch.sources import PictureReader, read_sources


def encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


PNG = encoded(Image.new("L", (2, 2)))


def collection(folder: Path, toml: str, files: dict[str, bytes | str] | None = None) -> Path:
    for name, content in {"collection.toml": toml, **(files or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def sheet(tiles: list[tuple[int, ...]], columns: int, mode: str = "RGBA") -> bytes:
    """A sheet of one-colour tiles of 3 x 2 pixels."""
    rows = -(-len(tiles) // columns)
    image = Image.new("RGBA", (columns * 3, rows * 2))
    for number, colour in enumerate(tiles):
        left, top = number % columns * 3, number // columns * 2
        image.paste(colour, (left, top, left + 3, top + 2))
    return encoded(image.convert(mode))


def pictures(count: int) -> dict[str, bytes]:
    return {f"images/{number}.png": PNG for number in range(count)}


FOLDER = '[images]\nfolder = "images"\n'


def traits(contents) -> dict[str, tuple]:
    return {item.token_id: item.traits for item in contents.items}


def problems(contents) -> list[tuple[str, str]]:
    return [(Path(skipped.source).name, skipped.code) for skipped in contents.skipped]


# ---------------------------------------------------------------- pictures


def test_a_zip_collection_with_its_names_and_background(tmp_path):
    toml = 'name = "Frogs!"\nchain = "ethereum"\ncontract = "0xAB"\n[images]\nzip = "all.zip"\n'
    folder = collection(tmp_path / "frogs", toml + 'background = "#102030"\n')
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.writestr("deep/7.png", encoded(Image.new("RGBA", (1, 1), (255, 0, 0, 0))))
    contents = read_sources([folder])
    assert contents.names == {"frogs": {"name": "Frogs!", "chain": "ethereum", "contract": "0xAB"}}
    assert [item.key for item in contents.items] == ["frogs/7"]
    with PictureReader() as reader:
        rgb = reader.read(contents.items[0].picture).rgb()
    assert rgb.tolist() == [[[16, 32, 48]]]


def test_a_folder_of_collections_and_a_collection_file_are_sources(tmp_path):
    collection(tmp_path / "b10", FOLDER, pictures(1))
    collection(tmp_path / "b2", FOLDER, pictures(2))
    collection(tmp_path, FOLDER, {"plain/1.png": PNG, "text/a.txt": "a"})
    (tmp_path / "collection.toml").unlink()
    contents = read_sources([tmp_path])
    assert [item.key for item in contents.items] == ["b2/0", "b2/1", "b10/0"]
    assert contents.names["b2"] == {"name": "b2"}
    assert problems(contents) == [("plain", "no-collection")]
    assert len(read_sources([tmp_path / "b2" / "collection.toml"]).items) == 2


def test_a_table_collection_keeps_the_name_of_the_folder(tmp_path):
    table = "collection,token_id,image,trait:Hat\nother,5,images/0.png,Crown\n"
    toml = '[images]\ntable = "items.csv"\n'
    contents = read_sources(
        [collection(tmp_path / "frogs", toml, {"items.csv": table, **pictures(1)})]
    )
    assert [item.key for item in contents.items] == ["frogs/5"]
    assert contents.items[0].traits == (("Hat", "Crown"),)


def test_links_out_of_a_collection_are_refused(tmp_path):
    (tmp_path / "secret.png").write_bytes(PNG)
    folder = collection(tmp_path / "frogs", FOLDER, pictures(1))
    (folder / "images/1.png").symlink_to(tmp_path / "secret.png")
    (folder / "images/2.png").symlink_to(folder / "images/0.png")
    contents = read_sources([folder])
    assert [item.key for item in contents.items] == ["frogs/0", "frogs/2"]
    assert problems(contents) == [("1.png", "outside")]


@pytest.mark.parametrize("name", ["../other.zip", "/etc/hosts", "link.zip", "a/../../other.zip"])
def test_files_outside_the_folder_are_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("1.png", PNG)
    folder = collection(tmp_path / "frogs", f'[images]\nzip = "{name}"\n', {"a/x": ""})
    (folder / "link.zip").symlink_to(tmp_path / "other.zip")
    with pytest.raises(SourceError, match="leads out of"):
        read_sources([folder])


def test_a_stated_hash_is_checked(tmp_path):
    data = sheet([(1, 2, 3, 255)], 1)
    right = hashlib.sha256(data).hexdigest()
    toml = '[images]\nsheet = "s.png"\ntile = [3, 2]\nsha256 = "{}"\n'
    good = collection(tmp_path / "a", toml.format(right.upper()), {"s.png": data})
    assert len(read_sources([good]).items) == 1
    bad = collection(tmp_path / "b", toml.format("0" * 64), {"s.png": data})
    with pytest.raises(SourceError, match="sha256"):
        read_sources([bad])


# ---------------------------------------------------------------- sheets


CLEAR, RED, BLUE = (9, 9, 9, 0), (255, 0, 0, 255), (0, 0, 255, 255)


@pytest.mark.parametrize("mode", ["RGBA", "P", "RGB", "L", "LA"])
def test_sheets_are_cut_row_by_row_without_the_empty_tiles_at_the_end(tmp_path, mode):
    data = sheet([RED, CLEAR, BLUE, RED, CLEAR, CLEAR], 2, "RGBA" if mode == "P" else mode)
    if mode == "P":
        data = encoded(Image.open(io.BytesIO(data)).quantize(4))
    folder = collection(
        tmp_path / "f", '[images]\nsheet = "s.png"\ntile = [3, 2]\n', {"s.png": data}
    )
    items = read_sources([folder]).items
    expected = [RED, CLEAR, BLUE, RED] + [CLEAR, CLEAR] * (mode in ("RGB", "L"))
    assert [item.token_id for item in items] == [str(n) for n in range(len(expected))]
    with PictureReader() as reader:
        found = [reader.read(item.picture).rgb() for item in items]
    assert {rgb.shape for rgb in found} == {(2, 3, 3)}
    if mode in ("RGBA", "P"):
        colours = [rgb[0, 0].tolist() for rgb in found]
        assert colours == [[255, 0, 0], [255, 255, 255], [0, 0, 255], [255, 0, 0]]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 5), st.integers(1, 5))
def test_a_cut_sheet_pasted_together_is_the_sheet(tmp_path_factory, width, height, columns, rows):
    shape = (rows * height, columns * width, 3)
    pixels = np.random.default_rng(width).integers(0, 256, shape, dtype=np.uint8)
    toml = f'[images]\nsheet = "s.png"\ntile = [{width}, {height}]\n'
    data = {"s.png": encoded(Image.fromarray(pixels))}
    items = read_sources([collection(tmp_path_factory.mktemp("x") / "f", toml, data)]).items
    assert len(items) == rows * columns
    with PictureReader() as reader:
        tiles = np.array([reader.read(item.picture).rgb() for item in items])
    grid = tiles.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    np.testing.assert_array_equal(grid.reshape(shape), pixels)


@pytest.mark.parametrize(
    ("tile", "message"),
    [
        ("", "needs tile"),
        ("tile = [3]", "needs tile"),
        ("tile = [3, 0]", "needs tile"),
        ('tile = ["3", "2"]', "needs tile"),
        ("tile = [true, true]", "needs tile"),
        ("tile = [4, 2]", "no whole number of tiles"),
    ],
)
def test_tiles_must_fit_the_sheet(tmp_path, tile, message):
    toml = f'[images]\nsheet = "s.png"\n{tile}\n'
    folder = collection(tmp_path / "f", toml, {"s.png": sheet([RED, BLUE], 2)})
    with pytest.raises(SourceError, match=message):
        read_sources([folder])


def test_a_sheet_that_is_no_picture_or_has_too_many_tiles_is_an_error(tmp_path):
    toml = '[images]\nsheet = "s.png"\ntile = [1, 1]\n'
    for name, data, message in (
        ("a", b"<svg/>", "SVG"),
        ("b", b"", "no bytes"),
        ("c", encoded(Image.new("1", (20_000, 20_000))), "over the limit of 200,000,000"),
        ("d", encoded(Image.new("1", (1100, 1000))), "over 1,000,000 tiles"),
    ):
        with pytest.raises(SourceError, match=message):
            read_sources([collection(tmp_path / name, toml, {"s.png": data})])


# ---------------------------------------------------------------- collection.toml


def test_a_byte_order_mark_before_the_toml_is_no_mistake(tmp_path):
    found = read_sources([collection(tmp_path / "c", "\ufeff" + FOLDER, pictures(1))])
    assert len(found.items) == 1


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("name = ", "TOML"),
        (b"\xff\xfe", "TOML"),
        ("name = " + "[" * 5000, "TOML"),
        ('name = "x"', r"no \[images\] section"),
        ('[image]\nfolder = "images"', "unknown key 'image'; did you mean 'images'"),
        (FOLDER + '[traits]\nfile = "t.csv"\nseperator = "/"', "did you mean 'separator'"),
        (FOLDER + "[sales]\nfoo = 1", "unknown key 'foo'; known: file"),
        ("[images]\n", "exactly one of"),
        (FOLDER + 'zip = "a.zip"', "exactly one of"),
        ('[images]\nfolder = "nowhere"', "no 'nowhere'"),
        ('[images]\nfolder = ""', "must name a file"),
        ('[images]\nfolder = "a\\u0000"', "leads out"),
        ("[images]\nfolder = 3", "must be text"),
        (FOLDER + 'background = "teal"', "no colour"),
        ("name = 7\n" + FOLDER, "must be text"),
        ("traits = 7\n" + FOLDER, r"must be a section, \[traits\]"),
        (FOLDER + "[traits]\n", "must name a file"),
        (FOLDER + '[traits]\nfile = "../t.csv"', "leads out"),
        (FOLDER + '[traits]\nfile = "t.csv"\nid = "token"', "no column 'token'"),
    ],
)
def test_mistakes_in_collection_toml_are_named(tmp_path, toml, message):
    files = {"t.csv": "token_id,Hat\n0,Crown\n", **pictures(1)}
    folder = collection(tmp_path / "frogs", "", files)
    (folder / "collection.toml").write_bytes(toml if isinstance(toml, bytes) else toml.encode())
    with pytest.raises(SourceError, match=message) as caught:
        read_sources([folder])
    assert str(folder / "collection.toml") in str(caught.value) or "t.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------- traits and sales


def test_traits_of_a_csv_file(tmp_path):
    table = (
        "id,Hat,Face,Extras\n"
        "0,Crown,none,Ring / Pipe / Ring\n"
        "1, ,NONE,None / Pipe\n"
        "2,Cap,Smile,\n"
        "2,Crown,Smile,\n"
        ",Crown,,\n"
        "9,Cap,,\n"
    )
    toml = FOLDER + '[traits]\nfile = "t.csv"\nid = "id"\nseparator = " / "\n'
    contents = read_sources([collection(tmp_path / "f", toml, {"t.csv": table, **pictures(4)})])
    assert traits(contents) == {
        "0": (("Hat", "Crown"), ("Extras", "Ring"), ("Extras", "Pipe")),
        "1": (("Extras", "Pipe"),),
        "2": (("Hat", "Cap"), ("Face", "Smile")),
        "3": (),
    }
    expected = [("t.csv:5", "duplicate-key"), ("t.csv:6", "no-token"), ("t.csv", "no-picture")]
    assert problems(contents) == expected


def test_traits_of_a_parquet_file(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    buffer = io.BytesIO()
    table = pa.table({"token_id": [0, 1], "Hat": ["Crown", None], "Level": [3, 4]})
    pyarrow.parquet.write_table(table, buffer)
    toml = FOLDER + '[traits]\nfile = "t.parquet"\n'
    files = {"t.parquet": buffer.getvalue(), **pictures(2)}
    contents = read_sources([collection(tmp_path / "f", toml, files)])
    assert traits(contents) == {
        "0": (("Hat", "Crown"), ("Level", "3")),
        "1": (("Level", "4"),),
    }


def test_traits_of_erc_721_metadata(tmp_path):
    records = [
        {
            "name": "Frog #0",
            "image": "ipfs://Q/0.png",
            "attributes": [
                {"trait_type": "Hat", "value": "Crown"},
                {"trait_type": "Hat", "value": "None"},
                {"trait_type": "Level", "value": 3, "display_type": "number"},
                {"value": "Shiny"},
            ],
        },
        {"token_id": 1, "attributes": {"Hat": "Cap"}},
        {"name": "Frog", "image": "ipfs://Q/2.png", "attributes": []},
        {"edition": 3, "attributes": "soup"},
        {"edition": 3, "attributes": ["soup"]},
    ]
    lines = [json.dumps(record) for record in records] + ["no json", "[1]", ""]
    toml = FOLDER + '[traits]\nfile = "t.jsonl"\n'
    files = {"t.jsonl": "\n".join(lines), **pictures(4)}
    contents = read_sources([collection(tmp_path / "f", toml, files)])
    assert traits(contents) == {
        "0": (("Hat", "Crown"), ("Level", "3"), ("property", "Shiny")),
        "1": (("Hat", "Cap"),),
        "2": (),
        "3": (),
    }
    expected = [("t.jsonl:4", "bad-attributes"), ("t.jsonl:5", "bad-attributes")]
    assert problems(contents) == [*expected, ("t.jsonl:6", "bad-row"), ("t.jsonl:7", "bad-row")]


SALES = (
    "token_id,date,price,currency,from,to\n"
    "0,2021-05-01,1.5,ETH,a,b\n"
    "99,2021-05-02,2,ETH,a,b\n"
    "1,yesterday,2,ETH,a,b\n"
    "1,2021-05-03,many,ETH,a,b\n"
    "1,2021-05-03,3,unknown,a,b\n"
)


def test_sales_of_the_items_and_what_is_none(tmp_path):
    toml = FOLDER + '[sales]\nfile = "s.csv"\nid = "token_id"\nseller = "from"\nbuyer = "to"\n'
    folder = collection(tmp_path / "f", toml, {"s.csv": SALES, **pictures(2)})
    contents = read_sources([folder])
    (sale,) = contents.sales
    assert (sale.collection, sale.token_id, sale.price, sale.currency) == ("f", "0", 1.5, "ETH")
    assert (str(sale.date), sale.seller, sale.buyer) == ("2021-05-01", "a", "b")
    found = dict(problems(contents))
    assert found["s.csv:3"] == "unknown-token"
    assert found["s.csv:4"] == "bad-date"
    assert found["s.csv:5"] == "bad-price"
    assert found["s.csv:6"] == "unknown-currency"
    assert len(read_sources([folder], known={"f/99"}).sales) == 2
    with pytest.raises(SourceError, match="s.csv:4"):
        read_sources([folder], strict=True)


def test_a_sample_keeps_the_sales_of_its_items_only(tmp_path):
    rows = "".join(f"{n},2021-05-01,1,ETH,a,b\n" for n in range(20))
    toml = FOLDER + '[sales]\nfile = "s.csv"\n'
    files = {"s.csv": SALES.splitlines()[0] + "\n" + rows, **pictures(20)}
    contents = read_sources([collection(tmp_path / "f", toml, files)], per_collection=5)
    assert {s.token_id for s in contents.sales} == {item.token_id for item in contents.items}
    assert contents.skipped == []


def test_a_sales_file_without_a_named_column_is_an_error(tmp_path):
    toml = FOLDER + '[sales]\nfile = "s.csv"\nprice = "cost"\n'
    folder = collection(tmp_path / "f", toml, {"s.csv": SALES, **pictures(2)})
    with pytest.raises(SalesError, match="cost"):
        read_sources([folder])
