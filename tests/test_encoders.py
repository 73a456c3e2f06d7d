import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simsearch.encoders import (
    Encoder,
    encoder_names,
    fingerprint,
    load_encoder,
    restore_encoder,
    vgg16,
    vgg16_nft,
    winograd,
)
from simsearch.encoders.pixels import Pixels
from simsearch.encoders.vgg import (
    Network,
    best_precision,
    canonical,
    check_state,
    output_shape,
    parameter_shapes,
    pool,
    unit_rows,
)
from simsearch.encoders.vgg16 import PRESETS, VGG16, choose_readout
from simsearch.encoders.vgg16_nft import VGG16NFT, colour_grid, save_untrained, untrained_state
from simsearch.encoders.winograd import Winograd
from simsearch.errors import UsageError, WeightsError
from simsearch.images import fit_square
from simsearch.tensors import load_state, save_state
from simsearch.weights import find_weights

CHANNELS = [1, 1, "M", 2, 2, "M", 4, 4, 4, "M", 8, 8, 8, "M", 8, 8, 8, "M"]


def random_state(width: int, layers=("features.30",), seed: int = 3) -> dict[str, np.ndarray]:
    """He-normal tensors with small biases, so that a forgotten bias shows."""
    random = np.random.default_rng(seed)
    state = {}
    for name, shape in parameter_shapes(layers, width).items():
        scale = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.1
        state[name] = (random.standard_normal(shape, dtype=np.float32) * scale).astype(np.float32)
    return state


def pictures(count: int, side: int, seed: int = 0) -> np.ndarray:
    """Flat-coloured tiles, closer to drawn art than noise is."""
    random = np.random.default_rng(seed)
    tiles = random.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return tiles.repeat(side // 8, axis=1).repeat(side // 8, axis=2)


def torch_outputs(state, width: int, layers: list[str], batch: np.ndarray) -> list[np.ndarray]:
    """The same network as torchvision builds it, from torch's own layers."""
    torch = pytest.importorskip("torch")
    nn = torch.nn
    features, channels = [], 3
    for item in CHANNELS:
        if item == "M":
            features.append(nn.MaxPool2d(2, 2))
        else:
            features += [nn.Conv2d(channels, item * width, 3, padding=1), nn.ReLU()]
            channels = item * width
    units = 64 * width
    dense = [nn.Linear(channels * 49, units), nn.ReLU(), nn.Dropout(), nn.Linear(units, units)]
    steps = {f"features.{i}": step for i, step in enumerate(features)}
    steps |= {"flat": nn.Sequential(nn.AdaptiveAvgPool2d(7), nn.Flatten())}
    steps |= {f"classifier.{i}": step for i, step in enumerate([*dense, nn.ReLU()])}
    for name, step in steps.items():
        if f"{name}.weight" in state:
            step.weight.data = torch.from_numpy(state[f"{name}.weight"])
            step.bias.data = torch.from_numpy(state[f"{name}.bias"])
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    values = (torch.from_numpy(batch).permute(0, 3, 1, 2) / 255.0 - mean) / std
    found = {}
    with torch.inference_mode():
        for name, step in steps.items():
            values = step.eval()(values)
            found[name] = values.numpy()
            if len(set(layers) & set(found)) == len(set(layers)):
                break
    return [found[layer] for layer in layers]


def assert_close(actual: np.ndarray, expected: np.ndarray, tolerance: float = 1e-4) -> None:
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()


# --- the network ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "layers"),
    [
        (64, ["features.30"]),
        (32, ["features.0", "features.1", "features.4"]),
        (64, ["features.16", "features.9", "features.28"]),
        (64, ["classifier.4", "features.30", "classifier.0"]),
        (224, ["classifier.3", "classifier.1"]),
    ],
)
def test_network_gives_what_torch_gives(side: int, layers: list[str]):
    width = 4
    state = random_state(width, layers)
    batch = pictures(3, side)
    results = Network(state, layers, side)(batch)
    for layer, actual, expected in zip(
        layers, results, torch_outputs(state, width, layers, batch), strict=True
    ):
        assert actual.shape[1:] == output_shape(layer, width, side)
        assert_close(actual, expected)


