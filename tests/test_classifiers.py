"""Classifiers: who trains and who tests, what is learned, files, the same when resumed."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from simsearch.classifiers.classifier import TrainedClassifier, train
from simsearch.classifiers.fitting import NetworkTraining
from simsearch.classifiers.inputs import Inputs
from simsearch.classifiers.labelled import Draw, read_labelled
from simsearch.classifiers.presets import PRESETS, ClassifierSettings, Preset
from simsearch.errors import UsageError
from simsearch.sources import read_sources
from simsearch.tensors import load_state
from simsearch.training.checkpoint import BEST, CHECKPOINT
from simsearch.training.decoding import square

torch = pytest.importorskip("torch")

TINY = ClassifierSettings(preset="tiny", epochs=4, patience=0, batch=8, device="cpu")
COLOURS = {"blue": (20, 40, 220), "green": (30, 200, 60), "red": (220, 30, 30)}


@pytest.fixture(scope="module", autouse=True)
def _tiny():
    """A preset that learns in a moment, on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        preset = Preset("for tests", side=16, channels=(4,), dense=(8,), dropped=0.2, rate=3e-3)
        patch.setitem(PRESETS, "tiny", preset)
        yield
    torch.set_num_threads(before)


def paint(folder, colour, count, start=0):
    """Noisy pictures of about one colour, 20 px."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        noise = np.random.default_rng([number, *colour]).integers(-20, 20, (20, 20, 3))
        pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Three classes of 20 pictures."""
    root = tmp_path_factory.mktemp("colours")
    for name, colour in COLOURS.items():
        paint(root / name, colour, 20)
    return root


def labelled(source, folder, side=16, **draw):
    return read_labelled(read_sources([source]).items, Draw(**draw), square(side), folder)


@pytest.fixture(scope="module")
def pictures(folders, tmp_path_factory):
    return labelled(folders, tmp_path_factory.mktemp("decoded"))


def counted(found):
    return {part: found.counts(part).tolist() for part in ("train", "valid", "test")}


def test_parts_are_drawn_class_by_class(pictures):
    assert pictures.classes == ("blue", "green", "red")
    assert counted(pictures) == {"train": [14] * 3, "valid": [2] * 3, "test": [4] * 3}
    for row in (0, 25, 59):
        colour = COLOURS[pictures.classes[pictures.codes[row]]]
        mean = pictures.take(np.array([row]))[0].mean(axis=(0, 1))
        assert np.abs(mean - colour).max() < 25


def test_a_tiny_network_learns_and_says_so(pictures, tmp_path):
    made = train(pictures, dataclasses.replace(TINY, epochs=12), tmp_path)
    rows = pictures.rows("test")
    np.testing.assert_array_equal(made.predict(pictures.take(rows)), pictures.codes[rows])
    shares = made.predict_proba(pictures.take(rows))
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    losses = [one["valid_loss"] for one in made.run.history]
    assert losses[-1] < losses[0]
    red = np.full((50, 70, 3), COLOURS["red"], dtype=np.uint8)
    (((best, share), *rest),) = made.classify([red])
    assert best == "red"
    assert share > max(other for _, other in rest)


def test_a_resumed_training_is_bit_equal(pictures, tmp_path):
    inputs = Inputs.of(TINY)
    straight = NetworkTraining(pictures, TINY, tmp_path / "a", inputs=inputs)
    straight()

    class Stop(Exception):
        pass

    def stop(done, total):
        if done == 15:
            raise Stop

    broken = NetworkTraining(pictures, TINY, tmp_path / "b", inputs=inputs)
    with pytest.raises(Stop):
        broken(stop)
    again = NetworkTraining(pictures, TINY, tmp_path / "b", inputs=inputs, resume=True)
    assert len(again.run.history) == 2
    again()
    assert again.run.history == straight.run.history
    for name in (BEST, CHECKPOINT):
        one, other = (load_state(tmp_path / folder / name) for folder in "ab")
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize(
    ("preset", "side"),
    [
        ("tiny", 0),
        ("tiny", 32),
        ("linear", 0),
        ("fine-tuned", 0),
        ("fine-tuned", 96),
        ("neighbours", 0),
    ],
)
def test_a_file_gives_the_same_answers(pictures, tmp_path, preset, side):
    settings = dataclasses.replace(TINY, preset=preset, side=side, epochs=2)
    inputs = Inputs.of(settings)
    own = read_labelled(pictures.items, Draw(), inputs.preparation, tmp_path / "decoded")
    made = train(own, settings, tmp_path / "training", inputs=inputs)
    made.save(tmp_path / "made.safetensors")
    again = TrainedClassifier.load(tmp_path / "made.safetensors", device="cpu")
    shown = own.take(own.rows("test"))
    np.testing.assert_array_equal(made.predict_proba(shown), again.predict_proba(shown))
    assert (again.classes, again.run, again.settings) == (made.classes, made.run, made.settings)
    assert json.loads((tmp_path / "made.json").read_text()) == again.card()


def test_another_side_is_read_and_one_that_cannot_be_is_refused():
    for preset in ("dense", "fine-tuned"):
        assert Inputs.of(ClassifierSettings(preset, side=96).checked()).preparation.side == 96
    for preset, side in (("dense", 16), ("dense", 1024), ("fine-tuned", 90), ("linear", 96)):
        with pytest.raises(UsageError, match="side"):
            ClassifierSettings(preset, side=side).checked()


def test_a_network_of_ones_own_is_trained(pictures, tmp_path):
    own = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 3))
    before = own[1].weight.detach().clone()
    training = NetworkTraining(pictures, TINY, tmp_path, inputs=Inputs.of(TINY), network=own)
    assert training() is own
    assert not torch.equal(own[1].weight, before)
    assert training.run.history[-1]["valid_accuracy"] == 1
