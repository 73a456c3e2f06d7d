"""Classifiers: what networks are, what is learned, the same when resumed, files, hostile files."""

import dataclasses
import json

import numpy as np
import pytest
from coloured import COLOURS, coloured, labelled, paint

from simsearch.classifiers.classifier import FORMAT, TrainedClassifier, train
from simsearch.classifiers.fitting import NetworkTraining, Run
from simsearch.classifiers.inputs import Inputs
from simsearch.classifiers.labelled import Draw, read_labelled
from simsearch.classifiers.networks import build_network
from simsearch.classifiers.presets import PRESETS, ClassifierSettings, Preset
from simsearch.cli.labelled import Labelled
from simsearch.errors import StoreError, UsageError, WeightsError
from simsearch.preprocessing import Preprocessing
from simsearch.tensors import load_state, read_metadata, save_state
from simsearch.training.checkpoint import BEST, CHECKPOINT

torch = pytest.importorskip("torch")

TINY = ClassifierSettings(preset="tiny", epochs=4, patience=0, batch=8, device="cpu")


@pytest.fixture(scope="module", autouse=True)
def _tiny():
    """A preset that learns in a moment, on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        preset = Preset(
            "for tests", side=16, channels=(4,), normed=True, dense=(8,), dropped=0.2, rate=3e-3
        )
        patch.setitem(PRESETS, "tiny", preset)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Three colours, 20 pictures of each."""
    root = tmp_path_factory.mktemp("colours")
    for name in COLOURS:
        paint(root / "a", name, 20)
    return labelled(root / "a", root / "decoded")


@pytest.fixture(scope="module")
def made(pictures, tmp_path_factory):
    """A tiny network that has learned them."""
    return train(pictures, dataclasses.replace(TINY, epochs=20), tmp_path_factory.mktemp("made"))


@pytest.mark.parametrize(
    ("preset", "side", "parameters"),
    [  # convolutions + dense layers + the last one, of six classes
        ("dense", 224, (224 * 224 * 3 + 1) * 256 + 257 * 128 + 129 * 6 + 2 * 384),
        ("study-1", 180, 28 * 32 + (89 * 89 * 32 + 1) * 64 + 65 * 6),
        ("study-2", 180, 28 * 32 + 289 * 32 + (43 * 43 * 32 + 1) * 64 + 65 * 6),
        ("study-3", 180, 28 * 32 + 2 * 289 * 32 + (20 * 20 * 32 + 1) * 64 + 65 * 6),
        ("study-4", 180, 28 * 32 + 289 * 64 + 577 * 128 + (20 * 20 * 128 + 1) * 64 + 65 * 6),
        ("study-5", 180, 28 * 32 + 2 * 289 * 32 + (20 * 20 * 32 + 1) * 128 + 129 * 6),
        ("cards", 224, 28 * 32 + 289 * 64 + 577 * 128 + (28 * 28 * 128 + 1) * 128 + 129 * 6),
        ("cnn", 112, 28 * 32 + 289 * 64 + 577 * 128 + 1153 * 256 + 2 * 480 + (7 * 7 * 256 + 1) * 6),
    ],
)
def test_presets_are_the_networks_of_the_studies(preset, side, parameters):
    assert PRESETS[preset].side == side
    with torch.device("meta"):
        network = build_network(ClassifierSettings(preset=preset), 6, 0)
        scores = network(torch.empty(2, 3, side, side))
    assert scores.shape == (2, 6)
    assert sum(one.numel() for one in network.parameters()) == parameters


def test_hidden_activations_are_those_that_were_asked_for():
    for hidden, wanted in (("relu", torch.nn.ReLU), ("softmax", torch.nn.Softmax)):
        with torch.device("meta"):
            network = build_network(ClassifierSettings(preset="cards", hidden=hidden), 2, 0)
        assert isinstance(network[-3], wanted)
        assert isinstance(network[2], torch.nn.ReLU)


def test_a_tiny_network_learns_and_says_so(made, pictures):
    rows = pictures.rows("test")
    shares = made.predict_proba(pictures.take(rows))
    assert shares.shape == (12, 3)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(made.predict(pictures.take(rows)), pictures.codes[rows])
    losses = [one["valid_loss"] for one in made.run.history]
    assert losses[-1] < losses[0]
    large = [
        np.kron(coloured(99, colour), np.ones((3, 3, 1), np.uint8)) for colour in COLOURS.values()
    ]
    answers = made.classify(large)
    assert [answer[0][0] for answer in answers] == list(COLOURS)
    for answer in answers:
        assert [share for _, share in answer] == sorted((s for _, s in answer), reverse=True)
    assert made.classify([]) == []


