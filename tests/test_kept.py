"""An index built with weights of one's own holds them: it is moved, asked, changed without them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsearch import cli
from simsearch.encoders import load_encoder
from simsearch.encoders.vgg16_nft import save_untrained
from simsearch.engine import SearchEngine
from simsearch.tensors import load_state, sha256_state

KEPT = "encoder-*.safetensors"


def paint(folder: Path, numbers: range) -> Path:
    folder.mkdir()
    for number in numbers:
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def dots(tmp_path) -> Path:
    return paint(tmp_path / "dots", range(6))


@pytest.fixture
def own(tmp_path) -> Path:
    """Weights that are not those of the package."""
    path = tmp_path / "mine.safetensors"
    save_untrained(path, width=4, seed=3)
    return path


@pytest.fixture
def moved(dots, own, tmp_path, capsys) -> Path:
    """An index built with weights of one's own, somewhere else, and the weights gone."""
    made, place = tmp_path / "made", tmp_path / "moved"
    typed(capsys, "index", "build", dots, "--out", made, "--weights", own)
    made.rename(place)
    own.rename(tmp_path / "elsewhere.safetensors")
    return place


def typed(capsys, *args: object, code: int = 0) -> tuple[str, str]:
    """Run a command line that ends with this code; its stdout and stderr."""
    assert cli.run([str(arg) for arg in args]) == code
    return capsys.readouterr()


def refused(capsys, *args: object) -> str:
    """The only line that a command which fails says."""
    (line,) = typed(capsys, *args, code=1)[1].splitlines()
    return line


def test_an_index_holds_the_weights_that_it_was_built_with(moved, dots, tmp_path, capsys):
    (kept,) = moved.glob(KEPT)
    state = load_state(tmp_path / "elsewhere.safetensors")
    assert sha256_state(load_state(kept)) == sha256_state(state)
    assert kept.name == f"encoder-{sha256_state(state)[:12]}.safetensors"
    engine = SearchEngine.open(moved)
    found = engine.answer(engine.read((dots / "4.png").read_bytes(), "4"), 1).neighbors[0]
    assert (found.key, round(found.distance, 3)) == ("dots/4", 0)
    assert engine.encoder.training == "untrained, seed 3"
    assert "dots/4" in typed(capsys, "query", dots / "4.png", "--index", moved)[0]
    typed(capsys, "index", "verify", moved)


def test_what_changes_an_index_carries_its_weights_along(moved, dots, tmp_path, capsys):
    before = next(moved.glob(KEPT)).read_bytes()
    more = paint(tmp_path / "more", range(6, 8))
    for change in (["add", moved, more], ["remove", moved, "dots/1"], ["add", moved, dots]):
        typed(capsys, "index", *change)
        assert [path.read_bytes() for path in moved.glob(KEPT)] == [before]
    typed(capsys, "index", "verify", moved)
    typed(capsys, "index", "build", dots, "--out", moved, "--encoder", "pixels")
    assert not list(moved.glob(KEPT))


def test_a_kept_denoiser_and_kept_weights_do_not_disturb_each_other(dots, own, tmp_path, capsys):
    place, build = tmp_path / "made", ["index", "build", dots, "--out", tmp_path / "made"]
    typed(capsys, *build, "--weights", own, "--preprocess", "denoise")
    own.unlink()
    typed(capsys, "index", "remove", place, "dots/1")
    assert len(list(place.glob(KEPT))) == len(list(place.glob("denoiser-*"))) == 1
    typed(capsys, "index", "verify", place)


def test_the_weights_of_the_package_are_not_kept(dots, tmp_path, capsys):
    from simsearch.weights import find_weights

    build = ["index", "build", dots, "--out", tmp_path / "made"]
    for given in ([], ["--weights", find_weights("vgg16-nft")]):
        typed(capsys, *build, *given)
        assert not list((tmp_path / "made").glob(KEPT))


def test_weights_that_are_missing_damaged_or_others_are_told(moved, dots, tmp_path, capsys):
    (kept,) = moved.glob(KEPT)
    query = ["query", dots / "4.png", "--index", moved]
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-9])
    assert "is damaged" in refused(capsys, *query)
    save_untrained(kept, width=4, seed=4)
    assert "not the weights that the index was built with; put it back" in refused(capsys, *query)
    kept.unlink()
    told = refused(capsys, *query)
    assert f"{kept}: the weights that the index was built with are missing; put it back" in told
    out, err = typed(capsys, "index", "verify", moved, code=1)
    assert "simsearch index build" not in err
    assert "wrong: descriptors; move it away and build it again as it was built" in err
    assert "are missing" in " ".join(out.split())


def test_given_weights_win_and_are_checked(moved, dots, tmp_path, capsys):
    given = tmp_path / "elsewhere.safetensors"
    query = ["query", dots / "4.png", "--index", moved, "--weights"]
    wrong = tmp_path / "wrong.safetensors"
    save_untrained(wrong, width=4, seed=4)
    assert "was built with encoder vgg16-nft" in refused(capsys, *query, wrong)
    next(moved.glob(KEPT)).unlink()  # as in an index of before
    assert "dots/4" in typed(capsys, *query, given)[0]
    typed(capsys, "index", "add", moved, dots, "--weights", given)
    assert len(list(moved.glob(KEPT))) == 1
    given.unlink()
    typed(capsys, "index", "verify", moved)


def test_weights_come_back_from_an_index_as_they_were(moved, tmp_path):
    again = load_encoder("vgg16-nft", weights=next(moved.glob(KEPT)))
    first = load_encoder("vgg16-nft", weights=tmp_path / "elsewhere.safetensors")
    batch = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(again.encode(batch), first.encode(batch))
