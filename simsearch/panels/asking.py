"""The ways to ask: files, a paste, the key of an item, chance, an example."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from simsearch.answer import Query
from simsearch.engine import SearchEngine
from simsearch.errors import SimsearchError
from simsearch.images import check_bytes
from simsearch.panels import state, words
from simsearch.panels.example import example_picture
from simsearch.panels.opened import AT_ONCE
from simsearch.panels.pictures import reduced

MAX_BYTES = 32 * 2**20
"""Bytes of a file at most; the server refuses larger ones before they are in memory."""
MOST = 20
"""Pictures that are asked with at once."""


@dataclass(frozen=True)
class Given:
    """An encoded picture that somebody handed over; ``mark`` differs between any two."""

    mark: str
    name: str
    data: bytes


def asked(engine: SearchEngine) -> Query | None:
    """Draw the ways to ask.

    Returns:
        The picture or item that is asked about, or None.
    """
    files = st.file_uploader(
        "Pictures",
        accept_multiple_files=True,
        key="files",
        on_change=_forget_others,
        label_visibility="collapsed",
    )
    _box()
    with st.container(horizontal=True, key="tries"):
        st.button("Random item", on_click=_ask_any, args=(engine,), icon=":material/casino:")
        st.button("Example", on_click=_give_example, icon=":material/image:")
    if len(files) > MOST:
        words.warning(f"{len(files)} pictures: the last {MOST} are asked with")
    if key := state.item():
        return engine.item(key)
    newest = [Given(file.file_id, file.name, file.getvalue()) for file in files[: -MOST - 1 : -1]]
    return _one_of(_read_all(engine, [*st.session_state.get("pasted", []), *newest]))


def _forget_others() -> None:
    """What was uploaded just now is asked with, whatever was asked before."""
    state.set_item("")
    st.session_state.pop("pasted", None)
    st.session_state.pop("which", None)


def _box() -> None:
    """One line that takes a pasted picture or the key of an item."""
    said = st.chat_input(
        "Paste, or collection/id",
        accept_file="multiple",
        key="box",
        max_chars=300,
    )
    if said is None:
        return
    if said.files:
        state.set_item("")
        st.session_state.pop("which", None)
        st.session_state["pasted"] = [
            Given(file.file_id, file.name, file.getvalue()) for file in said.files[:MOST]
        ]
    elif said.text.strip():
        state.set_item(said.text.strip())


def _ask_any(engine: SearchEngine) -> None:
    state.ask(engine.catalog.key(int(np.random.default_rng().integers(len(engine.catalog)))))


def _give_example() -> None:
    _forget_others()
    st.session_state["pasted"] = [Given("example", "example.png", example_picture())]


def _read_all(engine: SearchEngine, given: Sequence[Given]) -> list[Query]:
    """What can be asked with; of what cannot, a line says why."""
    build = engine.manifest.build_id
    before = st.session_state.get("read", {})
    now = {(build, one.mark): before.get((build, one.mark)) for one in given}
    for one in given:
        now[build, one.mark] = now[build, one.mark] or _read(engine, one)
    st.session_state["read"] = now
    for one in given:
        found = now[build, one.mark]
        if isinstance(found, str):
            words.error(f"{one.name}: {found}")
    return [found for found in now.values() if isinstance(found, Query)]


def _read(engine: SearchEngine, given: Given) -> Query | str:
    """Make a query of a picture, or say why that cannot be."""
    try:
        check_bytes(len(given.data), MAX_BYTES)
        with AT_ONCE:
            query = engine.read(given.data, given.name)
    except SimsearchError as error:
        return str(error)
    return dataclasses.replace(query, rgb=reduced(query.rgb))


def _one_of(queries: Sequence[Query]) -> Query | None:
    if len(queries) < 2:
        return queries[0] if queries else None
    chosen = st.selectbox(
        f"{len(queries)} pictures",
        range(len(queries)),
        format_func=lambda place: f"{place + 1} · {queries[place].name}",
        key="which",
    )
    return queries[chosen]
