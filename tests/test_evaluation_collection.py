"""Evaluation of collections: nothing is fitted on who asks, folders are honoured, numbers hold."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from planted import SPANS, Table, collection, joined, noisy

from simsearch.cli import run
from simsearch.errors import SourceError
from simsearch.evaluation.class_metrics import auroc
from simsearch.evaluation.collection import MODELS, CollectionSettings, evaluate_collection
from simsearch.evaluation.collection_document import collection_document
from simsearch.evaluation.material import Material
from simsearch.evaluation.strangers import look_vectors
from simsearch.pages.collection import collection_page, collection_rows, unknown_rows
from simsearch.report import to_json

SHARED = Path(__file__).parents[2] / "shared" / "data"
NAMES = ("reds", "blues", "greens")
SETTINGS = CollectionSettings(strangers=False)


def planted(count=50, names=NAMES, splits=None):
    parts = [noisy(collection(name, count, seed), seed) for seed, name in enumerate(names)]
    catalog, table = joined(*parts)
    if splits is not None:
        catalog = catalog.with_columns(split=splits)
    return Material("planted", catalog, table, SPANS)


def test_planted_collections_are_named():
    result = evaluate_collection(planted(), SETTINGS)
    assert (len(result.split.asked), len(result.split.indexed)) == (30, 120)
    assert list(result.models) == list(MODELS)
    assert result.main.counts.tolist() == np.diag([10, 10, 10]).tolist()
    assert all(judged.scores.accuracy >= 0.9 for judged in result.models.values())
    assert set(result.near.ids.ravel()) <= set(result.split.indexed)


def with_other_askers(material, asked):
    descriptors = material.descriptors.descriptors.copy()
    descriptors[asked] = np.random.default_rng(9).random(descriptors[asked].shape)
    return Material("planted", material.catalog, Table(descriptors), SPANS)


def test_nothing_is_fitted_on_items_that_ask():
    material = planted()
    result = evaluate_collection(material, SETTINGS)
    other = with_other_askers(material, result.split.asked)
    one, two = (look_vectors(part, result.split.indexed, 0) for part in (material, other))
    assert np.array_equal(one[result.split.indexed], two[result.split.indexed])
    assert not np.array_equal(one[result.split.asked], two[result.split.asked])
    leaked = look_vectors(other, np.arange(150), 0)
    assert not np.array_equal(one[result.split.indexed], leaked[result.split.indexed])


def test_left_out_collections_are_seen():
    result = evaluate_collection(planted(), CollectionSettings())
    found = result.strangers
    codes = result.material.catalog.collection_codes[found.rows]
    assert np.bincount(codes[found.foreign]).tolist() == [10, 10, 10]
    assert set(found.rows) <= set(result.split.asked)
    assert found.auroc(found.main) > 0.95
    values = found.scores[found.main]
    chosen = found.foreign & (codes == 1)
    assert found.auroc(found.main, codes == 1) == auroc(values[~found.foreign], values[chosen])
    assert found.caught == (found.known[found.foreign] < 0.5).mean()
    assert found.alarms == (found.known[~found.foreign] < 0.5).mean()


def test_a_left_out_collection_is_in_nothing_that_is_fitted():
    material = planted()
    one = evaluate_collection(material, CollectionSettings()).strangers
    changed = material.descriptors.descriptors.copy()
    greens = np.flatnonzero(material.catalog.collection_codes == 2)
    asked = set(one.rows.tolist())
    indexed = [row for row in greens.tolist() if row not in asked]
    changed[indexed] = np.random.default_rng(3).random(changed[indexed].shape)
    other = Material("planted", material.catalog, Table(changed), SPANS)
    two = evaluate_collection(other, CollectionSettings()).strangers
    last = slice(len(one.rows) - np.flatnonzero(np.diff(one.foreign.astype(int)) == 1)[-1], None)
    fold = np.arange(len(one.rows))[last]
    assert np.array_equal(one.known[fold[-10:]], two.known[fold[-10:]])
    assert not np.array_equal(one.known[:20], two.known[:20])


def test_train_and_test_folders_are_honoured():
    splits = (["train"] * 30 + ["valid"] * 10 + ["test"] * 10) * 2 + [""] * 50
    result = evaluate_collection(planted(splits=splits), SETTINGS)
    assert result.by == "both"
    assert result.split.asked[:20].tolist() == [*range(40, 50), *range(90, 100)]
    assert set(range(30, 40)).isdisjoint(result.split.indexed)
    assert np.bincount(result.truth).tolist() == [10, 10, 10]


def test_valid_stands_in_where_there_is_no_test():
    result = evaluate_collection(planted(splits=(["train"] * 40 + ["valid"] * 10) * 3), SETTINGS)
    assert result.by == "folders"
    assert result.split.asked.tolist() == [*range(40, 50), *range(90, 100), *range(140, 150)]


def test_one_collection_has_no_unknown_but_all_keys():
    result = evaluate_collection(planted(names=("reds",)), CollectionSettings())
    document = collection_document(result)
    assert result.strangers is None
    assert np.isnan(document["unknown"]["auroc"])
    assert unknown_rows(result) == []
    assert json.loads(to_json(document))["unknown"] == {"auroc": None, "false_alarm_at_95": None}


def test_single_items_cannot_ask():
    with pytest.raises(SourceError, match="no collection has two items"):
        evaluate_collection(planted(count=1), SETTINGS)


def test_a_single_item_beside_others_is_indexed_and_no_more():
    parts = (noisy(collection("a", 30, 0), 0), noisy(collection("b", 1, 1), 1))
    catalog, table = joined(*parts)
    result = evaluate_collection(Material("x", catalog, table, SPANS), CollectionSettings())
    assert result.main.scores.accuracy == 1
    assert np.isnan(result.main.scores.recall[1])
    assert all(np.isfinite(result.strangers.known))


def test_the_document_holds_the_keys_of_the_contract():
    result = evaluate_collection(planted(), CollectionSettings(per_collection=20))
    document = json.loads(to_json(collection_document(result)))
    scores = {"accuracy", "macro_precision", "macro_recall", "macro_f1", "ece"}
    assert set(document["models"]) == set(MODELS)
    assert all(scores <= set(one) for one in document["models"].values())
    assert {"auroc", "false_alarm_at_95"} <= set(document["unknown"])
    assert document["items"] == 60
    assert np.array(document["confusion"]["counts"]).sum() == document["asked"] == 12
    assert sum(document["models"]["neighbor_vote"]["reliability"]["count"]) == 12


def test_a_tree_with_test_folders_from_end_to_end(tmp_path, capsys):
    draw = np.random.default_rng(0)
    for name, colour in (("reds", 200), ("blues", 20)):
        for split, count in (("train", 8), ("test", 3)):
            folder = tmp_path / "tree" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                picture = draw.integers(0, 40, (16, 16, 3)) + [colour, 10, 210 - colour]
                Image.fromarray(picture.astype(np.uint8)).save(folder / f"{split}{number}.png")
    place = str(tmp_path / "index")
    assert run(["index", "build", str(tmp_path / "tree"), "--out", place]) == 0
    capsys.readouterr()
    assert run(["evaluate", "collection", "--index", place, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["split"] == "folders"
    assert (document["asked"], document["indexed"]) == (6, 16)
    assert document["models"]["neighbor_vote"]["accuracy"] == 1


def test_a_page_of_an_index(sample_index, tmp_path, capsys):
    page = tmp_path / "page"
    place = str(sample_index.folder)
    assert run(["evaluate", "collection", "--index", place, "--report", str(page)]) == 0
    text = capsys.readouterr().out
    assert "neighbor vote" in text
    assert "strangeness" in text
    assert "teapots" in text
    html = (page / "report.html").read_text(encoding="utf-8")
    assert f"simsearch evaluate collection --index {place}" in html
    assert all(title in html for title in ("Confusion", "Reliability", "Known and unknown"))
    assert json.loads((page / "report.json").read_bytes())["unknown"]["auroc"] > 0.8
    assert (page / "confusion.png").exists()


def test_wrong_names_are_shown_with_what_they_found(sample_index):
    engine = sample_index.engine
    result = evaluate_collection(Material.of_index(engine), SETTINGS)
    said = result.main.said
    said[0] = (said[0] + 1) % 3
    html = collection_page(result, engine, "sample", "typed").html()
    assert "Wrong names" in html
    assert result.material.catalog.key(int(result.split.asked[0])) in html
    assert [row["collection"] for row in collection_rows(result)] == result.names


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real collections are not beside the checkout")
def test_real_collections_are_told_apart(tmp_path):
    names = ("citizens-london", "mfers", "nouns", "kawaii-kittens")
    sources = [str(SHARED / name) for name in names]
    place = str(tmp_path / "index")
    assert run(["index", "build", *sources, "--out", place, "--per-collection", "100"]) == 0
    found = str(tmp_path / "found.json")
    assert run(["evaluate", "collection", "--index", place, "--json", found]) == 0
    document = json.loads(Path(found).read_bytes())
    assert document["models"]["neighbor_vote"]["accuracy"] >= 0.99
    assert document["unknown"]["auroc"] >= 0.97