def test_network_is_torchvisions_vgg16():
    torchvision = pytest.importorskip("torchvision")
    with __import__("torch").device("meta"):
        model = torchvision.models.vgg16()
    names = {name for name, _ in model.named_modules()}
    shapes = {
        name: tuple(value.shape)
        for name, value in model.state_dict().items()
        if not name.startswith("classifier.6")
    }
    assert parameter_shapes(["classifier.4"], 64) == shapes
    assert "features.30" in names
    assert "features.31" not in names


def test_bf16_stays_near_fp32():
    if best_precision() != "bf16":
        pytest.skip("this processor has no bf16")
    state, batch = random_state(8), pictures(4, 64)
    (exact,) = Network(state, ["features.30"], 64)(batch)
    (rough,) = Network(state, ["features.30"], 64, precision="bf16")(batch)
    assert not np.array_equal(exact, rough)
    assert np.linalg.norm(exact - rough) < 0.02 * np.linalg.norm(exact)


@pytest.mark.parametrize(
    ("side", "layers"),
    [
        (64, ["features.30"]),
        (32, ["features.0", "features.1", "features.4"]),
        (64, ["features.16", "features.9", "features.28"]),
        (96, ["features.24", "features.27", "features.23", "features.2"]),
        (100, ["features.30", "features.5"]),  # maps of 25 rows, and of 3
    ],
)
@pytest.mark.parametrize("numbers", [winograd._STRIP_NUMBERS, 0])
def test_winograd_gives_what_torch_gives(side: int, layers: list[str], numbers: int, monkeypatch):
    monkeypatch.setattr(winograd, "_STRIP_NUMBERS", numbers)  # 0: strips of four rows
    width = 4
    state = random_state(width, layers)
    batch = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    results = Winograd(state, layers, side, threads=2)(batch)
    for layer, actual, expected in zip(
        layers, results, torch_outputs(state, width, layers, batch), strict=True
    ):
        assert actual.shape[1:] == output_shape(layer, width, side)
        assert_close(actual, expected, 1e-5)


@pytest.mark.parametrize("precision", ["f32", "bf16"])
@pytest.mark.parametrize("side", [64, 112])
def test_winograd_gives_a_picture_the_same_maps_in_any_company(side: int, precision: str):
    state, batch = random_state(16), pictures(7, side)
    together = Winograd(state, ["features.30"], side, precision=precision, threads=1)(batch)[0]
    shared = Winograd(state, ["features.30"], side, precision=precision, threads=3)
    np.testing.assert_array_equal(shared(batch)[0], together)
    for i in range(len(batch)):
        np.testing.assert_array_equal(shared(batch[i : i + 1])[0], together[i : i + 1])


def test_winograd_in_bf16_stays_near_fp32():
    state, batch = random_state(16), pictures(4, 64)
    (exact,) = Winograd(state, ["features.30"], 64)(batch)
    (rough,) = Winograd(state, ["features.30"], 64, precision="bf16")(batch)
    assert not np.array_equal(exact, rough)
    assert np.linalg.norm(exact - rough) < 0.02 * np.linalg.norm(exact)


def test_more_cores_than_copies_share_a_picture(monkeypatch):
    monkeypatch.setattr(winograd, "_MOST_COPIES", 1)
    state, batch = random_state(16), pictures(3, 64)
    (maps,) = Winograd(state, ["features.30"], 64, threads=2)(batch)
    assert_close(maps, torch_outputs(state, 16, ["features.30"], batch)[0], 1e-5)


def test_a_network_that_ncnn_cannot_read_is_said(monkeypatch):
    monkeypatch.setattr(winograd._Graph, "_convolve", lambda *_: "nowhere")
    with pytest.raises(WeightsError, match="ncnn cannot read the network"):
        Winograd(random_state(2), ["features.30"], 32, threads=1)


