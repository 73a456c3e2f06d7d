"""``simsearch query``: its JSON contract, its table, its sheet, and every way to ask."""

import datetime as dt
import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsearch import cli
from simsearch.filters import Filter
from simsearch.sales.table import SalesTable
from simsearch.store import store

KEYS = [
    *("query", "neighbors", "collection", "value", "no_value", "cluster", "shown", "notes"),
    "timing_ms",
]
NEIGHBOR_KEYS = [
    *("rank", "collection", "token_id", "distance", "price", "currency", "sale_date"),
    *("traits", "cluster"),
]
VALUE_KEYS = [
    *("low", "price", "high", "currency", "as_of", "nominal_coverage", "realised_coverage"),
    *("level", "warnings", "comparables", "excluded"),
]
COMPARABLE_KEYS = [
    *("collection", "token_id", "date", "price", "price_today", "distance", "weight"),
    "common_traits",
]
EXCLUDED_KEYS = ["token_id", "date", "price", "reason"]


@pytest.fixture
def ask(sample_index, capfdbinary, monkeypatch):
    """Run ``query``; exit code, stdout and stderr."""
    monkeypatch.setenv("SIMSEARCH_INDEX", str(sample_index.folder))

    def asked(*args: object) -> tuple[int, str, str]:
        code = cli.run(["query", *map(str, args)])
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return asked


@pytest.fixture
def ask_json(ask):
    """Run ``query --json``, which must succeed and be silent but for the document."""

    def asked(*args: object):
        code, out, err = ask(*args, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return asked


def keys_of(document) -> list[str]:
    return [f"{one['collection']}/{one['token_id']}" for one in document["neighbors"]]


def test_the_document_is_the_contract(ask_json, sample_index):
    found = ask_json(sample_index.picture)
    assert list(found) == KEYS
    assert found["query"] == str(sample_index.picture)
    assert list(found["collection"]) == ["name", "probability", "known"]
    assert list(found["value"]) == VALUE_KEYS
    assert list(found["value"]["comparables"][0]) == COMPARABLE_KEYS
    assert all(list(one) == EXCLUDED_KEYS for one in found["value"]["excluded"])
    assert (found["no_value"], found["cluster"]) == (None, None)
    assert list(found["timing_ms"]) == ["decode", "encode", "search", "value", "total"]
    spent = found["timing_ms"]
    assert spent["total"] == pytest.approx(sum(spent.values()) - spent["total"], abs=0.05)
    assert len(found["neighbors"]) == 10
    distances = [one["distance"] for one in found["neighbors"]]
    assert distances == sorted(distances)
    assert 0 <= distances[0] < 0.01
    for rank, one in enumerate(found["neighbors"], start=1):
        assert list(one) == NEIGHBOR_KEYS
        assert one["rank"] == rank
    assert keys_of(found)[0] == "teapots/7"


def test_the_document_says_what_the_engine_answers(ask_json, sample_index):
    engine = sample_index.engine
    answer = engine.answer(engine.read(sample_index.picture.read_bytes(), ""), 5)
    found = ask_json(sample_index.picture, "-k", 5)
    assert keys_of(found) == [one.key for one in answer.neighbors]
    expected = [pytest.approx(one.distance, abs=1e-6) for one in answer.neighbors]
    assert [one["distance"] for one in found["neighbors"]] == expected
    traits = [[(t["type"], t["value"]) for t in one["traits"]] for one in found["neighbors"]]
    assert traits == [list(one.traits) for one in answer.neighbors]


def test_traits_that_a_picture_shows_are_told(ask, ask_json, sample_index):
    engine = sample_index.engine
    query = engine.item("teapots/7")
    expected = engine.traits.shown(query.rgb, "teapots")
    found = ask_json("teapots/7")["shown"]
    assert [(one["type"], one["value"]) for one in found] == [trait for trait, _ in expected]
    assert {(one["type"], one["value"]) for one in found} & set(engine.catalog.traits(query.row))
    shares = [one["probability"] for one in found]
    assert shares == sorted(shares, reverse=True)
    assert all(0.4 < share <= 1 for share in shares)
    _, out, _ = ask("teapots/7")
    assert f"shows: {': '.join(expected[0][0])} " in out


def test_an_order_by_look_where_traits_were_asked_for_is_said(ask, ask_json, tmp_path):
    assert ask_json("teapots/7", "--space", "traits")["notes"] == []
    folder, place = tmp_path / "plain", str(tmp_path / "index")
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (8, 6, 6, 3), dtype=np.uint8)
    for number, pixels in enumerate(noise):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    build = ["index", "build", str(folder), "--out", place, "--encoder", "pixels"]
    assert cli.run(build) == 0
    ask()  # takes what the build has said
    asked = ["plain/3", "--index", place, "--space"]
    assert ask_json(*asked, "look")["notes"] == []
    (note,) = ask_json(*asked, "traits")["notes"]
    assert note == "ordered by look alone: no traits of plain were learned"
    _, out, _ = ask(*asked, "traits")
    assert f"note: {note}" in out


