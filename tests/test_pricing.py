"""The price estimator: planted prices come back, nothing looks ahead, odd markets are answered."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_market import make_market

from simsearch.errors import SalesError, StoreError
from simsearch.neighbors import Neighbors
from simsearch.pricing import comparables, forward, levels
from simsearch.pricing.arrays import from_arrays, to_arrays
from simsearch.pricing.estimator import PriceEstimator, join_descriptors
from simsearch.pricing.forward import (
    ALL,
    COMPARABLES,
    PAIR,
    PriceSettings,
    blended,
    drift,
    market_pace,
    spans,
)
from simsearch.pricing.levels import NEVER, SaleHistory

QUICK = PriceSettings(trained_on=150, judged_on=40)


@pytest.fixture(scope="module")
def market():
    return make_market()


@pytest.fixture(scope="module")
def model(market):
    return PriceEstimator(QUICK).fit(market.history, market.near, market.descriptors)


def test_estimates_come_near_the_planted_prices(market, model):
    late = np.arange(len(market.day)) >= 400
    history = market.history
    truth = market.true_log[history.row]
    ours = np.abs(model.log_forecast_ - truth)[late].mean()
    median = np.abs(history.level - truth)[late].mean()
    assert ours < 0.25 * median
    error = (model.log_forecast_ - truth)[late]
    assert abs(error.mean()) < 0.1


def test_trees_join_in_only_after_they_have_won(model):
    used = [snapshot.shares == ALL for snapshot in model.snapshots_]
    assert used == [snapshot.trees is not None for snapshot in model.snapshots_]
    assert not any(used[:5])
    assert used[-1]


def test_the_ridge_has_a_share_from_thirty_sales_on(market, model):
    history = market.history
    for snapshot in model.snapshots_:
        usable = history.usable(snapshot.origin)
        many = np.isfinite(history.residual[usable]).sum() >= QUICK.paired_on
        assert (snapshot.shares == COMPARABLES) == (not many)


def test_the_ridge_helps_where_sales_are_few():
    error = []
    for paired_on in (30, NEVER):
        settings = replace(PriceSettings(), paired_on=paired_on)
        for seed in range(3):
            thin = make_market(items=120, sales=120, days=300, seed=seed)
            model = PriceEstimator(settings).fit(thin.history, thin.near, thin.descriptors)
            gap = model.log_forecast_ - thin.true_log[thin.history.row]
            error.append(np.abs(gap[60:]).mean())
    assert np.mean(error[:3]) < 0.9 * np.mean(error[3:])


def test_shares_leave_out_what_has_none():
    parts = np.array([[1.0, 3.0, np.nan], [2.0, 4.0, 9.0]])
    assert blended(parts, COMPARABLES).tolist() == [1.0, 2.0]
    assert blended(parts, PAIR).tolist() == [2.0, 3.0]
    assert blended(parts, ALL)[1] == pytest.approx(5.0)
    assert np.isnan(blended(parts, ALL)[0])


def test_intervals_cover_what_they_promise_within_three_points():
    market = make_market(items=200, sales=1500, days=700)
    model = PriceEstimator(QUICK).fit(market.history, market.near, market.descriptors)
    for conformal in model.conformal_:
        inside = (model.score_ >= conformal.low) & (model.score_ <= conformal.high)
        assert inside[300:].mean() == pytest.approx(conformal.nominal, abs=0.03)


def test_predict_says_what_the_walk_said_to_the_last_bit(market, model):
    history = market.history
    for day in np.unique(history.day)[::17].tolist():
        rows = history.on(day)
        found = model.predict(market.asked(history.item[rows]), day)
        assert np.array_equal(found.log_price, model.log_forecast_[rows], equal_nan=True)
        known = np.isfinite(found.error)
        assert np.array_equal(found.error[known], model.error_[rows][known])


def test_own_sales_help_and_can_be_switched_off(market, model):
    alone = PriceEstimator(replace(QUICK, own=False))
    alone.fit(market.history, market.near, market.descriptors)
    day = int(market.day[-1]) + 1
    item = int(market.item[-1])
    near_own = model.predict(market.asked([item]), day).found
    assert near_own.sale[0, 0] >= 0
    assert alone.predict(market.asked([item]), day).found.sale[0, 0] == -1


def test_the_order_of_the_sales_does_not_matter(market, model):
    mixed = np.random.default_rng(5).permutation(len(market.day))
    history = SaleHistory.from_arrays(market.item[mixed], market.day[mixed], market.price[mixed])
    again = PriceEstimator(QUICK).fit(history, market.near, market.descriptors)
    assert np.array_equal(again.log_forecast_, model.log_forecast_, equal_nan=True)
    assert np.array_equal(market.price[mixed][history.row], model.history_.price)


def test_estimates_scale_with_prices(market, model):
    dearer = SaleHistory.from_arrays(market.item, market.day, market.price * 1000)
    scaled = PriceEstimator(QUICK).fit(dearer, market.near, market.descriptors)
    known = np.isfinite(model.log_forecast_)
    shift = scaled.log_forecast_[known] - model.log_forecast_[known]
    assert np.median(np.abs(shift - np.log(1000))) < 1e-9
    assert np.quantile(np.abs(shift - np.log(1000)), 0.99) < 0.02  # a split may fall elsewhere


# What is not known yet must not matter.


def answers(market, item, day, price, known, at):
    """Everything the estimator says for day ``at``: estimates, errors, bounds, realised shares."""
    history = SaleHistory.from_arrays(item, day, price, known)
    model = PriceEstimator(QUICK).fit(history, market.near, market.descriptors)
    found = model.predict(market.asked(np.arange(len(market.traits))), at)
    bounds = [c.bounds(history, model.score_, at) for c in model.conformal_]
    realised = [c.realised(history, model.score_, at) for c in model.conformal_]
    early = history.day < at
    forecasts = dict(zip(history.row[early].tolist(), model.log_forecast_[early], strict=True))
    return [found.log_price, found.error, np.array(bounds), np.array(realised), forecasts]


def same(left, right):
    """Equal to the last bit."""
    *arrays, forecasts = left
    *others, theirs = right
    equal = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(arrays, others, strict=True))
    return equal and all(
        np.array_equal(value, theirs[row], equal_nan=True) for row, value in forecasts.items()
    )


def changed_future(market, at, rng):
    """The market with everything from day ``at`` on changed, dropped or added to."""
    n = len(market.day)
    past = market.day < at
    kept = past | (rng.random(n) < 0.6)
    price = np.where(past, market.price, market.price * rng.uniform(0.01, 100, n))
    item = np.where(past, market.item, rng.permutation(market.item))
    known = np.where(past & (rng.random(n) < 0.1), at + rng.integers(1, 90, n), NEVER)
    extra = 150
    return (
        np.concatenate([item[kept], rng.integers(0, len(market.traits), extra)]),
        np.concatenate([market.day[kept], at + rng.integers(0, 3, extra)]),
        np.concatenate([price[kept], rng.uniform(1, 1000, extra)]),
        np.concatenate([known[kept], np.full(extra, NEVER)]),
    )


def leaks(market, at, seed):
    """Whether what is said for a day changes with sales of that day or later."""
    rng = np.random.default_rng(seed)
    untouched = market.item, market.day, market.price, np.full(len(market.day), NEVER)
    with np.errstate(invalid="ignore", divide="ignore"):  # sales of the future have negative ages
        before = answers(market, *untouched, at)
        return not same(before, answers(market, *changed_future(market, at, rng), at))


@pytest.mark.parametrize("share", [0.3, 0.62, 0.9])
def test_no_sale_at_or_after_the_day_changes_a_bit(market, share):
    at = int(np.quantile(market.day, share))
    assert not leaks(market, at, seed=int(share * 100))


def sees_the_same_day(monkeypatch):
    """Siblings of the same day are seen."""
    monkeypatch.setattr(
        SaleHistory, "before", lambda self, day: int(np.searchsorted(self.day, day, side="right"))
    )


def sees_later_marks(monkeypatch):
    """An exclusion counts before it is known."""
    monkeypatch.setattr(
        SaleHistory,
        "usable",
        lambda self, day: np.flatnonzero(self.known_since[: self.before(day)] == NEVER),
    )


def levels_by_all_sales(monkeypatch):
    """The level of a day is taken from all sales."""
    everything = levels.level_at
    monkeypatch.setattr(levels, "level_at", lambda history, day: everything(history, NEVER - 1))


def fits_late(monkeypatch):
    """A month's snapshot is fitted with the sales of that month."""
    usable = SaleHistory.usable
    step = forward.Walk.step

    def later(self, origin, end):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SaleHistory, "usable", lambda history, day: usable(history, day + 40))
            return step(self, origin, end)

    monkeypatch.setattr(forward.Walk, "step", later)


