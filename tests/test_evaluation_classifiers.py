"""Classifiers side by side: planted mistakes are counted, the page shows them, commands run."""

import json

import numpy as np
import pytest
from coloured import COLOURS, coloured, paint
from PIL import Image

from simsearch.classifiers.classifier import TrainedClassifier
from simsearch.classifiers.comparison import ComparisonSettings, compare
from simsearch.classifiers.comparison_document import comparison_document
from simsearch.classifiers.presets import PRESETS, ClassifierSettings, Preset
from simsearch.cli import FAILED, USAGE, run
from simsearch.errors import SourceError
from simsearch.pages.classifiers import class_rows, classifiers_page, measured, model_rows
from simsearch.report import to_json
from simsearch.sources import read_sources

torch = pytest.importorskip("torch")

TINY = ClassifierSettings("tiny", epochs=12, patience=0, batch=8, device="cpu")
VOTE = ClassifierSettings("neighbours", device="cpu")


@pytest.fixture(scope="module", autouse=True)
def _tiny():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", Preset("for tests", side=16, channels=(4,), rate=3e-3))
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Colours under train/ and test/; one test picture of red is blue, another is damaged."""
    root = tmp_path_factory.mktemp("colours") / "colours"
    for name in COLOURS:
        paint(root / "train", name, 16)
        paint(root / "test", name, 4)
    Image.fromarray(coloured(7, COLOURS["blue"])).save(root / "test" / "red" / "1.png")
    (root / "test" / "red" / "2.png").write_bytes(b"\x89PNG broken")
    (root / "train" / "yellow").mkdir()
    return root


@pytest.fixture(scope="module")
def result(folders, tmp_path_factory):
    plan = ComparisonSettings([TINY, VOTE])
    return compare(read_sources([folders]).items, plan, tmp_path_factory.mktemp("kept"))


def test_planted_mistakes_are_counted(result):
    for tried in result.tried.values():
        assert tried.judged.counts.tolist() == [[4, 0, 0], [0, 4, 0], [1, 0, 2]]
        assert tried.judged.scores.accuracy == pytest.approx(10 / 11)
        assert tried.classifier.scores["macro_recall"] == pytest.approx((1 + 1 + 2 / 3) / 3)
        assert tried.classifier.scores["macro_precision"] == pytest.approx((4 / 5 + 1 + 1) / 3)
    assert sum(result.pictures.left_out.values()) == 1
    assert result.best == "tiny"
    assert list(result.tried["neighbours"].classifier.run.history) == []


def test_rows_and_document_hold_the_same_numbers(result):
    document = json.loads(to_json(comparison_document(result)))
    assert document["classes"]["red"] == {"train": 14, "valid": 2, "test": 3}
    assert document["models"]["tiny"]["accuracy"] == pytest.approx(10 / 11)
    assert document["models"]["tiny"]["confusion"][2] == [1, 0, 2]
    assert document["models"]["tiny"]["by_class"]["blue"]["precision"] == pytest.approx(4 / 5)
    assert len(document["models"]["tiny"]["curves"]) == document["models"]["tiny"]["epochs"] == 12
    rows = {row["classifier"]: row for row in model_rows(result)}
    assert rows["tiny"]["parameters"] == 3 * 4 * 9 + 4 + 7 * 7 * 4 * 3 + 3
    assert rows["tiny"]["accuracy"] == pytest.approx(10 / 11)
    assert class_rows(result)[2]["recall"] == pytest.approx(2 / 3)
    assert measured(result).startswith("48 pictures of 3 classes trained, 6 of them")


def test_the_page_shows_curves_confusions_classes_and_mistakes(result):
    page = classifiers_page(result, "colours", "simsearch evaluate classifiers colours")
    titles = [part["title"] for part in page.document()["parts"]]
    assert titles == [
        "Classifiers",
        "Loss of tiny",
        "Accuracy of tiny",
        "Confusion of tiny",
        "Confusion of neighbours",
        "By class",
        "Classes",
        "Examples",
        "Wrong names by tiny",
    ]
    (wrong,) = [part for part in page.document()["parts"] if part["slug"].startswith("wrong")]
    assert wrong["cases"][0]["query"]["lines"][0] == "red"
    assert wrong["cases"][0]["query"]["lines"][1].startswith("said blue")
    (examples,) = [part for part in page.document()["parts"] if part["title"] == "Examples"]
    assert [case["query"]["lines"] for case in examples["cases"]] == [["blue"], ["green"], ["red"]]
    assert "<script" not in page.html()


def test_a_comparison_goes_on_where_it_was(folders, tmp_path):
    items = read_sources([folders]).items
    plan = ComparisonSettings([TINY])
    first = compare(items, plan, tmp_path)
    stamp = (tmp_path / "tiny" / "checkpoint.safetensors").stat().st_mtime_ns
    again = compare(items, plan, tmp_path, resume=True)
    assert (tmp_path / "tiny" / "checkpoint.safetensors").stat().st_mtime_ns == stamp
    assert again.tried["tiny"].classifier.run == first.tried["tiny"].classifier.run
    np.testing.assert_array_equal(again.tried["tiny"].judged.said, first.tried["tiny"].judged.said)


def test_pictures_that_cannot_test_are_an_error(tmp_path):
    for name in COLOURS:
        paint(tmp_path / "a", name, 1)
    items = read_sources([tmp_path / "a"]).items
    with pytest.raises(SourceError, match="no class has two pictures"):
        compare(items, ComparisonSettings([TINY]), tmp_path / "b")


def test_the_commands_train_compare_and_classify(folders, tmp_path, capfd):
    out = tmp_path / "mine.safetensors"
    more = ["--epochs", "3", "--threads", "1", "--device", "cpu"]
    assert run(["train", "classifier", str(folders), "--out", str(out), *more]) == 0
    told = capfd.readouterr()
    assert "left out: 1" in told.err
    assert f"no pictures in {folders / 'train' / 'yellow'}" in told.err
    assert "3: blue, green, red" in told.out
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["scores"]["accuracy"] == pytest.approx(10 / 11)
    words = " ".join(told.out.split())
    assert "test pictures 11 accuracy 0.909 macro precision 0.933 macro recall 0.889" in words
    assert "no better" not in told.err
    assert (card["preset"], card["classes"]) == ("linear", ["blue", "green", "red"])
    assert len(card["curves"]) == 3
    assert TrainedClassifier.load(out).scores == card["scores"]

    good, bad = folders / "test" / "green" / "0.png", folders / "test" / "red" / "2.png"
    asked = ["classify", str(good), str(bad), "--model", str(out), "--device", "cpu"]
    assert run([*asked, "--json"]) == FAILED
    named, broken = json.loads(capfd.readouterr().out)
    assert named["class"] == named["classes"][0]["name"] == "green"
    assert sum(one["probability"] for one in named["classes"]) == pytest.approx(1, abs=1e-5)
    assert broken["query"] == str(bad)
    assert set(broken) == {"query", "error"}
    assert run(["classify", str(good), "--model", str(out)]) == 0
    told = capfd.readouterr().out
    assert told.split()[:4] == ["picture", "class", "2nd", "3rd"]
    assert "green" in told
    assert run(["classify", "colours/7", "--model", str(out)]) == FAILED
    said = capfd.readouterr().err
    assert said == "error: colours/7: no such file; give a picture's file, or '-'\n"
    assert run(["classify", str(good), "--model", str(good)]) == FAILED
    assert "is no classifier" in capfd.readouterr().err

    report = tmp_path / "report"
    command = ["evaluate", "classifiers", str(folders), "--presets", "linear, tiny", *more]
    command += ["--side", "32", "--augment", "flip"]  # for the network alone
    assert run([*command, "--report", str(report), "--keep", str(tmp_path / "kept")]) == 0
    assert "tiny" in capfd.readouterr().out
    kept = json.loads((tmp_path / "kept" / "tiny.json").read_text())["settings"]
    assert (kept["side"], kept["augment"]) == (32, "flip")
    assert str(folders) in (report / "report.html").read_text()
    assert (tmp_path / "kept" / "linear.safetensors").is_file()
    assert run([*command, "--presets", "study-9"]) == USAGE
    assert "study-9" in capfd.readouterr().err


def test_a_classifier_that_learned_nothing_says_so(tmp_path, capfd):
    source, out = tmp_path / "swapped", tmp_path / "mine.safetensors"
    for name in ("blue", "red"):
        paint(source / "train", name, 8)
    for name, other in (("blue", "red"), ("red", "blue")):
        paint(tmp_path / "test", other, 4)
        (source / "test").mkdir(exist_ok=True)
        (tmp_path / "test" / other).rename(source / "test" / name)
    (source / "test" / "blue" / "0.png").unlink()
    command = ["train", "classifier", str(source), "--out", str(out), "--epochs", "3"]
    assert run([*command, "--preset", "neighbours", "--threads", "1", "--device", "cpu"]) == 0
    assert json.loads(out.with_suffix(".json").read_text())["scores"]["accuracy"] == 0
    (line,) = [one for one in capfd.readouterr().err.splitlines() if "no better" in one]
    assert line.startswith("no better than always saying 'red' (0.571): give more pictures")
