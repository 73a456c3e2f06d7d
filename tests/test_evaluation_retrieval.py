"""Evaluation of retrieval: nothing is fitted on who asks, and planted answers come back."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from planted import SPANS, Table, collection, joined

from simsearch.building.builder import BuildConfig, build
from simsearch.building.encoding import Encoding
from simsearch.building.fitting import Fitting
from simsearch.catalog import Catalog
from simsearch.cli import run
from simsearch.encoders import load_encoder
from simsearch.engine import SearchEngine
from simsearch.errors import SourceError
from simsearch.evaluation import metrics
from simsearch.evaluation.document import retrieval_document
from simsearch.evaluation.edited import HASH, ask_with_copies
from simsearch.evaluation.fresh import build_sample
from simsearch.evaluation.material import Material, Split
from simsearch.evaluation.retrieval import RetrievalSettings, evaluate_retrieval, measure
from simsearch.images import fit_square, load_image
from simsearch.pages.retrieval import collection_rows, edit_rows, retrieval_page
from simsearch.report import to_json
from simsearch.sample import write_sample
from simsearch.sources import read_sources
from simsearch.space.trait_matrix import trait_matrix

SHARED = Path(__file__).parents[2] / "shared" / "data"
PAIR = (collection("reds", 60, 1), collection("blues", 80, 2))
SETTINGS = RetrievalSettings(k=5, queries=0, copies=0)


@pytest.fixture
def material():
    catalog, table = joined(*PAIR)
    return Material("planted", catalog, table, SPANS)


def tensors(spaces):
    look = {f"look/{name}": value for name, value in spaces.look.tensors().items()}
    return {**look, **spaces.tensors}


def same(one, other):
    left, right = tensors(one), tensors(other)
    return (
        left.keys() == right.keys()
        and one.vocabulary == other.vocabulary
        and all(np.array_equal(left[name], right[name]) for name in left)
    )


def with_other_askers(material, split):
    """The same items, those that ask with other pictures and other traits."""
    descriptors = material.descriptors.descriptors.copy()
    descriptors[split.asked] = np.random.default_rng(9).random(descriptors[split.asked].shape)
    traits = material.catalog.column("traits").to_pylist()
    for row in split.asked:
        traits[row] = [{"type": "new", "value": f"v{row}"}]
    catalog = material.catalog.with_columns(traits=traits)
    return Material("planted", catalog, Table(descriptors), SPANS)


def test_the_split_is_by_collection_and_seeded():
    codes = np.array([0] * 100 + [1] * 10 + [2])
    split = Split.draw(codes, 0.3, 0, seed=4)
    assert np.bincount(codes[split.asked]).tolist() == [30, 3]
    assert sorted([*split.asked, *split.indexed]) == list(range(111))
    few = Split.draw(codes, 0.3, 5, seed=4)
    assert np.bincount(codes[few.asked]).tolist() == [5, 3]
    assert set(few.asked) <= set(split.asked)
    assert np.array_equal(few.indexed, split.indexed)
    assert not np.array_equal(Split.draw(codes, 0.3, 0, seed=5).asked, split.asked)


def test_nothing_is_fitted_on_items_that_ask(material):
    split = Split.draw(material.catalog.collection_codes, 0.3)
    other = with_other_askers(material, split)
    fitted, again = (one.take(split.indexed).fitted(0) for one in (material, other))
    assert same(fitted.spaces, again.spaces)
    assert np.array_equal(fitted.index.vectors, again.index.vectors)
    assert fitted.catalog.keys() == [material.catalog.key(row) for row in split.indexed]
    read = np.concatenate([np.ravel(rows) for rows in material.descriptors.read])
    assert not set(read) & set(split.asked)


def test_a_leak_would_be_seen(material):
    split = Split.draw(material.catalog.collection_codes, 0.3)
    other = with_other_askers(material, split)
    assert not same(material.fitted(0).spaces, other.fitted(0).spaces)


def test_answers_are_those_of_a_search_among_the_indexed_items(material):
    result = evaluate_retrieval(material, SETTINGS)
    split, part = result.split, material.take(result.split.indexed)
    retriever = part.fitted(0)
    asked = material.descriptors.rows(split.asked)
    for space, balance in (("look", 0.0), ("traits", 0.9)):
        expected = retriever.search(asked, 5, balance=balance)
        assert np.array_equal(result.spaces[space].neighbors.ids, split.indexed[expected.ids])
        assert set(result.spaces[space].neighbors.ids.ravel()) <= set(split.indexed)


def test_baselines_are_asked_the_same(material):
    result = evaluate_retrieval(material, SETTINGS)
    pictures = np.rint(material.descriptors.descriptors.astype(np.float32) * 255)
    centred = (pictures - pictures[result.split.indexed].mean(axis=0)).astype(np.float64)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    near = 1 - unit[result.split.asked] @ unit[result.split.indexed].T
    answers = result.baselines["pixels"].neighbors
    assert np.allclose(answers.distances, np.sort(near, axis=1)[:, :5], atol=1e-5)
    assert set(answers.ids.ravel()) <= set(result.split.indexed)


def test_scores_are_those_of_the_metrics(material):
    result = evaluate_retrieval(material, SETTINGS)
    codes, split = material.catalog.collection_codes, result.split
    traits = trait_matrix(material.catalog)
    for answers in result.methods.values():
        overlap = metrics.trait_overlap(
            answers.neighbors, split.asked, split.indexed, codes, traits
        )
        precision = metrics.collection_precision(answers.neighbors, split.asked, codes)
        for code, name in enumerate(material.catalog.collections):
            assert answers.scores[name].trait_overlap == pytest.approx(overlap[code].score)
            assert answers.scores[name].precision == precision[code]
        scores = [score.trait_overlap for score in answers.scores.values()]
        assert answers.mean.trait_overlap == pytest.approx(np.mean(scores))


def test_planted_traits_are_found(material):
    result = evaluate_retrieval(material, SETTINGS)
    assert result.spaces["traits"].mean.trait_overlap > 0.99
    assert result.spaces["traits"].mean.precision == 1
    assert result.baselines["random"].mean.trait_overlap < 0.2


def test_without_two_items_nobody_can_ask():
    catalog, table = joined(collection("one", 1, 0))
    with pytest.raises(SourceError, match="two items"):
        evaluate_retrieval(Material("planted", catalog, table, SPANS), SETTINGS)


def test_two_identical_pictures_are_no_fault():
    catalog, table = joined(collection("one", 2, 0))
    table.descriptors[:] = table.descriptors[0]
    result = evaluate_retrieval(Material("planted", catalog, table, SPANS), SETTINGS)
    (other,) = result.split.indexed
    for answers in result.methods.values():
        assert answers.neighbors.ids[0].tolist() == [other, -1, -1, -1, -1]


def test_without_traits_only_precision_is_known(material):
    bare = material.catalog.with_columns(traits=[[]] * len(material.catalog))
    result = evaluate_retrieval(Material("planted", bare, material.descriptors, SPANS), SETTINGS)
    assert np.isnan(result.main.mean.trait_overlap)
    assert result.main.mean.precision == 1
    assert any("traits is look" in note for note in result.notes)
    assert json.loads(to_json(retrieval_document(result)))["mean"]["trait_overlap"] is None
    assert collection_rows(result) == []


# From here on with real files.


def make_index(sources, place, encoder="vgg16-nft"):
    loaded = load_encoder(encoder)
    contents = read_sources([Path(source) for source in sources])
    build(contents, BuildConfig(place, Fitting.of(loaded), Encoding(loaded)))
    return place


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Two sample collections, and one without traits in which two pictures are the same."""
    folder = tmp_path_factory.mktemp("sources")
    write_sample(folder, size=40, collections=("lighthouses", "moths"))
    plain = folder / "plain"
    plain.mkdir()
    draw = np.random.default_rng(0)
    for number in range(12):
        noise = draw.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(noise.repeat(8, axis=0).repeat(8, axis=1)).save(plain / f"{number}.png")
    shutil.copy(plain / "0.png", plain / "twin.png")
    return [folder / name for name in ("lighthouses", "moths", "plain")]


