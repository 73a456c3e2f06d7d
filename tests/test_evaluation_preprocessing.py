"""Evaluating preprocessing: means, errors and differences by hand, a planted case, the command."""

import json

import numpy as np
import pytest
from PIL import Image

from simsearch import cli
from simsearch.catalog import Catalog, Item, Picture
from simsearch.encoders import load_encoder
from simsearch.errors import SourceError
from simsearch.evaluation.described import KINDS, Way, describe
from simsearch.evaluation.preprocessing import (
    METRICS,
    Compared,
    PreprocessingResult,
    PreprocessingSettings,
    evaluate_preprocessing,
)
from simsearch.evaluation.preprocessing_document import preprocessing_document
from simsearch.pages import preprocessing as page
from simsearch.preprocessing import Preprocessing

COUNT = 30


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    """Two collections of blocks that differ a little; each item's traits are two of its colours."""
    rng, found = np.random.default_rng(3), []
    for name in ("left", "right"):
        folder = tmp_path_factory.mktemp("drawn") / name
        folder.mkdir()
        base = rng.integers(50, 206, (6, 6, 3))
        shades = rng.integers(50, 206, (4, 3))
        for number in range(COUNT):
            blocks, chosen = base.copy(), rng.integers(0, 4, 2)
            blocks[:3, :3], blocks[3:, 3:] = shades[chosen[0]], shades[chosen[1]]
            blocks += rng.integers(-2, 3, (6, 6, 1))
            path = folder / f"{number}.png"
            Image.fromarray(blocks.astype(np.uint8).repeat(6, 0).repeat(6, 1)).save(path)
            traits = tuple(zip(("hat", "shoe"), map(str, chosen), strict=True))
            found.append(Item(name, str(number), Picture("file", str(path)), traits))
    return found


@pytest.fixture(scope="module")
def result(items):
    ways = {text: Preprocessing.read(text) for text in ("none", "median:5", "jpeg:30")}
    plan = PreprocessingSettings(seeds=(0, 1, 2), k=3)
    return evaluate_preprocessing(items, load_encoder("pixels"), ways, plan)


def test_means_errors_and_differences_by_hand():
    own, without = np.array([0.9, 0.8, 0.7]), np.array([0.5, 0.5, 0.4])
    found = Compared.of(own, without)
    assert found.mean == pytest.approx(0.8)
    assert found.error == pytest.approx(0.1 / np.sqrt(3))
    gains = np.array([0.4, 0.3, 0.3])
    assert found.gain == pytest.approx(1 / 3)
    assert found.gain_error == pytest.approx(gains.std(ddof=1) / np.sqrt(3))
    assert found.significant  # 1/3 is ten errors; Student's t of two degrees allows 4.30
    assert not Compared.of(np.array([0.5, 0.7]), np.array([0.5, 0.5])).significant
    assert not Compared.of(own, own).significant
    alone = Compared.of(own[:1], without[:1])
    assert np.isnan(alone.error)
    assert not alone.significant


def test_scores_are_means_over_the_collections_that_have_them():
    catalog = Catalog.from_items(
        [Item(name, "1", Picture("file", "x")) for name in ("a", "b", "c")]
    )
    nan = float("nan")
    one = np.array([[0.2, 0.4], [0.6, 0.8], [nan, nan]])
    scores = {"none": {"clean": {"recall": one}}, "x": {"clean": {"recall": one + 0.1}}}
    plan = PreprocessingSettings(seeds=(0, 1))
    made = PreprocessingResult("e", catalog, np.array([8, 9, 10]), plan, {}, scores)
    assert made.compared("none", "clean", "recall").mean == pytest.approx(0.5)
    assert made.compared("x", "clean", "recall").gain == pytest.approx(0.1)
    assert made.compared("x", "clean", "recall", "b").mean == pytest.approx(0.8)
    assert np.isnan(made.compared("none", "clean", "recall", "c").mean)
    assert made.side("b") == 9


