"""Making an index searchable: what is fitted anew, what is kept, and that equal input stays."""

import datetime as dt
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from planted import SIDE, collection, noisy

from simsearch.building import builder, fitting
from simsearch.building.builder import BuildConfig, BuildResult
from simsearch.building.encoding import Encoding
from simsearch.building.fitting import Fitting
from simsearch.catalog import Catalog, Item, Picture
from simsearch.encoders import Block
from simsearch.errors import StoreError
from simsearch.images import fit_square
from simsearch.index import FILES, open_index
from simsearch.pricing import appraisal
from simsearch.pricing.appraisal import Appraiser
from simsearch.pricing.price_space import PriceSpace
from simsearch.sales.table import Sale
from simsearch.sources.contents import SourceContents
from simsearch.space import cells, spaces
from simsearch.space.spaces import Spaces
from simsearch.store.descriptors import Descriptors

FITTED = (spaces.NAME, *FILES)


class Grid:
    """The picture itself as a grid of 32 x 32 colours: a real encoder without a network."""

    name = "grid"
    settings: dict[str, object] = {}
    weights_sha256 = ""
    training = ""
    blocks = (Block("grid", 0, SIDE * SIDE * 3),)

    def prepare(self, rgb):
        return fit_square(rgb, SIDE)

    def encode(self, prepared):
        return prepared.reshape(len(prepared), -1).astype(np.float32) / 255


@pytest.fixture(scope="module", autouse=True)
def _few_pairs():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "PAIRS", 300)
        yield


def drawn(folder: Path, name: str, count: int, seed: int) -> list[Item]:
    """Items of a planted collection, their pictures written as PNG files."""
    made = noisy(collection(name, count, seed), seed)
    (folder / name).mkdir(parents=True)
    items = []
    for one, grid in zip(made.items(), made.grids, strict=True):
        path = folder / name / f"{one.token_id}.png"
        pixels = (grid.astype(np.float32) * 255).round().astype(np.uint8)
        Image.fromarray(pixels.reshape(SIDE, SIDE, 3)).save(path)
        items.append(Item(name, one.token_id, Picture("file", str(path)), one.traits))
    return items


@pytest.fixture(scope="module")
def items(tmp_path_factory) -> list[Item]:
    folder = tmp_path_factory.mktemp("pictures")
    return [*drawn(folder, "masks", 40, 1), *drawn(folder, "moths", 25, 2)]


def config(place: Path, **settings) -> BuildConfig:
    encoder = Grid()
    return BuildConfig(place, Fitting.of(encoder, **settings), Encoding(encoder, workers=2))


def contents(items) -> SourceContents:
    return SourceContents(list(items), [], {}, [])


def build(place: Path, items, **settings) -> BuildResult:
    return builder.build(contents(items), config(place, **settings))


def add(place: Path, items) -> BuildResult:
    return builder.add(contents(items), config(place, refit=False))


def remove(place: Path, keys) -> BuildResult:
    return builder.remove(keys, BuildConfig(place, Fitting((), refit=False)))


def files(place: Path) -> dict[str, bytes]:
    return {name: (place / name).read_bytes() for name in FITTED}


def check_vectors(place: Path) -> None:
    """Vectors are those of the stored descriptors in the stored space, row by row."""
    kept, index = Descriptors(place / "descriptors.npy"), open_index(place)
    expected = Spaces.open(place).look.transform(kept.slice(0, len(kept)))
    assert index.size == len(kept) == len(Catalog.read(place / "catalog.parquet"))
    np.testing.assert_allclose(index.vectors, expected, atol=1e-5)


def prices(place: Path) -> Appraiser:
    return Appraiser.open(place, Spaces.open(place).look)


def check_prices(place: Path, *sold: str) -> None:
    """Who was sold is priced in a space of its own, fitted on the items that are there now."""
    kept, found = Descriptors(place / "descriptors.npy"), prices(place)
    codes = Catalog.read(place / "catalog.parquet").collection_codes
    names = list(Catalog.read(place / "catalog.parquet").collections)
    assert tuple(found.currencies) == sold
    for name in sold:
        members = np.flatnonzero(codes == names.index(name))
        space = PriceSpace.fit(kept, members, (("grid", 0, 3072),))
        assert np.array_equal(found.space(name).halves, space.halves)
        assert found.model(name).items_ == len(members)


def no_fit(*args, **more):
    raise AssertionError("nothing should be fitted here")