@pytest.fixture(scope="module")
def index(sources, tmp_path_factory):
    return make_index(sources, tmp_path_factory.mktemp("index") / "three")


@pytest.fixture(scope="module")
def result(index):
    settings = RetrievalSettings(k=5, queries=6, copies=8)
    return measure(SearchEngine.open(index), settings)


def test_pictures_of_baselines_come_out_of_descriptors_or_from_the_sources(index, tmp_path):
    engine = SearchEngine.open(index)
    grids = Material.of_index(engine).grids()
    rows = list(range(0, len(engine.catalog), 7))
    small = Material.of_index(engine).take(np.array(rows))
    read = Material("other", small.catalog, small.descriptors, [("deep", 0, 512)]).grids()
    assert read.shape == (len(rows), 32, 32, 3)
    # The descriptor holds the mean of a picture of 64 pixels in half precision.
    assert np.abs(grids[rows].astype(int) - read).max() <= 1
    plain = engine.catalog.row("plain/0")
    picture = load_image(Path(engine.catalog.picture(plain).path).read_bytes())
    assert np.abs(grids[plain].astype(int) - fit_square(picture, 32)).max() <= 1


def test_copies_that_keep_the_picture_find_it(result):
    recall = result.edited.recall("look")
    assert len(result.edited.originals) == 9
    assert recall["resize"] == recall["jpeg"] == 1.0
    assert set(result.edited.answers) == {"look", "traits", HASH}
    for edit, share in recall.items():
        assert len(result.edited.lost("look", edit)) == round((1 - share) * 9)


