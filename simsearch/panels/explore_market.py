"""Collections: what one was sold for over time, what its traits are worth, what an item brought."""

import streamlit as st

from simsearch.engine import SearchEngine
from simsearch.errors import ItemNotFoundError
from simsearch.panels import market, parts, state, words
from simsearch.panels.cards import shown_name
from simsearch.panels.market import Market
from simsearch.panels.opened import mark
from simsearch.panels.pictures import boxed
from simsearch.pricing.premiums import FEWEST
from simsearch.sales.table import SalesTable
from simsearch.store import store

_PREMIUM = (
    "Premium: how much more items with the trait are sold for than those without it, all else "
    "equal, against the price level of their day; ± its standard error. All are estimated at once, "
    "each from {few} sold items or more. As they come: a trait that is never sold apart from some "
    "other; its items, with all that goes along, against the rest."
)


_LINES = (
    '<ul class="legend">'
    f'<li><i style="background:{market.LINES["median"]}"></i>median</li>'
    f'<li><i style="background:{market.LINES["floor"]}"></i>floor: a tenth sold below it</li></ul>'
)


def show(engine: SearchEngine) -> None:
    """Draw one collection."""
    collection = st.selectbox(
        "Collection",
        list(engine.catalog.collections),
        key="of",
        bind="query-params",
        width=320,
    )
    stamp = mark(engine)
    found = _market(engine, stamp, collection)
    parts.heading(shown_name(engine, collection))
    _show_prices(found)
    _show_traits(found)
    if found.ledger is not None:
        _show_item(engine, _sales(engine, stamp), collection)


@st.cache_resource(max_entries=2, show_spinner="Reading the sales …")
def _sales(_engine: SearchEngine, mark: str) -> SalesTable:
    return SalesTable.read(_engine.folder / store.SALES)


@st.cache_resource(max_entries=32, show_spinner="Looking at the collection …")
def _market(_engine: SearchEngine, mark: str, collection: str) -> Market:
    return Market.of(collection, _engine.catalog, _sales(_engine, mark))


def _show_prices(found: Market) -> None:
    if found.ledger is None or found.periods is None:
        words.note(f"{len(found.members):,} items, no sale known.")
        return
    prices, ledger = found.counted, found.ledger
    left = len(ledger.history) - len(prices)
    others = f" {ledger.others:,} more are in other currencies." if ledger.others else ""
    st.html(
        f'<p class="soft small">{len(found.members):,} items. {len(ledger.history):,} sales in '
        f"{words.escaped(ledger.currency)}, {left:,} of them left out of prices.{others}</p>"
    )
    if not len(prices):
        words.note("Not one of the sales counts.")
        return
    parts.heading(f"Floor by {found.periods.unit}")
    st.altair_chart(market.floor_chart(found.periods, ledger.currency), alt="Floor and median")
    st.html(_LINES)
    parts.heading("Prices")
    st.altair_chart(market.price_chart(prices, ledger.currency), alt="Sales by price")


def _show_traits(found: Market) -> None:
    if not found.traits.names:
        words.note("No traits known of these items.")
        return
    about = _PREMIUM.format(few=FEWEST) if found.premiums is not None else ""
    parts.heading("Traits", about)
    kinds = list(found.traits.kinds)
    kind = st.selectbox("Type", kinds, index=None, placeholder="All types", key="type", width=320)
    frame = market.trait_table(found)
    if kind in kinds:
        frame = frame[frame["type"] == kind]
    number = st.column_config.NumberColumn
    shares = {"share": "%.2f%%", "premium": "%+.0f%%", "±": "%.0f%%"}
    parts.frame(frame, **{name: number(format=form) for name, form in shares.items()})


def _show_item(engine: SearchEngine, sales: SalesTable, collection: str) -> None:
    parts.heading("Sales of an item")
    token = st.text_input("Token", key=f"token/{collection}", placeholder="Token id", width=320)
    if not token.strip():
        return
    key = f"{collection}/{token.strip()}"
    try:
        row = engine.catalog.row(key)
    except ItemNotFoundError as error:
        words.error(error)
        return
    with st.container(horizontal=True, key="item"):
        with st.container(width=140, gap="xsmall"):
            st.html(boxed(engine.thumbnails[row], key))
            st.button("Search", on_click=state.ask, args=(key,), key="ask-item", width="stretch")
        with st.container():
            frame = market.sales_of(sales, collection, token.strip())
            if len(frame):
                parts.frame(frame, price=st.column_config.NumberColumn(format="%.4g"))
            else:
                words.note("Never sold, as far as is known.")
