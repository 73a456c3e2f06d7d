"""The answer: its numbers, the comparables and exclusions behind it, the warnings with it."""

import datetime as dt
import subprocess
import sys

import numpy as np
import pytest

from simsearch.errors import SalesError
from simsearch.neighbors import Neighbors
from simsearch.pricing.arrays import to_arrays
from simsearch.pricing.estimator import PriceEstimator
from simsearch.pricing.forward import Asked
from simsearch.pricing.levels import NEVER, SaleHistory, wander
from simsearch.pricing.valuation import ALWAYS, EPOCH, WIDENED, value

VECTORS = np.eye(4, dtype=np.float32)
NEAR = Neighbors(
    np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]),
    np.tile(np.array([0.2, 0.4, 0.9], dtype=np.float32), (4, 1)),
)


def day(text):
    return dt.date.fromisoformat(text).toordinal() - EPOCH


def model_of(sales, known=None):
    items, days, prices = zip(*sales, strict=True) if sales else ((), (), ())
    history = SaleHistory.from_arrays(items, [day(d) for d in days], prices, known)
    return PriceEstimator().fit(history, NEAR, VECTORS)


def ask(item):
    rows = np.array([item])
    return Asked(Neighbors(NEAR.ids[rows], NEAR.distances[rows]), rows, VECTORS[rows])


SALES = [
    (3, "2021-01-01", 10.0),
    (0, "2021-01-02", 20.0),
    (1, "2021-01-03", 40.0),
    (2, "2021-01-04", 10.0),
]


def test_the_numbers_by_hand():
    found = value(model_of(SALES), ask(0), dt.date(2021, 1, 10), currency="ETH")
    assert found.level == pytest.approx(np.exp(np.median(np.log([10, 20, 40, 10]))))
    before = [10.0, np.sqrt(200.0), 20.0]  # level before the second, third and fourth sale
    residual = np.log([20 / before[0], 40 / before[1], 10 / before[2]])
    distance, age = np.array([0, 0.2, 0.4]), np.array([8, 7, 6])
    weight = np.exp(-distance / (0.4 * 0.9)) * 0.5 ** (age / 120)
    mean = (weight * residual).sum() / (weight.sum() + 0.03)
    assert found.price == pytest.approx(found.level * np.exp(mean), rel=1e-6)
    assert [c.item for c in found.comparables] == [0, 1, 2]
    assert [c.weight for c in found.comparables] == pytest.approx(
        weight / (weight.sum() + 0.03), rel=1e-6
    )
    own = found.comparables[0]
    assert (own.date, own.price, own.distance) == (dt.date(2021, 1, 2), 20.0, 0.0)
    assert own.price_today == pytest.approx(found.level * 2)
    assert own.sale == 1
    assert found.low < found.price < found.high
    assert (found.currency, found.as_of) == ("ETH", dt.date(2021, 1, 10))
    assert found.nominal_coverage == 0.8


def test_each_token_has_one_vote():
    sales = [*SALES, (1, "2021-01-05", 30.0), (0, "2021-01-05", 21.0)]
    found = value(model_of(sales), ask(0), dt.date(2021, 1, 10), currency="ETH")
    items = [c.item for c in found.comparables]
    assert sorted(items) == sorted(set(items))
    assert {c.price for c in found.comparables} == {21.0, 30.0, 10.0}


def test_nothing_of_the_day_itself_is_seen():
    found = value(model_of(SALES), ask(0), dt.date(2021, 1, 4), currency="ETH")
    assert found.level == pytest.approx(20.0)
    assert {c.item for c in found.comparables} == {0, 1}


def test_a_picture_that_is_no_item_has_no_own_sale():
    near = Neighbors(NEAR.ids[:1], NEAR.distances[:1])
    asked = Asked(near, np.array([-1]), VECTORS[:1])
    found = value(model_of(SALES), asked, dt.date(2021, 1, 10), currency="ETH")
    assert {c.item for c in found.comparables} == {1, 2}


def test_excluded_sales_come_with_their_reason():
    known = [NEVER, day("2021-01-03"), NEVER, NEVER]
    model = model_of([*SALES, (0, "2021-01-06", 0.0)], [*known, NEVER])
    reasons = np.array(["", "self-trade", "", "", "zero-price"])
    found = value(model, ask(0), dt.date(2021, 1, 10), currency="ETH", reasons=reasons)
    assert [(e.item, e.price, e.reason, e.sale) for e in found.excluded] == [
        (0, 0.0, "zero-price", 4),
        (0, 20.0, "self-trade", 1),
    ]
    assert 0 not in {c.item for c in found.comparables}
    earlier = value(model, ask(0), dt.date(2021, 1, 5), currency="ETH", reasons=reasons)
    assert [e.reason for e in earlier.excluded] == ["self-trade"]


def test_no_price_before_the_first_sale_and_it_says_so():
    with pytest.raises(SalesError, match="no price.*ETH.*2021-01-01"):
        value(model_of(SALES), ask(0), dt.date(2021, 1, 1), currency="ETH")
    with pytest.raises(SalesError, match="no price"):
        value(model_of([]), ask(0), dt.date(2021, 1, 1), currency="ETH")


