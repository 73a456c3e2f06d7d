"""Transfer: planted teachers are seen for what they are, and none sees a picture that is read."""

import json

import numpy as np
import pytest
from planted import SPANS, Table, collection, joined, noisy

from simsearch import cli
from simsearch.encoders.vgg16_nft import save_untrained
from simsearch.errors import SourceError, UsageError
from simsearch.evaluation.material import Material, Split
from simsearch.evaluation.reading import commonest_right, near_alike, read_right
from simsearch.evaluation.transfer import (
    ALL,
    BEFORE,
    DEEP,
    ONE,
    OWN,
    TOGETHER,
    TransferSettings,
    evaluate_transfer,
)
from simsearch.evaluation.transfer_document import transfer_document
from simsearch.pages.transfer import measured, tables
from simsearch.training.adapting import start_of

NAMES = ("apes", "reds", "blues")
COUNT, DIM = 60, 12
SETTINGS = TransferSettings("apes", seeds=1, k=5)


def planted(names=NAMES, count=COUNT):
    """Collections of three traits with four values each, beside a deep part that says nothing.

    Each stands on its head or at another place than the one before.
    """
    parts = [noisy(collection(name, count, seed), seed) for seed, name in enumerate(names)]
    catalog, table = joined(*parts)
    grids = table.descriptors.reshape(-1, 32, 32, 3)
    for code in range(len(names)):
        own = slice(code * count, (code + 1) * count)
        grids[own] = np.roll(grids[own, :: (-1) ** code], 3 * code, axis=2)
    noise = np.random.default_rng(9).normal(size=(len(catalog), DIM))
    whole = np.concatenate([table.descriptors, noise], axis=1).astype(np.float32)
    start = SPANS[0][2]
    spans = (*SPANS, (DEEP, start, start + DIM))
    choices = np.concatenate([one.choices for one in parts])
    return Material("planted", catalog, Table(whole), spans), choices


def knowing(material, choices):
    """What a network would say that reads all traits: one number for each value of each."""
    whole = material.descriptors.descriptors.copy()
    whole[:, -DIM:] = (choices[:, :, None] == np.arange(4)).reshape(len(whole), DIM)
    return Table(whole)


class Teacher:
    """Learns everything from the one collection, nothing from any other."""

    def __init__(self, material, choices):
        self.material, self.taught = material, {}
        self.knowing = knowing(material, choices)

    def __call__(self, name, rows):
        self.taught[name] = rows
        return self.knowing if name == SETTINGS.train else self.material.descriptors


@pytest.fixture(scope="module")
def run():
    material, choices = planted()
    teacher = Teacher(material, choices)
    return evaluate_transfer(material, teacher, SETTINGS), teacher


def test_what_a_teacher_knows_is_carried_over(run):
    result, _ = run
    assert list(result.collections) == ["reds", "blues", TOGETHER]
    for name in ("reds", "blues"):
        found = result.collections[name]
        assert found.asked == round(0.3 * COUNT)
        assert found.traits[ONE] == 1
        assert found.neighbors[ONE] > 0.9
        # Noise alone: about the quarter that chance gives, and random neighbours.
        assert found.traits[BEFORE] < 0.5
        assert found.traits[OWN] == found.traits[BEFORE]
        assert abs(found.neighbors[BEFORE]) < 0.25
        assert 0 < found.commonest < 0.5


def test_no_teacher_sees_a_picture_that_is_read(run):
    result, teacher = run
    codes = result.material.catalog.collection_codes
    assert set(teacher.taught) == set(NAMES)
    np.testing.assert_array_equal(teacher.taught["apes"], np.flatnonzero(codes == 0))
    split = Split.draw(np.zeros(COUNT, dtype=np.int64), SETTINGS.query_share, seed=SETTINGS.seed)
    for code, name in ((1, "reds"), (2, "blues")):
        np.testing.assert_array_equal(teacher.taught[name], code * COUNT + split.indexed)


def test_collections_are_told_apart_by_grids_and_not_by_noise(run):
    result, _ = run
    found = result.collections[TOGETHER]
    assert found.commonest == pytest.approx(0.5)
    assert found.groups[ALL] == pytest.approx(1, abs=0.05)
    assert set(found.groups) == {ALL, ONE}
    assert set(found.traits) == {BEFORE, ONE}
    assert abs(found.neighbors[BEFORE] - 0.5) < 0.2