def test_batch_norm_learns_from_a_few_batches_an_epoch(pictures, tmp_path):
    settings = ClassifierSettings("cnn", side=32, epochs=10, patience=3, device="cpu")
    inputs = Inputs.of(settings)
    own = read_labelled(pictures.items, Draw(), inputs.preparation, tmp_path / "decoded")
    made = train(own, settings, tmp_path / "training", inputs=inputs)
    assert made.run.history[-1]["valid_loss"] < 0.1
    rows = own.rows("test")
    np.testing.assert_array_equal(made.predict(own.take(rows)), own.codes[rows])


def test_nothing_of_the_test_pictures_is_learned(pictures, tmp_path):
    """Other test pictures, and other labels of them, give the same network."""
    codes, pixels = pictures.codes.copy(), np.array(pictures.pixels)
    codes[pictures.rows("test")] = 0
    pixels[pictures.places[pictures.rows("test")]] = 0
    other = dataclasses.replace(pictures, codes=codes, pixels=pixels)
    one, two = (
        train(shown, TINY, tmp_path / str(number)).model.tensors()
        for number, shown in enumerate((pictures, other))
    )
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_a_resumed_training_is_bit_equal(pictures, tmp_path):
    inputs = Inputs.of(TINY)
    straight = NetworkTraining(pictures, TINY, tmp_path / "a", inputs=inputs)
    straight()

    class Stop(Exception):
        pass

    def stop(done, total):
        assert total == 24
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


def test_a_checkpoint_may_be_made_longer_but_is_of_its_own_settings(pictures, tmp_path):
    settings = dataclasses.replace(TINY, epochs=1)
    train(pictures, settings, tmp_path)
    longer = train(pictures, dataclasses.replace(settings, epochs=2), tmp_path, resume=True)
    assert len(longer.run.history) == 2
    for change in ({"seed": 1}, {"hidden": "softmax"}, {"batch": 4}):
        other = dataclasses.replace(settings, **change)
        with pytest.raises(UsageError, match="leave --resume out"):
            train(pictures, other, tmp_path, resume=True)


@pytest.mark.parametrize(("count", "steps"), [(2, 1), (8, 1), (9, 1), (10, 2), (17, 2)])
def test_a_picture_left_over_learns_with_the_batch_before_it(pictures, tmp_path, count, steps):
    """Batch norm of descriptors refuses a batch of one."""
    rows = pictures.rows("train")
    own = dataclasses.replace(pictures, parts=np.full(len(pictures.parts), "", dtype="U5"))
    own.parts[rows[np.linspace(0, len(rows) - 1, count).astype(int)]] = "train"
    settings = dataclasses.replace(TINY, epochs=1)
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.BatchNorm1d(3 * 16 * 16), torch.nn.Linear(3 * 16 * 16, 3)
    )
    told = []
    training = NetworkTraining(own, settings, tmp_path, inputs=Inputs.of(TINY), network=network)
    training(lambda done, total: told.append((done, total)))
    assert told == [(step, steps) for step in range(1, steps + 1)]
    assert network[1].num_batches_tracked == steps


def test_training_stops_when_the_loss_falls_no_more():
    losses = [0.9, 0.5, 0.4995, 0.6]
    run = Run([{"loss": 1.0, "valid_loss": loss} for loss in losses])
    assert (run.best, run.gains) == (1, [0, 1])
    assert run.is_over(ClassifierSettings(patience=2))
    assert not run.is_over(ClassifierSettings(patience=3))
    assert not run.is_over(ClassifierSettings(patience=0))
    assert run.is_over(ClassifierSettings(patience=0, epochs=4))
    perfect = Run([{"loss": 0.1, "valid_loss": 0.0009}])
    assert perfect.is_over(ClassifierSettings(patience=9))
    assert not perfect.is_over(ClassifierSettings(patience=0))
    lost = Run([{"loss": float("nan"), "valid_loss": float("nan")}] * 2)
    assert (lost.best, lost.gains) == (0, [0])
    without = Run([{"loss": 0.5}, {"loss": 0.6}])
    assert (without.best, without.gains) == (1, [0, 1])
    assert Run().best == -1
    assert not without.is_over(ClassifierSettings(patience=1))


