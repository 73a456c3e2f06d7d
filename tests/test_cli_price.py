"""``simsearch price``: the contract, the day asked for, strangers, and what people read."""

import datetime as dt
import json
import shutil

import pytest

from simsearch import cli
from simsearch.sample import write_sample


@pytest.fixture
def ask(sample_index, capfdbinary, monkeypatch):
    """Run ``price``; exit code, stdout and stderr."""
    monkeypatch.setenv("SIMSEARCH_INDEX", str(sample_index.folder))

    def asked(*args: object) -> tuple[int, str, str]:
        code = cli.run(["price", *map(str, args)])
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return asked


@pytest.fixture
def ask_json(ask):
    def asked(*args: object):
        code, out, err = ask(*args, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return asked


@pytest.fixture
def strict(sample_index, tmp_path):
    """A copy of the index to which every picture is a stranger."""
    place = tmp_path / "strict"
    shutil.copytree(sample_index.folder, place)
    state = json.loads((place / "collections.json").read_text())
    (place / "collections.json").write_text(json.dumps(state | {"curve": [-5.0, -100.0]}))
    return place


def test_the_document_is_that_of_the_engine(ask_json, sample_index):
    found = ask_json("teapots/7", "--as-of", "2023-06-20")
    assert list(found) == ["query", "collection", "value", "no_value"]
    assert found["collection"] == {"name": "teapots", "probability": 1.0, "known": True}
    engine = sample_index.engine
    query = engine.item("teapots/7")
    told = engine.price(query, engine.identify(query), dt.date(2023, 6, 20)).estimate
    value = found["value"]
    assert (value["low"], value["price"], value["high"]) == (told.low, told.price, told.high)
    assert (value["currency"], value["as_of"]) == ("ETH", "2023-06-20")
    assert value["warnings"] == list(told.warnings)
    assert 0 < value["low"] < value["price"] < value["high"]


def test_query_and_price_say_the_same(ask_json, sample_index, capfdbinary):
    found = ask_json(sample_index.picture)
    assert cli.run(["query", str(sample_index.picture), "--json"]) == 0
    queried = json.loads(capfdbinary.readouterr().out)
    assert {name: queried[name] for name in found} == found


def test_only_sales_of_earlier_days_count(ask_json):
    for day in ("2023-02-01", "2023-05-01"):
        found = ask_json("teapots/7", "--as-of", day)["value"]
        assert all(one["date"] < day for one in found["comparables"] + found["excluded"])


def test_a_picture_of_no_collection_has_no_price_unless_forced(ask_json, tmp_path, strict):
    write_sample(tmp_path / "other", seed=1, size=40, collections=("teapots",))
    stranger = tmp_path / "other" / "teapots" / "images" / "7.png"
    found = ask_json(stranger, "--index", strict)
    assert found["collection"]["name"] == "teapots"
    assert (found["collection"]["known"], found["value"]) == (False, None)
    assert "belongs to no indexed collection" in found["no_value"]
    forced = ask_json(stranger, "--index", strict, "--force")
    assert forced["collection"] == found["collection"]
    assert forced["no_value"] is None
    assert forced["value"] == ask_json(stranger)["value"]


def test_a_day_before_every_sale_has_no_price(ask_json):
    found = ask_json("teapots/7", "--as-of", "1999-12-31")
    assert found["value"] is None
    assert "no usable sale" in found["no_value"]


def test_several_pictures_and_a_bad_one(ask, sample_index):
    code, out, err = ask("teapots/7", "teapots/none", sample_index.picture, "--json")
    found = json.loads(out)
    assert code == 1
    assert [list(one)[:2] for one in found] == [
        ["query", "collection"],
        ["query", "error"],
        ["query", "collection"],
    ]
    assert "no such file, and no item" in err


def test_people_read_price_interval_comparables_and_warnings(ask, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = ask("teapots/7", "--as-of", "2023-12-01")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "teapots/7"
    assert lines[1].split() == ["collection", "teapots", "(100%)"]
    assert "80% interval" in out
    assert "an estimate is no advice" in " ".join(out.split())
    assert "left out" in out
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("day", ["yesterday", "2023-13-01", "20230101"])
def test_a_day_that_is_none_is_wrong_usage(ask, day):
    code, _, err = ask("teapots/7", "--as-of", day)
    assert code == 2
    assert "--as-of" in err