def test_a_build_fits_on_its_own_items(items, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "_CHUNK", 7)
    fitted = build(tmp_path / "i", items).manifest.fitted
    check_vectors(tmp_path / "i")
    assert (fitted["fitted_on"], fitted["heads"], fitted["kind"]) == (65, 2, "flat")
    assert (fitted["size"], fitted["recall"]) == (65, 1.0)
    catalog = Catalog.read(tmp_path / "i/catalog.parquet")
    kept = Descriptors(tmp_path / "i/descriptors.npy")
    Spaces.fit(kept, catalog, (("grid", 0, 3072),)).save(tmp_path)
    assert (tmp_path / spaces.NAME).read_bytes() == files(tmp_path / "i")[spaces.NAME]


def test_a_second_build_of_the_same_copies(items, tmp_path, monkeypatch):
    first = build(tmp_path / "i", items).manifest
    before = files(tmp_path / "i")
    monkeypatch.setattr(Spaces, "fit", no_fit)
    monkeypatch.setattr(fitting, "build_index", no_fit)
    second = build(tmp_path / "i", items).manifest
    assert files(tmp_path / "i") == before
    assert second.fitted == first.fitted
    assert second.build_id != first.build_id


def test_a_second_build_mends_prices_of_another_format(items, tmp_path):
    build(tmp_path / "i", items)
    place, before = tmp_path / "i" / appraisal.NAME, files(tmp_path / "i")
    np.savez(place.with_suffix(""), allow_pickle=False, currencies=np.array("{}"))
    with pytest.raises(StoreError, match="build it again"):
        prices(tmp_path / "i")
    build(tmp_path / "i", items)
    assert prices(tmp_path / "i").currencies == {}
    assert files(tmp_path / "i") == before


def sold(items) -> SourceContents:
    """Items with one sale each, one a day."""
    first = dt.date(2022, 1, 1).toordinal()
    sales = [
        Sale(one.collection, one.token_id, dt.date.fromordinal(first + n), 1 + n % 3, "ETH")
        for n, one in enumerate(items)
    ]
    return SourceContents(list(items), sales, {}, [])


def test_prices_are_of_what_the_index_holds(items, tmp_path):
    place, fresh = tmp_path / "i", tmp_path / "fresh"
    builder.build(sold(items[:30]), config(place))
    check_prices(place, "masks")
    builder.add(sold(items[30:]), config(place, refit=False))
    check_prices(place, "masks", "moths")
    remove(place, ["masks/7", "moths/3"])
    check_prices(place, "masks", "moths")
    for at in (place, fresh):
        builder.build(sold(items), config(at))
    one, two = (dict(np.load(at / appraisal.NAME)) for at in (place, fresh))
    assert {name: array.tobytes() for name, array in one.items()} == {
        name: array.tobytes() for name, array in two.items()
    }


@pytest.mark.parametrize("change", ["item", "traits", "order", "kind", "seed"])
def test_a_build_of_something_else_fits_anew(items, tmp_path, change):
    build(tmp_path / "i", items)
    settings = {"kind": {"kind": "hnsw"}, "seed": {"seed": 1}}.get(change, {})
    other = list(items)
    if change == "item":
        other = items[:-1]
    elif change == "traits":
        first = items[0]
        other[0] = Item(first.collection, first.token_id, first.picture, (("hat", "new"),))
    elif change == "order":
        other = items[::-1]
    build(tmp_path / "i", other, **settings)
    build(tmp_path / "fresh", other, **settings)
    assert files(tmp_path / "i") == files(tmp_path / "fresh")


def test_adding_keeps_the_spaces_and_equals_transforming(items, tmp_path, monkeypatch):
    place = tmp_path / "i"
    build(place, items[:50])
    spaces_before, vectors = files(place)[spaces.NAME], np.array(open_index(place).vectors)
    monkeypatch.setattr(Spaces, "fit", no_fit)
    manifest = add(place, items[50:]).manifest
    assert files(place)[spaces.NAME] == spaces_before
    np.testing.assert_array_equal(open_index(place).vectors[:50], vectors)
    check_vectors(place)
    assert (manifest.fitted["fitted_on"], manifest.fitted["size"]) == (50, 65)


def test_an_index_that_outgrows_its_spaces_fits_anew(items, tmp_path):
    place = tmp_path / "i"
    build(place, items[:25])
    assert add(place, items[25:50]).manifest.fitted["fitted_on"] == 25
    assert add(place, items[50:]).manifest.fitted["fitted_on"] == 65
    build(tmp_path / "fresh", items)
    assert files(place) == files(tmp_path / "fresh")


