"""Training a denoiser: patches, a network that learns, the same when resumed and without torch."""

import json

import numpy as np
import pytest
from PIL import Image

from simsearch import cli
from simsearch.errors import UsageError
from simsearch.evaluation.noise import NOISES
from simsearch.preprocessing import denoiser
from simsearch.sample.endless import random_collection
from simsearch.tensors import load_state
from simsearch.training.checkpoint import BEST, CHECKPOINT
from simsearch.training.denoiser import DenoiserSettings, DenoiserTraining, cleaned, network
from simsearch.training.noised import PATCH, PATCHES, noised_view, patch
from simsearch.training.pictures import read_pictures

torch = pytest.importorskip("torch")

TINY = DenoiserSettings(width=4, steps=6, batch=4, every=3, device="cpu")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A folder of sixty generated pictures of 40 pixels."""
    folder = tmp_path_factory.mktemp("drawn") / "drawn"
    folder.mkdir()
    for number, rgb in enumerate(random_collection(np.random.default_rng(1), 40, 60, 4)[0]):
        Image.fromarray(rgb).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def pictures(sources, tmp_path_factory):
    folder = tmp_path_factory.mktemp("patches")
    return read_pictures([sources], folder, per_collection=60, preparation=PATCHES)


def test_a_patch_is_cut_from_the_picture_and_the_same_each_time():
    large = np.arange(100 * 100 * 3, dtype=np.uint32).reshape(100, 100, 3).astype(np.uint8)
    found = patch(large)
    np.testing.assert_array_equal(found, patch(large))
    windows = np.lib.stride_tricks.sliding_window_view(large, (PATCH, PATCH, 3))
    assert (windows[:, :, 0] == found).all(axis=(2, 3, 4)).any()
    for side in (1, 7, 24, 300):
        rgb = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
        assert patch(rgb).shape == (PATCH, PATCH, 3)
    one = np.full((1, 1, 3), 9, dtype=np.uint8)
    np.testing.assert_array_equal(patch(one), np.full((PATCH, PATCH, 3), 9))


def test_views_have_every_kind_of_noise_and_sometimes_none():
    grey = np.full((32, 32, 3), 100, dtype=np.uint8)
    grey[::2] = 140
    rng = np.random.default_rng(0)
    views = [noised_view(grey, rng) for _ in range(60)]
    clean = sum(np.array_equal(view, grey) for view in views)
    peppered = sum(bool(((view == 0) | (view == 255)).all(axis=2).any()) for view in views)
    assert 1 <= clean <= 15
    assert 8 <= peppered <= 35
    assert clean + peppered < 52


def test_a_network_begins_by_changing_nothing():
    shown = torch.rand(2, 3, 16, 20)
    torch.testing.assert_close(cleaned(network(4), shown), shown)


def test_the_plain_tensors_compute_the_same_without_torch():
    torch.manual_seed(1)
    net = network(4)
    torch.nn.init.normal_(net["leave"].weight, std=0.05)
    shown = np.random.default_rng(0).integers(0, 256, (24, 36, 3), dtype=np.uint8)
    with torch.inference_mode():
        tensor = torch.from_numpy(shown).permute(2, 0, 1)[None].float() / 255
        wanted = (cleaned(net, tensor).clamp(0, 1) * 255)[0].permute(1, 2, 0).numpy()
    state = {name: one.numpy() for name, one in net.state_dict().items()}
    found = denoiser.Denoiser(state, threads=1)(shown)
    assert np.abs(wanted - shown).max() > 20
    np.testing.assert_allclose(found, wanted, atol=0.51)


def test_training_lowers_the_error_of_pictures_it_has_not_seen(pictures, tmp_path):
    chosen = DenoiserSettings(width=8, steps=80, batch=8, every=40, augment=(), device="cpu")
    training = DenoiserTraining(pictures, chosen, tmp_path)
    training()
    first, best = training.history[0].errors, training.best.errors
    assert first == training.untouched
    assert set(best) == {"clean", *NOISES}
    assert best["salt-and-pepper"] < 0.8 * first["salt-and-pepper"]
    assert best["gaussian"] < first["gaussian"]
    kept = denoiser.Denoiser(load_state(tmp_path / BEST), threads=1)
    held_out = pictures.pixels[pictures.held_out]
    rng = np.random.default_rng(7)
    before = after = 0.0
    for wanted in held_out:
        noised = NOISES["salt-and-pepper"](wanted, rng)
        before += float(np.square(noised.astype(float) - wanted).mean())
        after += float(np.square(kept(noised).astype(float) - wanted).mean())
    assert after < 0.65 * before


def test_training_is_the_same_when_resumed(pictures, tmp_path):
    straight = DenoiserTraining(pictures, TINY, tmp_path / "a")
    straight()
    broken = DenoiserTraining(pictures, TINY, tmp_path / "b")

    class Stop(Exception):
        pass

    def stop(done, total):
        if done == 5:
            raise Stop

    with pytest.raises(Stop):
        broken(stop)
    again = DenoiserTraining(pictures, TINY, tmp_path / "b", resume=True)
    assert again.step == 3
    again()
    assert again.history == straight.history
    for name in (BEST, CHECKPOINT):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    other = DenoiserSettings(**{**TINY.__dict__, "seed": 1})
    with pytest.raises(UsageError, match="leave --resume out"):
        DenoiserTraining(pictures, other, tmp_path / "b", resume=True)


def test_the_command_writes_a_denoiser_that_an_index_takes(sources, tmp_path, capsys):
    out = tmp_path / "mine.safetensors"
    command = ["train", "denoiser", str(sources), "--out", str(out), "--steps", "2"]
    command += ["--per-collection", "20", "--device", "cpu", "--threads", "1"]
    assert cli.run(command) == 0
    assert "salt-and-pepper" in capsys.readouterr().out
    card = json.loads(out.with_suffix(".json").read_text())
    assert [one["name"] for one in card["collections"]] == ["drawn"]
    assert card["settings"]["augment"] == ["flip", "colour"]
    assert [one["step"] for one in card["history"]] == [0, 2]
    assert denoiser.load(out, threads=1)(np.zeros((5, 5, 3), dtype=np.uint8)).shape == (5, 5, 3)
    assert cli.run([*command, "--augment", "flip,turn"]) == 2
    assert "no augmentation is called 'turn'" in capsys.readouterr().err
    assert cli.run([*command, "--out", str(tmp_path / "x.bin")]) == 2
