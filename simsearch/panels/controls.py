"""Which look-alikes are wanted, how many, and in which order: all of it in the page's address."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from simsearch.answer import Neighbor
from simsearch.arrow import codes, row_numbers
from simsearch.catalog import Trait
from simsearch.engine import SearchEngine
from simsearch.filters import Filter
from simsearch.panels import words
from simsearch.wording import price_text

SORTS = ("similarity", "lowest price", "highest price")
MOST_TRAITS = 3000
"""Traits that a browser is given to choose from; of more, a collection must be chosen first."""


FIRST_DAY = dt.date(2009, 1, 3)
"""Nothing was sold for any such currency before."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for besides the picture."""

    k: int
    balance: float
    sort: str
    only: Filter


def wanted(engine: SearchEngine) -> Wanted:
    """Draw the controls and read them."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        filters = st.popover("Filters", icon=":material/filter_list:")
        k = st.slider("Look-alikes", 1, 60, 10, key="k", bind="query-params", width=150)
        traits = st.slider(
            "Look ↔ traits",
            0,
            100,
            round(100 * engine.balance),
            step=5,
            format="%d%%",
            key="balance",
            bind="query-params",
            width=150,
            help="0% compares pictures cell by cell, 100% the traits that they show.",
        )
        sort = st.selectbox(
            "Sort by",
            SORTS,
            key="sort",
            bind="query-params",
            width=160,
        )
    with filters:
        only = _filter(engine)
    return Wanted(k, traits / 100, sort, only)


def _filter(engine: SearchEngine) -> Filter:
    collections = st.multiselect(
        "Collection", list(engine.catalog.collections), key="collection", bind="query-params"
    )
    traits = _traits(engine, tuple(collections))
    left, middle, right = st.columns(3)
    with left:
        low = _price("Lowest price", "min")
    with middle:
        high = _price("Highest price", "max")
    currency = right.selectbox(
        "Currency", currencies(engine), index=None, key="currency", bind="query-params"
    )
    left, right = st.columns(2)
    with left:
        since = _day("Sold since", "since")
    with right:
        until = _day("Sold until", "until")
    return Filter(tuple(collections), traits, low, high, currency, since, until)


def _price(label: str, name: str) -> float | None:
    return st.number_input(label, 0.0, value=None, format="%g", key=name, bind="query-params")


def _day(label: str, name: str) -> dt.date | None:
    return st.date_input(
        label, None, min_value=FIRST_DAY, format="YYYY-MM-DD", key=name, bind="query-params"
    )


def _traits(engine: SearchEngine, collections: tuple[str, ...]) -> tuple[Trait, ...]:
    known = traits_of(engine, engine.manifest.build_id, collections)
    if len(known) > MOST_TRAITS:
        words.note(f"{len(known):,} traits: choose a collection to filter by them.")
        return ()
    chosen = st.multiselect(
        "Traits", list(known), key="trait", bind="query-params", help="An item must have them all."
    )
    return tuple(known[name] for name in chosen)


@st.cache_data(max_entries=64, show_spinner=False)
def traits_of(_engine: SearchEngine, build: str, collections: tuple[str, ...]) -> dict[str, Trait]:
    """Traits of some collections (all by default), named ``type=value``, in alphabetical order."""
    catalog = _engine.catalog
    column = catalog.column("traits")
    if collections:
        names = list(catalog.collections)
        places = [names.index(name) for name in collections]
        column = column.take(row_numbers(np.isin(catalog.collection_codes, places)))
    (kind, kinds), (value, values) = (codes(column.flatten().field(n)) for n in ("type", "value"))
    distinct = np.unique(np.stack([kind, value], axis=1), axis=0).tolist()
    pairs = sorted((kinds[left], values[right]) for left, right in distinct)
    return {"=".join(pair): pair for pair in pairs}


def currencies(engine: SearchEngine) -> list[str]:
    """Currencies that last sales are in."""
    return sorted(codes(engine.catalog.column("last_currency"))[1])


def told(only: Filter) -> str:
    """The conditions of a filter in words; empty where there are none."""
    prices = [
        f"{word} {price_text(price)}"
        for word, price in (("from", only.min_price), ("up to", only.max_price))
        if price is not None
    ]
    days = [f"{word} {day}" for word, day in (("since", only.since), ("until", only.until)) if day]
    said = [
        ", ".join(only.collections),
        ", ".join(": ".join(trait) for trait in only.traits),
        " ".join([*prices, only.currency or ""]).strip(),
        " ".join(["sold", *days]) if days else "",
    ]
    return " · ".join(filter(None, said))


def ordered(found: Sequence[Neighbor], sort: str) -> list[Neighbor]:
    """Neighbours as they are wanted: prices within each currency, those without one last."""
    if sort == SORTS[0]:
        return list(found)
    sign = 1 if sort == SORTS[1] else -1

    def place(one: Neighbor) -> tuple[bool, str, float]:
        sale = one.last_sale
        return (False, sale.currency, sign * sale.price) if sale else (True, "", 0.0)

    return sorted(found, key=place)
