"""The traits of a picture: known of an item; of any other picture as its collection reads them."""

from collections.abc import Iterable

import streamlit as st

from simsearch.answer import Answer
from simsearch.catalog import Trait
from simsearch.engine import SearchEngine
from simsearch.panels.words import escaped


def show(engine: SearchEngine, answer: Answer) -> None:
    """Draw traits with how sure they are; nothing where the index cannot tell."""
    query, found = answer.query, answer.membership
    if query.row >= 0:
        rows = "".join(_row(trait, _KNOWN) for trait in engine.catalog.traits(query.row))
    else:
        read = engine.traits.shown(query.rgb, found.name) if found.known else []
        rows = _read(read)
    if rows:
        st.html(
            f'<div class="facts"><h3>Traits</h3><table class="plain traits"><tbody>{rows}</tbody>'
            "</table></div>"
        )


_KNOWN = '<span class="soft">known</span>'


def _read(traits: Iterable[tuple[Trait, float]]) -> str:
    """HTML rows of traits with their probabilities, as numbers and as bars."""
    return "".join(
        _row(
            trait,
            f'<div class="bar"><i style="width:{share:.0%}"></i></div>'
            f'<span class="soft">{share:.0%}</span>',
        )
        for trait, share in traits
    )


def _row(trait: Trait, said: str) -> str:
    kind, value = trait
    return (
        f'<tr><td class="soft">{escaped(kind)}</td><td>{escaped(value)}</td>'
        f'<td class="sure">{said}</td></tr>'
    )
