"""The traits that a picture shows, as the recogniser of its collection reads them."""

import streamlit as st

from simsearch.answer import Answer
from simsearch.catalog import Trait
from simsearch.engine import SearchEngine
from simsearch.panels.words import escaped


def show(engine: SearchEngine, answer: Answer) -> None:
    """Draw the traits of a picture that is no item, each with its probability.

    Nothing is drawn where its collection is not known, or has no recogniser.
    """
    query, found = answer.query, answer.membership
    if query.row >= 0 or not found.known:
        return
    rows = "".join(_row(*one) for one in engine.traits.shown(query.rgb, found.name))
    if rows:
        st.html(
            '<div class="facts"><h3>Traits it shows</h3><table class="plain traits">'
            f"<tbody>{rows}</tbody></table></div>"
        )


def _row(trait: Trait, share: float) -> str:
    """HTML of one trait, its probability as a bar and as a number."""
    kind, value = trait
    return (
        f'<tr><td class="soft">{escaped(kind)}</td><td>{escaped(value)}</td><td class="sure">'
        f'<div class="bar"><i style="width:{share:.0%}"></i></div>'
        f'<span class="soft">{share:.0%}</span></td></tr>'
    )
