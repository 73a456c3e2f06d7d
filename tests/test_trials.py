"""Evaluations by name: each gives the page that its command writes, kept for one build alone."""

import json

import pytest

from simsearch.errors import StoreError
from simsearch.evaluation.edits import EDITS
from simsearch.pages import trials
from simsearch.pages.trials import EVALUATIONS, Size, evaluate, keep, kept
from simsearch.report import to_json
from simsearch.store import store


@pytest.fixture(scope="module")
def engine(sample_index, tmp_path_factory):
    import shutil

    from simsearch.engine import SearchEngine

    folder = tmp_path_factory.mktemp("trials") / "index"
    shutil.copytree(sample_index.folder, folder)
    return SearchEngine.open(folder)


def test_numbers_are_those_of_the_command(engine, tmp_path):
    from simsearch.cli import run

    place = tmp_path / "report"
    command = ["evaluate", "collection", "--index", str(engine.folder), "--per-collection", "20"]
    assert run([*command, "--report", str(place)]) == 0
    told = []
    made = evaluate(
        engine, "collection", Size("", "--per-collection 20", 20), lambda *stage: told.append(stage)
    )
    tables = [part for part in made["parts"] if part["kind"] == "table"]
    for table in tables:
        lines = (place / f"{table['slug']}.csv").read_text().splitlines()
        assert len(lines) == len(table["rows"]) + 1
        assert lines[0].split(",") == list(dict.fromkeys(n for row in table["rows"] for n in row))
        first = [str(value) for value in table["rows"][0].values()]
        assert lines[1].split(",") == first
    assert tables
    assert made["command"] == (
        f"simsearch evaluate collection --index {engine.folder.name} --per-collection 20"
    )
    assert any(done for _, done, _ in told)


@pytest.mark.parametrize("name", [*EVALUATIONS])
def test_every_evaluation_runs_is_kept_and_read_back(engine, name, monkeypatch):
    for slow in list(EDITS)[2:]:
        monkeypatch.delitem(EDITS, slow)
    assert kept(engine, name) is None
    made = evaluate(engine, name, Size("", "", {"price": 0, "traits": 1}.get(name, 10)))
    assert {part["kind"] for part in made["parts"]} >= {"table"}
    keep(engine, name, made)
    assert kept(engine, name) == json.loads(to_json(made))


def test_pages_of_another_build_are_removed(engine):
    folder = store.beside(engine.folder, "reports")
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "retrieval.json").write_text("{}")
    keep(engine, "retrieval", {"parts": []})
    assert [path.name for path in folder.iterdir()] == [engine.manifest.build_id]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"title": 1}'])
def test_a_damaged_page_is_none(engine, text):
    keep(engine, "price", {"parts": []})
    trials._place(engine, "price").write_text(text)
    assert kept(engine, "price") is None


def test_where_nothing_can_be_written_it_says_so(engine, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("x")
    monkeypatch.setattr(trials, "_place", lambda *_: blocked / "build" / "x.json")
    with pytest.raises(StoreError, match="cannot be kept there"):
        keep(engine, "retrieval", {"parts": []})