def test_rows_that_a_strip_reaches_by_hand():
    assert winograd._reach(0, 4, 12, 2) == (0, 6, [(1, 0), (1, 0)])
    assert winograd._reach(4, 8, 12, 2) == (2, 10, [(0, 0), (0, 0)])
    assert winograd._reach(8, 12, 12, 2) == (6, 12, [(0, 1), (0, 1)])
    assert winograd._reach(1, 11, 12, 2) == (0, 12, [(1, 1), (0, 0)])


def test_only_the_tensors_down_to_the_layer_are_needed():
    assert list(parameter_shapes(["features.4"], 64)) == [
        "features.0.weight",
        "features.0.bias",
        "features.2.weight",
        "features.2.bias",
    ]
    assert parameter_shapes(["features.5"], 16)["features.5.weight"] == (32, 16, 3, 3)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("features.07", "features.7"),
        ("fc2", "classifier.4"),
        ("fc1", "classifier.1"),
        ("pool5", "features.30"),
    ],
)
def test_layer_names(given: str, expected: str):
    assert canonical(given) == expected


@pytest.mark.parametrize("layer", ["features.31", "classifier.2", "conv5", "", "features.-1"])
def test_unknown_layers_list_the_known_ones(layer: str):
    with pytest.raises(UsageError, match="choose features.0 to features.30"):
        canonical(layer)


def test_state_that_does_not_fit_says_what_differs():
    shapes = parameter_shapes(["features.2"], 4)
    state = random_state(4, ["features.2"])
    check_state(state | {"more": np.zeros(1)}, shapes, "f")
    del state["features.0.bias"]
    state["features.2.weight"] = np.zeros((8, 4, 3, 3), np.float32)
    state["features.2.bias"] = np.full(4, np.nan, np.float32)
    with pytest.raises(WeightsError) as caught:
        check_state(state, shapes, "mine.pth")
    message = str(caught.value)
    assert "mine.pth" in message
    assert "features.0.bias is missing" in message
    assert "features.2.weight is (8, 4, 3, 3), expected (4, 4, 3, 3)" in message
    assert "features.2.bias holds numbers that are not finite" in message


def test_many_differences_are_counted():
    with pytest.raises(WeightsError, match=r"and 23 more"):
        check_state({}, parameter_shapes(["features.30"], 4), "f")


# --- pooling -------------------------------------------------------------------------------------


def test_poolings_by_hand():
    maps = np.array([[[[1, 2], [3, 4]], [[0, 0], [0, 2]]]], dtype=np.float32)
    np.testing.assert_array_equal(pool(maps, "flat"), [[1, 2, 3, 4, 0, 0, 0, 2]])
    np.testing.assert_allclose(pool(maps, "mean"), [[2.5, 0.5]])
    np.testing.assert_allclose(pool(maps, "max"), [[4, 2]])
    # cube root of (1 + 8 + 27 + 64) / 4 = 25, and of 8 / 4 = 2
    np.testing.assert_allclose(pool(maps, "gem"), [[25 ** (1 / 3), 2 ** (1 / 3)]], rtol=1e-6)
    dense = np.array([[1, -2, 3]], dtype=np.float32)
    for pooling in ("flat", "mean", "max", "gem"):
        np.testing.assert_array_equal(pool(dense, pooling), dense)


def test_gem_lies_between_mean_and_max():
    maps = np.random.default_rng(0).random((2, 5, 4, 4), dtype=np.float32)
    assert (pool(maps, "mean") <= pool(maps, "gem")).all()
    assert (pool(maps, "gem") <= pool(maps, "max")).all()


def test_unit_rows_by_hand():
    rows = np.array([[3, 4], [0, 0]], dtype=np.float32)
    np.testing.assert_allclose(unit_rows(rows), [[0.6, 0.8], [0, 0]], rtol=1e-6)


# --- vgg16 ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def full_state() -> dict[str, np.ndarray]:
    return random_state(64)


