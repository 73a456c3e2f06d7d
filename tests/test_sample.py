"""The generated sample: planted answers come back, files are valid, bytes repeat."""

import csv
import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsearch.errors import UsageError
from simsearch.images import load_image
from simsearch.sample import COLLECTIONS, DESIGNS, SamplePlan, write_sample
from simsearch.sample.design import hidden_slots
from simsearch.sources import PictureReader, SourceContents, read_sources

SIZE = 60
SIDES = {
    "lighthouses": 24,
    "moths": 40,
    "chairbots": 48,
    "teapots": 512,
    "lanternfish": 256,
    "masks": 128,
}
COUNTS = {name: SIZE // 2 if name == "teapots" else SIZE for name in COLLECTIONS}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    plan = write_sample(folder, seed=5, size=SIZE)
    return folder, plan, read_sources([folder], strict=True)


def traits_in(contents: SourceContents, name: str) -> dict[str, tuple[tuple[str, str], ...]]:
    return {item.token_id: item.traits for item in contents.items if item.collection == name}


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def look_of(name: str, traits: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Part of each slot; slots that share a trait type have no part name in common."""
    slots = DESIGNS[name].slots
    return {
        slot.name: next((v for k, v in traits if k == slot.trait_type and v in slot.parts), "")
        for slot in slots
    }


def test_readers_find_every_item_sale_and_name(sample):
    _, plan, contents = sample
    assert not contents.skipped
    assert Counter(item.collection for item in contents.items) == COUNTS
    for name in COLLECTIONS:
        assert tuple(traits_in(contents, name)) == plan.collections[name].items
        assert contents.names[name]["name"] == plan.collections[name].name


@pytest.mark.parametrize("name", COLLECTIONS)
def test_stored_pictures_are_what_the_traits_say(sample, name):
    """Lossless in every form (of the GIF the first frame); JPEG within a few levels."""
    _, _, contents = sample
    design = DESIGNS[name]
    items = [item for item in contents.items if item.collection == name][:12]
    with PictureReader() as reader:
        for item in items:
            stored = reader.read(item.picture).rgb().astype(int)
            assert stored.shape == (SIDES[name], SIDES[name], 3)
            image = Image.fromarray(design.draw(look_of(name, item.traits)))
            ground = Image.new("RGBA", image.size, design.background or "white")
            drawn = np.asarray(Image.alpha_composite(ground, image))[..., :3].astype(int)
            error = np.abs(stored - drawn)
            # Compositing may round either way; JPEG blurs colour at edges.
            assert error.mean() < 6 if name == "lanternfish" else error.max() <= 1


def test_every_form_and_format_occurs(sample):
    folder, _, contents = sample
    kinds = {name: set() for name in COLLECTIONS}
    for item in contents.items:
        kinds[item.collection].add(item.picture.kind)
    assert kinds == {
        "lighthouses": {"tile"},
        "moths": {"zip"},
        "chairbots": {"file"},
        "teapots": {"file"},
        "lanternfish": {"zip"},
        "masks": {"inline"},
    }
    suffixes = {
        name: Counter(path.suffix for path in (folder / name / "images").iterdir())
        for name in ("chairbots", "teapots")
    }
    assert suffixes == {
        "chairbots": {".png": SIZE - 1, ".gif": 1},
        "teapots": {".png": SIZE // 2 - 1, ".webp": 1},
    }
    members = {item.picture.member for item in contents.items if item.collection == "lanternfish"}
    assert all(member.endswith(".jpg") for member in members)
    with Image.open(next((folder / "chairbots/images").glob("*.gif"))) as moving:
        assert moving.n_frames == 2
    assert load_image(next((folder / "teapots/images").glob("*.webp")).read_bytes()).shape[0] == 512
    traits = {path.name for path in folder.glob("*/*") if path.stem in ("traits", "metadata")}
    assert traits == {"traits.csv", "traits.parquet", "metadata.jsonl"}


def test_absent_and_several_values_are_written_as_the_contract_allows(sample):
    folder, _, contents = sample
    with (folder / "teapots/traits.csv").open(newline="") as file:
        assert any("none" in row for row in csv.reader(file))
    assert "none" not in {value for item in contents.items for _, value in item.traits}
    extras = [
        [value for kind, value in traits if kind == "Extras"]
        for traits in traits_in(contents, "lighthouses").values()
    ]
    assert {len(values) for values in extras} == {0, 1, 2}


def test_same_arguments_give_the_same_bytes(tmp_path):
    plans = [write_sample(tmp_path / name, seed=3, size=20) for name in ("a", "b")]
    assert plans[0] == plans[1]
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    other = write_sample(tmp_path / "c", seed=4, size=20, collections=["moths"])
    assert other.collections["moths"] != plans[0].collections["moths"]


def test_a_collection_does_not_depend_on_the_others_nor_on_the_process(tmp_path):
    write_sample(tmp_path / "a", seed=3, size=20, collections=["masks", "lighthouses"])
    code = (
        "import sys; from pathlib import Path; from simsearch.sample import write_sample;"
        "write_sample(Path(sys.argv[1]), seed=3, size=20, collections=['lighthouses'])"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "b")],
        check=True,
        cwd=Path(__file__).parents[1],
        env={"PYTHONHASHSEED": "7"},
    )
    assert digests(tmp_path / "a" / "lighthouses") == digests(tmp_path / "b" / "lighthouses")
    assert (tmp_path / "a/rates.csv").read_bytes() == (tmp_path / "b/rates.csv").read_bytes()


def test_plan_survives_its_file(sample):
    folder, plan, contents = sample
    assert SamplePlan.read(folder / "plan.json") == plan
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*COLLECTIONS, "plan.json", "rates.csv"]
    )


@pytest.mark.parametrize("name", ["chairbots", "masks"])
def test_hidden_traits_are_those_the_plan_records(sample, name):
    folder, plan, contents = sample
    design, traits = DESIGNS[name], traits_in(contents, name)
    hidden = {(token, kind, value) for token, kind, value in plan.collections[name].hidden}
    expected = set()
    for token, worn in traits.items():
        look = look_of(name, worn)
        for slot in hidden_slots(design, look):
            expected.add((token, slot, look[slot]))
            assert np.array_equal(design.draw(look), design.draw({**look, slot: ""}))
    assert hidden == expected
    assert hidden


def test_an_older_sample_is_replaced_and_other_folders_are_not_touched(tmp_path):
    folder = tmp_path / "sample"
    write_sample(folder, size=30, collections=["chairbots", "lighthouses"])
    write_sample(folder, size=20, collections=["chairbots"])
    assert len(list((folder / "chairbots/images").iterdir())) == 20
    assert not (folder / "lighthouses").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    with pytest.raises(UsageError, match="not empty"):
        write_sample(tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"size": 5}, "too small"), ({"collections": ["apes"]}, "apes"), ({"collections": []}, "no")],
)
def test_wrong_arguments_write_nothing(tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message):
        write_sample(tmp_path / "sample", **arguments)
    assert not (tmp_path / "sample").exists()
