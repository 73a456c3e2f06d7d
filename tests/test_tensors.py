import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from simsearch.errors import WeightsError
from simsearch.tensors import load_state, read_metadata, save_state, sha256_state

names = st.text("abcdef.0123", min_size=1, max_size=12)
tensors = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=1, max_dims=4, max_side=4),
    elements=st.floats(-1e6, 1e6, width=32),
)
states = st.dictionaries(names, tensors, min_size=1, max_size=5)


@given(state=states, notes=st.dictionaries(names, st.text(max_size=8), max_size=6))
def test_what_is_saved_comes_back(tmp_path_factory, state, notes):
    path = tmp_path_factory.mktemp("tensors") / "x.safetensors"
    save_state(path, state, notes)
    loaded = load_state(path)
    assert loaded.keys() == state.keys()
    for name, value in state.items():
        np.testing.assert_array_equal(loaded[name], value)
        assert loaded[name].dtype == np.float32
    assert read_metadata(path) == notes
    assert sha256_state(loaded) == sha256_state(state)


def test_same_contents_give_the_same_bytes(tmp_path: Path):
    state = {"b": np.zeros(3, np.float32), "a": np.ones((2, 2), np.float32)}
    notes = {str(i): "x" for i in range(20)}
    save_state(tmp_path / "1.safetensors", state, notes)
    backwards = dict(reversed(state.items())), dict(reversed(notes.items()))
    save_state(tmp_path / "2.safetensors", *backwards)
    assert (tmp_path / "1.safetensors").read_bytes() == (tmp_path / "2.safetensors").read_bytes()


def test_half_precision_is_kept_on_disk_and_read_as_float32(tmp_path: Path):
    value = np.array([1 / 3, 1000.5], dtype=np.float16)
    save_state(tmp_path / "h.safetensors", {"w": value}, {})
    loaded = load_state(tmp_path / "h.safetensors")["w"]
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, value.astype(np.float32))


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt"])
def test_only_the_wanted_tensors_are_read(tmp_path: Path, suffix: str):
    torch = pytest.importorskip("torch")
    state = {"a": np.ones(2, np.float32), "b": np.full((1, 2), 7, np.float32)}
    path = tmp_path / f"x{suffix}"
    if suffix == ".safetensors":
        save_state(path, state, {})
    else:
        torch.save({name: torch.from_numpy(value) for name, value in state.items()}, path)
    loaded = load_state(path, ["b", "absent"])
    assert list(loaded) == ["b"]
    np.testing.assert_array_equal(loaded["b"], state["b"])


def test_the_hash_sees_names_shapes_and_numbers():
    base = {"a": np.arange(4, dtype=np.float32), "b": np.zeros(1, np.float32)}
    others = [
        {"c": base["a"], "b": base["b"]},
        {"a": base["a"].reshape(2, 2), "b": base["b"]},
        {"a": base["a"] + 1, "b": base["b"]},
        {"a": base["a"]},
    ]
    hashes = {sha256_state(state) for state in [base, *others]}
    assert len(hashes) == 5
    assert sha256_state(dict(reversed(base.items()))) == sha256_state(base)


class Intruder:
    def __reduce__(self):
        return os.mkdir, ("intruder-was-here",)


def test_code_in_a_torch_file_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Intruder()}, tmp_path / "bad.pth")
    with pytest.raises(WeightsError, match="cannot read weights from .*bad.pth"):
        load_state(tmp_path / "bad.pth")
    assert not (tmp_path / "intruder-was-here").exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\xff" * 64])
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, suffix: str, content: bytes):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"damaged") as caught:
        load_state(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_refused(tmp_path: Path):
    path = tmp_path / "x.safetensors"
    save_state(path, {"a": np.ones(100, np.float32)}, {})
    path.write_bytes(path.read_bytes()[:-7])
    for read in (load_state, read_metadata):
        with pytest.raises(WeightsError, match="damaged"):
            read(path)


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "made" / "x.safetensors"
    save_state(path, {"a": np.ones(3, np.float32)}, {})
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))  # as if the disk were full
    try:
        with pytest.raises(OSError, match="too large"):
            save_state(path, {"a": np.ones(900, np.float32)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_other_kinds_of_file_are_named(tmp_path: Path):
    with pytest.raises(WeightsError, match=r"use .safetensors, .pth or .pt"):
        load_state(tmp_path / "x.h5")
    assert read_metadata(tmp_path / "x.pth") == {}
