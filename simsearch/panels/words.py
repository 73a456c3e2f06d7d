"""Text on the page: whatever came from a file is shown letter by letter, never as markup.

Streamlit reads Markdown, LaTeX, emoji codes and colour directives in most of its texts; here all
text of strangers goes through ``st.html`` with every special letter escaped. Labels of options in
``st.selectbox`` and ``st.multiselect``, and cells of ``st.dataframe``, are plain text already;
those of buttons, pills, radios and tabs are not.
"""

import html
from collections.abc import Iterable, Sequence

import streamlit as st

_RIGHT = ' class="right"'
_ROLES = {"error": "alert", "warning": "status", "note": "note"}


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
    st.html(f'<div class="notice {kind}" role="{_ROLES[kind]}">{escaped(text)}</div>')


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table of texts; a column whose name begins with ``>`` is aligned to the right."""
    right = [name.startswith(">") for name in columns]
    head = _cells("th", [name.removeprefix(">") for name in columns], right)
    body = "".join(f"<tr>{_cells('td', row, right)}</tr>" for row in rows)
    st.html(
        f'<div class="scroll"><table class="plain"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cells(tag: str, texts: Sequence[object], right: Sequence[bool]) -> str:
    return "".join(
        f"<{tag}{_RIGHT if aligned else ''}>{escaped(text)}</{tag}>"
        for text, aligned in zip(texts, right, strict=True)
    )