def test_prices_are_the_last_sales(ask_json, sample_index):
    sales = SalesTable.read(sample_index.folder / store.SALES)
    valid = [row for row, reason in enumerate(sales.text("reason")) if reason is None]
    last = {sales.keys()[row]: sales.sale(row) for row in valid}
    found = ask_json("lighthouses/7", "-k", 39)
    sold = [one["price"] is not None for one in found["neighbors"]]
    assert any(sold)
    assert not all(sold)
    for key, one in zip(keys_of(found), found["neighbors"], strict=True):
        sale = last.get(key)
        expected = (sale.price, sale.currency, str(sale.date)) if sale else (None, None, None)
        assert (one["price"], one["currency"], one["sale_date"]) == expected


def test_a_key_leaves_itself_out(ask_json):
    found = ask_json("teapots/7", "-k", 100)
    assert found["query"] == "teapots/7"
    assert len(found["neighbors"]) == 99
    assert "teapots/7" not in keys_of(found)


def test_a_file_and_standard_input_give_one_answer(ask_json, sample_index, monkeypatch):
    data = io.TextIOWrapper(io.BytesIO(sample_index.picture.read_bytes()))
    monkeypatch.setattr(sys, "stdin", data)
    piped = ask_json("-")
    assert piped["query"] == "-"
    assert piped["neighbors"] == ask_json(sample_index.picture)["neighbors"]


def test_a_file_wins_over_a_key(ask_json, sample_index, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "teapots").mkdir()
    shutil.copy(sample_index.picture.with_name("3.png"), tmp_path / "teapots" / "7")
    assert keys_of(ask_json("teapots/7"))[0] == "teapots/3"


def test_several_pictures_give_a_list_and_a_bad_one_its_error(ask, sample_index, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(sample_index.picture.read_bytes()[:500])
    code, out, err = ask("teapots/7", bad, "teapots/77", tmp_path, "masks/mask-0001", "--json")
    found = json.loads(out)
    assert code == 1
    assert [one["query"] for one in found] == [
        *("teapots/7", str(bad), "teapots/77", str(tmp_path), "masks/mask-0001")
    ]
    assert [list(one) == KEYS for one in found] == [True, False, False, False, True]
    assert all(list(one) == ["query", "error"] for one in found[1:4])
    reasons = [
        "ends too early",
        "no such file, and no item",
        "is no plain file",
    ]
    for line, one, reason in zip(err.splitlines(), found[1:4], reasons, strict=True):
        assert line == f"error: {one['query']}: {one['error']}"
        assert reason in line


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("teapots/777", "teapots has 20 items, and not this one"),
        ("punks/7", "its collections are lighthouses, masks, teapots"),
    ],
)
def test_a_key_that_names_nothing_says_why(ask, name, why):
    _, _, err = ask(name)
    assert err == f"error: {name}: no such file, and no item '{name}' in this index: {why}\n"


