"""Which collection, or none: votes by hand, calibration on what was held out, state in JSON."""

import json

import numpy as np
import pytest

from simsearch.neighbors import Neighbors
from simsearch.recognition.classification import (
    Asked,
    CollectionClassifier,
    LinearProbe,
    NearestCentroid,
    NeighborVote,
    Strangeness,
)

MODELS = (NeighborVote, NearestCentroid, LinearProbe)


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def around(centers, count, spread, seed):
    """Unit vectors around some directions, and which of them they are around."""
    draw = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(centers)), count)
    return unit(centers[codes] + spread * draw.normal(size=(len(codes), centers.shape[1]))), codes


def ask(queries, vectors, codes, k=10, itself=False):
    """Brute force; a query that is row i of the vectors is not its own neighbour."""
    distances = 1 - queries @ vectors.T
    if itself:
        np.fill_diagonal(distances, np.inf)
    ids = np.argsort(distances, axis=1, kind="stable")[:, :k]
    near = Neighbors(ids, np.take_along_axis(distances, ids, axis=1).astype(np.float32))
    return Asked.of(queries, near, codes)


@pytest.fixture(scope="module")
def planted():
    """Three tight collections; queries of each; strangers of a fourth."""
    centers = np.eye(8)[:4]
    vectors, codes = around(centers[:3], 60, 0.15, 0)
    queries, truth = around(centers[:3], 30, 0.15, 1)
    foreign, _ = around(centers[3:], 30, 0.15, 2)
    known = ask(vectors, vectors, codes, itself=True)
    parts = [
        ask(vectors[codes == code], vectors[codes != code], codes[codes != code])
        for code in range(3)
    ]
    strangers = Asked(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("vectors", "collections", "distances")
        )
    )
    return {
        "known": known,
        "codes": codes,
        "strangers": strangers,
        "asked": ask(queries, vectors, codes),
        "truth": truth,
        "foreign": ask(foreign, vectors, codes),
    }


def fitted(planted, model=None, strangers=True):
    classifier = CollectionClassifier(model)
    more = planted["strangers"] if strangers else None
    return classifier.fit(planted["known"], planted["codes"], 3, more)


def test_votes_by_hand():
    near = np.array([[2, 2, 0, 1], [1, -1, -1, -1]])
    asked = Asked(np.zeros((2, 2), np.float32), near, np.zeros((2, 4), np.float32))
    vote = NeighborVote().fit(asked, np.array([0, 0]), 3)
    assert np.allclose(np.exp(vote.scores(asked)), [[1.5, 1.5, 3.5], [0.5, 2.5, 0.5]])
    first = NeighborVote(1).fit(asked, np.array([0, 0]), 3)
    assert np.allclose(np.exp(first.scores(asked))[0], [0.5, 0.5, 2.5])


def test_the_nearest_breaks_a_tie():
    near = np.array([[1, 0, 0, 1]])
    asked = Asked(np.zeros((1, 2), np.float32), near, np.zeros((1, 4), np.float32))
    assert NeighborVote().fit(asked, np.array([0]), 2).scores(asked).argmax() == 1


def test_centroids_by_hand():
    vectors = unit(np.array([[1, 0], [1, 0], [0, 1]]))
    asked = ask(vectors, vectors, np.array([0, 0, 1]))
    scores = NearestCentroid().fit(asked, np.array([0, 0, 1]), 2).scores(asked)
    assert np.allclose(scores, [[1, 0], [1, 0], [0, 1]], atol=1e-6)


def test_the_probe_is_weighted_ridge_regression(planted):
    known, codes = planted["known"], planted["codes"]
    keep = np.flatnonzero((codes > 0) | (np.arange(len(codes)) < 7))  # collections of 7, 60, 60
    part, own = known.take(keep), codes[keep]
    weights = LinearProbe(0.5).fit(part, own, 3).weights_
    inputs = np.hstack([part.vectors, np.ones((len(own), 1))])
    share = np.array([len(own) / 3 / np.sum(own == code) for code in own])
    errors = inputs.T @ (share[:, None] * (inputs @ weights - np.eye(3)[own]))
    assert np.allclose(errors + 0.5 * weights, 0, atol=1e-8)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_names_planted_collections(planted, model):
    shares = fitted(planted, model()).probabilities(planted["asked"])
    assert shares.shape == (90, 3)
    assert np.allclose(shares.sum(axis=1), 1)
    assert (shares.argmax(axis=1) == planted["truth"]).mean() >= 0.98


