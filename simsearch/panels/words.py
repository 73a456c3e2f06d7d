"""Text on the page: whatever came from a file is shown letter by letter, never as markup.

Streamlit reads Markdown, LaTeX, emoji codes and colour directives in most of its texts; here all
text of strangers goes through ``st.html`` with every special letter escaped. Labels of options in
``st.selectbox`` and ``st.multiselect``, and cells of ``st.dataframe``, are plain text already;
those of buttons, pills, radios and tabs are not.
"""

import html

import streamlit as st

_KINDS = {"error": ("⛔", "alert"), "warning": ("⚠️", "status"), "note": ("ℹ️", "note")}


def escaped(text: object) -> str:
    """A text inside HTML: no tag, no attribute's end, no control letter."""
    shown = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return html.escape(shown)


def error(text: object) -> None:
    """One line that says what went wrong and what to do."""
    _notice("error", text)


def warning(text: object) -> None:
    """One line that must not be missed."""
    _notice("warning", text)


def note(text: object) -> None:
    """One line for a state that is no fault: nothing found, nothing here yet."""
    _notice("note", text)


def _notice(kind: str, text: object) -> None:
    sign, role = _KINDS[kind]
    st.html(
        f'<div class="notice {kind}" role="{role}"><span aria-hidden="true">{sign}</span>'
        f"<span>{escaped(text)}</span></div>"
    )


def price(amount: float, currency: str = "") -> str:
    """An amount with as many digits as matter, and its currency."""
    digits = f"{amount:,.0f}" if amount >= 1000 else f"{amount:.4g}"
    return f"{digits} {currency}".rstrip()