def test_one_bad_picture_is_a_document_too(ask):
    code, out, err = ask("nowhere.png", "--json")
    assert code == 1
    assert list(json.loads(out)) == ["query", "error"]
    assert err.count("\n") == 1


def test_json_goes_to_a_file(ask, tmp_path):
    code, out, err = ask("teapots/7", "--json", tmp_path / "answer")
    assert (code, out, err) == (0, "", f"wrote {tmp_path / 'answer'}\n")
    first = json.loads((tmp_path / "answer").read_text())
    assert ask("teapots/3", f"--json={tmp_path / 'answer'}")[0] == 0
    assert json.loads((tmp_path / "answer").read_text())["query"] != first["query"]


def test_json_before_a_picture_does_not_swallow_it(ask, sample_index):
    before = sample_index.picture.read_bytes()
    for args in (
        ["--json", sample_index.picture],
        ["--json", "teapots/7"],
        [sample_index.picture, "--json", sample_index.picture, "-k", 3],
    ):
        code, out, err = ask(*args)
        assert (code, err) == (0, "")
        assert json.loads(out)
    assert sample_index.picture.read_bytes() == before
    code, out, err = ask("teapots/7", f"--json={sample_index.picture}")
    assert (code, out) == (2, "")
    assert "is no JSON and stays as it is" in err
    assert sample_index.picture.read_bytes() == before


def test_filters_are_those_of_the_library(ask_json, sample_index):
    catalog = sample_index.engine.catalog
    kind, value = catalog.traits(0)[0]
    cases = [
        (["--collection", "masks"], Filter(("masks",))),
        (["--collection", "masks", "--collection", "teapots"], Filter(("masks", "teapots"))),
        (["--trait", f"{kind}={value}"], Filter(traits=((kind, value),))),
        (
            ["--collection", "lighthouses", "--min-price", 0.5, "--max-price", 2],
            Filter(("lighthouses",), min_price=0.5, max_price=2),
        ),
        (["--currency", "USD", "--min-price", 900], Filter(currency="USD", min_price=900)),
        (["--since", "2023-05-01"], Filter(since=dt.date(2023, 5, 1))),
        (
            ["--since", "2022-12-01", "--until", "2023-04-30"],
            Filter(since=dt.date(2022, 12, 1), until=dt.date(2023, 4, 30)),
        ),
    ]
    for args, only in cases:
        allowed = {catalog.key(row) for row in np.flatnonzero(only.mask(catalog)).tolist()}
        assert 0 < len(allowed) < 100
        assert {*keys_of(ask_json(sample_index.picture, "-k", 100, *args))} == allowed


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["--collection", "apes"], "no collection 'apes' in this index"),
        (["--trait", "Glaze"], "--trait Glaze: write TYPE=VALUE"),
        (["--trait", "Glaze=Ape"], "no item has the trait Glaze=Ape; values of Glaze are"),
        (["--min-price", "1"], "which cannot be compared"),
        (["--min-price", "5", "--max-price", "1"], "not above --max-price"),
        (["--max-price", "nan"], "must be a number"),
        (["--space", "taste"], "'taste' is not one of"),
    ],
)
def test_a_filter_that_cannot_be_met_is_wrong_usage(args, part, ask):
    code, out, err = ask("teapots/7", *args)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert part in err


def test_a_space_other_than_the_indexs_own(ask_json, sample_index):
    engine = sample_index.engine
    query = engine.item("teapots/7")
    for space, balance in (("look", 0.0), ("traits", 0.9)):
        expected = [one.key for one in engine.answer(query, balance=balance).neighbors]
        assert keys_of(ask_json("teapots/7", "--space", space)) == expected