def test_adding_a_known_item_with_another_picture_gives_it_another_vector(items, tmp_path):
    place = tmp_path / "i"
    build(place, items)
    vectors = np.array(open_index(place).vectors)
    changed = Item("masks", "3", items[60].picture, items[3].traits)
    add(place, [changed])
    found = open_index(place).vectors
    np.testing.assert_array_equal(np.delete(found, 3, axis=0), np.delete(vectors, 3, axis=0))
    np.testing.assert_allclose(found[3], vectors[60], atol=1e-6)


def test_removing_keeps_the_rest(items, tmp_path, monkeypatch):
    place = tmp_path / "i"
    build(place, items)
    spaces_before, vectors = files(place)[spaces.NAME], np.array(open_index(place).vectors)
    monkeypatch.setattr(Spaces, "fit", no_fit)
    remove(place, ["masks/7", "moths/0"])
    assert files(place)[spaces.NAME] == spaces_before
    np.testing.assert_array_equal(open_index(place).vectors, np.delete(vectors, [7, 40], axis=0))
    check_vectors(place)


def test_a_whole_collection_can_go(items, tmp_path):
    place = tmp_path / "i"
    build(place, items)
    remove(place, [one.key for one in items if one.collection == "masks"])
    check_vectors(place)
    assert list(Spaces.open(place).vocabulary) == ["masks", "moths"]  # kept, and not asked


def test_a_build_after_adding_and_removing_equals_an_undisturbed_one(items, tmp_path):
    place = tmp_path / "i"
    build(place, items[:50])
    add(place, items[50:])
    assert add(place, items[50:]).encoded == 0
    build(tmp_path / "fresh", items)
    assert build(place, items).encoded == 0
    assert files(place) == files(tmp_path / "fresh")
    remove(place, ["masks/0"])
    add(place, items[:1])
    build(place, items)
    assert files(place) == files(tmp_path / "fresh")


@pytest.mark.parametrize("name", FITTED)
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_build_mends_what_was_damaged_and_add_refuses_it(items, tmp_path, name, damage):
    place = tmp_path / "i"
    build(place, items)
    before = files(place)
    if damage == "missing":
        (place / name).unlink()
    else:
        (place / name).write_bytes(before[name][: len(before[name]) // 2])
    with pytest.raises(StoreError, match="build"):
        add(place, items[:1])
    build(place, items)
    assert files(place) == before


@pytest.mark.parametrize("name", ["collections.json", "prices.npz"])
def test_a_build_mends_what_answers_are_made_of(items, tmp_path, name):
    place = tmp_path / "i"
    build(place, items)
    content = (place / name).read_bytes()
    (place / name).write_bytes(content[:7])
    build(place, items)
    assert len((place / name).read_bytes()) == len(content)


@pytest.mark.parametrize("kind", ["hnsw", "ivfpq"])
def test_other_kinds_of_index_are_built_and_measured(tmp_path, kind):
    items = drawn(tmp_path, "masks", 300, 3)
    fitted = build(tmp_path / "i", items, kind=kind).manifest.fitted
    assert fitted["kind"] == open_index(tmp_path / "i").kind == kind
    assert 0.9 < fitted["recall"] <= 1
    check_vectors(tmp_path / "i")


def test_one_picture_is_an_index(items, tmp_path):
    manifest = build(tmp_path / "i", items[:1]).manifest
    assert (manifest.fitted["size"], manifest.fitted["heads"]) == (1, 0)
    check_vectors(tmp_path / "i")
    add(tmp_path / "i", items[1:2])
    assert np.ptp(open_index(tmp_path / "i").vectors, axis=0).max() == 0
    add(tmp_path / "i", items[2:30])
    assert len(np.unique(open_index(tmp_path / "i").vectors, axis=0)) == 30
    check_vectors(tmp_path / "i")


def test_recognisers_are_learned_at_build_and_kept_by_an_index_that_is_added_to(
    sample_index, tmp_path
):
    from simsearch import cli
    from simsearch.engine import SearchEngine
    from simsearch.traits import recognisers

    built = sample_index.engine.traits.by_collection
    assert set(built) == {"lighthouses", "teapots", "masks"}
    index = tmp_path / "index"
    shutil.copytree(sample_index.folder, index)
    assert cli.run(["index", "remove", str(index), "teapots/7"]) == 0
    name = recognisers.NAME
    assert (index / name).read_bytes() == (sample_index.folder / name).read_bytes()
    (index / name).unlink()
    engine = SearchEngine.open(index)  # as built before there were any
    assert engine.traits.shown(engine.item("teapots/8").rgb, "teapots") == []
