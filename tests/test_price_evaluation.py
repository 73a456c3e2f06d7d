"""The rolling-origin evaluation: hand-computed baselines, controls, keys, and the real sales."""

import csv
import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_market import make_market, nearest

from simsearch.errors import SalesError
from simsearch.evaluation.price import evaluate_prices, summarise
from simsearch.evaluation.price_baselines import last_sales, past_median, random_split, trait_ridge
from simsearch.evaluation.price_run import run_trial
from simsearch.evaluation.price_trial import EPOCH, date_of
from simsearch.index import build_index
from simsearch.neighbors import Neighbors
from simsearch.pricing.estimator import PriceEstimator
from simsearch.pricing.forward import PriceSettings
from simsearch.pricing.hedonic import HedonicRidge
from simsearch.pricing.levels import NEVER, SaleHistory
from simsearch.pricing.markets import Market, View

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="module")
def made():
    return make_market(items=150, sales=900, days=500)


@pytest.fixture(scope="module")
def market(made):
    return Market("made", made.history, View(made.near, made.vectors, made.traits))


@pytest.fixture(scope="module")
def trial(market):
    return run_trial([market])


@pytest.fixture(scope="module")
def found(trial, market):
    return summarise(trial, [market])


def test_the_keys_of_the_contract(found):
    assert set(found["test"]) >= {"from", "until", "n"}
    models = {
        *("global_median", "past_median", "trailing_median", "own_last_sale", "trait_ridge"),
        *("neighbor_mean", "simsearch", "simsearch_shuffled", "simsearch_no_own"),
        *("simsearch_no_traits", "simsearch_comparables"),
        *("simsearch_no_hygiene", "trailing_median_no_hygiene"),
    }
    assert set(found["models"]) == models
    measures = "mdape ppe5 ppe10 ppe20 male rmsle r2_log r2_floor spearman bias answered skill"
    assert all(set(row) == set(measures.split()) for row in found["models"].values())
    assert set(found["intervals"]) == {"0.8", "0.9"}
    assert all(set(v) == {"coverage", "width", "winkler"} for v in found["intervals"].values())
    assert {row["slice"] for row in found["slices"]} == {
        *("collection", "price_decile", "month", "comparables", "sale", "picture")
    }
    json.dumps(found, allow_nan=False)


def test_ours_wins_and_the_control_does_not(found):
    skill = {name: row["skill"] for name, row in found["models"].items()}
    assert skill["trailing_median"] == 0
    assert skill["simsearch"] > 0.6
    assert skill["simsearch"] > skill["simsearch_no_own"] > 0.5
    assert skill["simsearch_shuffled"] < 0.05
    low, high = found["skill_interval"]
    assert low < skill["simsearch"] < high


def test_coverage_is_within_three_points(found):
    for nominal, row in found["intervals"].items():
        assert row["coverage"] == pytest.approx(float(nominal), abs=0.03)


def test_a_random_split_is_shown_beside(found):
    split = found["random_split"]
    assert 0.15 < split["n"] / found["test"]["n"] < 0.25
    assert 0 < split["skill_forward"] < 1


def test_slices_add_up(found):
    for name in ("collection", "price_decile", "month", "comparables", "sale"):
        rows = [row for row in found["slices"] if row["slice"] == name]
        assert sum(row["n"] for row in rows) == found["test"]["n"]
    deciles = [row["n"] for row in found["slices"] if row["slice"] == "price_decile"]
    assert len(deciles) == 10
    assert max(deciles) - min(deciles) <= 1


def test_the_same_call_gives_the_same_numbers(market, found):
    assert evaluate_prices([market]) == found


def test_the_period_holds_both_its_days_and_dust_is_not_tested(made):
    price = made.price.copy()
    price[500:540] = 0.001
    history = SaleHistory.from_arrays(made.item, made.day, price)
    since, until = date_of(made.day[400]), date_of(made.day[600])
    trial = run_trial(
        [Market("made", history, View(made.near, made.vectors))], since=since, until=until
    )
    inside = (made.day >= made.day[400]) & (made.day <= made.day[600])
    assert len(trial.day) == inside.sum() - 40
    assert set(trial.row.tolist()) == set(np.flatnonzero(inside)) - set(range(500, 540))
    assert "simsearch_no_traits" not in trial.models


