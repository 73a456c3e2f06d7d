"""Labelled pictures: classes, who trains and who tests, any form of picture, what is left out."""

from collections import Counter

import numpy as np
import pytest
from coloured import COLOURS, coloured, labelled, paint
from PIL import Image

from simsearch.catalog import Catalog
from simsearch.classifiers.labelled import Draw, read_labelled
from simsearch.errors import SourceError
from simsearch.sources import read_sources
from simsearch.training.decoding import square


def counted(found):
    return {part: found.counts(part).tolist() for part in ("train", "valid", "test")}


def test_parts_are_drawn_class_by_class_from_the_seed(tmp_path):
    for name in COLOURS:
        paint(tmp_path / "a", name, 20)
    found = labelled(tmp_path / "a", tmp_path / "d")
    assert found.classes == ("blue", "green", "red")
    assert counted(found) == {"train": [14] * 3, "valid": [2] * 3, "test": [4] * 3}
    for row in (0, 25, 59):
        own = coloured(int(found.items[row].token_id), COLOURS[found.classes[found.codes[row]]])
        np.testing.assert_allclose(found.take(np.array([row])).mean(), own.mean(), atol=0.5)
    same, other = (labelled(tmp_path / "a", tmp_path / "d", seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(found.parts, same.parts)
    assert (found.parts != other.parts).any()


def test_folders_say_who_trains_and_equal_names_are_different_pictures(tmp_path):
    for part, count in (("train", 4), ("valid", 3), ("test", 2)):
        for name in ("blue", "red"):
            paint(tmp_path / "a" / part, name, count)
    found = labelled(tmp_path / "a", tmp_path / "d")
    assert counted(found) == {"train": [4, 4], "valid": [3, 3], "test": [2, 2]}
    assert not found.left_out
    assert len({item.key for item in found.items}) == 18
    drawn = labelled(tmp_path / "a", tmp_path / "d", per_class=2)
    assert counted(drawn) == {"train": [2, 2], "valid": [2, 2], "test": [2, 2]}
    assert drawn.left_out == Counter({"not-drawn": 6})


def test_validation_pictures_stand_in_for_test_pictures_and_are_drawn_anew(tmp_path):
    for part, count in (("train", 10), ("val", 3)):
        for name in ("blue", "red"):
            paint(tmp_path / "a" / part, name, count)
    found = labelled(tmp_path / "a", tmp_path / "d")
    assert counted(found) == {"train": [9, 9], "valid": [1, 1], "test": [3, 3]}
    assert counted(labelled(tmp_path / "a", tmp_path / "d", valid_share=0))["valid"] == [0, 0]


def test_a_class_of_one_picture_trains_and_an_empty_one_is_none(tmp_path):
    paint(tmp_path / "a", "blue", 1)
    paint(tmp_path / "a", "green", 2)
    paint(tmp_path / "a", "red", 10)
    (tmp_path / "a" / "yellow").mkdir()
    found = labelled(tmp_path / "a", tmp_path / "d")
    assert found.classes == ("blue", "green", "red")
    assert counted(found) == {"train": [1, 1, 7], "valid": [0, 0, 1], "test": [0, 1, 2]}


def test_a_class_that_only_tests_is_left_out_and_counted(tmp_path):
    for name in ("blue", "red"):
        paint(tmp_path / "a" / "train", name, 3)
    for name in COLOURS:
        paint(tmp_path / "a" / "test", name, 2)
    found = labelled(tmp_path / "a", tmp_path / "d")
    assert found.classes == ("blue", "red")
    assert found.left_out == Counter({"not-in-training": 2})
    assert found.counts("test").tolist() == [2, 2]
    assert [item.collection for item in found.items[-2:]] == ["red", "red"]
    assert found.codes[-1] == 1
    np.testing.assert_array_less([100, -1, -1], found.take(np.array([-1]))[0].mean(axis=(0, 1)))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"": {"red": 5}}, "all training pictures are of one class, 'red'; give two or more"),
        ({"test": {"red": 5, "blue": 5}}, "no picture is left to train on; put some into train"),
    ],
)
def test_what_cannot_be_learned_is_one_line(tmp_path, parts, message):
    for part, counts in parts.items():
        for name, count in counts.items():
            paint(tmp_path / "a" / part, name, count)
    with pytest.raises(SourceError, match=message):
        labelled(tmp_path / "a", tmp_path / "d")