def comparables_of_tomorrow(monkeypatch):
    """A token's latest sale may lie in the future."""
    latest = comparables.latest_sales
    monkeypatch.setattr(
        forward, "latest_sales", lambda history, items, day: latest(history, items, day + 30)
    )


@pytest.mark.parametrize(
    "plant",
    [
        sees_the_same_day,
        sees_later_marks,
        levels_by_all_sales,
        fits_late,
        comparables_of_tomorrow,
    ],
)
def test_a_planted_leak_is_noticed(market, monkeypatch, plant):
    plant(monkeypatch)
    assert leaks(market, int(np.quantile(market.day, 0.62)), seed=1)


# Odd markets.


def fit(items, days, prices, count=3):
    vectors = np.eye(count, 4, dtype=np.float32)
    near = Neighbors(
        np.array([[(i + 1) % count] for i in range(count)]), np.ones((count, 1), np.float32)
    )
    history = SaleHistory.from_arrays(items, days, prices)
    return PriceEstimator().fit(history, near, vectors), near, vectors


def ask(model, near, vectors, day):
    asked = forward.Asked(near, np.arange(len(vectors)), vectors)
    return model.predict(asked, day)


def test_without_sales_there_is_no_estimate():
    found = ask(*fit([], [], []), 100)
    assert np.isnan(found.log_price).all()


