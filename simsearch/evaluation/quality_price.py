"""How well prices go by one descriptor: what it calls alike, and nothing else of a picture."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.engine import SearchEngine
from simsearch.evaluation.album import Album
from simsearch.evaluation.blocks import Block, look_vectors
from simsearch.evaluation.contenders import Contender, Table
from simsearch.evaluation.material import Ids
from simsearch.evaluation.price_markets import PricePlan, ledgers_of
from simsearch.evaluation.price_metrics import scores
from simsearch.evaluation.price_run import fit_view, period_of, tested_rows
from simsearch.pricing.appraisal import Ledger
from simsearch.pricing.markets import Market, View


@dataclass(frozen=True)
class Sold:
    """Collections that were sold, and the days whose sales are tested; None as ``period_of``."""

    ledgers: dict[str, Ledger]
    since: dt.date | None = None

    @classmethod
    def of(cls, engine: SearchEngine, since: dt.date | None = None) -> "Sold":
        """All sales of an index.

        Raises:
            SalesError: nothing was sold.
        """
        return cls(ledgers_of(engine, PricePlan(since=since)), since)

    @property
    def rows(self) -> Ids:
        """Rows in the index of all items of these collections, ascending."""
        return np.sort(np.concatenate([one.members for one in self.ledgers.values()]))


def price_skill(
    contender: Contender, album: Album, sold: Sold, seed: int = 0, collections: Collection[str] = ()
) -> float | None:
    """Skill of estimates that look at pictures through one descriptor, and at no traits.

    The space is fitted on the items of each collection; no price enters it.

    Args:
        contender: the descriptor.
        album: pictures of all items that were sold.
        sold: the sales.
        seed: of the fit.
        collections: those tested; all where empty.

    Returns:
        1 - mean log error / that of the trailing median; None where nothing was sold.
    """
    markets = [
        Market(name, one.history, View.of(_vectors(contender, album, one.members, seed)))
        for name, one in sold.ledgers.items()
        if not collections or name in collections
    ]
    if not markets:
        return None
    period = period_of(markets, sold.since)
    columns = []
    for number, market in enumerate(markets):
        rows, history = tested_rows(market.history, period), market.history
        estimate = fit_view(history, market.view).log_forecast_[rows]
        own = np.full(len(rows), number)
        columns.append((estimate, history.log_price[rows], history.level[rows], own))
    estimate, actual, level, market_of = map(np.concatenate, zip(*columns, strict=True))
    skill: float | None = scores(estimate, actual, level, market_of)["skill"]
    return skill


def _vectors(contender: Contender, album: Album, members: Ids, seed: int) -> NDArray[np.float32]:
    """Unit vectors of some rows of the index in a space fitted on these."""
    if contender.plain is not None:
        pictures = album.pictures(contender.encoder, members)
        return contender.plain.fit(pictures)(pictures)
    table = Table(album.descriptors(contender.encoder, members))
    blocks = [
        Block(block.name, block.name, table, block.start, block.stop)
        for block in contender.encoder.blocks
    ]
    return look_vectors(blocks, np.arange(len(members)), seed)
