"""Bounds by hand, coverage where errors change, and no look ahead."""

import numpy as np
import pytest

from simsearch.pricing.conformal import UNSEEN, bounds, calibrate
from simsearch.pricing.levels import NEVER, SaleHistory


def history(days, known=None):
    return SaleHistory.from_arrays(np.zeros(len(days), int), days, np.ones(len(days)), known)


def test_bounds_without_fading_are_order_statistics(monkeypatch):
    monkeypatch.setattr("simsearch.pricing.conformal.half_life", lambda count: 1e12)
    scores = np.random.default_rng(0).permutation(np.arange(-9.0, 10.0))  # 19 of them
    assert bounds(scores, 0.25) == (-8.0, 8.0)  # the 18th: the first above .875 of 19 + 1
    assert bounds(scores, 0.35) == (-7.0, 7.0)
    assert bounds(scores, 0.02) == (-9.0, 9.0)  # beyond all seen, none of them small


def test_new_errors_count_more():
    calm = np.tile([-0.1, 0.1], 1000)
    wild = np.tile([-2.0, 2.0], 300)
    assert bounds(np.concatenate([wild, calm]), 0.2)[1] == pytest.approx(0.1)
    assert bounds(np.concatenate([calm, wild]), 0.2)[1] == pytest.approx(2.0)


def test_few_errors_give_a_wide_interval_and_the_forecast_is_always_inside():
    assert bounds(np.zeros(0), 0.2) == (-UNSEEN, UNSEEN)
    assert bounds(np.array([7.0]), 0.2) == (-UNSEEN, 7.0)
    low, high = bounds(np.full(500, 1.5), 0.2)
    assert (low, high) == (0.0, 1.5)


@pytest.mark.parametrize("nominal", [0.8, 0.9])
def test_coverage_holds_while_errors_grow_and_shrink(nominal):
    rng = np.random.default_rng(1)
    days = np.repeat(np.arange(800), 5)
    size = 1 + 0.8 * np.sin(days / 60)
    score = rng.normal(0.3, size)
    found = calibrate(history(days), score, nominal)
    inside = (score >= found.low) & (score <= found.high)
    assert inside[500:].mean() == pytest.approx(nominal, abs=0.02)


def test_a_day_gets_bounds_from_earlier_days_only():
    rng = np.random.default_rng(2)
    days = np.repeat(np.arange(60), 4)
    score = rng.normal(size=240)
    base = calibrate(history(days), score, 0.8)
    changed = score.copy()
    changed[days >= 30] *= 50
    other = calibrate(history(days), changed, 0.8)
    early = days <= 30
    assert base.low[early].tolist() == other.low[early].tolist()
    assert base.high[early].tolist() == other.high[early].tolist()
    assert base.misses[:31].tolist() == other.misses[:31].tolist()
    again = base.bounds(history(days), score, 30)
    assert again == (base.low[days == 30][0], base.high[days == 30][0])


def test_sales_without_a_score_and_excluded_ones_have_no_say():
    days = np.arange(50)
    score = np.linspace(-1, 1, 50)
    score[::2] = np.nan
    known = np.where(days == 25, 26, NEVER)
    found = calibrate(history(days, known), score, 0.8)
    assert found.realised(history(days, known), score, 60) is not None
    assert np.isfinite(found.low).all()
    score[25] = 1e9
    assert calibrate(history(days, known), score, 0.8).high.max() <= UNSEEN


def test_realised_coverage_is_counted_and_none_at_first():
    days = np.arange(30)
    score = np.zeros(30)
    found = calibrate(history(days), score, 0.8)
    assert found.realised(history(days), score, 0) is None
    assert found.realised(history(days), score, 30) == 1.0