def test_the_rate_halves_after_epochs_that_bring_nothing(pictures, tmp_path):
    training = NetworkTraining(pictures, TINY, tmp_path, inputs=Inputs.of(TINY))
    assert training.rate == PRESETS["tiny"].rate
    losses = [9, 5, 6, 4, 4]
    training.run.history += [{"loss": 1.0, "valid_loss": loss} for loss in losses]
    assert training.rate == PRESETS["tiny"].rate / 4
    training.settings = dataclasses.replace(TINY, epochs=6, rate=0.008)
    training()
    assert training._optimizer.param_groups[0]["lr"] == 0.002


@pytest.mark.parametrize(
    "change", [{"preset": "study-6"}, {"hidden": "sigmoid"}, {"epochs": 0}, {"patience": -1}]
)
def test_settings_that_cannot_be_are_refused(change):
    with pytest.raises(UsageError, match="choose from|must be"):
        dataclasses.replace(TINY, **change).checked()


@pytest.mark.parametrize(
    ("preset", "side"),
    [
        ("tiny", 0),
        ("tiny", 32),
        ("linear", 0),
        ("cnn", 32),
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
    if preset in ("linear", "neighbours"):
        tell = made.predict(own.take(own.rows("test"))) == own.codes[own.rows("test")]
        assert tell.all()


@pytest.mark.parametrize("preset", ["tiny", "linear", "neighbours"])
def test_preprocessing_is_done_to_all_that_a_classifier_reads(pictures, tmp_path, preset):
    settings = dataclasses.replace(TINY, preset=preset, epochs=2)
    plain, behind = Inputs.of(settings), Inputs.of(settings, Preprocessing.read("gaussian:4"))
    assert plain.fingerprint != behind.fingerprint
    own = read_labelled(pictures.items, Draw(), behind.preparation, tmp_path / "decoded")
    raw = read_labelled(pictures.items, Draw(), plain.preparation, tmp_path / "plain")
    assert own.take(own.rows("test")).std() < raw.take(raw.rows("test")).std()
    made = train(own, settings, tmp_path / "training", inputs=behind)
    made.save(tmp_path / "made.safetensors")
    again = TrainedClassifier.load(tmp_path / "made.safetensors", device="cpu")
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    np.testing.assert_array_equal(again.prepare(noise), behind.preparation.make(noise))
    assert again.prepare(noise).std() < plain.preparation.make(noise).std()
    assert again.classify([noise]) == made.classify([noise])
    assert json.loads((tmp_path / "made.json").read_text())["preprocessing"] == ["gaussian:4"]
    if preset != "neighbours":  # of which there is nothing to resume
        with pytest.raises(UsageError, match="other settings"):
            train(raw, settings, tmp_path / "training", inputs=plain, resume=True)


def test_a_classifier_needs_the_denoiser_beside_it(pictures, tmp_path):
    inputs = Inputs.of(TINY, Preprocessing.read("denoise"))
    own = read_labelled(pictures.items, Draw(), inputs.preparation, tmp_path / "decoded")
    made = train(own, TINY, tmp_path / "training", inputs=inputs)
    made.save(tmp_path / "made.safetensors")
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    again = TrainedClassifier.load(tmp_path / "made.safetensors", device="cpu")
    assert again.classify([noise]) == made.classify([noise])
    next(tmp_path.glob("denoiser-*.safetensors")).unlink()
    with pytest.raises(StoreError, match="the denoiser that pictures go through is missing"):
        TrainedClassifier.load(tmp_path / "made.safetensors", device="cpu")


def test_another_side_is_read_and_one_that_cannot_be_is_refused():
    for preset in ("dense", "fine-tuned"):
        assert Inputs.of(ClassifierSettings(preset, side=96).checked()).preparation.side == 96
    for preset, side in (("dense", 16), ("dense", 1024), ("fine-tuned", 90), ("linear", 96)):
        with pytest.raises(UsageError, match="side"):
            ClassifierSettings(preset, side=side).checked()


def test_augmentation_changes_what_is_learned_and_comes_from_the_seed(pictures, tmp_path):
    settings = dataclasses.replace(TINY, epochs=1)
    turned = dataclasses.replace(settings, augment="rotation,shift").checked()
    learned = [
        NetworkTraining(pictures, one, tmp_path / str(number), inputs=Inputs.of(one))()
        for number, one in enumerate((settings, turned, turned))
    ]
    plain, first, again = (one.state_dict()["0.weight"] for one in learned)
    assert torch.equal(first, again)
    assert not torch.equal(first, plain)
    with pytest.raises(UsageError, match="no augmentation is called 'fog'"):
        dataclasses.replace(TINY, augment="fog").checked()
    with pytest.raises(UsageError, match="reads no pixels"):
        ClassifierSettings("linear", augment="flip").checked()


def test_side_and_augmentation_are_given_to_what_reads_pixels():
    given = Labelled(
        sources=(),
        label="",
        per_class=0,
        test_share=0.2,
        valid_share=0.1,
        preprocess="",
        side=96,
        augment="flip",
        hidden="relu",
        epochs=1,
        patience=0,
        weights=None,
        device="cpu",
        threads=None,
        seed=0,
    )
    for preset in ("dense", "fine-tuned"):
        assert (given.training(preset).side, given.training(preset).augment) == (96, "flip")
    for preset in ("linear", "neighbours"):
        assert (given.training(preset).side, given.training(preset).augment) == (0, "")


def test_a_network_of_ones_own_is_trained(pictures, tmp_path):
    own = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 3))
    before = own[1].weight.detach().clone()
    training = NetworkTraining(pictures, TINY, tmp_path, inputs=Inputs.of(TINY), network=own)
    assert training() is own
    assert not torch.equal(own[1].weight, before)
    assert training.run.history[-1]["valid_accuracy"] == 1


