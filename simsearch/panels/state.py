"""What the page is about, kept in its address so that it can be linked to.

Widgets of one name are bound to the parameter of that name (``bind="query-params"``); the rest, the
panel's ``item`` first of all, is set here. The parameters of the address:

    panel                  search, explore, evaluate or index
    item                   key of the item that is asked about, collection/token_id
    k, balance, sort       how many look-alikes, look 0 to traits 1, similarity or price
    collection, trait      filters; may be given several times; a trait is written type=value
    min, max, currency     filter by last price
    since, until           filter by the day of the last sale, YYYY-MM-DD
"""

from urllib.parse import urlencode

import streamlit as st

PANELS = {"search": "Search", "explore": "Explore", "evaluate": "Evaluate", "index": "Index"}
"""Name of each panel in the address, and as people read it."""
_NEXT = "next"


def item() -> str:
    """Key of the item asked about; empty where there is none."""
    return str(st.query_params.get("item", ""))


def ask(key: str) -> None:
    """Search by an item from now on; an empty key asks nothing. To be called in a callback."""
    st.session_state["panel"] = "search"
    if key:
        st.query_params["item"] = key
    else:
        st.query_params.pop("item", None)


def visit(key: str) -> None:
    """Search by an item at once: ends this run of the page, as a click into a chart needs."""
    st.session_state[_NEXT] = key
    st.rerun()


def arrive() -> None:
    """Go where ``visit`` led; called before any widget is drawn."""
    if _NEXT in st.session_state:
        ask(st.session_state.pop(_NEXT))


def link(panel: str, **parameters: str) -> str:
    """Address of a panel, relative to the page."""
    return "?" + urlencode({"panel": panel} | parameters)
