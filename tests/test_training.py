"""Training: losses and views by hand, folding, a tiny run that learns, the same when resumed."""

import json
import shutil

import numpy as np
import pytest

from simsearch import cli
from simsearch.encoders import load_encoder
from simsearch.encoders.vgg import Network
from simsearch.encoders.vgg16_nft import LAYER, SIDE, save_untrained
from simsearch.errors import UsageError
from simsearch.tensors import load_state, read_metadata
from simsearch.training.card import licence_of
from simsearch.training.checkpoint import BEST, CHECKPOINT
from simsearch.training.encoder import EncoderTraining
from simsearch.training.losses import TEMPERATURE, copies_loss, traits_loss
from simsearch.training.network import backbone, folded, normalized, start_from
from simsearch.training.pictures import read_pictures, weighted_overlaps
from simsearch.training.run import Run, TrainingSettings, Tried
from simsearch.training.trial import Measured, Trial
from simsearch.training.views import Views

torch = pytest.importorskip("torch")

TINY = TrainingSettings(
    width=2, steps=4, groups=3, items=6, every=2, patience=0, trials=4, device="cpu"
)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pictures(sample_index, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    return read_pictures([sample_index.sources], folder, per_collection=40)


def test_pictures_are_decoded_once(sample_index, tmp_path, monkeypatch):
    first = read_pictures([sample_index.sources], tmp_path, per_collection=5)
    monkeypatch.setattr("simsearch.training.decoding._decode", None)
    again = read_pictures([sample_index.sources], tmp_path, per_collection=5)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert first.pixels.shape == (len(first.catalog), SIDE, SIDE, 3)
    assert first.catalog.keys() == again.catalog.keys()


def test_overlaps_weigh_what_is_rare():
    traits = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]], dtype=bool)
    overlaps = weighted_overlaps(traits, np.array([1.0, 2.0, 3.0, 9.0]))
    np.testing.assert_allclose(overlaps, [[1, 1 / 6, 0], [1 / 6, 1, 0], [0, 0, 0]], atol=1e-6)


def test_copies_loss_by_hand():
    same = torch.eye(3)
    alike = np.exp(1 / TEMPERATURE)
    assert copies_loss(same, same).item() == pytest.approx(-np.log(alike / (alike + 2)), abs=1e-5)
    assert copies_loss(same, same.roll(1, 0)).item() > 10


def test_traits_loss_is_least_where_nearness_follows_overlap():
    overlaps = torch.tensor([[1, 1.0, 0], [1.0, 1, 0], [0, 0, 1]])
    right = torch.tensor([[1.0, 0], [1, 0.1], [-1, 0]])
    assert traits_loss(right, overlaps) < traits_loss(right[[0, 2, 1]], overlaps)