@pytest.fixture(scope="module")
def full_file(full_state, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("vgg16") / "mine.safetensors"
    save_state(path, full_state, {})
    return path


def test_study_preset_is_the_flattened_last_map(full_state, full_file: Path):
    encoder = load_encoder("vgg16", weights=full_file, preset="study-128")
    assert encoder.blocks[-1].stop == 4 * 4 * 512
    batch = pictures(2, 128)
    (maps,) = torch_outputs(full_state, 64, ["features.30"], batch)
    expected = maps.reshape(2, -1)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert_close(VGG16(full_state, PRESETS["study-128"], precision="f32").encode(batch), expected)
    assert_close(encoder.encode(batch), expected, 0.05 if encoder.precision == "bf16" else 1e-4)


def test_joined_layers_weigh_the_same(full_state):
    readout = choose_readout("study-128", "features.23,pool5", "gem")
    encoder = VGG16(full_state, readout)
    assert encoder.precision == "f32"
    batch = pictures(2, 128)
    rows = encoder.encode(batch)
    assert rows.shape == (2, 1024)
    maps = torch_outputs(full_state, 64, ["features.23", "features.30"], batch)
    for part, expected in zip(np.split(rows, 2, axis=1), maps, strict=True):
        gem = (np.maximum(expected, 1e-6) ** 3).mean((2, 3)) ** (1 / 3)
        assert_close(part, gem / np.linalg.norm(gem, axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("layer", "precision", "amx", "kind"),
    [
        ("pool5", "f32", True, Winograd),
        ("pool5", "bf16", False, Winograd),
        ("pool5", "bf16", True, Network),
        ("fc1", "f32", False, Network),
        ("fc1,pool5", "f32", False, Network),
    ],
)
def test_winograd_runs_where_it_pays(layer, precision, amx, kind, monkeypatch):
    monkeypatch.setattr(vgg16, "_has_amx", lambda: amx)
    monkeypatch.setattr(vgg16, "WIDTH", 2)
    readout = choose_readout("study-128", layer)
    encoder = VGG16(random_state(2, readout.layers), readout, precision=precision)
    assert isinstance(encoder._network, kind)


def test_default_reads_the_last_map_at_224():
    readout = choose_readout()
    assert (readout.side, readout.layers, readout.pooling) == (224, ("features.30",), "flat")
    assert readout.widths == [7 * 7 * 512]
    assert choose_readout(layer="fc2").widths == [4096]
    assert choose_readout(layer="features.23, fc2", pooling="max").widths == [512, 4096]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "x"}, "no preset 'x'; choose from imagenet-224, study-128"),
        ({"pooling": "sum"}, "no pooling 'sum'; choose from flat, mean, max, gem"),
        ({"layer": "conv9"}, "no layer 'conv9'"),
        ({"layer": "features.3"}, "over the limit of .*--pooling mean, max or gem"),
    ],
)
def test_unknown_readouts_list_the_known_ones(options, message: str):
    with pytest.raises(UsageError, match=message):
        load_encoder("vgg16", **options)


def test_own_weights_of_another_shape_are_refused(tmp_path: Path):
    path = tmp_path / "narrow.safetensors"
    save_state(path, random_state(16), {})
    with pytest.raises(
        WeightsError, match=r"narrow.*features.0.weight is \(16, 3, 3, 3\), expected"
    ):
        load_encoder("vgg16", weights=path)


def test_a_torch_file_gives_the_same_encoder(full_state, full_file: Path, tmp_path: Path):
    torch = pytest.importorskip("torch")
    state = full_state | {"classifier.6.bias": np.zeros(1000, np.float32)}
    path = tmp_path / "mine.pth"
    torch.save({name: torch.from_numpy(value) for name, value in state.items()}, path)
    first = load_encoder("vgg16", weights=full_file, preset="study-128")
    second = load_encoder("vgg16", weights=path, preset="study-128")
    assert fingerprint(first) == fingerprint(second)


# --- vgg16-nft -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nft() -> Encoder:
    return load_encoder("vgg16-nft")


