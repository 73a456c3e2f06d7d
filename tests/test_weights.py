import functools
import hashlib
import http.server
import os
import socket
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simsearch import weights
from simsearch.errors import UsageError, WeightsError
from simsearch.tensors import load_state, read_metadata, save_state, sha256_state

STATE = {
    "features.0.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "features.0.bias": np.array([0.5, -2], dtype=np.float32),
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches of their own, and a server that does not exist, for every test."""
    monkeypatch.setenv("SIMSEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "cache"


@pytest.fixture
def checkpoint(tmp_path: Path) -> bytes:
    """A small PyTorch file, standing in for the 528 MB one."""
    torch = pytest.importorskip("torch")
    path = tmp_path / "made.pth"
    torch.save({name: torch.from_numpy(value) for name, value in STATE.items()}, path)
    return path.read_bytes()


def publish(monkeypatch: pytest.MonkeyPatch, content: bytes, url: str) -> weights.WeightsFile:
    entry = replace(
        weights.PUBLISHED["vgg16"],
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        url=url,
    )
    monkeypatch.setitem(weights.PUBLISHED, "vgg16", entry)
    return entry


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, *args, body: bytes, length: int | None, **kwargs) -> None:
        self.body, self.length = body, length
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        self.send_response(200)
        if self.length is not None:
            self.send_header("Content-Length", str(self.length))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[object]:
    """Start a real server that answers every request with one body; gives its URL."""
    servers = []

    def start(body: bytes, length: int | None = None) -> str:
        handler = functools.partial(Handler, body=body, length=length)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/models/vgg16-397923af.pth"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_weights_of_the_package_are_the_published_ones():
    path = weights.find_weights("vgg16-nft")
    entry = weights.PUBLISHED["vgg16-nft"]
    assert weights.sha256_file(path) == entry.sha256
    assert path.stat().st_size == entry.size <= 8 * 2**20


def test_changed_package_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    content = bytearray(weights.find_weights("vgg16-nft").read_bytes())
    content[-1] ^= 1
    (tmp_path / "vgg16_nft.safetensors").write_bytes(content)
    monkeypatch.setattr(weights, "_PACKAGE_FOLDER", tmp_path)
    with pytest.raises(
        WeightsError, match=r"vgg16_nft.safetensors is not the published .* --weights"
    ):
        weights.find_weights("vgg16-nft")


def test_missing_package_weights_say_reinstall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(weights, "_PACKAGE_FOLDER", tmp_path)
    with pytest.raises(WeightsError, match="install simsearch again"):
        weights.find_weights("vgg16-nft")


def test_offline_message_names_every_way_out(
    checkpoint: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    url = f"http://127.0.0.1:{closed_port()}/vgg16-397923af.pth"
    publish(monkeypatch, checkpoint, url)
    with pytest.raises(WeightsError) as caught:
        weights.find_weights("vgg16")
    message = str(caught.value)
    for part in (
        url,
        "put vgg16-397923af.pth into",
        str(cache),
        "--weights",
        "--encoder vgg16-nft",
    ):
        assert part in message
    assert "\n" not in message
    assert list(cache.iterdir()) == []


def test_without_fetching_the_network_is_left_alone(
    checkpoint: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    publish(monkeypatch, checkpoint, "http://nowhere.invalid/")
    with pytest.raises(WeightsError, match="not on this machine"):
        weights.find_weights("vgg16", fetch=False)
    assert not cache.exists()


def test_published_address_is_torchvisions():
    entry = weights.PUBLISHED["vgg16"]
    assert entry.url == "https://download.pytorch.org/models/vgg16-397923af.pth"
    assert entry.sha256.startswith(entry.file.removeprefix("vgg16-").removesuffix(".pth"))


def test_download_then_copy_then_no_torch(
    checkpoint: bytes, cache: Path, serve, monkeypatch: pytest.MonkeyPatch, capfd
):
    entry = publish(monkeypatch, checkpoint, serve(checkpoint, len(checkpoint)))
    path = weights.find_weights("vgg16")
    assert sorted(p.name for p in cache.iterdir()) == [
        "vgg16-397923af.pth",
        "vgg16-397923af.safetensors",
    ]
    assert path.suffix == ".safetensors"
    assert (cache / "vgg16-397923af.pth").read_bytes() == checkpoint
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
    assert read_metadata(path)["source_sha256"] == entry.sha256
    assert sha256_state(load_state(path)) == sha256_state(STATE)
    assert capfd.readouterr().out == ""

    publish(monkeypatch, checkpoint, "http://nowhere.invalid/")
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    assert weights.find_weights("vgg16") == path


def test_torch_hub_is_looked_into(
    checkpoint: bytes, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    publish(monkeypatch, checkpoint, "http://nowhere.invalid/")
    hub = tmp_path / "torch" / "hub" / "checkpoints"
    hub.mkdir(parents=True)
    (hub / "vgg16-397923af.pth").write_bytes(checkpoint)
    assert weights.torch_hub_folder() == hub
    places = {place.published.name: place.path for place in weights.list_weights()}
    assert places["vgg16"] == hub / "vgg16-397923af.pth"
    assert weights.find_weights("vgg16") == cache / "vgg16-397923af.safetensors"


def test_torch_hub_folder_is_torchs_own():
    torch_hub = pytest.importorskip("torch.hub")
    assert weights.torch_hub_folder() == Path(torch_hub.get_dir()) / "checkpoints"


@pytest.mark.parametrize("name", ["vgg16-397923af.pth", "vgg16-397923af.safetensors"])
def test_a_wrong_file_in_the_cache_is_refused(
    name: str, checkpoint: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    publish(monkeypatch, checkpoint, "http://nowhere.invalid/")
    cache.mkdir()
    if name.endswith(".pth"):
        (cache / name).write_bytes(checkpoint + b"x")
    else:
        save_state(cache / name, STATE, {"source_sha256": "something else"})
    with pytest.raises(WeightsError, match=rf"{name} is not the published .* delete it"):
        weights.find_weights("vgg16")


@pytest.mark.parametrize("fault", ["hash", "truncated", "short", "long", "endless"])
def test_a_bad_download_leaves_nothing(
    fault: str, checkpoint: bytes, cache: Path, serve, monkeypatch: pytest.MonkeyPatch
):
    flipped = bytes([checkpoint[0] ^ 1]) + checkpoint[1:]
    body, length = {
        "hash": (flipped, len(checkpoint)),
        "truncated": (checkpoint[:100], len(checkpoint)),
        "short": (checkpoint[:100], 100),
        "long": (checkpoint + b"more", len(checkpoint) + 4),
        "endless": (checkpoint * 20, None),
    }[fault]
    monkeypatch.setattr(weights, "_CHUNK_BYTES", 512)
    publish(monkeypatch, checkpoint, serve(body, length))
    with pytest.raises(WeightsError, match="download failed: .*--weights"):
        weights.find_weights("vgg16")
    assert list(cache.iterdir()) == []


def test_a_server_that_answers_nothing_is_given_up(
    checkpoint: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        publish(monkeypatch, checkpoint, f"http://127.0.0.1:{silent.getsockname()[1]}/")
        monkeypatch.setattr(weights, "_TIMEOUT_SECONDS", 0.05)
        with pytest.raises(WeightsError, match="timed out"):
            weights.find_weights("vgg16")
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_only_costs_the_copy(
    checkpoint: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    publish(monkeypatch, checkpoint, "http://nowhere.invalid/")
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("SIMSEARCH_CACHE", str(tmp_path / "file" / "cache"))
    hub = tmp_path / "torch" / "hub" / "checkpoints"
    hub.mkdir(parents=True)
    (hub / "vgg16-397923af.pth").write_bytes(checkpoint)
    assert weights.find_weights("vgg16") == hub / "vgg16-397923af.pth"


def test_a_given_file_is_taken_as_it_is(tmp_path: Path):
    path = tmp_path / "mine.safetensors"
    save_state(path, STATE, {})
    assert weights.find_weights("vgg16", path) == path
    with pytest.raises(WeightsError, match="no weights file .*missing.pth; check --weights"):
        weights.find_weights("vgg16", tmp_path / "missing.pth")


def test_unknown_names_list_the_known_ones():
    with pytest.raises(UsageError, match="resnet.*choose from vgg16-nft, vgg16"):
        weights.find_weights("resnet")
