"""Traits are measured as by hand, hidden labels apart, and written up."""

import json

import numpy as np
import pytest
from layered import CROWN, GEM, LONG, SCAR, SIDE, VOCABULARY, layered
from PIL import Image

from simsearch.catalog import Catalog, Item, Picture
from simsearch.cli import run
from simsearch.errors import PictureError, SourceError, UsageError
from simsearch.evaluation import traits as evaluation
from simsearch.evaluation.trait_metrics import micro_f1, trait_scores, visible_micro_f1
from simsearch.evaluation.traits import TraitSettings, evaluate_traits
from simsearch.evaluation.traits_document import traits_document
from simsearch.pages.traits import collection_rows, traits_page
from simsearch.report import plain
from simsearch.traits.recognisers import TraitRecognisers

TRUTH = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=bool)
SAID = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], dtype=bool)


def test_scores_are_those_counted_by_hand():
    scores = trait_scores(TRUTH, SAID)
    assert scores.support.tolist() == [2, 2, 0, 1]
    np.testing.assert_allclose(scores.accuracy, [1, 0.5, 0.75, 1])
    np.testing.assert_allclose(scores.precision, [1, 0.5, np.nan, 1])
    np.testing.assert_allclose(scores.recall, [1, 0.5, np.nan, 1])
    np.testing.assert_allclose(scores.f1, [1, 0.5, np.nan, 1])
    assert scores.micro_f1 == pytest.approx(2 * 4 / (5 + 6))
    assert scores.macro_f1 == pytest.approx(2.5 / 3)
    assert scores.perfect == 2
    assert scores.all_right == 0.25


def test_a_trait_that_is_never_said_has_precision_0_and_nothing_to_ask_is_nan():
    scores = trait_scores(TRUTH[:, :1], np.zeros((4, 1), dtype=bool))
    assert scores.precision[0] == scores.recall[0] == scores.f1[0] == 0
    nothing = np.zeros((3, 2), dtype=bool)
    assert np.isnan(micro_f1(nothing, nothing))
    assert np.isnan(trait_scores(nothing, nothing).macro_f1)


def test_hidden_labels_are_neither_asked_for_nor_wrong():
    hidden = np.zeros_like(TRUTH)
    hidden[0, 1] = hidden[2, 1] = True  # one missed, one said
    assert visible_micro_f1(TRUTH, SAID, hidden) == pytest.approx(2 * 3 / (3 + 5))


@pytest.fixture(scope="module")
def art():
    return layered(400, seed=5)


