"""What a picture would fetch: the price, its interval among recent sales, and what it rests on."""

import datetime as dt
import math
from typing import Any

import streamlit as st

from simsearch.engine import SearchEngine
from simsearch.panels import words
from simsearch.panels.words import escaped
from simsearch.pricing.desk import Valuation
from simsearch.sales.hygiene import MEANINGS
from simsearch.wording import price_text

_RECENT = 500
"""Sales that the chart of a value shows at most, the newest."""
_WIDE = 20
"""Prices that differ by more than this factor are drawn on a logarithmic axis."""
_POINTS, _BAND = "#8a93a6", "#2f6bd0"


def show(engine: SearchEngine, found: Valuation) -> None:
    """Draw a value among the recent sales of its collection, with the warnings it carries."""
    st.html(f'<div class="facts">{_headline(found)}</div>')
    st.vega_lite_chart(sales_chart(engine, found), width="stretch", key="sales")
    warnings = "".join(f"<li>{escaped(one)}</li>" for one in found.estimate.warnings)
    st.html(f'<ul class="warnings">{warnings}</ul>')


def _headline(found: Valuation) -> str:
    told = found.estimate
    held = ""
    if told.realised_coverage is not None:
        held = f"; such intervals held {told.realised_coverage:.0%} of past sales"
    return (
        f'<h3>Value</h3><p class="large">{price_text(told.price)} {escaped(told.currency)}</p>'
        f"<p>{price_text(told.low)} to {price_text(told.high)} {escaped(told.currency)}"
        f'<br><span class="soft">{told.nominal_coverage:.0%} interval{held}; '
        f"as of {told.as_of}</span></p>"
    )


def sales_chart(engine: SearchEngine, found: Valuation) -> dict[str, Any]:
    """Vega-Lite: the collection's recent sales, with the value and its interval across them."""
    told, sales = found.estimate, recent_sales(engine, found)
    prices = [told.low, told.high, *(sale["price"] for sale in sales)]
    lowest, highest = min(prices), max(prices)
    log = highest > _WIDE * lowest
    price = {
        **{"field": "price", "type": "quantitative", "title": told.currency},
        "scale": {"type": "log" if log else "linear", "domain": [lowest, highest], "nice": True},
        "axis": {"format": ",~g", "tickCount": 5} | ({"values": _powers(lowest)} if log else {}),
    }
    axis = {"tickCount": 4, "format": "%-d %b %Y"}
    day = {"field": "date", "type": "temporal", "title": None, "axis": axis}
    hints = [{"field": name} for name in ("token", "price", "date")]
    band = {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}
    interval = {"values": [{"low": told.low, "high": told.high, "price": told.price}]}
    return {
        "height": 190,
        "layer": [
            {
                "data": interval,
                "mark": {"type": "rect", "opacity": 0.18, "color": _BAND},
                "encoding": band,
            },
            {
                "data": {"values": sales},
                "mark": {"type": "circle", "size": 14, "opacity": 0.45, "color": _POINTS},
                "encoding": {"x": day, "y": price, "tooltip": hints},
            },
            {
                "data": interval,
                "mark": {"type": "rule", "size": 2, "color": _BAND},
                "encoding": {"y": price},
            },
        ],
    }


def _powers(lowest: float) -> list[float]:
    """Powers of ten that a logarithmic axis may show."""
    first = math.floor(math.log10(lowest))
    return [10.0**power for power in range(first, first + 12)]


def recent_sales(engine: SearchEngine, found: Valuation) -> list[dict[str, Any]]:
    """Newest sales before the value's day that hygiene lets pass, oldest first."""
    ledger = engine.desk.ledger(found.collection)
    if ledger is None:
        return []
    history, epoch = ledger.history, dt.date(1970, 1, 1).toordinal()
    rows = history.usable(found.estimate.as_of.toordinal() - epoch)[-_RECENT:]
    tokens = engine.catalog.column("token_id").take(ledger.members[history.item[rows]]).to_pylist()
    days = [dt.date.fromordinal(day + epoch).isoformat() for day in history.day[rows].tolist()]
    told = zip(days, history.price[rows].tolist(), tokens, strict=True)
    return [{"date": day, "price": paid, "token": token} for day, paid, token in told]


def behind(found: Valuation) -> None:
    """Draw the sales that a value rests on, and those that were left out with the reason."""
    currency = found.estimate.currency
    if found.comparables:
        words.table(
            [
                "Comparable",
                "Sold",
                f">{currency}",
                ">At today's level",
                ">Similarity",
                ">Weight",
                "In common",
            ],
            [
                [
                    one.item.token_id,
                    str(one.sale.date),
                    price_text(one.sale.price),
                    price_text(one.sale.price_today),
                    f"{1 - one.sale.distance:.3f}",
                    f"{one.sale.weight:.0%}",
                    ", ".join(value for _, value in one.common_traits),
                ]
                for one in found.comparables
            ],
        )
    else:
        words.note("No sale is comparable: the value is the collection's price level.")
    if found.excluded:
        words.table(
            ["Left out", "Sold", f">{currency}", "Reason"],
            [
                [token, str(sale.date), price_text(sale.price), _why(sale.reason)]
                for token, sale in found.excluded
            ],
        )


def _why(reason: str) -> str:
    return f"{reason}: {MEANINGS[reason]}" if reason in MEANINGS else reason