def test_the_newest_index_is_asked_when_none_is_given(ask, sample_index, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIMSEARCH_INDEX")
    (tmp_path / "indexes" / "older").mkdir(parents=True)
    (tmp_path / "indexes" / "older" / "manifest.json").write_text("{}")
    shutil.copytree(sample_index.folder, tmp_path / "indexes" / "newer")
    (tmp_path / "indexes" / "newer" / "manifest.json").touch()
    code, out, err = ask("teapots/7", "--json")
    assert (code, err) == (0, f"index: {Path('indexes') / 'newer'}\n")
    assert json.loads(out)["query"] == "teapots/7"


def test_a_table_fits_eighty_columns_and_needs_no_colour(ask, sample_index, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = ask("lighthouses/7", sample_index.picture)
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80
    assert "lighthouses/7 · 10 nearest of 99 items · " in out
    assert "* a trait of lighthouses/7" in out


def test_a_table_has_colours_where_they_are_wanted(ask, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[32m" in ask("teapots/7")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in ask("teapots/7")[1]


def test_a_table_marks_shared_traits_and_shows_last_sales(ask, sample_index, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    engine = sample_index.engine
    query = engine.item("lighthouses/7")
    own = set(engine.catalog.traits(query.row))
    lines = ask("lighthouses/7")[1].splitlines()
    for one in engine.answer(query).neighbors:
        line = next(line for line in lines if f" {one.key} " in line)
        shared = [": ".join(trait) for trait in one.traits if trait in own]
        assert line.count("*") == len(shared)
        assert all(f"*{text}" in line for text in shared)
        assert f"{len(shared)}/{len(own)}" in line
        assert f"{1 - one.distance:.3f}" in line
        if one.last_sale:
            assert f"{one.last_sale.currency} {one.last_sale.date}" in line


def test_nothing_found_is_said(ask, ask_json):
    args = ("teapots/7", "--currency", "ETH", "--min-price", 1e9)
    assert "nothing found: no item meets the conditions" in ask(*args)[1]
    assert ask_json(*args)["neighbors"] == []


def test_a_sheet_shows_the_originals(ask, sample_index, tmp_path):
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    code, out, err = ask(sample_index.picture, "-k", 3, "--sheet", one)
    assert (code, err) == (0, f"wrote {one}\n")
    ask(sample_index.picture, "teapots/3", "-k", 3, "--sheet", two)
    single, double = Image.open(one), Image.open(two)
    assert double.width == single.width
    assert double.height > single.height * 1.5
    upper = np.asarray(double.crop((0, 0, *single.size)))
    np.testing.assert_array_equal(upper, np.asarray(single))
    original = Image.open(sample_index.picture).convert("RGBA")
    original = Image.alpha_composite(Image.new("RGBA", original.size, "white"), original)
    wanted = np.asarray(original.convert("RGB").resize((192, 192), Image.Resampling.LANCZOS))
    shown = np.asarray(single, dtype=int)[32 : 32 + 192, 448 : 448 + 192]
    assert np.abs(shown - wanted).mean() < 2  # a thumbnail enlarged again is 5 apart


def test_a_sheet_replaces_a_picture_and_nothing_else(ask, tmp_path):
    kept, old = tmp_path / "manifest.json", tmp_path / "old.png"
    kept.write_text("{}")
    Image.new("L", (2, 2)).save(old)
    assert ask("teapots/7", "--sheet", kept)[0] == 2
    assert kept.read_text() == "{}"
    assert ask("teapots/7", "--sheet", old)[0] == 0
    assert Image.open(old).width > 2


def test_a_sheet_and_json_can_be_had_at_once(ask, tmp_path):
    code, out, err = ask("teapots/7", "--json", "--sheet", tmp_path / "a.png")
    assert code == 0
    assert json.loads(out)["query"] == "teapots/7"
    assert Image.open(tmp_path / "a.png").format == "PNG"


def test_more_neighbours_than_items_are_all_of_them(ask_json):
    assert len(ask_json("teapots/7", "-k", 10**12)["neighbors"]) == 99
