"""The panel Search: drop a picture, see what it is, what it is like and what it would fetch."""

from functools import cache

import numpy as np
import streamlit as st

from simsearch.answer import Answer, Query, describe
from simsearch.answer_sheet import picture_of
from simsearch.catalog import Trait
from simsearch.engine import SearchEngine
from simsearch.panels import (
    asking,
    cards,
    controls,
    downloads,
    matched,
    shown,
    verdict,
    words,
    worth,
)
from simsearch.panels.opened import AT_ONCE
from simsearch.panels.pictures import boxed, png, reduced
from simsearch.panels.seen import traits_of
from simsearch.panels.words import escaped
from simsearch.sources.reader import PictureReader

_GALLERY = 24


def show(engine: SearchEngine) -> None:
    """Draw the panel."""
    left, right = st.columns([1, 2.6], gap="large")
    with left:
        query = asking.asked(engine)
    with right:
        if query is None:
            _gallery(engine)
            return
        wanted = controls.wanted(engine)
        with AT_ONCE:
            answer = engine.answer(query, wanted.k, balance=wanted.balance, only=wanted.only)
        _look_alikes(engine, answer, wanted)
    with left:
        _asked(engine, query)
        verdict.show(engine, answer)
        shown.show(engine, answer)
    _details(engine, answer)


def _asked(engine: SearchEngine, query: Query) -> None:
    """The picture that asks and what is known of it."""
    known = ""
    if query.row >= 0:
        sale = cards.sale_line(engine.catalog.last_sale(query.row))
        known = f"<p>{sale}</p>"
        if traits := cards.chips(engine.catalog.traits(query.row)):
            known += f"<h3>Known traits</h3>{traits}"
    st.html(
        f'<div class="facts">{boxed(_picture(engine, query), query.name)}'
        f'<p class="name">{escaped(query.name)}</p>{known}</div>'
    )


def _picture(engine: SearchEngine, query: Query) -> bytes:
    if query.row < 0:
        return png(query.rgb)
    return _original(engine, engine.manifest.build_id, query.row)


@st.cache_data(max_entries=100, show_spinner=False)
def _original(_engine: SearchEngine, build: str, row: int) -> bytes:
    """An item's own picture where it is still in its place, as PNG of the size shown."""
    with PictureReader() as reader:
        return png(reduced(picture_of(_engine, row, reader)))


def _look_alikes(engine: SearchEngine, answer: Answer, wanted: controls.Wanted) -> None:
    found = controls.ordered(answer.neighbors, wanted.sort)
    only = escaped(controls.told(wanted.only))
    with st.container(horizontal=True, vertical_alignment="center", key="found"):
        st.html(
            f"<p>{len(found):,} nearest of {answer.among:,} items</p>"
            f'<p class="soft conditions">{only}</p>'
        )
        if found:
            downloads.buttons(engine, answer, found)
    for note in answer.notes:
        words.note(f"{note[:1].upper()}{note[1:]}.")
    if not found:
        words.note("No item meets the conditions: loosen the filters.")

    @cache
    def common(collection: str) -> frozenset[Trait]:
        return frozenset(traits_of(engine, answer.query, collection))

    cards.show(engine, found, common)


def _details(engine: SearchEngine, answer: Answer) -> None:
    if answer.neighbors:
        st.html('<h2 class="part">What matched</h2>')
        matched.show(engine, answer.query, answer.neighbors)
    if answer.value is not None:
        st.html('<h2 class="part">Behind the value</h2>')
        worth.behind(answer.value)


def _gallery(engine: SearchEngine) -> None:
    """Something to begin with: items drawn from everywhere in the index."""
    st.html(
        '<div class="facts"><p class="large">Drop a picture</p><p>See which collection it is of, '
        "which items look like it, and what it would fetch. Or begin with one of these.</p></div>"
    )
    draw = np.random.default_rng(int(engine.manifest.build_id[:8], 16))
    count = min(_GALLERY, len(engine.catalog))
    rows = draw.choice(len(engine.catalog), count, replace=False)
    found = describe(engine.catalog, rows, np.zeros(count, np.float32))
    cards.show(engine, found, lambda _: frozenset(), similar=False)