def test_nft_descriptor_is_grid_and_deep(nft: Encoder):
    assert [(b.name, b.start, b.stop) for b in nft.blocks] == [
        ("grid", 0, 3072),
        ("deep", 3072, 3584),
    ]
    batch = pictures(3, 64)
    rows = nft.encode(batch)
    cells = batch.reshape(3, 32, 2, 32, 2, 3).astype(np.float64).mean((2, 4)) / 255
    np.testing.assert_allclose(rows[:, :3072], cells.reshape(3, -1), atol=1e-7)
    state = load_state(find_weights("vgg16-nft"))
    (maps,) = torch_outputs(state, 16, ["features.30"], batch)
    deep = maps.reshape(3, -1) / np.linalg.norm(maps.reshape(3, -1), axis=1, keepdims=True)
    assert_close(VGG16NFT(state, precision="f32").encode(batch)[:, 3072:], deep)
    assert_close(rows[:, 3072:], deep, 0.05 if nft.precision == "bf16" else 1e-4)


def test_colour_grid_by_hand():
    picture = np.zeros((1, 64, 64, 3), np.uint8)
    picture[0, 0, 0] = [255, 0, 0]
    picture[0, 0, 1] = [255, 255, 0]
    picture[0, 62:, 62:] = 255
    grid = colour_grid(picture).reshape(32, 32, 3)
    np.testing.assert_allclose(grid[0, 0], [0.5, 0.25, 0])
    np.testing.assert_allclose(grid[31, 31], [1, 1, 1])
    assert np.count_nonzero(grid) == 5


def test_shipped_weights_say_what_they_were_trained_on(nft: Encoder):
    assert re.fullmatch(r"\d+ steps on [\d,]+ pictures of 16 collections", nft.training)
    card = find_weights("vgg16-nft").with_suffix(".md").read_text(encoding="utf-8")
    assert nft.training in card


def test_untrained_weights_are_the_same_for_the_same_seed_everywhere(tmp_path: Path):
    save_untrained(tmp_path / "w.safetensors")
    digest = hashlib.sha256((tmp_path / "w.safetensors").read_bytes()).hexdigest()
    assert digest == "9456f550c0e5b3dcadb64abaa61d5a711620b5555695eb0c247840caf64c44ee"


def test_own_weights_of_any_width(tmp_path: Path):
    path = tmp_path / "wide.safetensors"
    save_untrained(path, width=24, seed=5)
    encoder = load_encoder("vgg16-nft", weights=path)
    assert encoder.training == "untrained, seed 5"
    assert encoder.blocks[-1].stop == 3072 + 2 * 2 * 8 * 24
    assert encoder.encode(pictures(1, 64)).shape == (1, 3840)
    save_state(path, untrained_state(), {"format": "1", "training": "16 collections"})
    assert load_encoder("vgg16-nft", weights=path).training == "16 collections"


def test_a_newer_weights_format_is_refused(tmp_path: Path):
    path = tmp_path / "new.safetensors"
    save_state(path, untrained_state(), {"format": "2"})
    with pytest.raises(WeightsError, match="format 2, this program reads 1; upgrade"):
        load_encoder("vgg16-nft", weights=path)


def test_own_nft_weights_without_the_right_names_are_refused(tmp_path: Path):
    path = tmp_path / "odd.safetensors"
    save_state(path, {"conv1.weight": np.zeros((1, 3, 3, 3), np.float32)}, {})
    with pytest.raises(WeightsError, match=r"features.0.weight is missing"):
        load_encoder("vgg16-nft", weights=path)


# --- every encoder -------------------------------------------------------------------------------


@pytest.fixture(params=["vgg16-nft", "vgg16", "pixels"])
def encoder(request, full_file: Path) -> Encoder:
    options = {"weights": full_file, "preset": "study-128"} if request.param == "vgg16" else {}
    return load_encoder(request.param, **options)


