"""Descriptors side by side: each number is that of the evaluation which measures it alone."""

import json
from dataclasses import replace

import numpy as np
import pytest

from simsearch.cli import run
from simsearch.encoders import load_encoder, vgg16_nft
from simsearch.engine import SearchEngine
from simsearch.errors import SourceError, UsageError
from simsearch.evaluation import album as albums
from simsearch.evaluation import baselines, quality
from simsearch.evaluation.album import Album
from simsearch.evaluation.blocks import blocks_of_index
from simsearch.evaluation.contenders import PLAIN, choose
from simsearch.evaluation.material import Material
from simsearch.evaluation.price_markets import PricePlan, ledgers_of
from simsearch.evaluation.price_result import evaluate_price, price_document
from simsearch.evaluation.quality import QualitySettings, compare
from simsearch.evaluation.quality_document import quality_document
from simsearch.evaluation.quality_price import Sold, price_skill
from simsearch.evaluation.retrieval import RetrievalSettings, evaluate_retrieval
from simsearch.evaluation.sample import Sample
from simsearch.pages.quality import collection_rows, quality_page, quality_rows

SETTINGS = QualitySettings(k=5, per_collection=0, queries=6, copies=3, prices=False)


@pytest.fixture(scope="module", autouse=True)
def _quick():
    """Speeds are not looked at here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality, "_RATE_SECONDS", 0.01)
        patch.setattr(quality, "_SEEDS", 1)
        yield


@pytest.fixture(scope="module")
def engine(sample_index):
    return sample_index.engine


@pytest.fixture(scope="module")
def result(engine):
    return compare(engine, choose([*PLAIN, "vgg16-nft"])[0], SETTINGS)


def row(result, name):
    return next(one for one in result.rows if one.name == name)


def drawn(engine, **changes):
    usual = {"per_collection": 0, "share": 0.3, "queries": 6, "k": 5, "seed": 0}
    return Sample.draw(engine, **(usual | changes))


def test_an_encoder_scores_as_in_its_own_evaluation(result, engine):
    settings = RetrievalSettings(k=5, queries=6, baselines=())
    alone = evaluate_retrieval(Material.of_index(engine), settings)
    mine = row(result, "vgg16-nft")
    for name, scores in mine.scores.items():
        assert scores["look"] == pytest.approx(alone.spaces["look"].scores[name].trait_overlap)
        assert scores["traits"] == pytest.approx(alone.spaces["traits"].scores[name].trait_overlap)
        assert scores["precision"] == alone.spaces["look"].scores[name].precision
    assert set(mine.scores) == {"lighthouses", "teapots", "masks"}


@pytest.mark.parametrize(
    ("name", "baseline"),
    [
        ("raw_pixels", baselines.pixels),
        ("whitened_pixels", baselines.whitened_pixels),
        ("equal_pixels", baselines.equal_pixels),
    ],
)
def test_a_plain_descriptor_answers_as_the_baseline_does(result, engine, name, baseline):
    sample = drawn(engine)
    pictures = Album(engine, sample.rows).pictures(load_encoder("pixels"), sample.rows)
    near = baseline(pictures[sample.split.indexed], pictures[sample.split.asked], 5)
    overlaps = sample.overlaps(near.renumbered(sample.split.indexed), sample.split.asked)
    for collection, overlap in overlaps.items():
        assert row(result, name).scores[collection]["look"] == pytest.approx(overlap, abs=1e-6)


def test_signs_of_a_hash_are_as_far_apart_as_its_bits():
    pictures = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    bits = np.unpackbits(baselines.dct_hash(pictures), axis=1)
    signs = baselines.hash_signs(pictures)
    differing = (bits[:, None] != bits[None]).mean(axis=2)
    assert 1 - signs @ signs.T == pytest.approx(2 * differing, abs=1e-6)


@pytest.mark.parametrize("name", PLAIN)
def test_vectors_of_a_plain_descriptor_have_length_one(name):
    pictures = np.random.default_rng(0).integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    vectors = PLAIN[name].fit(pictures[:20])(pictures)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_collections_that_judge_are_the_only_ones_that_ask(result, engine):
    (one,), _ = choose(["vgg16-nft"])
    judged = compare(engine, [replace(one, judged_by=("teapots",))], SETTINGS).rows[0]
    whole = row(result, "vgg16-nft")
    assert judged.scores == {"teapots": whole.scores["teapots"]}
    assert len(judged.copies["alone"]["flip"]) == 1
    assert judged.ami["groups"] == whole.ami["groups"]
    assert "groups_judged" in judged.ami


def test_skill_is_that_of_the_evaluation_of_prices(engine):
    plan = PricePlan()
    ledgers = ledgers_of(engine, plan)
    found = evaluate_price(engine, ledgers, plan, {"vgg16-nft": blocks_of_index(engine)})
    parts = price_document(found)["parts"]
    (expected,) = (
        part["skill"]
        for part in parts
        if part["pictures"] == ["grid", "vgg16-nft"] and not part["traits"]
    )
    sold = Sold.of(engine)
    (contender,), _ = choose(["vgg16-nft"])
    assert price_skill(contender, Album(engine, sold.rows), sold) == pytest.approx(expected)
    assert price_skill(contender, Album(engine, sold.rows), sold, collections=["none"]) is None


def test_copies_that_keep_the_picture_find_it(result):
    for name in ("vgg16-nft", "whitened_pixels"):
        recall = row(result, name).recall("alone")
        assert recall["resize"] == 1
        assert len(row(result, name).copies["alone"]["resize"]) == 3
    assert row(result, "raw_pixels").recall("query") == {}
    undone = row(result, "vgg16-nft").recall("query")
    assert undone["flip"] == undone["screenshot"] == 1


def test_what_was_kept_is_not_read_again(engine, tmp_path, monkeypatch):
    contenders, _ = choose(["equal_pixels", "untrained"])
    settings = replace(SETTINGS, copies=0)
    first = compare(engine, contenders, settings, tmp_path)
    monkeypatch.setattr(albums, "prepared", None)
    again = compare(engine, contenders, settings, tmp_path)
    for one, other in zip(first.rows, again.rows, strict=True):
        assert one.scores == other.scores
        assert one.ami == other.ami


def test_pictures_that_have_gone_are_named(own_index, tmp_path):
    engine = SearchEngine.open(own_index)
    gone = engine.catalog.with_columns(path=["/gone.png"] * len(engine.catalog))
    engine.catalog = gone
    with pytest.raises(SourceError, match="must lie where they were indexed"):
        compare(engine, choose(["raw_pixels"])[0], SETTINGS)


def test_without_sales_skill_is_left_out_with_a_reason(result, engine, monkeypatch):
    monkeypatch.setattr(quality.Sold, "of", Sold.of)
    nothing = replace(SETTINGS, prices=True, copies=0, queries=1)
    monkeypatch.setattr("simsearch.evaluation.quality_price.ledgers_of", _no_sales)
    found = compare(engine, choose(["perceptual_hash"])[0], nothing)
    assert found.rows[0].skill is None
    assert found.notes == ["No price skill: no sale in this index."]
    assert "skill" not in quality_rows(found.rows)[0]


def _no_sales(engine, plan):
    from simsearch.errors import SalesError

    raise SalesError("no sale in this index")


def test_names_are_checked_and_weights_named(tmp_path):
    with pytest.raises(UsageError, match="colour_grid"):
        choose(["colors"])
    own = tmp_path / "own.safetensors"
    vgg16_nft.save_untrained(own, width=4)
    (one, other), notes = choose([f"vgg16-nft={own}", "raw_pixels"])
    assert one.name == f"vgg16-nft={own}"
    assert one.encoder.blocks[-1].stop == 3072 + 32 * 4
    assert other.plain is PLAIN["raw_pixels"]
    assert notes == []


def test_all_is_all_that_is_on_this_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("SIMSEARCH_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    found, notes = choose(["all"])
    assert [one.name for one in found] == [*PLAIN, "untrained", "vgg16-nft", "pixels"]
    assert len(notes) == 1
    assert notes[0].startswith("vgg16 is left out: ")


def test_tables_show_what_was_measured(result, tmp_path):
    rows = {one["descriptor"]: one for one in quality_rows(result.rows)}
    assert list(rows)[0] == "raw pixels"
    assert rows["perceptual hash"]["bytes"] == "8"
    assert rows["vgg16-nft"]["look"] == row(result, "vgg16-nft").mean("look")
    assert rows["raw pixels"]["AMI deep"] is None
    by_name = {one["collection"]: one for one in collection_rows(result, "look")}
    assert set(by_name) == {"lighthouses", "teapots", "masks", "mean"}
    page = quality_page(result, "mine", "simsearch evaluate retrieval --encoders all")
    html = page.write(tmp_path, quality_document(result)).read_text()
    assert "Trait overlap@5 by look, by collection</h2>" in html
    assert (tmp_path / "descriptors.csv").read_text().startswith("descriptor,look,vectors,traits")


def test_the_command_prints_the_contract(sample_index, tmp_path, capfd):
    args = ["evaluate", "retrieval", "--index", str(sample_index.folder), "--encoders"]
    few = ["--queries", "3", "--edited", "1", "--per-collection", "20", "--no-price"]
    assert run([*args, "vgg16-nft,equal_pixels", *few, "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert list(document["encoders"]) == ["vgg16-nft", "equal_pixels"]
    assert document["items"] == 60
    assert document["mean"]["trait_overlap"] == document["encoders"]["vgg16-nft"]["mean"]["look"]
    assert set(document["baselines"]) == {"equal_pixels"}
    assert set(document["baselines"]["equal_pixels"]["mean"]) == {"trait_overlap", "precision"}
    assert {"resize", "jpeg", "crop", "rotate"} <= set(document["edits"])
    assert run([*args, "colours", *few]) == 2
    assert "choose from vgg16-nft" in capfd.readouterr().err
    assert run([*args, "perceptual_hash", *few, "--report", str(tmp_path)]) == 0
    printed = capfd.readouterr().out
    assert "perceptual hash" in printed
    assert (tmp_path / "report.html").exists()
