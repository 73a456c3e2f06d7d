"""The art of the samples: every part is seen, rarities hold, random collections repeat."""

from collections import defaultdict

import numpy as np
import pytest
from PIL import Image

from simsearch.sample import COLLECTIONS, DESIGNS
from simsearch.sample.design import Design, draw_looks
from simsearch.sample.endless import random_collection


def shown(design: Design, look: dict[str, str]) -> np.ndarray:
    """What a viewer sees: the picture on its background, RGB."""
    image = Image.fromarray(design.draw(look))
    ground = Image.new("RGBA", image.size, design.background or "white")
    return np.asarray(Image.alpha_composite(ground, image))[..., :3].astype(int)


@pytest.mark.parametrize("name", COLLECTIONS)
def test_every_part_is_seen_except_the_recorded_hidden_ones(name):
    design = DESIGNS[name]
    rng = np.random.default_rng(11)
    for look in draw_looks(design, rng, 1 if name == "teapots" else 3):
        seen = dict(look)
        for over, _ in design.covers:
            seen[over[0]] = ""
        for slot in design.slots:
            versions = [shown(design, {**seen, slot.name: part}) for part in slot.parts]
            for first in range(len(versions)):
                for second in range(first):
                    change = np.abs(versions[first] - versions[second]).max(axis=-1)
                    assert (change > 12).sum() >= 3, (slot.name, first, second)


@pytest.mark.parametrize("name", COLLECTIONS)
def test_rarities_follow_the_weights_and_exclusive_parts_never_meet(name):
    design = DESIGNS[name]
    looks = draw_looks(design, np.random.default_rng(2), 2000)
    assert len({tuple(look.values()) for look in looks}) == 2000
    losers = {loser for _, (loser, _) in design.exclusive}
    for slot in design.slots:
        total = sum(slot.parts.values())
        for part, weight in slot.parts.items():
            share, count = weight / total, sum(look[slot.name] == part for look in looks)
            if slot.name not in losers:
                assert abs(count / 2000 - share) < 5 * np.sqrt(share / 2000)
    for (slot, part), (loser, lost) in design.exclusive:
        assert not any(look[slot] == part and look[loser] == lost for look in looks)


def test_endless_collections_repeat_by_seed_and_show_their_traits():
    for seed in range(6):
        pictures, traits = random_collection(np.random.default_rng(seed), 64, 150, types=4)
        again, _ = random_collection(np.random.default_rng(seed), 64, 150, types=4)
        assert np.array_equal(pictures, again)
        assert pictures.shape == (150, 64, 64, 3)
        assert pictures.dtype == np.uint8
        assert traits.shape == (150, 4)
        assert (traits[:, :2] > 0).all()
        by_look = defaultdict(set)
        for picture, look in zip(pictures, traits, strict=True):
            by_look[tuple(look)].add(picture.tobytes())
        assert {len(drawn) for drawn in by_look.values()} == {1}
        assert len(set().union(*by_look.values())) > 0.8 * len(by_look)