def test_damaged_pictures_are_left_out_and_counted_wherever_they_stand(tmp_path):
    for name in ("blue", "red"):
        paint(tmp_path / "a", name, 6)
    (tmp_path / "a" / "blue" / "2.png").write_bytes(b"no picture")
    (tmp_path / "a" / "red" / "0.png").write_bytes(b"")
    found = labelled(tmp_path / "a", tmp_path / "d")
    assert found.left_out == Counter({"not-an-image": 1, "empty": 1})
    assert len(found.items) == len(found.codes) == 10
    for row, item in enumerate(found.items):
        own = coloured(int(item.token_id), COLOURS[item.collection])
        np.testing.assert_allclose(found.take(np.array([row])).mean(), own.mean(), atol=0.5)
    for path in (tmp_path / "a").glob("*/*.png"):
        path.write_bytes(b"no picture")
    with pytest.raises(SourceError, match="none of the pictures can be read"):
        labelled(tmp_path / "a", tmp_path / "d")


def test_a_picture_that_has_changed_is_decoded_again(tmp_path):
    for name in ("blue", "red"):
        paint(tmp_path / "a", name, 2)
    before = labelled(tmp_path / "a", tmp_path / "d").take(np.arange(4))
    Image.new("RGB", (30, 30), "white").save(tmp_path / "a" / "red" / "1.png")
    after = labelled(tmp_path / "a", tmp_path / "d").take(np.arange(4))
    np.testing.assert_array_equal(before[:3], after[:3])
    assert (after[3] == 255).all()


def test_pictures_of_any_kind_come_in_as_the_colours_that_people_see(tmp_path):
    """Grey, 16 bits of it, CMYK, a palette and alpha, all of about the same mid grey."""
    level = 120
    made = {
        "grey.png": Image.new("L", (8, 8), level),
        "deep.png": Image.fromarray(np.full((8, 8), level * 257, dtype=np.uint16)),
        "print.jpg": Image.new("RGB", (8, 8), (level,) * 3).convert("CMYK"),
        "palette.png": Image.new("RGB", (8, 8), (level,) * 3).quantize(4),
        "clear.png": Image.new("RGBA", (8, 8), (0, 0, 0, 255 - level)),
    }
    (tmp_path / "a" / "grey").mkdir(parents=True)
    for name, image in made.items():
        image.save(tmp_path / "a" / "grey" / name)
    paint(tmp_path / "a", "red", 5)
    found = labelled(tmp_path / "a", tmp_path / "d", side=8)
    assert not found.left_out
    rows = np.flatnonzero(found.codes == 0)
    assert len(rows) == len(made)
    np.testing.assert_allclose(found.take(rows), level, atol=4)


def test_a_trait_can_be_the_label(sample_index, tmp_path):
    items = read_sources([sample_index.sources]).items
    glaze = [dict(item.traits).get("Glaze") for item in items]
    found = read_labelled(items, Draw(label="Glaze"), square(8), tmp_path)
    assert set(found.classes) == {value for value in glaze if value}
    assert found.left_out == Counter({"no-label": glaze.count(None)})
    named = [found.classes[code] for code in found.codes]
    assert named == [dict(item.traits)["Glaze"] for item in found.items]
    catalog = Catalog.read(sample_index.folder / "catalog.parquet")
    again = read_labelled(catalog.items(), Draw(label="Glaze"), square(8), tmp_path / "again")
    assert again.classes == found.classes
    small = read_labelled(items, Draw(label="glaze"), square(8), tmp_path)
    assert small.classes == found.classes
    with pytest.raises(
        SourceError, match=r"trait type 'Colour' \(--label\); types are .*, Glaze, "
    ):
        read_labelled(items, Draw(label="Colour"), square(8), tmp_path)
