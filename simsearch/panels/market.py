"""What the page tells of a collection's market: tables and charts from its sales and traits."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simsearch.arrow import equals
from simsearch.catalog import Catalog
from simsearch.plots import PALETTE
from simsearch.pricing.appraisal import Ledger, members_of
from simsearch.pricing.levels import NEVER
from simsearch.pricing.periods import Periods, price_periods
from simsearch.pricing.premiums import Premiums, trait_premiums
from simsearch.rarity import Traits
from simsearch.sales.table import SalesTable

if TYPE_CHECKING:
    import altair
    import pandas

REASONS = {
    "zero-price": "price is 0",
    "dust": "far below every other price",
    "self-trade": "seller and buyer are one wallet",
    "several-units": "several units at once",
    "bundle": "several items in one transaction",
    "back-and-forth": "the two wallets traded it both ways",
    "repeat-buyer": "the buyer bought it three times or more",
}
"""Reason code of hygiene → what it means, for people."""
FEW, ALIKE = "too few sales", "as they come"
LINES = {"median": PALETTE[0], "floor": PALETTE[1]}
"""Lines of the chart over time → colour."""
_BINS = 40
_WIDE = 20.0
"""Ratio of the highest to the lowest price from which an axis is logarithmic."""


@dataclass(frozen=True)
class Market:
    """A collection with what is known of its sales.

    Attributes:
        members: int64 (n,), its catalog rows.
        traits: of its items, in that order.
        ledger: its sales, None where there are none.
        periods: floor and median over time, None likewise.
        premiums: of its traits, None likewise.
    """

    members: NDArray[np.int64]
    traits: Traits
    ledger: Ledger | None = None
    periods: Periods | None = None
    premiums: Premiums | None = None

    @classmethod
    def of(cls, collection: str, catalog: Catalog, sales: SalesTable) -> "Market":
        """Look a collection's market up."""
        members = members_of(catalog, collection)
        traits = Traits.of(catalog, members)
        ledger = Ledger.of(collection, catalog, sales)
        if ledger is None:
            return cls(members, traits)
        types = [kind for kind, _ in traits.names]
        premiums = trait_premiums(ledger.history, traits.has, types, traits.several)
        return cls(members, traits, ledger, price_periods(ledger.history), premiums)

    @property
    def counted(self) -> NDArray[np.float64]:
        """Prices of the sales that hygiene does not exclude."""
        if self.ledger is None:
            return np.zeros(0)
        history = self.ledger.history
        return np.asarray(history.price[history.known_since == NEVER])


def trait_table(market: Market) -> "pandas.DataFrame":
    """One row a trait: how many items have it, and what it is worth, in percent."""
    import pandas

    traits, told = market.traits, market.premiums
    columns: dict[str, Any] = {
        "type": [kind for kind, _ in traits.names],
        "value": [value for _, value in traits.names],
        "items": traits.counts,
        "share": 100 * traits.counts / max(len(market.members), 1),
    }
    if told is not None:
        known = np.isfinite(told.premium)
        columns |= {
            "premium": 100 * np.expm1(told.premium),
            "±": 100 * np.exp(told.premium) * told.error,
            "sales": told.sales,
            "note": np.where(known, np.where(told.alike, ALIKE, ""), FEW),
        }
    return pandas.DataFrame(columns).sort_values("items", kind="stable", ignore_index=True)


def sales_of(sales: SalesTable, collection: str, token: str) -> "pandas.DataFrame":
    """All sales of an item, the latest first; those that do not count with the reason."""
    import pandas

    own = equals(sales.table["collection"], collection) & equals(sales.table["token_id"], token)
    found = sales.take(np.flatnonzero(own)[::-1]).table
    reasons = found["reason"].to_pylist()
    return pandas.DataFrame(
        {
            "date": found["date"].to_pylist(),
            "price": found["price"].to_pylist(),
            "currency": found["currency"].to_pylist(),
            "seller": found["seller"].to_pylist(),
            "buyer": found["buyer"].to_pylist(),
            "left out, for": [REASONS.get(code, code) if code else "" for code in reasons],
        }
    )


def floor_chart(periods: Periods, currency: str) -> "altair.Chart":
    """Floor and median of each week or month."""
    import altair as alt
    import pandas

    day = periods.start.astype("datetime64[D]").astype("datetime64[s]")
    frame = pandas.DataFrame(
        {
            periods.unit: np.tile(day, 2),
            "price": np.concatenate([periods.median, periods.floor]),
            "of": np.repeat(list(LINES), len(day)),
            "sales": np.tile(periods.sales, 2),
        }
    )
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_line(point={"size": 18}, strokeWidth=2)
        .encode(
            x=alt.X(f"{periods.unit}:T", title=None),
            y=_price_axis(alt.Y("price:Q"), frame["price"], currency),
            color=alt.Color(
                "of:N", scale=alt.Scale(domain=list(LINES), range=list(LINES.values())), legend=None
            ),
            tooltip=[f"{periods.unit}:T", "of:N", alt.Tooltip("price:Q", format=".4~g"), "sales:Q"],
        )
        .properties(height=280)
    )
    return chart


def price_chart(prices: NDArray[np.float64], currency: str) -> "altair.Chart":
    """How many sales there were at which price, in bins of equal ratio."""
    import altair as alt
    import pandas

    low, high = float(prices.min()), float(prices.max())
    edges = np.geomspace(low * 0.999, high * 1.001, _BINS + 1)
    counts, _ = np.histogram(prices, edges)
    frame = pandas.DataFrame({"from": edges[:-1], "to": edges[1:], "sales": counts})
    chart: alt.Chart = (
        alt.Chart(frame[frame["sales"] > 0])
        .mark_bar(stroke=None)
        .encode(
            x=_price_axis(alt.X("from:Q"), frame["from"], currency, wide=True),
            x2="to:Q",
            y=alt.Y("sales:Q", title="sales"),
            y2=alt.datum(0),
            tooltip=[alt.Tooltip("from:Q", format=".3~g"), alt.Tooltip("to:Q", format=".3~g")]
            + ["sales:Q"],
        )
        .properties(height=240)
    )
    return chart


def _price_axis(
    axis: Any,  # noqa: ANN401 -- an altair.X or altair.Y
    prices: "pandas.Series[float]",
    currency: str,
    *,
    wide: bool = False,
) -> Any:  # noqa: ANN401
    """The axis with its title; logarithmic, with few lines, where prices are far apart."""
    import altair as alt

    low, high = float(prices.min()), float(prices.max())
    if not (wide or high > _WIDE * low):
        return axis.title(currency).scale(zero=True)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [first * 10.0**power for power in powers for first in (1, 3)]
    told = alt.Axis(values=[tick for tick in ticks if low <= tick <= high], format="~g")
    return axis.title(currency).scale(type="log", nice=False).axis(told)
