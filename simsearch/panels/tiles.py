"""Pictures of items in rows, each with a button that searches by it."""

from collections.abc import Sequence

import streamlit as st

from simsearch.engine import SearchEngine
from simsearch.panels import state
from simsearch.panels.pictures import boxed
from simsearch.panels.words import escaped


def show(engine: SearchEngine, rows: Sequence[int], name: str) -> None:
    """Draw items in their order.

    Args:
        engine: the index.
        rows: catalog rows.
        name: of this place on the page, so that its buttons differ from all others.
    """
    with st.container(key=f"tiles-{name}"):
        for place, row in enumerate(rows):
            key = engine.catalog.key(row)
            with st.container(key=f"tile-{name}-{place}", gap="xsmall"):
                st.html(boxed(engine.thumbnails[row], key) + f'<p class="named">{_named(key)}</p>')
                if st.button("Search", key=f"ask-{name}-{place}", help=None, width="stretch"):
                    state.visit(key)


def _named(key: str) -> str:
    collection, _, token = key.partition("/")
    return f'<b>{escaped(token)}</b> <span class="soft">{escaped(collection)}</span>'
