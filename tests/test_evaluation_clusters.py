"""Evaluation of groups: planted structure is found, random groups agree with nothing."""

import json
from pathlib import Path

import numpy as np
import pytest
from planted import SPANS, Table, collection, joined, noisy

from simsearch.cli import run
from simsearch.errors import SourceError, UsageError
from simsearch.evaluation.cluster_metrics import MEASURES
from simsearch.evaluation.clusters import (
    SPACES,
    ClusterSettings,
    colour_histogram,
    evaluate_clusters,
    trait_values,
)
from simsearch.evaluation.clusters_document import clusters_document, trait_means
from simsearch.evaluation.material import Material
from simsearch.report import to_json

SHARED = Path(__file__).parents[2] / "shared" / "data"
SETTINGS = ClusterSettings(seeds=2)


def planted(count=40, names=("reds", "blues"), moved=True):
    """Collections with palettes of their own; each but the first is moved to another place."""
    parts = [noisy(collection(name, count, seed), seed) for seed, name in enumerate(names)]
    catalog, table = joined(*parts)
    grids = table.descriptors.reshape(-1, 32, 32, 3)
    for code in range(1, len(names) if moved else 0):
        own = slice(code * count, (code + 1) * count)
        grids[own] = np.roll(grids[own, ::-1], 3 * code, axis=2)
    return Material("planted", catalog, Table(grids.reshape(len(catalog), -1)), SPANS)


@pytest.fixture(scope="module")
def result():
    return evaluate_clusters(planted(), SETTINGS)


def test_every_space_is_measured_at_every_number(result):
    assert list(result.by_k) == [2, 4, 8]
    for spaces in result.by_k.values():
        assert set(spaces) == set(SPACES)
        assert all(tuple(found) == MEASURES for found in spaces.values())


def test_planted_collections_are_found_and_not_by_chance(result):
    spaces = result.by_k[2]
    assert spaces["simsearch"]["ami"]["mean"] == pytest.approx(1)
    assert spaces["simsearch"]["ami"]["std"] == pytest.approx(0)
    assert abs(spaces["random"]["ami"]["mean"]) < 0.05
    assert result.by_k[8]["simsearch"]["completeness"]["mean"] < 0.9


def test_groups_kept_for_the_eye_are_those_measured(result):
    assert np.bincount(result.groups).tolist() == [40, 40]
    assert result.groups[result.medoids].tolist() == [0, 1]


def test_traits_are_compared_within_collections(result):
    assert set(result.traits) == {"reds", "blues"}
    types = result.traits["reds"]
    assert set(types) == {"background", "body", "eyes"}
    assert set(types["body"]) == set(SPACES)
    means = trait_means(types)
    assert means["simsearch"] == pytest.approx(
        np.mean([found["simsearch"]["mean"] for found in types.values()])
    )
    assert means["pixels"] > means["random"] + 0.2


def test_groups_carried_to_themselves_are_the_same(result):
    assert result.transfer.shape == (2, 2)
    assert np.allclose(np.diag(result.transfer), 1)
    assert (result.transfer[~np.eye(2, dtype=bool)] < 0.9).all()


def test_groups_carried_to_a_collection_like_it_describe_it():
    made = noisy(collection("a", 60, 1), 1)
    catalog, table = joined(made, type(made)("b", made.grids.copy(), made.choices))
    result = evaluate_clusters(
        Material("x", catalog, table, SPANS), ClusterSettings(k=(2,), seeds=1, spaces=("random",))
    )
    assert np.allclose(result.transfer, 1)


def test_a_single_collection_has_traits_but_nothing_to_agree_with():
    result = evaluate_clusters(planted(names=("reds",)), SETTINGS)
    assert list(result.by_k) == [8, 16, 32]
    assert all(not found for spaces in result.by_k.values() for found in spaces.values())
    assert result.transfer is None
    document = json.loads(to_json(clusters_document(result)))
    assert document["transfer"] is None
    assert document["traits"]["collections"]["reds"]["mean"]["simsearch"] > 0