def test_without_own_trainings_only_the_one_is_taught():
    material, choices = planted(names=NAMES[:2])
    teacher = Teacher(material, choices)
    plan = TransferSettings("apes", seeds=1, own=False)
    result = evaluate_transfer(material, teacher, plan)
    assert list(teacher.taught) == ["apes"]
    assert list(result.collections) == ["reds"]
    assert OWN not in result.collections["reds"].traits
    assert set(result.collections["reds"].groups) == {ALL, ONE, OWN}
    assert list(tables(result)["traits read"][0]) == [
        "collection", "commonest", "as it came", "after apes"
    ]  # fmt: skip


def test_what_cannot_be_carried_over_is_said():
    material, choices = planted()
    with pytest.raises(UsageError, match="choose one of apes, reds, blues"):
        evaluate_transfer(material, Teacher(material, choices), TransferSettings("cats"))
    few, choices = planted(count=19)
    with pytest.raises(SourceError, match="apes has 19 pictures, too few"):
        evaluate_transfer(few, Teacher(few, choices), SETTINGS)
    alone, choices = planted(names=("apes",))
    with pytest.raises(SourceError, match="no other collection"):
        evaluate_transfer(alone, Teacher(alone, choices), SETTINGS)


def test_a_collection_without_traits_is_named_and_takes_part_among_all():
    material, choices = planted()
    traits = material.catalog.column("traits").to_pylist()
    bare = [pairs if row < 2 * COUNT else [] for row, pairs in enumerate(traits)]
    catalog = material.catalog.with_columns(traits=bare)
    material = Material("planted", catalog, material.descriptors, material.spans)
    result = evaluate_transfer(material, Teacher(material, choices), SETTINGS)
    assert list(result.collections) == ["reds", TOGETHER]
    assert result.left_out == ["blues"]
    assert "without traits that vary: blues." in measured(result)
    document = transfer_document(result)
    assert document["collections"][TOGETHER]["traits"][ONE] > 0


def test_readings_by_hand():
    values = {"hat": ["cap", "cap", "bow", "cap", "bow", "fez"]}
    split = Split(asked=np.array([3, 4, 5]), indexed=np.array([0, 1, 2]))
    assert commonest_right(values, split) == pytest.approx(1 / 3)
    catalog, _ = joined(collection("a", 6, 0))
    points = np.array([[1.0, 0], [1, 0], [0, 1], [1, 0], [0, 1], [0, 1]], dtype=np.float32)
    material = Material("x", catalog, Table(points), ((DEEP, 0, 2),))
    # The head says cap, bow, bow: nobody has taught it a fez.
    assert read_right(material, values, split) == pytest.approx(2 / 3)


def test_nearest_of_several_collections_are_counted():
    catalog, _ = joined(collection("a", 4, 0), collection("b", 4, 1))
    points = np.repeat(np.eye(2, dtype=np.float32), 4, axis=0)
    points[3] = points[7]  # one of a lies among b
    material = Material("x", catalog, Table(points), ((DEEP, 0, 2),))
    split = Split(asked=np.array([0, 3, 4]), indexed=np.array([1, 2, 5, 6]))
    assert near_alike(material, split, 2, 0) == pytest.approx((0.5 + 1) / 2)


def test_the_command_from_end_to_end(sample_index, tmp_path, capsys):
    command = [
        "evaluate",
        "transfer",
        str(sample_index.sources),
        "--train",
        "masks",
        "--steps",
        "1",
    ]
    command += ["--per-collection", "24", "--no-own", "--device", "cpu", "--from-scratch"]
    found = tmp_path / "found.json"
    assert cli.run([*command, "--report", str(tmp_path / "page"), "--json", str(found)]) == 0
    document = json.loads(found.read_bytes())
    assert set(document["collections"]) == {"lighthouses", "teapots", TOGETHER}
    lighthouses = document["collections"]["lighthouses"]
    assert 0 < lighthouses["traits"][BEFORE] <= 1
    assert lighthouses["groups"][OWN] > 0
    assert "traits read" in capsys.readouterr().out
    html = (tmp_path / "page" / "report.html").read_text(encoding="utf-8")
    assert f"simsearch evaluate transfer {sample_index.sources} --train masks --steps 1" in html


def test_training_begins_where_it_is_told_to(tmp_path):
    from_random, scratch = start_of(None, 5, scratch=True, seed=3)
    assert (scratch.start, scratch.steps, scratch.seed) == ("", 5, 3)
    own = tmp_path / "own.safetensors"
    save_untrained(own, width=2, seed=3)
    given, further = start_of(own, 5, scratch=False, seed=3)
    assert (further.start, further.width) == (str(own), 2)
    assert given.blocks[-1].stop < from_random.blocks[-1].stop
