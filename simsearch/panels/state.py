"""What the page is about, kept in its address so that it can be linked to.

Widgets of one name are bound to the parameter of that name (``bind="query-params"``); the rest, the
panel's ``item`` first of all, is set here. The parameters of the address:

    panel                  Search, Explore, Evaluate or Index
    item                   key of the item that is asked about, collection/token_id
    k, balance, sort       how many look-alikes, look 0 to traits 1, similarity or price
    collection, trait      filters; may be given several times; a trait is written type=value
    min, max, currency     filter by last price
    since, until           filter by the day of the last sale, YYYY-MM-DD
    view                   of Explore: Map, Groups or Collections
    layout, colour, kind   of the map: how it is laid out, what colours tell, of which trait type
    within                 collections on the map; may be given several times
    group, of              the group, and the collection, that is looked at
    evaluation             of Evaluate: what is measured
"""

from urllib.parse import urlencode

import streamlit as st

PANELS = ("Search", "Explore", "Evaluate", "Index")
"""Names of the panels, as people read them and as the address has them."""
_NEXT = "next"


def item() -> str:
    """Key of the item asked about; empty where there is none."""
    return str(st.query_params.get("item", ""))


def set_item(key: str) -> None:
    """Ask about an item from now on; an empty key asks about none."""
    if key:
        st.query_params["item"] = key
    else:
        st.query_params.pop("item", None)


def ask(key: str) -> None:
    """Search by an item. For callbacks: they run before the choice of a panel is drawn."""
    if st.session_state.get("panel") != PANELS[0]:
        st.session_state["panel"] = PANELS[0]
    set_item(key)


def visit(key: str) -> None:
    """Search by an item at once: ends this run of the page, as a click into a chart needs."""
    st.session_state[_NEXT] = key
    st.rerun()


def arrive() -> None:
    """Go where ``visit`` led; called before any widget is drawn."""
    if _NEXT in st.session_state:
        ask(st.session_state.pop(_NEXT))


def link(panel: str, **parameters: str) -> str:
    """Address of a panel, one of ``PANELS``, relative to the page."""
    return "?" + urlencode({"panel": panel} | parameters)