def warnings(model, item=0, as_of=dt.date(2021, 1, 10)):
    return " | ".join(value(model, ask(item), as_of, currency="ETH").warnings)


def test_warnings_travel_with_the_answer():
    model = model_of(SALES)
    for sentence in ALWAYS:
        assert sentence in warnings(model)
    assert "rests on 4 sales only" in warnings(model)
    assert "earlier forecasts only" in warnings(model)
    assert "few comparables" in warnings(model)
    assert "40 days old" in warnings(model, as_of=dt.date(2021, 2, 13))
    assert "no sale in the 90 days" in warnings(model, as_of=dt.date(2022, 1, 1))
    assert "the same picture" not in warnings(model)


def test_nothing_similar_and_the_same_picture_are_said():
    model = model_of([(3, "2021-01-01", 10.0), (3, "2021-01-02", 12.0)])
    far = Neighbors(np.array([[1, 3]]), np.array([[0.0, 1.9]], dtype=np.float32))
    found = value(
        model, Asked(far, np.array([0]), VECTORS[:1]), dt.date(2021, 1, 5), currency="ETH"
    )
    said = " | ".join(found.warnings)
    assert "nothing similar has sold" in said
    assert "the same picture is shown by 1 other item" in said
    stranger = Asked(far, np.array([-1]), VECTORS[:1])
    said = " | ".join(value(model, stranger, dt.date(2021, 1, 5), currency="ETH").warnings)
    assert "the same picture is shown by 1 indexed item" in said


def test_a_single_sale_gives_a_finite_answer():
    found = value(model_of([(1, "2021-01-01", 5.0)]), ask(0), dt.date(2021, 1, 2), currency="ETH")
    assert found.price == pytest.approx(5.0)
    assert 0 < found.low < 5.0 < found.high < np.inf
    assert found.realised_coverage is None
    assert found.comparables == ()


def test_realised_coverage_is_a_share_of_past_sales():
    rng = np.random.default_rng(0)
    start = dt.date(2020, 1, 1)
    sales = [
        (int(rng.integers(0, 4)), str(start + dt.timedelta(days=n)), float(rng.uniform(5, 9)))
        for n in range(200)
    ]
    found = value(model_of(sales), ask(2), dt.date(2020, 7, 25), currency="ETH")
    assert 0.7 < found.realised_coverage < 0.95
    assert not any("earlier forecasts" in said for said in found.warnings)


def test_an_answer_needs_no_slow_library(tmp_path):
    np.savez(tmp_path / "price.npz", **to_arrays(model_of(SALES)))
    code = f"""
import datetime, sys
import numpy as np
from simsearch.pricing.forward import Asked
from simsearch.neighbors import Neighbors
from simsearch.pricing.arrays import from_arrays
from simsearch.pricing.valuation import value
model = from_arrays(dict(np.load({str(tmp_path / "price.npz")!r}, allow_pickle=False)))
near = Neighbors(np.array([[1, 2]]), np.array([[0.1, 0.2]], dtype=np.float32))
asked = Asked(near, np.array([-1]), np.ones((1, 4), dtype=np.float32))
value(model, asked, datetime.date(2021, 1, 10), currency="ETH")
slow = {{"torch", "pandas", "sklearn", "scipy", "pyarrow", "threadpoolctl"}}
print(*sorted(slow & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_an_interval_widens_by_what_the_level_may_have_moved():
    rng = np.random.default_rng(5)
    start = dt.date(2020, 1, 1)
    paid = np.exp(np.cumsum(rng.normal(0, 0.05, 300)) + 2)
    sales = [(n % 4, str(start + dt.timedelta(days=n)), float(paid[n])) for n in range(300)]
    model = model_of(sales)
    fresh = value(model, ask(0), start + dt.timedelta(days=300), currency="ETH")
    as_of = start + dt.timedelta(days=700)
    stale = value(model, ask(0), as_of, currency="ETH")
    assert WIDENED not in fresh.warnings
    assert WIDENED in stale.warnings
    assert fresh.realised_coverage is not None
    assert stale.realised_coverage is None
    unseen = wander(model.history_, as_of.toordinal() - EPOCH) * 1.2815515655446004
    assert np.log(stale.high / stale.price) > unseen > np.log(fresh.high / fresh.price) / 2
    later = value(model, ask(0), as_of + dt.timedelta(days=300), currency="ETH")
    assert later.high / later.low > stale.high / stale.low


def test_a_day_thousands_of_years_ahead_gives_finite_numbers():
    rng = np.random.default_rng(5)
    start = dt.date(2020, 1, 1)
    paid = np.exp(np.cumsum(rng.normal(0, 0.5, 300)) + 2)
    sales = [(n % 4, str(start + dt.timedelta(days=n)), float(paid[n])) for n in range(300)]
    found = value(model_of(sales), ask(0), dt.date(9999, 12, 31), currency="ETH")
    assert 0 < found.low < found.price < found.high < np.inf
