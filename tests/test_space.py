"""The look space against a plain computation by NumPy's SVD, and pictures that do not differ."""

import numpy as np
import pytest
from planted import SPANS, collection, noisy

from simsearch.space.look import DEEP_SHARE, GRID_CODE, WHITENING, WIDTH, LookSpace

PLAIN = (("pixels", 0, 12),)
BOTH = (*SPANS, ("deep", 3072, 3080))


def plain(count: int = 400, seed: int = 0) -> np.ndarray:
    """Twelve numbers whose variances fall by half from one direction to the next."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(12, 12)))
    return (3 + rng.normal(size=(count, 12)) * 0.5 ** (np.arange(12) / 2) @ turn).astype(np.float32)


def both(count: int = 60, seed: int = 0) -> np.ndarray:
    grids = noisy(collection("masks", count, seed), seed).grids
    deep = np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float16)
    return np.hstack([grids, deep])


def test_directions_and_variances_are_those_of_the_singular_values():
    data = plain()
    space = LookSpace.fit(data, PLAIN)
    centred = data - data.mean(axis=0)
    centred /= np.sqrt((centred**2).sum() / len(data))
    _, singular, axes = np.linalg.svd(centred.astype(np.float64), full_matrices=False)
    assert space.width == 13
    lengths = np.linalg.norm(space.components, axis=0)
    cosines = np.abs(((space.components / lengths) * axes.T).sum(axis=0))
    np.testing.assert_allclose(cosines, 1, atol=1e-4)
    projected = (data - space.mean) @ space.components
    variance = singular**2 / len(data)
    np.testing.assert_allclose(projected.var(axis=0), variance ** (1 - 2 * WHITENING), rtol=1e-3)
    covariance = projected.T @ projected / len(data)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-4)


def by_hand(data: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Vectors of ``asked`` in double precision, by the definition."""

    def blocks(some):
        return GRID_CODE(some[:, :3072]).astype(float), some[:, 3072:].astype(float)

    parts = []
    for fitted, own, share in zip(blocks(data), blocks(asked), (1, DEEP_SHARE), strict=True):
        scale = np.sqrt(share / fitted.var(axis=0).sum())
        parts.append([scale * (fitted - fitted.mean(axis=0)), scale * (own - fitted.mean(axis=0))])
    fitted, own = (np.hstack(pair) for pair in zip(*parts, strict=True))
    _, singular, axes = np.linalg.svd(fitted, full_matrices=False)
    variance = singular**2 / len(fitted)
    kept = variance > 1e-6
    spread = own @ axes[kept].T / variance[kept] ** WHITENING
    constant = 1e-3 * np.sqrt(np.sqrt(variance[kept]).sum())
    vectors = np.hstack([spread, np.full((len(own), 1), constant)])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_vectors_compare_as_the_definition_says():
    data, asked = both(60), both(60)[::3] * np.float16(0.9)
    space = LookSpace.fit(data, BOTH)
    found, expected = space.transform(asked), by_hand(data, asked)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-3)


def test_a_deep_block_alone_has_the_whole_variance():
    data = both(60)[:, 3072:]
    space = LookSpace.fit(data, (("deep", 0, 8),))
    spread = ((data - space.mean) @ space.components).var(axis=0)
    # Each is the square root of its direction's variance, and the variances sum to 1.
    assert (spread ** (1 / (1 - 2 * WHITENING))).sum() == pytest.approx(1, rel=1e-3)


def test_the_width_is_bounded_by_pictures_numbers_and_the_constant():
    wide = np.random.default_rng(0).normal(size=(300, 400)).astype(np.float16)
    spans = (("deep", 0, 400),)
    assert LookSpace.fit(wide, spans).width == WIDTH
    assert LookSpace.fit(wide[:9], spans).width == 9  # nine centred pictures span eight directions


@pytest.mark.parametrize("count", [1, 2, 3, 7, 11])
@pytest.mark.parametrize("spans", [SPANS, BOTH])
def test_pictures_that_do_not_differ_leave_the_constant_alone(count, spans):
    one = both(1, seed=count)[:, : spans[-1][2]]
    space = LookSpace.fit(one.repeat(count, axis=0), spans)
    assert space.width == 1
    np.testing.assert_array_equal(space.transform(both(5)), np.ones((5, 1)))


def test_a_picture_that_equals_the_mean_has_a_direction():
    data = np.array([[0.0, 1.0], [1.0, 0.0]], dtype=np.float32)
    space = LookSpace.fit(data, (("pixels", 0, 2),))
    vectors = space.transform(np.array([[0.5, 0.5], [0.0, 1.0], [1.0, 0.0]], dtype=np.float32))
    np.testing.assert_allclose(np.abs(vectors[0]), [0, 1], atol=1e-3)
    assert vectors[1] @ vectors[2] == pytest.approx(-1, abs=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_a_block_that_does_not_vary_does_not_disturb_the_other():
    data = both(40)
    data[:, 3072:] = data[0, 3072:]
    space, alone = LookSpace.fit(data, BOTH), LookSpace.fit(data[:, :3072], SPANS)
    found, expected = space.transform(data), alone.transform(data)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-4)


def test_one_picture_has_one_vector_whatever_it_is_transformed_with():
    data = both(50)
    space = LookSpace.fit(data, BOTH)
    alone = np.vstack([space.transform(one[None]) for one in data])
    np.testing.assert_allclose(space.transform(data), alone, atol=1e-6)


def test_equal_input_gives_an_equal_space_and_tensors_bring_it_back():
    data = both(50)
    space, again = LookSpace.fit(data, BOTH, seed=3), LookSpace.fit(data, BOTH, seed=3)
    restored = LookSpace.from_tensors(BOTH, space.tensors())
    for other in (again, restored):
        np.testing.assert_array_equal(other.transform(data), space.transform(data))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("mean", lambda one: one[:-1]),
        ("mean", lambda one: one.astype(np.int64)),
        ("components", lambda one: one.T),
        ("components", lambda one: one.ravel()),
        ("components", lambda one: one * np.nan),
        ("constant", lambda one: one[:0]),
        ("constant", lambda one: one * 0),
    ],
)
def test_tensors_of_no_space_are_refused(name, damage):
    tensors = LookSpace.fit(both(40), BOTH).tensors()
    with pytest.raises(ValueError, match="the look space"):
        LookSpace.from_tensors(BOTH, tensors | {name: damage(tensors[name])})
    with pytest.raises(ValueError, match="not of these blocks"):
        LookSpace.from_tensors(BOTH[:1], tensors)