def test_default_numbers_that_are_too_many_are_left_out():
    result = evaluate_clusters(planted(count=3), ClusterSettings(seeds=1))
    assert list(result.by_k) == [2, 4]


def test_a_number_asked_for_that_is_too_large_is_refused():
    with pytest.raises(UsageError, match="ask for 1 to 6"):
        evaluate_clusters(planted(count=3), ClusterSettings(k=(7,)))


def test_one_item_makes_no_groups():
    with pytest.raises(SourceError, match="one item alone"):
        evaluate_clusters(planted(count=1, names=("a",)), SETTINGS)


def test_colour_histograms_by_hand():
    pictures = np.zeros((1, 2, 2, 3), dtype=np.uint8)
    pictures[0, 0, 0] = 255
    found = colour_histogram(pictures)
    assert found.shape == (1, 512)
    assert found[0, 511] == pytest.approx(0.5)
    assert found[0, 0] == pytest.approx(np.sqrt(0.75))


def test_several_values_of_a_trait_are_one_label():
    catalog, table = joined(collection("a", 2, 0))
    pairs = [[{"type": "hat", "value": v} for v in ("cap", "bow")], []]
    material = Material("x", catalog.with_columns(traits=pairs), table, SPANS)
    assert trait_values(material, np.arange(2)) == {"hat": ["bow / cap", ""]}


def test_too_many_groups_are_refused_before_anything_is_read():
    catalog, table = joined(collection("reds", 30, 1), collection("blues", 30, 2))
    material = Material("x", catalog, table, SPANS)
    with pytest.raises(UsageError, match="61 groups of 60 items"):
        evaluate_clusters(material, ClusterSettings(k=(2, 61)))
    assert not table.read


@pytest.mark.parametrize("kind", ["retrieval", "collection", "clusters", "price", "traits"])
def test_a_page_that_would_lie_in_a_file_is_refused_before_the_work(kind, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    for place in ("file", "file/below"):
        args = ["evaluate", kind, "--index", "none", "--report", str(tmp_path / place)]
        assert run(args) == 2
        assert "file is a file; name a folder" in " ".join(capsys.readouterr().err.split())
    assert (tmp_path / "file").read_text() == "mine"


def test_the_command_from_end_to_end(sample_index, tmp_path, capsys):
    page, place = tmp_path / "page", str(sample_index.folder)
    args = ["evaluate", "clusters", "--index", place, "--seeds", "2", "--report", str(page)]
    assert run([*args, "--json", str(tmp_path / "found.json")]) == 0
    document = json.loads((tmp_path / "found.json").read_bytes())
    spread = document["by_k"]["3"]["spaces"]["simsearch"]["ami"]
    assert set(spread) == {"mean", "std"}
    assert spread["mean"] > document["by_k"]["3"]["spaces"]["random"]["ami"]["mean"]
    assert "groups and the collections" in capsys.readouterr().out
    html = (page / "report.html").read_text(encoding="utf-8")
    assert "Groups carried over" in html
    assert "simsearch evaluate clusters" in html


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real collections are not beside the checkout")
def test_real_collections_make_groups(tmp_path):
    names = ("citizens-london", "mfers", "nouns", "kawaii-kittens", "cryptopunks")
    sources = [str(SHARED / name) for name in names]
    place, found = str(tmp_path / "index"), str(tmp_path / "found.json")
    assert run(["index", "build", *sources, "--out", place, "--per-collection", "100"]) == 0
    args = ["evaluate", "clusters", "--index", place, "--k", "5", "--seeds", "3", "--json", found]
    assert run(args) == 0
    spaces = json.loads(Path(found).read_bytes())["by_k"]["5"]["spaces"]
    assert spaces["simsearch"]["ami"]["mean"] >= 0.85
    assert spaces["simsearch"]["ami"]["mean"] > spaces["colour_histogram"]["ami"]["mean"]
