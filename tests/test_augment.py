"""Augmentation: each switch does what it says and nothing else, all from one seed."""

import pytest

from simsearch.errors import UsageError
from simsearch.training.augment import AUGMENTATIONS, Augmentation, augmentations

torch = pytest.importorskip("torch")


def made(names, pictures, seed=0):
    return Augmentation(names, seed, torch.device("cpu"))(pictures)


@pytest.fixture(scope="module")
def shown():
    return torch.rand(16, 3, 20, 20, generator=torch.Generator().manual_seed(5))


def test_names_are_read_in_any_order():
    assert augmentations("shift, rotation") == ("rotation", "shift")
    assert augmentations("all") == AUGMENTATIONS
    assert augmentations("none") == augmentations("") == ()
    with pytest.raises(UsageError, match="no augmentation is called 'turn'; choose from rotation"):
        augmentations("flip,turn")


def test_nothing_switched_on_changes_nothing(shown):
    assert torch.equal(made((), shown), shown)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_comes_from_the_seed_and_stays_a_picture(name, shown):
    one, same, other = (made([name], shown, seed) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert one.shape == shown.shape
    assert one.min() >= 0
    assert one.max() <= 1 + 1e-6


def test_flip_gives_each_picture_or_its_mirror_image(shown):
    flipped = made(["flip"], shown)
    as_it_was = (flipped - shown).abs().amax((1, 2, 3)) < 1e-5
    mirrored = (flipped - shown.flip(3)).abs().amax((1, 2, 3)) < 1e-5
    assert (as_it_was ^ mirrored).all()
    assert 0 < mirrored.sum() < len(shown)


def test_colour_leaves_every_place_where_it_is():
    halves = torch.zeros(16, 3, 8, 8)
    halves[:, :, :, 4:] = torch.tensor([0.8, 0.3, 0.2]).view(1, 3, 1, 1)
    changed = made(["colour"], halves)
    for half in (changed[..., :4], changed[..., 4:]):
        assert torch.allclose(half, half[..., :1, :1].expand_as(half))
    assert not torch.allclose(changed, halves)


def centre(pictures):
    """Mean row and column of the ink of each picture, in pixels."""
    ink = pictures[:, 0] / pictures[:, 0].sum((1, 2), keepdim=True)
    rows, columns = (torch.arange(n, dtype=torch.float32) for n in pictures.shape[2:])
    return torch.stack([(ink.sum(2) * rows).sum(1), (ink.sum(1) * columns).sum(1)], 1)


def test_places_move_no_farther_than_said():
    spot = torch.zeros(64, 3, 100, 100)
    spot[:, :, 48:52, 48:52] = 1
    start = centre(spot)
    moved = centre(made(["shift"], spot)) - start
    assert 8 < moved.abs().max() <= 10.1
    assert (moved.amax(0) > 5).all()
    assert (moved.amin(0) < -5).all()
    for name in ("rotation", "zoom", "flip"):  # about the middle
        assert (centre(made([name], spot)) - start).abs().max() < 0.3, name


def test_zoom_and_rotation_by_hand():
    bar = torch.zeros(64, 3, 101, 101)
    bar[:, :, 48:53, 10:91] = 1
    sizes = made(["zoom"], bar)[:, 0].sum((1, 2)) / bar[0, 0].sum()
    assert 1.2 < sizes.max() <= 1.25**2 + 0.02
    assert 0.62 <= sizes.min() < 0.8
    turned = made(["rotation"], bar)
    left = centre(turned[..., 10:21])[:, 0]
    angles = torch.atan((left - 50) / 35) * 180 / torch.pi
    assert 10 < angles.abs().max() < 16