def test_one_sale_gives_its_price_to_all_from_the_next_day_on():
    parts = fit([1], [100], [5.0])
    assert np.isnan(ask(*parts, 100).log_price).all()
    assert np.exp(ask(*parts, 101).log_price) == pytest.approx([5.0, 5.0, 5.0])
    assert np.exp(ask(*parts, 9999).log_price) == pytest.approx([5.0, 5.0, 5.0])


def test_one_item_alone():
    vectors = np.ones((1, 1), np.float32)
    history = SaleHistory.from_arrays([0, 0], [10, 400], [2.0, 8.0])
    model = PriceEstimator().fit(history, Neighbors.empty(1, 0), vectors)
    found = ask(model, Neighbors.empty(1, 0), vectors, 500)
    assert 2 < np.exp(found.log_price[0]) < 20


def test_all_at_one_price():
    rng = np.random.default_rng(0)
    parts = fit(rng.integers(0, 3, 500), np.arange(500), np.full(500, 7.0))
    assert np.exp(ask(*parts, 600).log_price) == pytest.approx([7.0] * 3)
    assert np.isfinite(parts[0].score_[1:]).all()


def test_sales_of_unknown_items_are_refused():
    with pytest.raises(SalesError, match="unknown tokens"):
        fit([3], [1], [1.0])


def test_neighbours_and_descriptors_must_fit():
    with pytest.raises(SalesError, match="descriptors"):
        PriceEstimator().fit(
            SaleHistory.from_arrays([], [], []), Neighbors.empty(2, 1), np.ones((3, 1))
        )


def test_descriptors_of_another_width_are_refused(market, model):
    asked = market.asked([0])._replace(descriptors=market.vectors[:1])
    with pytest.raises(SalesError, match="20 numbers, not of the 40"):
        model.predict(asked, int(market.day[-1]))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(-5, 400), st.floats(0, 1e6)), max_size=25),
    st.integers(-10, 500),
)
@settings(max_examples=40, deadline=None)
def test_an_answer_is_a_number_or_none_at_all(sales, day):
    items, days, prices = map(list, zip(*sales, strict=True)) if sales else ([], [], [])
    found = ask(*fit(items, days, prices), day)
    if any(at < day and price > 0 for _, at, price in sales):
        assert np.isfinite(found.log_price).all()
        assert (found.error > 0).all()
    else:
        assert np.isnan(found.log_price).all()


