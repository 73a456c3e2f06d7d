"""A made-up market: trait premiums, a level that moves, honest sales and planted wash trades."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simsearch.sample.design import Design, Look, Slot, Terms

START = dt.date(2022, 1, 1)
DAYS = 546
QUIET_DAYS = 60
"""No wash trade before this day: dust is dust only beside a level."""

Series = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One row of a sales table; ``wash`` is the kind of a planted wash trade, empty if honest."""

    item: int
    day: int
    price: float
    currency: str
    seller: str
    buyer: str
    tx: str = ""
    quantity: int = 1
    wash: str = ""


def walk(rng: np.random.Generator, first: float, drift: float, volatility: float) -> Series:
    """Random walk with drift over all days."""
    steps = drift + volatility * rng.standard_normal(DAYS - 1)
    return np.round(first + np.concatenate([[0.0], np.cumsum(steps)]), 6)


def make_rates(rng: np.random.Generator) -> dict[str, Series]:
    """Dollars for one unit of each currency, day by day."""
    firsts = {"ETH": 2400.0, "MATIC": 1.4, "SOL": 95.0}
    rates: dict[str, Series] = {"USDC": np.ones(DAYS)}
    for name, usd in firsts.items():
        path: Series = np.exp(walk(rng, math.log(usd), -0.0005, 0.03), dtype=np.float64)
        rates[name] = path.round(4)
    return rates


def draw_premiums(slots: Sequence[Slot], rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """Log premiums by trait type and value: the rarer, the dearer, with some disagreement."""
    premiums: dict[str, dict[str, float]] = {}
    for slot in slots:
        common = max(slot.parts.values())
        for part, weight in slot.parts.items():
            taste = rng.uniform(0.1, 0.25) * math.log(common / weight) + rng.normal(0, 0.06)
            if part:
                premiums.setdefault(slot.trait_type, {})[part] = round(float(taste), 4)
    return premiums


@dataclass
class Market:
    """Trades every item of one collection.

    Attributes:
        terms: how the collection trades.
        worth: float (items, days), log price of each item on each day.
        rates: dollars for a unit of each currency, by day.
        rng: source of all chance.
    """

    terms: Terms
    worth: Series
    rates: Mapping[str, Series]
    rng: np.random.Generator
    rows: list[Row] = field(default_factory=list)

    def trade(self) -> list[Row]:
        """All sales by day, honest ones and wash trades; call it once."""
        wash = self._plant()
        for item in range(len(self.worth)):
            self._trade_item(item, wash.get(item))
        self.rows.sort(key=lambda row: (row.day, row.item))
        return self.rows

    def _plant(self) -> dict[int, tuple[str, int, str]]:
        """Kind, day and transaction of the wash trades, one to an item."""
        items = [int(item) for item in self.rng.permutation(len(self.worth))]
        planted = {}
        for event in range(max(1, len(items) // 100)):
            for kind, tokens in WASH_TOKENS.items():
                day = int(self.rng.integers(QUIET_DAYS, DAYS - SPAN))
                if self.terms.bundles or kind not in ("bundle", "several-units"):
                    for item in [items.pop() for _ in range(min(tokens, len(items)))]:
                        planted[item] = (kind, day, f"bundle-{event}" if tokens > 1 else "")
        return planted

    def _trade_item(self, item: int, wash: tuple[str, int, str] | None) -> None:
        rate = self.rng.gamma(0.8) * self.terms.sales / 0.8
        count = min(int(self.rng.poisson(rate)), 40)
        days = sorted(int(day) for day in self.rng.choice(DAYS, count, replace=False))
        chain = _Chain(self, item, wallets=40 + len(self.worth) // 2)
        if wash is None:
            for day in days:
                chain.sell(day)
            return
        kind, start, tx = wash
        for day in days:
            if day < start:
                chain.sell(day)
        chain.wash(kind, start, tx)
        for day in days:
            if day >= start + SPAN:
                chain.sell(day)


SPAN = 10
"""Days that a wash trade takes at most; honest sales of the item in between are left out."""
WASH_TOKENS = {
    "zero-price": 1, "dust": 1, "self-trade": 1, "back-and-forth": 1, "repeat-buyer": 1,
    "several-units": 1, "bundle": 3,
}  # fmt: skip


class _Chain:
    """The owners of one item, one after another; no honest buyer ever owned it before."""

    def __init__(self, market: Market, item: int, wallets: int) -> None:
        self._market, self._item, self._wallets = market, item, wallets
        self.owners = [self._stranger([])]

    def _stranger(self, known: Sequence[str]) -> str:
        """A wallet that never owned the item; few wallets do most of the buying."""
        while True:
            wallet = f"wallet-{int(self._wallets * self._market.rng.random() ** 2):04d}"
            if wallet not in known:
                return wallet

    def sell(
        self, day: int, buyer: str = "", wash: str = "", factor: float = 1, tx: str = ""
    ) -> None:
        """One sale at the item's worth times a factor and noise."""
        market, terms = self._market, self._market.terms
        buyer = buyer or self._stranger(self.owners)
        price = factor * math.exp(market.worth[self._item, day] + terms.sigma * market.rng.normal())
        currency = terms.currency
        if terms.other and not wash and market.rng.random() < 1 / 7:
            price *= float(market.rates[currency][day] / market.rates[terms.other][day])
            currency = terms.other
        quantity = 3 if wash == "several-units" else 1
        row = Row(self._item, day, price, currency, self.owners[-1], buyer, tx, quantity, wash)
        market.rows.append(row)
        self.owners.append(buyer)

    def wash(self, kind: str, day: int, tx: str) -> None:
        """The rows of one planted wash trade, from a day on."""
        inflated = float(self._market.rng.uniform(2, 6))
        factors = {"zero-price": 0.0, "dust": 0.0004, "several-units": 3.0, "bundle": 3.0}
        if kind == "self-trade":
            self.sell(day, self.owners[-1], kind, inflated)
        elif kind == "back-and-forth":
            first = self.owners[-1]
            self.sell(day, "", kind, inflated)
            self.sell(day + 1, first, kind, inflated)
        elif kind == "repeat-buyer":
            ring = self._stranger(self.owners)
            for turn in range(3):
                self.sell(day + 3 * turn, ring, kind, inflated)
                if turn < 2:
                    self.sell(day + 3 * turn + 1)
                    self.sell(day + 3 * turn + 2)
        else:
            self.sell(day, f"sweeper-of-{tx}" if tx else "", kind, factors[kind], tx)


def premium_of(
    look: Look, slots: Sequence[Slot], premiums: Mapping[str, Mapping[str, float]]
) -> float:
    """Sum of the premiums of a look."""
    return sum(premiums[slot.trait_type][look[slot.name]] for slot in slots if look[slot.name])


def open_market(
    design: Design,
    looks: Sequence[Look],
    premiums: Mapping[str, Mapping[str, float]],
    rates: Mapping[str, Series],
    rng: np.random.Generator,
) -> tuple[Series, Market]:
    """The collection's level, float (days,), and the market of its items."""
    terms = design.terms
    level = walk(rng, math.log(terms.price), terms.drift, terms.volatility)
    own = np.array([premium_of(look, design.slots, premiums) for look in looks])
    return level, Market(terms, own[:, None] + level, rates, rng)