def test_views_are_colours_of_the_same_shape_and_come_from_the_seed():
    shown = torch.rand(12, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    cpu = torch.device("cpu")
    one, same, other = (Views(seed, cpu)(shown) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert one.shape == shown.shape
    assert one.min() >= -1e-4
    assert one.max() <= 1 + 1e-4
    assert not torch.equal(Views(1, cpu).new_collection(shown), shown)


def trained(width=2):
    """A backbone whose batch norm has seen something."""
    torch.manual_seed(3)
    net = backbone(width).train()
    for _ in range(3):
        net(normalized(torch.rand(16, 3, SIDE, SIDE)))
    return net.eval()


def test_folded_weights_compute_the_same_without_torch():
    net = trained()
    shown = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8)
    with torch.inference_mode():
        tensor = torch.from_numpy(shown).permute(0, 3, 1, 2).float() / 255
        wanted = net(normalized(tensor)).numpy()
    state = {name: one.astype(np.float32) for name, one in folded(net).items()}
    (found,) = Network(state, [LAYER], SIDE, precision="f32", threads=1)(shown)
    np.testing.assert_allclose(found, wanted, atol=0.02 * np.abs(wanted).max())


def test_weights_can_be_gone_on_from(tmp_path):
    save_untrained(tmp_path / "w.safetensors", width=2)
    net = backbone(2).eval()
    start_from(net, tmp_path / "w.safetensors")
    state = load_state(tmp_path / "w.safetensors")
    for name, one in folded(net).items():
        np.testing.assert_allclose(one, state[name], atol=2e-3)


def test_a_trial_knows_twins_and_what_is_perfect():
    rng = np.random.default_rng(0)
    gallery = rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    gallery = gallery.repeat(8, axis=1).repeat(8, axis=2)
    gallery[11] = gallery[0]
    trial = Trial.of(gallery, np.zeros((12, 12), np.float32), 12, seed=0)
    measured = trial.measure(
        lambda shown: shown[:, ::8, ::8].reshape(len(shown), -1).astype(np.float32) / 255
    )
    assert measured.recall["jpeg"] == measured.recall["resize"] == 1.0
    assert measured.recall["screenshot"] < 1
    assert measured.overlap is None
    assert measured.score == np.mean(list(measured.recall.values()))


def test_a_trial_scores_neighbours_by_the_traits_they_share():
    gallery = np.random.default_rng(0).integers(0, 256, (24, SIDE, SIDE, 3), dtype=np.uint8)
    kinds = np.arange(24) % 2
    overlaps = (kinds[:, None] == kinds).astype(np.float32)
    trial = Trial.of(gallery, overlaps, 1, seed=0)
    places = {picture.tobytes(): place for place, picture in enumerate(gallery)}

    def describe(shown, told):
        return np.stack([told(places.get(picture.tobytes(), 0)) for picture in shown])

    noise = np.random.default_rng(1).normal(size=(24, 2)).astype(np.float32) / 100
    right = trial.measure(lambda shown: describe(shown, lambda n: noise[n] + [kinds[n], 0]))
    wrong = trial.measure(lambda shown: describe(shown, lambda n: noise[n] + [n % 3, 0]))
    assert right.overlap == 1.0
    assert wrong.overlap < 0.7
    assert right.score == (np.mean(list(right.recall.values())) + 1) / 2


def test_training_learns_and_is_the_same_when_resumed(pictures, tmp_path):
    straight = EncoderTraining(pictures, TINY, tmp_path / "a")(lambda done, total: None)
    assert [one.step for one in straight.history] == [0, 2, 4]
    broken = EncoderTraining(pictures, TINY, tmp_path / "b")

    class Stop(Exception):
        pass

    def stop(done, total):
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        broken(stop)
    again = EncoderTraining(pictures, TINY, tmp_path / "b", resume=True)
    assert again.run.step == 2
    assert again().history == straight.history
    for name in (BEST, CHECKPOINT):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_checkpoint_of_other_settings_is_refused(pictures, tmp_path):
    short = TrainingSettings(**{**TINY.__dict__, "steps": 2})
    EncoderTraining(pictures, short, tmp_path)()
    with pytest.raises(UsageError, match="leave --resume out"):
        EncoderTraining(pictures, TINY, tmp_path, resume=True)


def test_some_steps_lower_the_loss(pictures, tmp_path):
    chosen = TrainingSettings(
        width=4, steps=32, groups=3, items=6, every=8, patience=0, trials=2, device="cpu"
    )
    run = EncoderTraining(pictures, chosen, tmp_path)()
    copies = [one.losses["copies"] for one in run.history[1:]]
    assert copies[-1] < copies[0] - 0.1, copies
    assert copies[-1] < np.log(18) - 0.15, copies  # 18 pictures told apart by chance


def test_training_stops_when_nothing_gets_better():
    history = [Tried(0, {}, Measured({"crop": score}, None)) for score in (0.5, 0.7, 0.6, 0.65)]
    assert not Run(3, history).is_over(TrainingSettings(patience=3))
    assert Run(3, history).is_over(TrainingSettings(patience=2))
    assert not Run(3, history).is_over(TrainingSettings(patience=0))
    assert Run(4, history).is_over(TrainingSettings(steps=4, patience=0))


def test_a_card_tells_the_licence_of_the_pictures():
    table = "# Cats\n\n| file | licence there |\n|---|---|\n| a.zip | CC0 1.0 |\n| t.csv | MIT |\n"
    assert licence_of(table) == "CC0 1.0"
    assert licence_of("Drawn by us.\n\nLicence: MIT\n") == "Licence: MIT"
    assert licence_of("| file | licence |\n") == "| file | licence |"
    assert licence_of("Nothing is said.") == "not stated"


def test_the_command_writes_weights_that_an_index_takes(sample_index, tmp_path, capsys):
    out = tmp_path / "mine.safetensors"
    command = ["train", "encoder", str(sample_index.sources), "--out", str(out)]
    command += ["--width", "2", "--steps", "2", "--every", "2", "--per-collection", "12"]
    command += ["--device", "cpu", "--threads", "1"]
    assert cli.run(command) == 0
    assert "untrained" in capsys.readouterr().out
    notes = read_metadata(out)
    assert notes["trained"] == "yes"
    assert "3 collections" in notes["training"]
    card = json.loads(out.with_suffix(".json").read_text())
    assert [one["name"] for one in card["collections"]] == ["lighthouses", "masks", "teapots"]
    assert [one["step"] for one in card["history"]] == [0, 2]
    assert "## Limits" in out.with_suffix(".md").read_text()
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    encoder = load_encoder("vgg16-nft", weights=out, threads=1)
    assert encoder.training == notes["training"]
    assert encoder.encode(np.zeros((1, SIDE, SIDE, 3), dtype=np.uint8)).shape[0] == 1
    assert cli.run([*command, "--out", str(tmp_path / "x.bin")]) == 2


def test_preprocessed_pictures_are_learned_from(sample_index, tmp_path, capsys):
    out = tmp_path / "mine.safetensors"
    command = ["train", "encoder", str(sample_index.sources), "--out", str(out), "--resume"]
    command += ["--width", "2", "--steps", "2", "--every", "2", "--per-collection", "12"]
    command += ["--device", "cpu", "--threads", "1"]
    assert cli.run(command) == 0
    plain = np.load(tmp_path / "mine.safetensors.training" / "pictures.npy")
    assert cli.run([*command, "--preprocess", "gaussian:2"]) == 2
    assert "other settings" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "mine.safetensors.training")
    assert cli.run([*command, "--preprocess", "gaussian:2"]) == 0
    smooth = np.load(tmp_path / "mine.safetensors.training" / "pictures.npy")
    assert np.diff(smooth.astype(int), axis=1).std() < np.diff(plain.astype(int), axis=1).std()
    assert json.loads(out.with_suffix(".json").read_text())["settings"]["preprocessing"] == [
        "gaussian:2"
    ]