def test_contract(encoder: Encoder):
    assert encoder.name in encoder_names()
    rgb = np.random.default_rng(1).integers(0, 256, (48, 30, 3), dtype=np.uint8)
    prepared = encoder.prepare(rgb)
    side = encoder.settings["side"]
    assert prepared.dtype == np.uint8
    np.testing.assert_array_equal(prepared, fit_square(rgb, side))

    batch = np.concatenate([pictures(34, 8, seed=2).repeat(side // 8, 1).repeat(side // 8, 2)])
    rows = encoder.encode(batch)
    assert rows.dtype == np.float32
    assert rows.shape == (34, encoder.blocks[-1].stop)
    assert [b.start for b in encoder.blocks] == [0, *(b.stop for b in encoder.blocks[:-1])]
    assert np.isfinite(rows).all()
    assert (np.abs(rows) < 65504).all(), "descriptors are stored as float16"
    np.testing.assert_array_equal(rows, encoder.encode(batch))
    for i in (0, 31, 33):
        np.testing.assert_allclose(encoder.encode(batch[i : i + 1])[0], rows[i], atol=1e-6)
    assert encoder.encode(batch[:0]).shape == (0, rows.shape[1])


def test_the_same_encoder_comes_back_from_its_settings(encoder: Encoder, full_file: Path):
    weights = full_file if encoder.name == "vgg16" else None
    again = restore_encoder(encoder.name, encoder.settings, weights=weights, threads=1)
    assert fingerprint(again) == fingerprint(encoder)
    batch = pictures(2, encoder.settings["side"])
    np.testing.assert_allclose(again.encode(batch), encoder.encode(batch), atol=1e-6)


def test_pixels_are_the_picture():
    batch = pictures(2, 32)
    rows = Pixels().encode(batch)
    np.testing.assert_allclose(rows, batch.reshape(2, -1) / 255, atol=1e-7)
    assert rows[0, 3 * (5 * 32 + 7) + 1] == pytest.approx(batch[0, 5, 7, 1] / 255)


def test_fingerprints_tell_encoders_apart(full_state, nft: Encoder, tmp_path: Path):
    other = tmp_path / "other.safetensors"
    save_untrained(other, seed=1)
    wanted = [
        nft,
        load_encoder("vgg16-nft", weights=other),
        Pixels(),
        VGG16(full_state, PRESETS["study-128"]),
        VGG16(full_state, choose_readout("study-128", pooling="gem")),
        VGG16(full_state, choose_readout("study-128", layer="features.28")),
    ]
    assert len({fingerprint(encoder) for encoder in wanted}) == len(wanted)
    assert fingerprint(load_encoder("vgg16-nft", threads=1)) == fingerprint(nft)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(UsageError, match="'vgg19'; choose from vgg16-nft, vgg16, pixels"):
        load_encoder("vgg19")


@pytest.mark.parametrize(
    ("name", "options", "flag"),
    [
        ("vgg16-nft", {"layer": "fc2"}, "--layer"),
        ("pixels", {"weights": Path("x")}, "--weights"),
        ("pixels", {"pooling": "max"}, "--pooling"),
    ],
)
def test_options_that_an_encoder_lacks_are_refused(name: str, options, flag: str):
    with pytest.raises(UsageError, match=f"encoder {name} has no {flag}"):
        load_encoder(name, **options)


def test_a_query_imports_nothing_slow():
    code = (
        "import sys, numpy as np; from simsearch.encoders import load_encoder;"
        "load_encoder('vgg16-nft').encode(np.zeros((1, 64, 64, 3), np.uint8));"
        "print(*{'torch', 'torchvision', 'pandas', 'sklearn', 'scipy', 'rich'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == ""


def test_no_network_is_loaded_to_list_names():
    code = (
        "import sys; from simsearch.encoders import encoder_names; encoder_names();"
        "print(*{'openvino', 'torch', 'PIL'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == ""


def test_random_weights_follow_he():
    state = untrained_state(16, seed=7)
    kernel = state["features.28.weight"].astype(np.float64)
    assert kernel.std() == pytest.approx(np.sqrt(2 / (128 * 9)), rel=0.02)
    assert not state["features.28.bias"].any()
    assert not np.array_equal(
        state["features.0.weight"], untrained_state(16, 8)["features.0.weight"]
    )
    assert vgg16_nft.base_width(state) == 16
