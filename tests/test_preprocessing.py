"""Preprocessing: steps by hand, how they are written, indexes that keep to theirs."""

import json
import shutil
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from simsearch import cli
from simsearch.building.builder import BuildConfig, build
from simsearch.building.encoding import Encoding
from simsearch.building.verify import verify_index
from simsearch.catalog import Item, Picture
from simsearch.encoders import fingerprint, load_encoder
from simsearch.encoders.preprocessed import Preprocessed, as_indexed, preprocessed
from simsearch.engine import SearchEngine
from simsearch.errors import StoreError, UsageError, WeightsError
from simsearch.evaluation.fresh import build_sample
from simsearch.evaluation.noise import NOISES, noised_copies, salt_and_pepper
from simsearch.preprocessing import Preprocessing, denoiser, told
from simsearch.sample.endless import random_collection
from simsearch.sources.contents import SourceContents
from simsearch.store.manifest import Manifest
from simsearch.tensors import save_state


def random_state(width=2, seed=0):
    """Tensors of a denoiser that was never trained."""
    rng = np.random.default_rng(seed)
    shapes = denoiser.parameter_shapes(width)
    return {name: rng.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture
def denoiser_file(tmp_path):
    save_state(tmp_path / "own.safetensors", random_state(), {"format": "1"})
    return tmp_path / "own.safetensors"


def noise_of(side=24, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


# Steps


def test_median_by_hand():
    rgb = noise_of(9)
    found = Preprocessing.read("median:3")(rgb)
    window = rgb[3:6, 4:7].reshape(9, 3)
    np.testing.assert_array_equal(found[4, 5], np.median(window, axis=0))
    spots = np.full((9, 9, 3), 70, dtype=np.uint8)
    spots[::4, ::4] = 255
    np.testing.assert_array_equal(Preprocessing.read("median:3")(spots)[1:-1, 1:-1], 70)


def test_gaussian_keeps_the_mean_and_takes_noise_off():
    rgb = (noise_of(64) // 4 + 90).astype(np.uint8)
    smooth = Preprocessing.read("gaussian:2")(rgb)
    assert abs(smooth.mean() - rgb.mean()) < 1
    assert smooth.std() < rgb.std() / 4


def test_jpeg_is_what_a_file_of_that_quality_shows():
    rgb, file = noise_of(), BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=30)
    step = Preprocessing.read("jpeg:30")
    np.testing.assert_array_equal(step(rgb), np.asarray(Image.open(file)))
    assert step.file_bytes(rgb) == file.getvalue()


def test_steps_are_done_in_their_order_and_stored_as_the_last_one_leaves_them():
    rgb = noise_of()
    both = Preprocessing.read("median:3, jpeg:30")
    one, other = Preprocessing.read("median:3"), Preprocessing.read("jpeg:30")
    np.testing.assert_array_equal(both(rgb), other(one(rgb)))
    assert both.file_bytes(rgb) == other.file_bytes(one(rgb))
    for steps in (one, Preprocessing()):
        shown = np.asarray(Image.open(BytesIO(steps.file_bytes(rgb))))
        np.testing.assert_array_equal(shown, steps(rgb))


def test_what_is_done_is_what_is_kept():
    given = Preprocessing.read("gaussian:1.23456789")
    kept = Preprocessing.kept(None, {"preprocessing": given.specs})
    assert [one.apply.args[1] for one in (*given.steps, *kept.steps)] == [1.23457, 1.23457]


def test_specs_are_read_again():
    text = "median:3,jpeg:30,gaussian:1.5"
    steps = Preprocessing.read(text)
    assert steps.specs == text.split(",")
    again = Preprocessing.kept(None, {"preprocessing": steps.specs})
    np.testing.assert_array_equal(again(noise_of()), steps(noise_of()))
    assert Preprocessing.read("gaussian:1.0").specs == ["gaussian:1"]
    assert not Preprocessing.read("")
    assert not Preprocessing.read("none")
    assert not Preprocessing.kept(None, {"side": 64})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sharpen:3", "no preprocessing is called 'sharpen'"),
        ("jpeg", "jpeg takes a quality from 1 to 95"),
        ("jpeg:0", "jpeg:0 cannot be done"),
        ("jpeg:thirty", "jpeg:thirty cannot be done"),
        ("median:4", "an odd side"),
        ("median:3,gaussian:-1", "a sigma over 0"),
        ("gaussian:nan", "a sigma over 0"),
        ("median:3,", "no preprocessing is called ''"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(text, message, tmp_path, capsys):
    with pytest.raises(UsageError, match=message):
        Preprocessing.read(text)
    command = ["index", "build", str(tmp_path), "--out", str(tmp_path / "new")]
    assert cli.run([*command, "--preprocess", text]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "new").exists()


# Noise


def test_noise_is_as_strong_as_said():
    grey, rng = np.full((200, 200, 3), 128, dtype=np.uint8), np.random.default_rng(0)
    assert NOISES["gaussian"](grey, rng).std() == pytest.approx(25.5, rel=0.02)
    peppered = NOISES["salt-and-pepper"](grey, rng)
    for level in (0, 255):
        assert (peppered == level).all(axis=2).mean() == pytest.approx(0.05, abs=0.005)
    assert ((peppered == 128) | (peppered == 0) | (peppered == 255)).all()


def test_noised_copies_are_those_of_their_key():
    one, same, other = (noised_copies(noise_of(), key) for key in ("a/1", "a/1", "a/2"))
    for name in NOISES:
        np.testing.assert_array_equal(one[name], same[name])
    assert not np.array_equal(one["gaussian"], other["gaussian"])


# Encoders and indexes


def test_without_steps_an_encoder_is_itself():
    encoder = load_encoder("pixels")
    assert preprocessed(encoder, Preprocessing()) is encoder
    assert as_indexed(encoder, {"side": 32}, None) is encoder


def test_an_encoder_behind_steps_sees_what_they_leave():
    encoder, steps = load_encoder("vgg16-nft", threads=1), Preprocessing.read("median:3")
    behind = preprocessed(encoder, steps)
    np.testing.assert_array_equal(behind.prepare(noise_of()), encoder.prepare(steps(noise_of())))
    assert behind.settings == {**encoder.settings, "preprocessing": ["median:3"]}
    assert behind.weights_sha256 == encoder.weights_sha256
    assert behind.blocks == encoder.blocks
    marks = {fingerprint(preprocessed(encoder, Preprocessing.read(s))) for s in ("none", "jpeg:9")}
    assert len(marks | {fingerprint(behind)}) == 3
    assert as_indexed(behind, {"preprocessing": ["jpeg:9"]}, None) is behind


@pytest.fixture(scope="module")
def teapots(tmp_path_factory):
    """A folder of ten pictures."""
    folder = tmp_path_factory.mktemp("some") / "teapots"
    folder.mkdir()
    pixels, _ = random_collection(np.random.default_rng(0), 48, 10, 4)
    for number, rgb in enumerate(pixels):
        Image.fromarray(rgb).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def median_index(teapots, tmp_path_factory):
    """They, through a median filter."""
    place = tmp_path_factory.mktemp("median") / "index"
    assert built(teapots, place, "--preprocess", "median:3") == 0
    return place


def built(teapots, place, *options):
    return cli.run(["index", "build", str(teapots), "--out", str(place), *options])


def test_no_steps_give_the_same_index_as_ever(teapots, tmp_path):
    for name, options in (("plain", []), ("none", ["--preprocess", "none"])):
        assert built(teapots, tmp_path / name, *options) == 0
    plain, none = (Manifest.read(tmp_path / name) for name in ("plain", "none"))
    assert plain.encoder == none.encoder
    assert "preprocessing" not in plain.encoder.settings
    for name in ("descriptors.npy", "vectors.npy", "spaces.safetensors"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "none" / name).read_bytes()
    encoder = load_encoder("vgg16-nft")
    engine = SearchEngine.open(tmp_path / "plain")
    rgb = engine.read((teapots / "7.png").read_bytes(), "7").rgb
    row = engine.catalog.row("teapots/7")
    kept = engine.retriever.descriptors.rows([row])[0]
    np.testing.assert_allclose(kept, encoder.encode(encoder.prepare(rgb)[None])[0], atol=2e-3)


def test_a_query_goes_through_the_steps_of_its_index(teapots, median_index):
    engine = SearchEngine.open(median_index)
    assert engine.manifest.encoder.settings["preprocessing"] == ["median:3"]
    found = engine.read((teapots / "7.png").read_bytes(), "7")
    kept = engine.retriever.descriptors.rows([engine.catalog.row("teapots/7")])[0]
    np.testing.assert_allclose(found.descriptor, kept, atol=2e-3)
    plain = load_encoder("vgg16-nft")
    step = Preprocessing.read("median:3")
    for rgb, near in ((step(found.rgb), True), (found.rgb, False)):
        alike = np.abs(plain.encode(plain.prepare(rgb)[None])[0] - kept).max() < 2e-3
        assert alike == near
    assert all(check.passed for check in verify_index(median_index, sample=5))


def test_what_is_added_goes_through_them_too(teapots, median_index, tmp_path, capsys):
    place = tmp_path / "index"
    shutil.copytree(median_index, place)
    rgb = noise_of(40, seed=9)
    (tmp_path / "new").mkdir()
    Image.fromarray(rgb).save(tmp_path / "new" / "900.png")
    assert cli.run(["index", "add", str(place), str(tmp_path / "new")]) == 0
    engine = SearchEngine.open(place)
    kept = engine.retriever.descriptors.rows([engine.catalog.row("new/900")])[0]
    encoder, step = load_encoder("vgg16-nft"), Preprocessing.read("median:3")
    assert engine.manifest.encoder.settings["preprocessing"] == step.specs
    wanted = encoder.encode(encoder.prepare(step(rgb))[None])[0]
    np.testing.assert_allclose(kept, wanted, atol=2e-3)


def test_other_steps_encode_again_and_the_same_do_not(teapots, median_index, tmp_path, capsys):
    place = tmp_path / "index"
    shutil.copytree(median_index, place)
    count = Manifest.read(place).items
    for steps, encoded in (("median:3", 0), ("median:5", count), ("none", count)):
        capsys.readouterr()
        assert built(teapots, place, "--preprocess", steps) == 0
        assert f"encoded  {encoded:,}" in capsys.readouterr().out.replace("encoded   ", "encoded  ")


def test_another_encoder_is_tried_behind_the_same_steps(median_index, tmp_path):
    engine = SearchEngine.open(median_index)
    build_sample(engine, load_encoder("pixels"), tmp_path / "small", 5)
    found = Manifest.read(tmp_path / "small").encoder
    assert (found.name, found.settings["preprocessing"]) == ("pixels", ["median:3"])


def test_info_tells_the_steps(median_index, capsys):
    assert cli.run(["index", "info", str(median_index)]) == 0
    assert "pictures preprocessed: median:3" in " ".join(capsys.readouterr().out.split())
    assert told(["denoise:" + "ab" * 32, "jpeg:30"]) == "denoise:abababab, jpeg:30"


def test_steps_that_this_program_does_not_know_are_refused(median_index, tmp_path, capsys):
    place = tmp_path / "index"
    shutil.copytree(median_index, place)
    manifest = json.loads((place / "manifest.json").read_text())
    for damaged in (["sharpen:3"], "median:3"):
        manifest["encoder"]["settings"]["preprocessing"] = damaged
        (place / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(StoreError, match="upgrade simsearch, or build or train again"):
            _ = SearchEngine.open(place).encoder


# A planted case: what a filter takes away


def planted(folder, count=24):
    """Pictures of 6 x 6 blocks that differ a little in four of them, each as a file."""
    rng = np.random.default_rng(4)
    base = rng.integers(60, 196, (6, 6, 3))
    items = []
    folder.mkdir()
    for number in range(count):
        blocks = base.copy()
        for place in rng.permutation(36)[:4]:
            blocks[place // 6, place % 6] += rng.integers(-9, 10, 3)
        pixels = blocks.astype(np.uint8).repeat(6, axis=0).repeat(6, axis=1)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        picture = Picture("file", str(folder / f"{number}.png"))
        items.append(Item("blocks", str(number), picture))
    return items


def test_a_median_filter_finds_the_originals_of_peppered_copies(tmp_path):
    items = planted(tmp_path / "pictures")
    found = {}
    for text in ("none", "median:5"):
        encoder = preprocessed(load_encoder("pixels"), Preprocessing.read(text))
        config = BuildConfig(tmp_path / text, lambda made: {}, Encoding(encoder, workers=1))
        build(SourceContents(items, [], {}, []), config)
        kept = np.load(tmp_path / text / "descriptors.npy").astype(np.float32)
        rng, copies = np.random.default_rng(0), []
        for item in items:
            rgb = np.asarray(Image.open(item.picture.path))
            copies.append(encoder.prepare(salt_and_pepper(rgb, rng, 0.2)))
        asked = encoder.encode(np.stack(copies))
        apart = ((asked[:, None] - kept) ** 2).sum(axis=2)
        found[text] = (apart.argmin(axis=1) == np.arange(len(items))).mean()
    assert found["none"] < 0.7
    assert found["median:5"] == 1


# Denoisers


def test_a_denoiser_gives_back_pictures_of_their_size(denoiser_file):
    step = Preprocessing.read(f"denoise:{denoiser_file}")
    assert step.specs == [f"denoise:{denoiser.load(denoiser_file).sha256}"]
    for shape in ((24, 24, 3), (7, 10, 3), (1, 1, 3)):
        rgb = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
        found = step(rgb)
        assert found.shape == shape
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, step(rgb))
    assert step(np.zeros((300, 280, 3), dtype=np.uint8)).shape == (256, 256, 3)


def test_a_denoiser_that_adds_nothing_changes_nothing():
    state = random_state()
    state["leave.weight"][:], state["leave.bias"][:] = 0, 0
    np.testing.assert_array_equal(denoiser.Denoiser(state)(noise_of()), noise_of())
    state["leave.bias"][:] = (10 / 255, 0, 300)
    changed = denoiser.Denoiser(state)(np.full((5, 5, 3), 100, dtype=np.uint8))
    np.testing.assert_array_equal(changed, np.full((5, 5, 3), (110, 100, 255)))


def test_an_index_holds_its_denoiser(teapots, denoiser_file, tmp_path, capsys):
    place = tmp_path / "index"
    assert built(teapots, place, "--preprocess", f"denoise:{denoiser_file}") == 0
    denoiser_file.unlink()
    moved = tmp_path / "moved"
    place.rename(moved)
    assert cli.run(["index", "remove", str(moved), "teapots/3"]) == 0
    engine = SearchEngine.open(moved)
    assert isinstance(engine.encoder, Preprocessed)
    assert engine.encoder.settings["preprocessing"][0].startswith("denoise:")
    kept = next(moved.glob("denoiser-*.safetensors"))
    query = ["query", str(teapots / "7.png"), "--index", str(moved)]
    assert cli.run(query) == 0
    build_sample(engine, load_encoder("pixels"), tmp_path / "small", 5)
    assert (tmp_path / "small" / kept.name).is_file()
    capsys.readouterr()
    save_state(kept, random_state(seed=1), {"format": "1"})
    assert cli.run(query) == 1
    assert "not the denoiser that pictures went through" in capsys.readouterr().err
    kept.unlink()
    assert cli.run(query) == 1
    told_so = capsys.readouterr().err.strip()
    assert len(told_so.splitlines()) == 1
    assert "missing; put it back, or build or train again with --preprocess" in told_so


def test_files_that_hold_no_denoiser_are_refused(tmp_path):
    state = random_state()
    del state["look.bias"]
    save_state(tmp_path / "w.safetensors", state, {})
    with pytest.raises(WeightsError, match="no denoiser"):
        Preprocessing.read(f"denoise:{tmp_path / 'w.safetensors'}")
    with pytest.raises(WeightsError, match="simsearch train denoiser"):
        Preprocessing.read(f"denoise:{tmp_path / 'nowhere.safetensors'}")


def test_the_denoiser_of_the_package_takes_noise_off():
    step = Preprocessing.read("denoise")
    drawn, _ = random_collection(np.random.default_rng(5), 64, 12, 4)
    errors = {name: np.zeros(2) for name in NOISES}
    for number, rgb in enumerate(drawn):
        for name, copy in noised_copies(rgb, str(number)).items():
            shown = (copy, step(copy))
            errors[name] += [np.square(one.astype(float) - rgb).mean() for one in shown]
    for before, after in (errors["gaussian"], errors["salt-and-pepper"]):
        assert after < 0.7 * before
    before, after = errors["jpeg 10"]
    assert after < before
