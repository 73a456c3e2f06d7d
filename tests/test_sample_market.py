"""The planted market comes back: premiums, noise, wash trades, owners, currencies."""

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from simsearch.catalog import Catalog
from simsearch.evaluation.price_run import fit_view
from simsearch.pricing.appraisal import Ledger
from simsearch.pricing.levels import LEVEL_SALES, NEVER, level_at
from simsearch.pricing.markets import View
from simsearch.pricing.premiums import trait_premiums
from simsearch.sales.hygiene import mark
from simsearch.sales.rates import Rates
from simsearch.sales.table import SalesTable
from simsearch.sample import COLLECTIONS, DESIGNS, SamplePlan, write_sample
from simsearch.sample.plan import CollectionPlan
from simsearch.sources import SourceContents, read_sources
from simsearch.space.trait_matrix import trait_matrix


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    plan = write_sample(folder, seed=5, size=160)
    return folder, plan, read_sources([folder], strict=True)


def traits_in(contents: SourceContents, name: str) -> dict[str, tuple[tuple[str, str], ...]]:
    return {item.token_id: item.traits for item in contents.items if item.collection == name}


def sales_in(contents: SourceContents, name: str) -> SalesTable:
    return SalesTable.from_sales(sale for sale in contents.sales if sale.collection == name)


@pytest.mark.parametrize("name", COLLECTIONS)
def test_hygiene_finds_the_planted_wash_sales_and_nothing_else(sample, name):
    folder, plan, contents = sample
    sales = mark(sales_in(contents, name))
    found = {
        (sale["line"], sale["token_id"], sale["date"], sale["reason"])
        for sale in sales.table.to_pylist()
        if sale["reason"]
    }
    planted = plan.collections[name].wash
    assert found == {(wash.line, wash.token_id, wash.date, wash.kind) for wash in planted}
    kinds = {"zero-price", "dust", "self-trade", "back-and-forth", "repeat-buyer"}
    bundles = set() if name == "lighthouses" else {"bundle", "several-units"}
    assert {wash.kind for wash in planted} == kinds | bundles


def honest_sales(
    folder: Path, plan: SamplePlan, contents: SourceContents, name: str
) -> list[tuple[str, dt.date, float]]:
    """Token, day and log price in the collection's own currency."""
    planted, rates = plan.collections[name], Rates.read(folder / "rates.csv")
    washed = {wash.line for wash in planted.wash}
    sales = sales_in(contents, name)
    days = sales.days
    own = rates.usd(planted.currency, days)
    rows = sales.table.to_pylist()
    found = []
    for row, unit, number in zip(rows, own, range(len(rows)), strict=True):
        usd = rates.usd(row["currency"], days[number : number + 1])[0]
        if row["line"] not in washed:
            found.append((row["token_id"], row["date"], np.log(row["price"] * usd / unit)))
    return found


def recovered(
    folder: Path, plan: SamplePlan, contents: SourceContents, name: str
) -> tuple[np.ndarray, float]:
    """Least squares of log price less level on the traits, set against the plan.

    Each trait type's commonest value is the reference where the type is never absent.

    Returns:
        Errors of the premiums in standard errors, made independent of each other by the Cholesky
        factor of their precision; and the residual's standard deviation over the planted one.
    """
    planted, traits = plan.collections[name], traits_in(contents, name)
    sales = honest_sales(folder, plan, contents, name)
    counts = Counter(trait for token, _, _ in sales for trait in traits[token])
    always = Counter(kind for token, _, _ in sales for kind, _ in traits[token])
    reference = {
        kind: max(planted.premiums[kind], key=lambda value, kind=kind: counts[kind, value])
        for kind, times in always.items()
        if times == len(sales)
    }
    columns = sorted(trait for trait in counts if reference.get(trait[0]) != trait[1])
    x = np.ones((len(sales), 1 + len(columns)))
    for row, (token, _, _) in enumerate(sales):
        x[row, 1:] = [trait in traits[token] for trait in columns]
    y = np.array([price - planted.level[(day - planted.start).days] for _, day, price in sales])
    base = {kind: planted.premiums[kind][value] for kind, value in reference.items()}
    expected = np.array(
        [sum(base.values())]
        + [planted.premiums[kind][value] - base.get(kind, 0) for kind, value in columns]
    )
    fitted = np.linalg.solve(x.T @ x, x.T @ y)
    errors = np.linalg.cholesky(x.T @ x).T @ (fitted - expected) / planted.sigma
    residual = y - x @ fitted
    spread = np.sqrt(residual @ residual / (len(y) - x.shape[1]))
    return errors, spread / planted.sigma


def test_planted_premiums_and_noise_come_back(sample):
    pooled = []
    for name in COLLECTIONS:
        errors, spread = recovered(*sample, name)
        assert abs(np.mean(errors**2) - 1) < 4 * np.sqrt(2 / len(errors))
        assert spread == pytest.approx(1, abs=0.12)
        pooled += list(errors)
    assert len(pooled) > 200
    assert np.mean(np.abs(pooled) <= 2) >= 0.92