@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_calibrated_on_what_it_was_not_trained_on(planted, model):
    known, codes = planted["known"], planted["codes"]
    shuffled = np.random.default_rng(0).permutation(codes)  # labels that nothing can learn
    said = CollectionClassifier(model()).fit(known, shuffled, 3).probabilities(planted["asked"])
    assert said.max() < 0.75


def test_strangers_are_seen(planted):
    classifier = fitted(planted)
    inside, outside = (classifier.predict(planted[name]) for name in ("asked", "foreign"))
    assert inside.known.mean() >= 0.95
    assert outside.known.mean() <= 0.05
    assert (inside.codes == planted["truth"]).mean() >= 0.98
    assert inside.probability.mean() > 0.9
    assert outside.probability.max() < 0.6


def test_strangeness_is_in_units_of_the_collection_that_is_nearest():
    known = Asked(
        np.zeros((80, 2), np.float32),
        np.repeat([0, 1], 40)[:, None],
        np.concatenate([np.linspace(0.0, 0.2, 40), np.linspace(0.4, 0.8, 40)])[:, None],
    )
    tested = Strangeness().fit(known, known.collections[:, 0], 2)
    far = Asked(np.zeros((2, 2), np.float32), np.array([[0], [1]]), np.array([[0.6], [0.6]]))
    strange = tested.scores(far)
    assert strange[1] == pytest.approx(0)
    assert strange[0] == pytest.approx((0.6 - 0.1) / 0.09)
    assert tested.known(far).round().tolist() == [0, 1]


def test_a_small_collection_has_the_nearness_of_all_together():
    distances = np.append(np.linspace(0, 1, 99), 0.5).astype(np.float32)[:, None]
    codes = np.append(np.zeros(99, dtype=np.int64), 1)
    known = Asked(np.zeros((100, 2), np.float32), codes[:, None], distances)
    usual = Strangeness().fit(known, codes, 2).usual_
    assert np.array_equal(usual[1], usual[2])
    assert not np.array_equal(usual[0], usual[2])


def test_identical_pictures_leave_room_for_others():
    known = Asked(np.zeros((30, 2), np.float32), np.zeros((30, 1), np.int64), np.zeros((30, 1)))
    tested = Strangeness().fit(known, np.zeros(30, dtype=np.int64), 1)
    near = Asked(np.zeros((2, 2), np.float32), np.zeros((2, 1), np.int64), np.array([[0.0], [0.9]]))
    assert tested.known(near).round().tolist() == [1, 0]


def test_one_collection_alone_tells_strangers_by_its_own_distances():
    vectors, codes = around(np.eye(8)[:1], 100, 0.15, 0)
    inside, foreign = (around(np.eye(8)[[c]], 50, 0.15, 1)[0] for c in (0, 1))
    known = ask(vectors, vectors, codes, itself=True)
    classifier = CollectionClassifier().fit(known, codes, 1)
    assert classifier.predict(ask(inside, vectors, codes)).known.mean() > 0.9
    assert not classifier.predict(ask(foreign, vectors, codes)).known.any()


def test_nothing_found_is_no_collection(planted):
    classifier = fitted(planted)
    nothing = Neighbors.empty(2, 10)
    verdicts = classifier.predict(Asked.of(np.zeros((2, 8), np.float32), nothing, np.arange(3)))
    assert verdicts.codes.tolist() == [-1, -1]
    assert not verdicts.known.any()
    assert np.allclose(verdicts.probability, 0)


def test_nobody_to_fit_on_gives_an_answer_all_the_same(planted):
    nobody = planted["known"].take(np.zeros(180, dtype=bool))
    classifier = CollectionClassifier().fit(nobody, np.empty(0, dtype=np.int64), 3)
    verdicts = classifier.predict(planted["asked"])
    assert np.isfinite(verdicts.probability).all()
    assert (verdicts.codes == planted["truth"]).mean() > 0.95


def test_state_survives_json(planted):
    classifier, names = fitted(planted), ["a", "b", "c"]
    state = json.loads(json.dumps(classifier.state(names)))
    again = CollectionClassifier.from_state(state, names)
    for name in ("asked", "foreign"):
        one, other = classifier.predict(planted[name]), again.predict(planted[name])
        assert np.array_equal(one.codes, other.codes)
        assert np.array_equal(one.probability, other.probability)
        assert np.array_equal(one.known, other.known)


def test_state_serves_collections_that_came_or_went(planted):
    classifier = fitted(planted)
    again = CollectionClassifier.from_state(classifier.state(["a", "b", "c"]), ["c", "new"])
    usual, before = again.strangeness_.usual_, classifier.strangeness_.usual_
    assert np.array_equal(usual, before[[2, 3, 3]])
    assert again.model.count_ == 2