@pytest.fixture(scope="module")
def catalog(art, tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    items = []
    for number, (picture, labels) in enumerate(zip(art.pictures, art.labels, strict=True)):
        path = folder / f"{number}.png"
        Image.fromarray(picture.reshape(SIDE, SIDE, 3)).save(path)
        traits = tuple(trait for trait, has in zip(VOCABULARY, labels, strict=True) if has)
        items.append(Item("faces", str(number), Picture("file", str(path)), traits))
    unlabelled = [Item("bare", str(n), items[n].picture) for n in range(3)]
    return Catalog.from_items([*items, *unlabelled])


@pytest.fixture(scope="module")
def result(catalog):
    told = []
    plan = TraitSettings(seeds=(0, 1), curve=True, progress=lambda *stage: told.append(stage))
    made = evaluate_traits(catalog, plan)
    assert ("reading faces", 400, 400) in told
    return made


def test_all_that_can_be_seen_is_read_and_the_rest_is_the_ceiling(result, art):
    ((name, found),) = result.collections.items()
    assert name == "faces"
    np.testing.assert_array_equal(found.hidden, art.hidden)
    assert found.known.vocabulary == VOCABULARY
    for trial in found.trials:
        truth, hidden = art.labels[trial.asked], art.hidden[trial.asked]
        assert len(trial.asked) == 80
        assert trial.visible > 0.99
        assert trial.ceiling == pytest.approx(
            2 * (truth & ~hidden).sum() / (truth.sum() + (truth & ~hidden).sum())
        )
        assert trial.scores.micro_f1 == micro_f1(truth, trial.said)
    assert not np.array_equal(found.trials[0].asked, found.trials[1].asked)
    assert list(found.curve) == [20, 40, 80, 160, 320]
    assert found.curve[320][0] == found.main.scores.micro_f1 >= found.curve[20][0]


def test_the_document_has_the_keys_of_the_contract(result, catalog, art):
    made = plain(traits_document(result, catalog))
    faces = made["collections"]["faces"]
    assert made["seeds"] == [0, 1]
    scores = [trial.scores for trial in result.collections["faces"].trials]
    assert faces["micro_f1"] == pytest.approx(np.mean([one.micro_f1 for one in scores]))
    assert faces["perfect"] == np.mean([one.perfect for one in scores])
    assert {"macro_f1", "all_right"} <= set(faces)
    assert set(faces["visible"]) >= {"micro_f1", "ceiling"}
    crown = faces["traits"]["hat=crown"]
    assert set(crown) >= {"support", "accuracy", "precision", "recall", "f1"}
    assert crown["f1"] == 1
    assert crown["labels"] == art.labels[:, CROWN].sum()
    assert faces["traits"]["hair=long"]["hidden"] == art.hidden[:, LONG].sum()
    row = int(np.flatnonzero(art.hidden[:, SCAR])[0])
    assert "extra=scar" in faces["hidden"][f"faces/{row}"]
    json.dumps(made, allow_nan=False)


def test_the_page_shows_mistakes_and_lists_what_is_hidden(result, catalog):
    report = traits_page(result, catalog, "mine", "simsearch evaluate traits")
    page = report.html()
    for text in ("worst traits", "best traits", "labels that cannot be seen", "training pictures"):
        assert text in page
    assert "missed, but hidden" in page
    (row,) = collection_rows(result)
    assert row["collection"] == "faces"
    assert row["grid"] == SIDE


def test_a_trait_missing_in_training_is_missed(catalog, art, monkeypatch):
    has = np.flatnonzero(art.labels[:, GEM])
    others = np.setdiff1d(np.arange(400), has)
    monkeypatch.setattr(evaluation, "_split", lambda *_: (others, has))
    found = evaluate_traits(catalog, TraitSettings()).collections["faces"]
    gem = found.known.vocabulary.index(("extra", "gem"))
    assert found.main.scores.support[gem] == len(has)
    assert found.main.scores.recall[gem] == found.main.scores.f1[gem] == 0
    assert found.main.scores.perfect >= 4


def test_what_cannot_be_measured_is_said(catalog, tmp_path):
    with pytest.raises(UsageError, match="not indexed; indexed are faces, bare"):
        evaluate_traits(catalog, TraitSettings(("nobody",)))
    with pytest.raises(SourceError, match="bare: too few items"):
        evaluate_traits(catalog, TraitSettings(("bare",)))
    with pytest.raises(SourceError, match="no collection"):
        evaluate_traits(catalog.take(np.arange(400, 403)), TraitSettings())
    gone = [
        Item("gone", str(n), Picture("file", str(tmp_path / "no.png")), (("a", str(n % 2)),))
        for n in range(30)
    ]
    with pytest.raises(PictureError, match="not one picture can be read"):
        evaluate_traits(Catalog.from_items(gone), TraitSettings())


# -- the commands -----------------------------------------------------------------------------


def test_traits_are_evaluated_from_the_command_line(sample_index, tmp_path, capsys):
    command = ["evaluate", "traits", "--index", str(sample_index.folder)]
    command += ["--collection", "teapots", "--report", str(tmp_path / "page"), "--json"]
    assert run(command) == 0
    made = json.loads(capsys.readouterr().out)
    assert list(made["collections"]) == ["teapots"]
    assert 0 < made["collections"]["teapots"]["micro_f1"] <= 1
    assert (tmp_path / "page" / "report.html").is_file()


def test_recognisers_are_trained_from_sources_and_from_an_index(sample_index, tmp_path, capsys):
    one, two = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    assert run(["train", "traits", str(sample_index.sources / "teapots"), "--out", str(one)]) == 0
    assert run(["train", "traits", str(sample_index.folder), "--out", str(two)]) == 0
    assert "teapots" in capsys.readouterr().out
    alone, among = (TraitRecognisers.open(path).by_collection for path in (one, two))
    assert set(alone) == {"teapots"} < set(among)
    np.testing.assert_array_equal(
        alone["teapots"].grove.tensors()["cell"], among["teapots"].grove.tensors()["cell"]
    )


def test_training_that_cannot_be_done_is_one_line(tmp_path, capsys, sample_index):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.new("RGB", (8, 8)).save(pictures / "1.png")
    out = tmp_path / "a.safetensors"
    assert run(["train", "traits", str(pictures), "--out", str(out)]) == 1
    assert "give some with traits" in capsys.readouterr().err
    nowhere = tmp_path / "no" / "a.safetensors"
    assert run(["train", "traits", str(sample_index.sources), "--out", str(nowhere)]) == 2
    theirs = tmp_path / "collection.toml"
    theirs.write_text("name = 'mine'")
    assert run(["train", "traits", str(sample_index.sources), "--out", str(theirs)]) == 2
    assert theirs.read_text() == "name = 'mine'"
    assert "make it first" in capsys.readouterr().err
    assert not out.exists()