def changed(made, path, notes=None, tensors=None, card=None):
    """The file of a classifier with something else in it."""
    made.save(path)
    kept = read_metadata(path)
    own = json.loads(kept["card"]) | (card or {})
    state = {name: one.astype(np.float32) for name, one in made.model.tensors().items()}
    state = (tensors or (lambda found: found))(state)
    save_state(path, state, kept | {"card": json.dumps(own)} | (notes or {}))
    return path


HOSTILE = [
    ({"notes": {"format": "9"}}, f"no classifier of format {FORMAT}"),
    ({"notes": {"card": "{"}}, "its card is damaged"),
    ({"notes": {"encoder": "abc"}}, "trained with other weights of vgg16-nft"),
    ({"card": {"classes": ["blue", "green"]}}, r"10.bias is \(3,\), expected \(2,\)"),
    ({"card": {"classes": ["one"]}}, "its card is damaged"),
    ({"card": {"classes": 7}}, "its card is damaged"),
    ({"card": {"settings": {"preset": "no-such"}}}, "its card is damaged"),
    ({"card": {"settings": {"preset": "study-1"}}}, "study-1.* does not fit|does not fit"),
    ({"card": {"settings": {"preset": "tiny", "code": "x"}}}, "its card is damaged"),
    ({"card": {"curves": [3]}}, "its card is damaged"),
    ({"tensors": lambda state: dict(list(state.items())[1:])}, "0.weight is missing"),
    ({"tensors": lambda state: state | {"more": np.zeros(1, np.float32)}}, "does not belong"),
    ({"tensors": lambda state: {n: one * np.nan for n, one in state.items()}}, "not finite"),
]


@pytest.mark.parametrize(("change", "message"), HOSTILE)
def test_a_hostile_file_is_refused_in_one_line(made, tmp_path, change, message):
    path = changed(made, tmp_path / "bad.safetensors", **change)
    with pytest.raises(WeightsError, match=message) as caught:
        TrainedClassifier.load(path, device="cpu")
    assert "\n" not in str(caught.value)


def test_what_is_no_file_of_a_classifier_is_refused(tmp_path, made):
    with pytest.raises(WeightsError, match="no classifier"):
        TrainedClassifier.load(tmp_path / "absent.safetensors")
    (tmp_path / "text.safetensors").write_text("no tensors")
    with pytest.raises(WeightsError, match="damaged"):
        TrainedClassifier.load(tmp_path / "text.safetensors")
    (tmp_path / "x.pth").write_bytes(b"cos\nsystem\n")
    with pytest.raises(WeightsError, match="is no classifier"):
        TrainedClassifier.load(tmp_path / "x.pth")
    path = changed(made, tmp_path / "cut.safetensors")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(WeightsError, match="damaged"):
        TrainedClassifier.load(path)


def test_hostile_neighbours_are_refused(pictures, tmp_path):
    settings = dataclasses.replace(TINY, preset="neighbours")
    inputs = Inputs.of(settings)
    own = read_labelled(pictures.items, Draw(), inputs.preparation, tmp_path / "decoded")
    made = train(own, settings, tmp_path, inputs=inputs)
    for change in (
        lambda state: {name: one for name, one in state.items() if name != "mean"},
        lambda state: state | {"codes": state["codes"] + 9},
        lambda state: state | {"vectors": state["vectors"][:, :-1]},
        lambda state: state | {"vectors": state["vectors"][:-1]},
    ):
        path = changed(made, tmp_path / "bad.safetensors", tensors=change)
        with pytest.raises(WeightsError, match="does not fit"):
            TrainedClassifier.load(path)
