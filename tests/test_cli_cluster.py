"""``simsearch cluster``: groups are written into the index, shown, and refused where impossible."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from simsearch.cli import run
from simsearch.engine import SearchEngine
from simsearch.errors import StoreError
from simsearch.grouping.groups import NAME, Groups, keep_groups, write_groups
from simsearch.store import store


@pytest.fixture
def place(sample_index, tmp_path):
    """A copy of the index, to be written into."""
    return shutil.copytree(sample_index.folder, tmp_path / "index")


def test_groups_are_written_and_shown_in_answers(place, tmp_path, capsys):
    assert run(["cluster", str(place), "--k", "3", "--json", str(tmp_path / "c.json")]) == 0
    assert "3 groups, as asked" in capsys.readouterr().out
    document = json.loads((tmp_path / "c.json").read_bytes())
    engine = SearchEngine.open(place)
    column = engine.catalog.integers("cluster")
    assert np.bincount(column).tolist() == [group["items"] for group in document["groups"]]
    assert sum(sum(one["collections"].values()) for one in document["groups"]) == len(column)
    groups = Groups.open(place / NAME)
    rows = np.arange(len(column))
    assert np.array_equal(groups.labels(engine.retriever.descriptors.rows(rows)), column)
    for number, group in enumerate(document["groups"]):
        assert column[engine.catalog.row(group["medoid"])] == number
    answer = engine.answer(engine.item("teapots/7"), 5)
    assert [near.cluster for near in answer.neighbors] == [column[n.row] for n in answer.neighbors]


def test_auto_shows_its_curves_and_pictures(place, tmp_path, capsys):
    sheets = tmp_path / "sheets"
    assert run(["cluster", str(place), "--sheet", str(sheets)]) == 0
    text = capsys.readouterr().out
    assert "stability" in text
    assert text.count("chosen") == 1
    assert "come back most alike" in text
    groups = Groups.open(place / NAME)
    drawn = sorted(path.name for path in sheets.glob("group-*.png"))
    assert len(drawn) == groups.choice.k
    assert all(Image.open(sheets / name).width > 400 for name in drawn)
    assert (sheets / "choice.png").exists()


def test_json_alone_is_all_that_is_printed(place, capsys):
    assert run(["cluster", str(place), "--k", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["k"] == 2


@pytest.mark.parametrize(
    ("k", "code", "part"),
    [
        ("0", 2, "neither auto nor a number"),
        ("many", 2, "neither auto nor a number"),
        ("101", 2, "ask for 1 to 100"),
    ],
)
def test_impossible_numbers_are_refused(place, k, code, part, capsys):
    before = (place / store.CATALOG).read_bytes()
    assert run(["cluster", str(place), "--k", k]) == code
    assert part in capsys.readouterr().err
    assert (place / store.CATALOG).read_bytes() == before
    assert not (place / NAME).exists()


def test_pictures_that_would_lie_in_a_file_are_refused_before_the_work(place, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    before = (place / store.CATALOG).read_bytes()
    assert run(["cluster", str(place), "--k", "2", "--sheet", str(tmp_path / "file")]) == 2
    assert "is a file; name a folder" in " ".join(capsys.readouterr().err.split())
    assert (place / store.CATALOG).read_bytes() == before


def test_no_index_is_said(tmp_path, capsys):
    assert run(["cluster", str(tmp_path / "none")]) == 1
    assert "no index here" in capsys.readouterr().err


def test_an_index_built_again_meanwhile_is_left_alone(place):
    engine = SearchEngine.open(place)
    descriptors, spans = engine.retriever.descriptors, engine.retriever.spaces.look.spans
    groups = Groups.fit(descriptors, engine.catalog.collection_codes, spans, 2)
    labels = groups.describe(descriptors, len(engine.catalog)).labels
    with pytest.raises(StoreError, match="built again meanwhile"):
        write_groups(place, "another build", groups, engine.catalog, labels)
    assert not (place / NAME).exists()
    assert (SearchEngine.open(place).catalog.integers("cluster") == -1).all()


def test_groups_are_carried_to_the_next_build(place, tmp_path):
    assert run(["cluster", str(place), "--k", "3"]) == 0
    engine = SearchEngine.open(place)
    before = engine.catalog.integers("cluster")
    rows = np.arange(20, 100)
    part = engine.catalog.take(rows).with_columns(cluster=[None] * len(rows))
    folder = tmp_path / "next"
    folder.mkdir()

    keep_groups(place, folder, part, engine.retriever.descriptors, rows)
    after = type(part).read(folder / store.CATALOG)
    assert np.array_equal(after.integers("cluster"), before[rows])
    assert after.keys() == part.keys()
    assert Groups.open(folder / NAME).choice.k == 3