def test_a_twin_counts_as_the_original(index):
    engine = SearchEngine.open(index)
    copies = ask_with_copies(engine, ["look"], 1000)
    twins = [engine.catalog.row(key) for key in ("plain/0", "plain/twin")]
    assert copies.pixels[twins[0]] == copies.pixels[twins[1]]
    places = [copies.originals.tolist().index(row) for row in twins]
    first = copies.answers["look"]["jpeg"].ids[places, 0]
    assert first[0] == first[1], "of two equal pictures one comes first for both"
    assert not set(places) & set(copies.lost("look", "jpeg").tolist())


def test_pictures_that_have_gone_or_changed_are_left_out(sources, tmp_path):
    folder = tmp_path / "plain"
    shutil.copytree(sources[2], folder)
    engine = SearchEngine.open(make_index([folder], tmp_path / "index"))
    (folder / "3.png").unlink()
    Image.new("RGB", (48, 48), "red").save(folder / "4.png")
    result = measure(engine, RetrievalSettings(copies=1000))
    assert dict(result.edited.left_out) == {"missing": 1, "changed": 1}
    assert len(result.edited.originals) == 11
    assert any("1 missing" in note and "1 changed" in note for note in result.notes)
    shutil.rmtree(folder)
    result = measure(engine, RetrievalSettings(copies=1000))
    assert dict(result.edited.left_out) == {"missing": 13}
    assert retrieval_document(result)["edits"] == {}
    assert edit_rows(result) == []
    with pytest.raises(SourceError, match="put them back"):
        build_sample(engine, load_encoder("pixels"), tmp_path / "small", 5)


def test_without_pictures_the_baselines_are_left_out(sources, tmp_path):
    folder = tmp_path / "plain"
    shutil.copytree(sources[2], folder)
    engine = SearchEngine.open(make_index([folder], tmp_path / "index"))
    shutil.rmtree(folder)
    whole = Material.of_index(engine)
    blind = Material("other", whole.catalog, whole.descriptors, [("deep", 3072, 3584)])
    result = evaluate_retrieval(blind, SETTINGS)
    assert result.baselines == {}
    assert any("No baselines" in note for note in result.notes)
    assert result.spaces["look"].mean.precision == 1