def test_a_median_filter_helps_against_pepper_and_is_said_to(result):
    recall = {way: result.compared(way, "salt-and-pepper", "recall") for way in result.ways}
    assert recall["none"].mean < 0.7
    assert recall["median:5"].mean > 0.9
    assert recall["median:5"].significant
    assert recall["median:5"].gain == pytest.approx(
        recall["median:5"].mean - recall["none"].mean, abs=1e-9
    )
    for way in result.ways:
        assert result.compared(way, "clean", "recall").mean == 1
        assert result.compared(way, "clean", "collection").mean == 1
        assert result.compared(way, "clean", "classifier").mean == 1
        assert result.compared(way, "clean", "overlap").mean > 0.8
        for kind in KINDS:
            for metric in METRICS:
                assert result.scores[way][kind][metric].shape == (2, 3)


def test_descriptors_bytes_and_time_are_those_of_each_way(items, result):
    encoder = load_encoder("pixels")
    for way in result.ways.values():
        assert isinstance(way, Way)
        rgb = np.asarray(Image.open(items[7].picture.path))
        wanted = encoder.encode(encoder.prepare(way.preprocessing(rgb))[None])[0]
        np.testing.assert_allclose(way.descriptors["clean"][7], wanted, atol=1e-3)
        files = [
            way.preprocessing.file_bytes(np.asarray(Image.open(i.picture.path))) for i in items
        ]
        assert way.file_bytes == pytest.approx(np.mean([len(one) for one in files]))


def test_pictures_that_cannot_be_read_are_left_out(items, tmp_path):
    (tmp_path / "0.png").write_bytes(b"no picture")
    bad = Item("left", "bad", Picture("file", str(tmp_path / "0.png")))
    seen = describe([bad, *items[:3]], load_encoder("pixels"), {"none": Preprocessing()})
    assert [one.token_id for one in seen.items] == ["0", "1", "2"]
    with pytest.raises(SourceError, match="none of the pictures can be read"):
        describe([bad], load_encoder("pixels"), {"none": Preprocessing()})


def test_document_and_tables_tell_the_same(result):
    document = preprocessing_document(result)
    way = document["ways"]["median:5"]
    assert way["steps"] == ["median:5"]
    found = way["scores"]["salt-and-pepper"]["recall"]
    assert found["gain"] > 0.2
    assert set(found["collections"]) == {"left", "right"}
    rows = page.score_rows(result, "recall")
    assert [row["preprocessing"] for row in rows] == ["none", "median:5", "jpeg:30"]
    assert rows[1]["salt-and-pepper"] == f"{found['mean']:.3f} ± {found['error']:.3f} ▲"
    assert page.gain_rows(result, "recall")[0]["salt-and-pepper"].startswith("+0.")
    costs = page.cost_rows(result)
    assert costs[0]["of none"] == "100%"
    assert costs[2]["bytes a picture"] == round(document["ways"]["jpeg:30"]["bytes_a_picture"])


def test_the_command_prints_writes_and_refuses(items, tmp_path, capsys):
    folder = items[0].picture.path.rpartition("/")[0]
    command = ["evaluate", "preprocessing", folder, "--encoder", "pixels", "--seeds", "2"]
    command += ["--per-collection", "12", "--preprocess", "jpeg:30"]
    report = tmp_path / "page"
    assert cli.run([*command, "--json", str(tmp_path / "r.json"), "--report", str(report)]) == 0
    out = capsys.readouterr().out
    assert "finds its original first" in out
    assert "what it costs and saves" in out
    assert "shares traits" not in out  # a folder of pictures has none
    document = json.loads((tmp_path / "r.json").read_text())
    assert list(document["ways"]) == ["none", "jpeg:30"]
    assert document["seeds"] == [0, 1]
    html = (report / "report.html").read_text()
    assert "Examples" in html
    assert cli.run([*command, "--preprocess", "sharpen:3"]) == 2
    assert "no preprocessing is called 'sharpen'" in capsys.readouterr().err