EPOCH = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Planted:
    """One collection as the estimator takes it, and what was planted in it."""

    plan: CollectionPlan
    ledger: Ledger
    vocabulary: list[tuple[str, str]]
    has: np.ndarray
    worth: np.ndarray  # premium of each item

    @property
    def view(self) -> View:
        """Items seen by their traits, neighbours by cosine."""
        rows = np.pad(self.has.astype(np.float32), ((0, 0), (0, 1)), constant_values=0.1)
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return View.of(unit, self.has.astype(np.float32))

    def level(self, day: int) -> float:
        return self.plan.level[day + EPOCH - self.plan.start.toordinal()]

    def against_others(self) -> np.ndarray:
        """What each value is worth against the mix of the others of its type, none included."""
        share = self.has.mean(axis=0)
        truth = np.array([self.plan.premiums[kind][value] for kind, value in self.vocabulary])
        kinds = np.array([kind for kind, _ in self.vocabulary])
        mixed = np.array([(share * truth * (kinds == kind)).sum() for kind in kinds])
        return truth - (mixed - share * truth) / (1 - share)


@pytest.fixture(scope="module")
def planted(sample):
    _, plan, contents = sample
    catalog = Catalog.from_items(contents.items)
    sales = mark(SalesTable.from_sales(contents.sales))
    found = []
    for name in COLLECTIONS:
        ledger = Ledger.of(name, catalog, sales)
        matrix = trait_matrix(catalog, ledger.members)
        own = plan.collections[name]
        worth = [own.premium(catalog.traits(int(row))) for row in ledger.members]
        pairs = [(kind, value) for _, kind, value in matrix.vocabulary]
        found.append(Planted(own, ledger, pairs, matrix.dense(), np.array(worth)))
    return found


def test_the_estimators_premiums_come_back_within_two_standard_errors(planted):
    misses = []
    for one in planted:
        kinds = [kind for kind, _ in one.vocabulary]
        found = trait_premiums(one.ledger.history, one.has, kinds)
        miss = (found.premium - one.against_others()) / found.error
        misses += miss[np.isfinite(miss) & ~found.alike].tolist()
    assert len(misses) > 150
    assert np.mean(np.abs(misses) < 2) > 0.92
    assert 0.8 < np.sqrt(np.mean(np.square(misses))) < 1.25


def test_the_level_comes_back_within_two_standard_errors(planted):
    """Against the middle of what the same sales would have fetched without noise."""
    misses = []
    for one in planted:
        history = one.ledger.history
        for day in range(int(history.day[0]) + 120, int(history.day[-1]), 30):
            rows = history.usable(day)[-LEVEL_SALES:]
            true = [one.worth[history.item[row]] + one.level(history.day[row]) for row in rows]
            error = 1.2533 * np.std(history.log_price[rows]) / np.sqrt(len(rows))  # of a median
            misses.append((level_at(history, day).log - np.median(true)) / error)
    assert np.mean(np.abs(misses) < 2) > 0.92


def test_estimates_are_near_the_planted_worth_and_covered(planted):
    inside, ours, level = [], [], []
    for one in planted:
        history, view = one.ledger.history, one.view
        model = fit_view(history, view)
        late = np.arange(len(history)) >= len(history) // 3
        interval = model.conformal_[0]
        held = (model.score_ >= interval.low) & (model.score_ <= interval.high)
        inside += held[late].tolist()
        fair = late & (history.known_since == NEVER)
        true = one.worth[history.item] + [one.level(day) for day in history.day]
        ours += np.abs(model.log_forecast_ - true)[fair].tolist()
        level += np.abs(history.level - true)[fair].tolist()
    assert np.mean(inside) == pytest.approx(0.8, abs=0.03)
    assert np.mean(ours) < 0.6 * np.mean(level)


@pytest.mark.parametrize("name", COLLECTIONS)
def test_log_worth_is_the_middle_of_the_honest_prices(sample, name):
    folder, plan, contents = sample
    planted, traits = plan.collections[name], traits_in(contents, name)
    sales = honest_sales(folder, plan, contents, name)
    noise = [price - planted.log_worth(traits[token], day) for token, day, price in sales]
    assert abs(np.mean(noise)) < 3 * planted.sigma / np.sqrt(len(noise))
    with pytest.raises(IndexError, match="before the sample's first day"):
        planted.log_worth((), planted.start - dt.timedelta(days=1))


@pytest.mark.parametrize("name", COLLECTIONS)
def test_the_market_moves_and_owners_follow_each_other(sample, name):
    folder, plan, contents = sample
    planted = plan.collections[name]
    assert np.ptp(planted.level) > 5 * DESIGNS[name].terms.volatility
    assert planted.level[0] == pytest.approx(np.log(DESIGNS[name].terms.price), abs=1e-6)
    rows = sales_in(contents, name).table.to_pylist()
    chains = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["line"]):
        chains[row["token_id"]].append(row)
    for chain in chains.values():
        for earlier, later in zip(chain, chain[1:], strict=False):
            assert later["seller"] == earlier["buyer"]
            assert later["date"] > earlier["date"]
    assert max(map(len, chains.values())) >= 6
    assert len(chains) < 0.9 * len(planted.items)


def test_currencies(sample):
    folder, _, contents = sample
    used = {name: set(sales_in(contents, name).text("currency")) for name in ("chairbots", "masks")}
    assert used == {"chairbots": {"SOL"}, "masks": {"MATIC"}}
    counts = Counter(sales_in(contents, "lanternfish").text("currency"))
    assert 0.08 < counts["USDC"] / counts.total() < 0.22
    assert counts.keys() == {"ETH", "USDC"}
    assert Rates.read(folder / "rates.csv").currencies == ["ETH", "MATIC", "SOL", "USD", "USDC"]