def test_a_snapshot_is_due_after_a_month_with_sales():
    days = [np.datetime64(day, "D").astype(int) for day in ("2020-01-05", "2020-04-30")]
    history = SaleHistory.from_arrays([0, 0], days, [1.0, 1.0])
    starts = [str(np.datetime64(origin, "D")) for origin, _ in spans(history)]
    assert starts == ["2020-01-01", "2020-02-01", "2020-05-01"]
    assert spans(SaleHistory.from_arrays([], [], [])) == []


def test_pace_is_the_log_of_the_days_fifty_sales_cover():
    history = SaleHistory.from_arrays([0] * 60, np.arange(60), [1.0] * 60)
    assert market_pace(history, 60) == pytest.approx(np.log1p(50))
    assert market_pace(history, 0) == 0.0


def test_drift_is_half_the_median_of_the_last_errors():
    history = SaleHistory.from_arrays([0] * 41, np.arange(41), [1.0] * 41)
    forecast = np.linspace(-1, 1, 41)  # residuals are 0: these are the errors
    assert drift(history, forecast, 41) == pytest.approx(np.median(forecast[21:]) / 2)
    assert drift(history, forecast, 11) == pytest.approx(np.median(forecast[1:11]) / 2)
    assert drift(history, forecast, 10) == 0.0  # the first sale has no residual
    assert drift(history, forecast, 140) == 0.0  # too long ago


# Keeping it.


def test_arrays_hold_everything(market, model):
    stored = io.BytesIO()
    np.savez(stored, **to_arrays(model))
    stored.seek(0)
    with np.load(stored, allow_pickle=False) as arrays:
        again = from_arrays(dict(arrays))
    assert again.settings == model.settings
    for day in (int(market.day[50]), int(market.day[600]), int(market.day[-1]) + 1000):
        ours = model.predict(market.asked(np.arange(20)), day)
        theirs = again.predict(market.asked(np.arange(20)), day)
        assert np.array_equal(ours.log_price, theirs.log_price)
        bounds = [m.conformal_[1].bounds(m.history_, m.score_, day) for m in (model, again)]
        assert bounds[0] == bounds[1]


def test_an_estimator_without_sales_can_be_kept():
    model = fit([], [], [])[0]
    assert from_arrays(to_arrays(model)).snapshots_ == []


def test_damaged_arrays_are_refused(model):
    arrays = to_arrays(model)
    del arrays["origins"]
    with pytest.raises(StoreError, match="build the index again"):
        from_arrays(arrays)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("items", lambda one: np.array([one])),
        ("scale", lambda one: one * np.nan),
        ("day", lambda one: one.astype("U9")),
        ("price", lambda one: one[:-1]),
        ("error", lambda one: one[:, None]),
        ("log_forecast", lambda one: one * 1j),
        ("origins", lambda one: one.astype("U9")),
        ("kernels", lambda one: one[:, :2]),
        ("coefficients", lambda one: one + np.inf),
        ("misses0", lambda one: one[:-1]),
        ("bounds1", lambda one: one[:, :-1]),
        ("node_left", np.zeros_like),
        ("node_right", lambda one: one + 10**6),
        ("roots", lambda one: one - 1),
    ],
)
def test_arrays_that_do_not_fit_are_refused(model, name, damage):
    arrays = to_arrays(model)
    assert len(arrays["roots"])
    with pytest.raises(StoreError, match="build the index again"):
        from_arrays(arrays | {name: damage(arrays[name])})


def test_descriptors_join_vectors_and_traits():
    joined = join_descriptors(np.ones((2, 3)), np.eye(2))
    assert joined.tolist() == [[1, 1, 1, 0.5, 0], [1, 1, 1, 0, 0.5]]
    assert join_descriptors(np.ones((2, 3))).shape == (2, 3)