def test_later_sales_change_no_estimate_of_the_test(made, trial, market):
    at = int(np.quantile(made.day, 0.85))
    price = np.where(made.day >= at, made.price * 7, made.price)
    changed = Market("made", SaleHistory.from_arrays(made.item, made.day, price), market.view)
    other = run_trial([changed], since=date_of(trial.day[0]))
    early = trial.day <= at
    assert 50 < early.sum() < len(early)
    for name in sorted(trial.models):
        if name != "random_split":
            same = np.array_equal(trial.models[name][early], other.models[name][early], True)
            assert same, name
    for nominal, bounds in trial.intervals.items():
        for ours, theirs in zip(bounds, other.intervals[nominal], strict=True):
            assert np.array_equal(ours[early], theirs[early], True)


def test_hygiene_can_be_compared(made, market):
    known = np.where(np.arange(len(made.day)) % 20 == 0, made.day + 1, NEVER)
    wild = np.where(known < NEVER, made.price * 30, made.price)
    history = SaleHistory.from_arrays(made.item, made.day, wild, known)
    models = evaluate_prices([Market("made", history, market.view)])["models"]
    assert models["simsearch"]["male"] < models["simsearch_no_hygiene"]["male"]


def test_two_collections_are_evaluated_together_and_apart(made, market, trial):
    other = replace(market, name="other", view=replace(market.view, traits=None))
    both = run_trial([market, other])
    n = len(trial.day)
    assert np.array_equal(both.models["simsearch"][:n], trial.models["simsearch"])
    assert np.isnan(both.models["trait_ridge"][n:]).all()
    found = summarise(both, [market, other])
    rows = [row for row in found["slices"] if row["slice"] == "collection"]
    assert [(row["value"], row["n"]) for row in rows] == [("made", n), ("other", n)]
    assert found["models"]["trait_ridge"]["answered"] == 0.5


def test_nothing_to_test_is_an_error(market):
    empty = Market("none", SaleHistory.from_arrays([], [], []), market.view)
    with pytest.raises(SalesError, match="no sales to evaluate"):
        run_trial([empty])
    with pytest.raises(SalesError, match="no sales to evaluate"):
        run_trial([])
    with pytest.raises(SalesError, match="choose other days"):
        run_trial([market], since=dt.date(2031, 1, 1))


def test_odd_markets_give_numbers_or_none():
    view = View(nearest(np.eye(3, dtype=np.float32), 2), np.eye(3, dtype=np.float32))
    for prices in ([5.0], [5.0, 5.0, 5.0], [1e-3, 5.0]):
        history = SaleHistory.from_arrays([0] * len(prices), range(len(prices)), prices)
        found = evaluate_prices([Market("odd", history, view)], since=date_of(0))
        json.dumps(found, allow_nan=False)


def test_shuffling_moves_pictures_and_their_neighbours_alike(market):
    shuffled = market.view.shuffled(3)
    assert sorted(map(tuple, shuffled.vectors)) == sorted(map(tuple, market.view.vectors))
    assert not np.array_equal(shuffled.vectors, market.view.vectors)
    for item in (0, 7, 149):
        near = shuffled.near.ids[item]
        distance = 1 - shuffled.vectors[near] @ shuffled.vectors[item]
        assert distance == pytest.approx(shuffled.near.distances[item], abs=1e-5)
    given = np.random.default_rng(3).permutation(150)
    assert np.array_equal(shuffled.traits, market.view.traits[given])


# Baselines by hand.


@pytest.fixture
def small():
    """Items 0 and 1 sell in turn on days 1 to 6, item 2 on day 7."""
    return SaleHistory.from_arrays(
        [0, 1, 0, 1, 0, 1, 2], np.arange(1, 8), np.exp([1.0, 2, 3, 4, 5, 6, 7])
    )


def near_of(count):
    ids = np.array([[j for j in range(count) if j != i] for i in range(count)])
    return Neighbors(ids, np.full(ids.shape, 0.5, dtype=np.float32))


def test_past_median_by_hand(small):
    assert past_median([small], np.array([1, 4, 100]))[1:].tolist() == pytest.approx([2.0, 4.0])
    assert np.isnan(past_median([small], np.array([1]))).all()
    assert past_median([small, small], np.array([4])).tolist() == pytest.approx([2.0])


def test_last_sales_by_hand(small):
    own, mean, repeat = last_sales(small, near_of(3), np.array([3, 4, 6]))
    level = small.level
    assert own[0] == pytest.approx(level[3] + (2.0 - level[1]))
    assert own[1] == pytest.approx(level[4] + (3.0 - level[2]))
    assert np.isnan(own[2])
    assert repeat.tolist() == [True, True, False]
    assert np.exp(mean) == pytest.approx([np.exp(3), np.exp(4), np.exp([5, 6]).mean()])


