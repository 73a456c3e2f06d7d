"""Tables of items, and pictures in their cells: CSV, TSV, JSONL and Parquet alike."""

import base64
import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from simsearch.errors import PictureError, SourceError
from simsearch.images import MAX_BYTES, load_image
from simsearch.sources import PictureReader, read_sources
from simsearch.sources.cells import is_inline, open_cells, picture_bytes


def encoded(level: int, fmt: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (2, 2), level).save(buffer, fmt)
    return buffer.getvalue()


def base64_of(level: int, fmt: str = "PNG") -> str:
    return base64.b64encode(encoded(level, fmt)).decode()


def write_table(path: Path, rows: list[dict]) -> Path:
    """Write rows in the format that the ending of the name says."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet

        columns = {name: [row.get(name) for row in rows] for name in names}
        pyarrow.parquet.write_table(pa.table(columns), path, row_group_size=2)
    elif path.suffix in (".jsonl", ".ndjson"):
        path.write_text("\n\n".join(json.dumps(row) for row in rows))
    else:
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            delimiter = "\t" if path.suffix == ".tsv" else ","
            writer = csv.DictWriter(file, names, delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    return path


def levels(contents) -> dict[str, int]:
    with PictureReader() as reader:
        return {i.key: int(reader.read(i.picture).rgb()[0, 0, 0]) for i in contents.items}


def problems(contents) -> list[tuple[str, str]]:
    return [(Path(skipped.source).name, skipped.code) for skipped in contents.skipped]


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "ndjson", "parquet"])
def test_every_format_of_table_gives_the_same_items(tmp_path, ending):
    (tmp_path / "pix").mkdir()
    (tmp_path / "pix" / "a.png").write_bytes(encoded(1))
    rows = [
        {"collection": "frogs", "token_id": "7", "image": "pix/a.png", "trait:Hat": "Crown"},
        {"collection": "frogs", "token_id": "8", "image": base64_of(2), "trait:Hat": "none"},
        {"collection": "toads", "token_id": "7", "image": f"data:image/png;base64,{base64_of(3)}"},
        {"collection": "", "token_id": "x/y", "image": base64_of(4, "JPEG"), "split": "Validation"},
        {"collection": "toads", "token_id": "9", "image": base64_of(5, "GIF"), "note": "a\r\nb\rc"},
        {"collection": "toads", "token_id": "10", "image": base64_of(6, "BMP")},
    ]
    contents = read_sources([write_table(tmp_path / f"dump.{ending}", rows)])
    assert contents.skipped == []
    assert levels(contents) == {
        **{"frogs/7": 1, "frogs/8": 2, "toads/7": 3, "dump/x/y": 4, "toads/9": 5, "toads/10": 6}
    }
    assert contents.items[0].traits == (("Hat", "Crown"),)
    assert contents.items[1].traits == ()
    assert [item.split for item in contents.items] == ["", "", "", "valid", "", ""]
    assert contents.sales == []


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_pictures_in_cells_are_found_in_any_order(tmp_path, ending):
    rows = [{"token_id": str(n), "image": base64_of(n)} for n in range(60)]
    items = read_sources([write_table(tmp_path / f"t.{ending}", rows)]).items
    order = np.random.default_rng(0).permutation(60)
    with PictureReader() as reader:
        found = [int(reader.read(items[n].picture).rgb()[0, 0, 0]) for n in order]
    assert found == order.tolist()


def test_binary_columns_of_parquet_dumps(tmp_path):
    rows = [
        {"token_id": 1, "image": {"bytes": encoded(5), "path": "1.png"}},
        {"token_id": 2, "image": {"bytes": None, "path": "2.png"}},
    ]
    (tmp_path / "2.png").write_bytes(encoded(6))
    assert levels(read_sources([write_table(tmp_path / "d.parquet", rows)])) == {"d/1": 5, "d/2": 6}
    rows = [{"token_id": 3, "image": encoded(7)}]
    assert levels(read_sources([write_table(tmp_path / "e.parquet", rows)])) == {"e/3": 7}


def test_erc_721_metadata_is_a_table(tmp_path):
    (tmp_path / "7.png").write_bytes(encoded(9))
    svg = "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg'/>"
    rows = [
        {
            "name": "Frog #7",
            "image": "7.png",
            "attributes": [{"trait_type": "Hat", "value": "Cap"}],
        },
        {"name": "Frog #8", "image": "ipfs://Qm/8.png", "attributes": []},
        {"name": "Frog #9", "image": "https://example.org/9.png"},
        {"name": "Frog #10", "image": svg, "collection": {"name": "Frogs"}},
        {"name": "Frog", "image": base64_of(3)},
    ]
    contents = read_sources([write_table(tmp_path / "frogs.jsonl", rows)])
    assert [item.key for item in contents.items] == ["frogs/7", "frogs/10"]
    assert contents.items[0].traits == (("Hat", "Cap"),)
    assert [code for _, code in problems(contents)] == ["remote", "remote", "no-token"]
    with PictureReader() as reader, pytest.raises(PictureError) as caught:
        reader.read(contents.items[1].picture).rgb()
    assert caught.value.code == "svg"


def test_attributes_may_be_json_in_a_cell(tmp_path):
    attributes = json.dumps([{"trait_type": "Hat", "value": "Cap"}])
    rows = [
        {"token_id": "1", "image": base64_of(1), "attributes": attributes, "trait:Eyes": "Blue"},
        {"token_id": "2", "image": base64_of(1), "attributes": "{oops", "trait:Eyes": "Red"},
        {"token_id": "3", "image": base64_of(1), "attributes": "", "trait:Eyes": ""},
    ]
    contents = read_sources([write_table(tmp_path / "t.csv", rows)])
    assert [item.traits for item in contents.items] == [(("Eyes", "Blue"), ("Hat", "Cap")), ()]
    assert problems(contents) == [("t.csv:3", "bad-attributes")]


def test_halves_of_characters_in_json_do_no_harm(tmp_path):
    row = (
        f'{{"token_id": "a\\ud800", "image": "{base64_of(1)}", "trait:H\\ud800": "\\udfff\\u00e9"}}'
    )
    (tmp_path / "t.jsonl").write_text(row)
    (item,) = read_sources([tmp_path / "t.jsonl"]).items
    assert (item.token_id, item.traits) == ("a?", (("H?", "?é"),))


def test_sales_in_the_rows_of_items(tmp_path):
    sale = {"price": "1.5", "currency": "ETH", "date": "2021-05-01"}
    rows = [
        {"token_id": "1", "image": base64_of(1), **sale},
        {"token_id": "2", "image": base64_of(2)},
        {"token_id": "3", "image": base64_of(3), **sale, "date": ""},
        {"token_id": "4", "image": base64_of(4), **sale, "currency": ""},
        {"token_id": "1", "image": base64_of(5), **sale, "date": "2021-06-01"},
    ]
    contents = read_sources([write_table(tmp_path / "t.csv", rows)])
    assert len(contents.items) == 4
    found = [(s.collection, s.token_id, s.price, str(s.date), s.line) for s in contents.sales]
    assert found == [("t", "1", 1.5, "2021-05-01", 2), ("t", "1", 1.5, "2021-06-01", 6)]
    assert problems(contents) == [
        ("t.csv:4", "bad-date"),
        ("t.csv:5", "unknown-currency"),
        ("t.csv:6", "duplicate-key"),
    ]


def test_paths_stay_inside_the_folder_of_the_table(tmp_path):
    (tmp_path / "secret.png").write_bytes(encoded(1))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "1.png").write_bytes(encoded(1))
    absolute = str(tmp_path / "secret.png")
    names = ["../secret.png", absolute, "link.png", "x/../../secret.png", "1.png", "./x/../1.png"]
    names += ["gone.png", "", "x" * 5000, "."]
    rows = [{"token_id": str(n), "image": name} for n, name in enumerate(names)]
    contents = read_sources([write_table(folder / "t.jsonl", rows)])
    assert [item.token_id for item in contents.items] == ["4", "5"]
    assert [code for _, code in problems(contents)] == ["outside"] * 4 + ["missing"] * 4


def test_bad_rows_are_named_with_their_line(tmp_path):
    rows = [
        {"token_id": "1", "image": base64_of(1)},
        {"token_id": "", "image": base64_of(2)},
        {"token_id": "2", "image": base64_of(2), "collection": "a/b"},
        {"token_id": "1", "image": base64_of(3)},
    ]
    path = write_table(tmp_path / "t.csv", rows)
    contents = read_sources([path])
    assert [item.key for item in contents.items] == ["t/1"]
    expected = [
        ("t.csv:3", "no-token"),
        ("t.csv:4", "bad-collection"),
        ("t.csv:5", "duplicate-key"),
    ]
    assert problems(contents) == expected
    assert levels(contents) == {"t/1": 1}
    with pytest.raises(SourceError, match=r"t.csv:3.*no-token"):
        read_sources([path], strict=True)


def test_tables_that_cannot_be_read_are_errors(tmp_path):
    for name, content, message in (
        ("a.csv", b"token_id,picture\n1,x.png\n", "no column 'image'; it has token_id, picture"),
        ("b.csv", b"token_id,image\n\xff\xfe,\xff\n", "cannot be read"),
        ("c.parquet", b"no parquet", "cannot be read"),
        ("d.csv", b"", "holds no pictures"),
        ("e.jsonl", b"\n\n", "holds no pictures"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SourceError, match=message):
            read_sources([tmp_path / name])


# ---------------------------------------------------------------- cells


@settings(deadline=None)
@given(st.integers(0, 255), st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"]))
def test_every_way_to_write_a_picture_into_a_cell(level, fmt):
    data = encoded(level, fmt)
    plain = base64.b64encode(data).decode()
    wrapped = "\n".join(plain[start : start + 76] for start in range(0, len(plain), 76))
    cells = [plain, plain.rstrip("="), wrapped, f"  {plain}\n", data, {"bytes": data, "path": None}]
    cells += [f"data:image/x;base64,{plain}", f"DATA:;name=a,b;base64,{plain}".replace(",b", "")]
    cells += ["data:image/x;base64," + plain.replace("+", "%2B").replace("/", "%2F")]
    cells += ["data:image/x," + "".join(f"%{byte:02x}" for byte in data)]
    for cell in cells:
        assert is_inline(cell)
        assert picture_bytes(cell) == data
        np.testing.assert_array_equal(load_image(picture_bytes(cell)), load_image(data))


def test_avif_in_base64_is_known_by_its_start():
    assert is_inline(base64.b64encode(b"\0\0\0\x20ftypavif\0\0\0\0").decode())


def test_urlsafe_base64_is_understood():
    data = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    assert picture_bytes(base64.urlsafe_b64encode(data).decode()) == data


@pytest.mark.parametrize(
    "cell", ["a/b.png", "/9j/picture.jpg", "Qk", "", None, 7, "QkFzZQ", {}, "1"]
)
def test_paths_are_not_taken_for_pictures(cell):
    assert not is_inline(cell)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("data:image/png;base64,@@@@", "bad-base64"),
        ("data:image/png;base64", "bad-base64"),
        ("iVBORw0KGgoAA", "bad-base64"),
        ("A" * (MAX_BYTES * 4 // 3 + 2000), "too-large"),
        ("data:image/png;base64," + "A" * (MAX_BYTES * 4 // 3 + 2000), "too-large"),
        (None, "missing"),
        ({"bytes": None}, "missing"),
    ],
)
def test_bad_cells_have_reason_codes(cell, code):
    with pytest.raises(PictureError) as caught:
        picture_bytes(cell)
    assert caught.value.code == code


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_cells_that_have_gone_are_named(tmp_path, ending):
    path = write_table(tmp_path / f"t.{ending}", [{"image": base64_of(1), "token_id": "1"}])
    cells = open_cells(path)
    assert cells.read("1:image") == encoded(1)
    for member in ("2:image", "0:image", "-1:image", "x:image", ""):
        with pytest.raises(PictureError) as caught:
            cells.read(member)
        assert caught.value.code == "missing"
    with pytest.raises(KeyError):
        cells.read("1:absent")
    cells.close()
