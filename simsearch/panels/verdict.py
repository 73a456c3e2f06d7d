"""What a picture is: its collection, its group, and what it would fetch."""

import streamlit as st

from simsearch.answer import Answer
from simsearch.engine import SearchEngine
from simsearch.panels import state, worth
from simsearch.panels.cards import shown_name
from simsearch.panels.words import escaped
from simsearch.recognition.membership import Membership


def show(engine: SearchEngine, answer: Answer) -> None:
    """Draw collection, group and value of an answer."""
    st.html(f'<div class="facts">{_collection(engine, answer.membership)}{_group(answer)}</div>')
    if answer.value is None:
        st.html(f'<div class="facts"><h3>Value</h3><p>{escaped(answer.no_value)}</p></div>')
    else:
        worth.show(engine, answer.value)


def _collection(engine: SearchEngine, found: Membership) -> str:
    name = escaped(shown_name(engine, found.name))
    if found.known:
        said = f'{name} <span class="soft">{found.probability:.0%}</span>'
    elif found.name:
        said = f'Unknown <span class="soft">nearest is {name} ({found.probability:.0%})</span>'
    else:
        said = 'Unknown <span class="soft">the index holds nothing else</span>'
    return f'<h3>Collection</h3><p class="large">{said}</p>'


def _group(answer: Answer) -> str:
    if answer.cluster is None:
        return ""
    address = escaped(state.link("Explore", view="Groups", group=str(answer.cluster)))
    return f'<h3>Group</h3><p><a href="{address}" target="_self">Group {answer.cluster}</a></p>'