def test_a_sample_for_other_encoders_is_the_same_for_each(index, tmp_path):
    engine = SearchEngine.open(index)
    keys = []
    for name in ("pixels", "vgg16-nft"):
        build_sample(engine, load_encoder(name), tmp_path / name, 10)
        small = SearchEngine.open(tmp_path / name)
        keys.append(small.catalog.keys())
        assert small.manifest.encoder.name == name
    assert keys[0] == keys[1]
    assert list(Catalog.read(tmp_path / "pixels/catalog.parquet").collections.values()) == [10] * 3


def test_the_page_shows_what_was_measured(result, index, tmp_path):
    engine = SearchEngine.open(index)
    page = retrieval_page(result, engine, "three", "simsearch evaluate retrieval --index three")
    path = page.write(tmp_path, retrieval_document(result))
    html = path.read_text()
    for title in ("Summary", "Trait overlap@5", "Good answers", "Bad answers", "Edited copies"):
        assert f">{title}</h2>" in html
    assert "simsearch evaluate retrieval --index three" in html
    assert (tmp_path / "summary.csv").read_text().startswith("method,kind,trait overlap")
    assert json.loads((tmp_path / "report.json").read_text())["k"] == 5


def test_the_command_prints_the_contract(index, tmp_path, capfd):
    options = ["-k", "5", "--queries", "4", "--edited", "1", "--seed", "3"]
    args = ["evaluate", "retrieval", "--index", str(index), *options]
    assert run([*args, "--report", str(tmp_path / "page"), "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["k"] == 5
    assert set(document["collections"]) == {"lighthouses", "moths", "plain"}
    assert document["collections"]["plain"]["trait_overlap"] is None
    assert set(document["mean"]) == {"trait_overlap", "precision"}
    assert set(document["baselines"]["whitened_pixels"]["mean"]) == {"trait_overlap", "precision"}
    assert {"resize", "jpeg", "crop", "border", "flip", "recolour", "text", "rotate"} <= set(
        document["edits"]
    )
    again = f"simsearch evaluate retrieval --index {index} -k 5 --queries 4 --edited 1 --seed 3"
    html = (tmp_path / "page" / "report.html").read_text()
    assert again.split(" -k")[0] in html
    assert "--queries 4 --edited 1" in html
    assert json.loads((tmp_path / "page" / "report.json").read_text())["mean"] == document["mean"]


def test_the_command_tries_another_encoder_on_a_sample(index, capfd):
    args = ["evaluate", "retrieval", "--index", str(index), "--queries", "3", "--edited", "0"]
    more = ["--per-collection", "10", "--space", "look", "--json"]
    assert run([*args, "--encoder", "pixels", *more]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["encoder"] == "pixels"
    assert document["items"] == 30
    assert list(document["spaces"]) == ["look"]
    assert "whitened_pixels" in document["baselines"]
    assert run([*args, "--encoders", "pixels", "--encoder", "pixels"]) == 2


def test_the_command_prints_tables_for_people(index, capfd):
    args = ["evaluate", "retrieval", "--index", str(index), "--queries", "3", "--edited", "1"]
    assert run(args) == 0
    out = " ".join(capfd.readouterr().out.split())
    for words in ("trait overlap@10", "recall@1", "whitened", "lighthouses", "seed 0"):
        assert words in out


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real collections are not beside the checkout")
def test_learned_traits_beat_look_and_look_beats_pixels_on_real_art(tmp_path):
    encoder = load_encoder("vgg16-nft")
    contents = read_sources([SHARED / "cryptopunks"], per_collection=700)
    build(contents, BuildConfig(tmp_path / "i", Fitting.of(encoder), Encoding(encoder)))
    found = measure(SearchEngine.open(tmp_path / "i"), RetrievalSettings(queries=100, copies=0))
    scores = {name: answers.mean.trait_overlap for name, answers in found.methods.items()}
    assert scores["traits"] > scores["look"] > scores["whitened_pixels"] > scores["pixels"]
    assert abs(scores["random"]) < 0.1
