"""The page as a whole: its head, the choice of a panel, and one place where errors end."""

import logging

import streamlit as st

from simsearch.engine import SearchEngine
from simsearch.errors import SimsearchError
from simsearch.panels import contents, evaluate, explore, opened, search, start, state, words
from simsearch.panels.style import STYLE, icon
from simsearch.panels.style_parts import PARTS

_PANELS = {
    "Search": search.show,
    "Explore": explore.show,
    "Evaluate": evaluate.show,
    "Index": contents.show,
}
_BRAND = '<h1 class="brand">simsearch</h1>'


def main() -> None:
    """Draw the page once, as Streamlit does after every click."""
    st.set_page_config("simsearch", icon(), "wide")
    st.html(STYLE)
    st.html(PARTS)
    state.arrive()
    try:
        engine = opened.engine()
        if engine is None:
            st.html(_BRAND)
            start.show()
        else:
            _PANELS[_chosen_panel(engine)](engine)
    except SimsearchError as error:
        words.error(error)
    except Exception:  # a stranger learns nothing of it, the operator's log everything
        logging.getLogger(__name__).exception("the page failed")
        words.error(
            "Something unexpected happened. Load the page again; the server's log says more."
        )


def _chosen_panel(engine: SearchEngine) -> str:
    """The head of the page; returns the panel chosen in it."""
    with st.container(horizontal=True, vertical_alignment="center", key="head"):
        name, items = words.escaped(engine.folder.resolve().name), f"{len(engine.catalog):,}"
        st.html(f'{_BRAND}<p class="about">{name} · {items} items</p>')
        return st.segmented_control(
            "Panel",
            state.PANELS,
            default=state.PANELS[0],
            required=True,
            key="panel",
            label_visibility="collapsed",
            bind="query-params",
        )
