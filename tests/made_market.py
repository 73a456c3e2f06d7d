"""A made-up market whose true prices are known: traits with premiums, a level that wanders."""

from dataclasses import dataclass

import numpy as np

from simsearch.neighbors import Neighbors
from simsearch.pricing.estimator import Asked, join_descriptors
from simsearch.pricing.levels import SaleHistory


@dataclass(frozen=True)
class MadeMarket:
    """Raw arrays in the order of time, and the truth behind them."""

    item: np.ndarray
    day: np.ndarray
    price: np.ndarray
    true_log: np.ndarray
    level: np.ndarray
    traits: np.ndarray
    premiums: np.ndarray
    vectors: np.ndarray
    near: Neighbors

    @property
    def history(self):
        return SaleHistory.from_arrays(self.item, self.day, self.price)

    @property
    def descriptors(self):
        return join_descriptors(self.vectors, self.traits)

    def asked(self, items):
        every = Asked(self.near, np.arange(len(self.vectors)), self.descriptors)
        return every.take(np.asarray(items))


def nearest(vectors, k):
    """All-pairs neighbours without the item itself, by brute force."""
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    distance = 1 - np.take_along_axis(similarity, order, axis=1)
    return Neighbors(order.astype(np.int64), np.maximum(distance, 0).astype(np.float32))


def make_market(items=120, sales=700, days=420, sigma=0.1, seed=0, k=40, step=0.01):
    """Four trait types of five values; a sale's log price is level + premiums + noise."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 5, (items, 4))
    traits = np.zeros((items, 20), dtype=np.float32)
    traits[np.arange(items)[:, None], values + 5 * np.arange(4)] = 1
    premiums = rng.normal(0, 0.4, 20)
    vectors = (traits / 2).astype(np.float32)  # four ones each: unit length
    level = np.cumsum(rng.normal(0, step, days)) + 1
    start = 18_000
    day = np.sort(rng.integers(0, days, sales))
    item = rng.integers(0, items, sales)
    true_log = level[day] + (traits @ premiums)[item]
    price = np.exp(true_log + rng.normal(0, sigma, sales))
    near = nearest(vectors, k)
    return MadeMarket(item, day + start, price, true_log, level, traits, premiums, vectors, near)