def test_trait_ridge_is_fitted_before_the_month(made):
    history = made.history
    estimate = trait_ridge(history, made.traits)
    origin = np.datetime64(int(history.day[-1]), "D").astype("datetime64[M]")
    first = int(origin.astype("datetime64[D]").astype(int))
    past = history.usable(first)
    past = past[np.isfinite(history.residual[past])]
    ridge = HedonicRidge(made.traits, 1.0, 365.0)
    ones = np.ones(len(past), int)
    ridge.learn(history.item[past], history.day[past], history.residual[past], first, ones)
    rows = np.arange(history.before(first), len(history))
    expected = history.level[rows] + ridge.premiums(history.item[rows])
    assert estimate[rows] == pytest.approx(expected, rel=1e-9)


def test_random_split_holds_out_a_share_and_sees_the_future(made):
    history, rows = made.history, np.arange(500, 900)
    kernel = PriceSettings().kernels[0]
    estimate = random_split(history, made.near, rows, kernel)
    held = np.isfinite(estimate)
    assert 0.15 < held.mean() < 0.25
    later = SaleHistory.from_arrays(
        made.item, made.day, np.where(np.arange(900) >= 700, made.price * 9, made.price)
    )
    changed = random_split(later, made.near, rows, kernel)
    assert not np.allclose(estimate[:190][held[:190]], changed[:190][held[:190]])


def test_a_random_split_flatters():
    made = make_market(items=80, sales=900, days=450, step=0.15, seed=1)
    rows = np.arange(300, 900)
    comparables = PriceEstimator(PriceSettings(trained_on=NEVER))
    comparables.fit(made.history, made.near, made.vectors)
    split = random_split(made.history, made.near, rows, comparables.snapshots_[-1].kernel)
    held = np.isfinite(split)
    forward = comparables.log_forecast_[rows]
    actual = made.history.log_price[rows]
    assert np.abs(split - actual)[held].mean() < 0.9 * np.abs(forward - actual)[held].mean()


# The real sales.


def punks():
    """Sales and traits as vectors: what the pictures show, without the pictures."""
    folder = SHARED / "data" / "cryptopunks"
    with (folder / "traits.csv").open() as lines:
        rows = list(csv.DictReader(lines, skipinitialspace=True))
    sets = [
        {(k, v) for k in ("type", "gender", "skin tone") for v in [row[k]] if v}
        | {("accessory", v) for v in (row["accessories"] or "").split(" / ") if v}
        for row in rows
    ]
    code = {trait: n for n, trait in enumerate(sorted(set().union(*sets)))}
    traits = np.zeros((len(sets), len(code)), dtype=np.float32)
    for n, one in enumerate(sets):
        traits[n, [code[trait] for trait in one]] = 1
    with (folder / "sales.csv").open() as lines:
        sales = {tuple(row.values()): row for row in csv.DictReader(lines)}.values()
    days = [dt.date.fromisoformat(row["date"]).toordinal() - EPOCH for row in sales]
    items = [int(row["token_id"]) for row in sales]
    history = SaleHistory.from_arrays(items, days, [float(row["price"]) for row in sales])
    return history, traits


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the real collections are not beside the checkout")
def test_known_numbers_of_the_real_sales():
    history, _ = punks()
    first = dt.date(2021, 6, 1).toordinal() - EPOCH
    rows = np.arange(history.before(first), len(history))
    rows = rows[history.price[rows] >= 0.01]
    assert len(rows) == 5246
    error = np.abs(history.level - history.log_price)[rows]
    assert np.median(np.abs(np.expm1(history.level - history.log_price)[rows])) == pytest.approx(
        0.134, abs=0.001
    )
    assert error.mean() == pytest.approx(0.258, abs=0.001)


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="the real collections are not beside the checkout")
def test_the_real_sales_are_estimated_as_well_as_promised():
    history, traits = punks()
    vectors = traits - traits.mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near = build_index("flat", vectors).search(vectors, 129)
    market = Market("cryptopunks", history, View(near, vectors))
    found = evaluate_prices([market], since=dt.date(2021, 6, 1))
    assert found["test"]["n"] == 5246
    ours = found["models"]["simsearch"]
    assert ours["skill"] > 0.31
    assert found["skill_interval"][0] > 0.24
    assert ours["mdape"] < 0.122
    assert ours["r2_floor"] > 0.60
    assert found["models"]["simsearch_shuffled"]["skill"] < 0.05
    assert found["intervals"]["0.8"]["coverage"] == pytest.approx(0.8, abs=0.03)
