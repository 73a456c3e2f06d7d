"""The panel Explore. The map, the groups and the collections of an index."""

import streamlit as st

from simsearch.engine import SearchEngine
from simsearch.panels import explore_groups, explore_map, explore_market

_VIEWS = {
    "map": ("Map", explore_map.show),
    "groups": ("Groups", explore_groups.show),
    "market": ("Collections", explore_market.show),
}


def show(engine: SearchEngine) -> None:
    """Draw the panel."""
    view = st.segmented_control(
        "View",
        list(_VIEWS),
        default="map",
        required=True,
        format_func=lambda name: _VIEWS[name][0],
        key="view",
        label_visibility="collapsed",
        bind="query-params",
    )
    _VIEWS[view][1](engine)
