"""Parts of a report on the page: tables, charts, and questions with their answers."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from simsearch.panels.words import escaped

if TYPE_CHECKING:
    import pandas

_INK = {"dark": "#e8eaef", "light": "#171a21"}
_TALL = 16
"""Rows of a table above which it scrolls."""


def heading(title: str, note: str = "") -> None:
    """Title of a part and what it means."""
    about = f'<p class="soft small">{escaped(note)}</p>' if note else ""
    st.html(f'<h3 class="part">{escaped(title)}</h3>{about}')


def picture(svg: str, alt: str) -> None:
    """A chart, in the text colour of the theme."""
    inked = svg.replace("currentColor", _INK.get(st.context.theme.type or "light", _INK["light"]))
    data = base64.b64encode(inked.encode()).decode()
    st.html(
        f'<img class="chart" alt="{escaped(alt)}" src="data:image/svg+xml;base64,{data}" '
        f'style="{_width(svg)}">'
    )


def _width(svg: str) -> str:
    """The largest width that the chart was drawn for, as CSS."""
    found = re.search(r"max-width:[0-9.]+pt", svg.partition(">")[0])
    return found[0] if found else ""


def show(part: Mapping[str, Any]) -> None:
    """Draw one part of ``Report.document``."""
    heading(part["title"], part["note"])
    if part["kind"] == "table":
        table(part["rows"])
    elif part["kind"] == "chart":
        picture(part["svg"], part["title"])
    else:
        cases = part["cases"]
        alone = not any(case["found"] for case in cases)
        each = [_shot(case["query"]) if alone else _case(case) for case in cases]
        st.html(f'<div class="{"found" if alone else "cases"}">{"".join(each)}</div>')


def table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of column → value; numbers with three decimals, what is not known left empty."""
    import pandas

    if rows:
        frame(pandas.DataFrame(list(rows)))
    else:
        st.html('<p class="soft small">Nothing to show.</p>')


def frame(shown: "pandas.DataFrame", **columns: Any) -> None:  # noqa: ANN401 -- Streamlit's types
    """A table of a data frame; ``columns`` say how some are shown."""
    known = {name: one for name in shown.columns if (one := _column(shown[name])) is not None}
    st.dataframe(
        shown,
        hide_index=True,
        column_config=known | columns,
        height="content" if len(shown) <= _TALL else 36 * _TALL,
        placeholder="–",
    )


def _column(values: Any) -> Any:  # noqa: ANN401 -- a pandas column, and Streamlit's type for one
    import pandas.api.types as kinds

    if kinds.is_float_dtype(values):
        known = values.dropna()
        whole = bool((known % 1 == 0).all()) and not known.between(0, 1).all()
        return st.column_config.NumberColumn(format="localized" if whole else "%.3f")
    if kinds.is_integer_dtype(values):
        return st.column_config.NumberColumn(format="localized")
    return None


def _case(case: Mapping[str, Any]) -> str:
    found = "".join(_shot(one) for one in case["found"])
    return f'<div class="case">{_shot(case["query"])}<div class="found">{found}</div></div>'


def _shot(shot: Mapping[str, Any]) -> str:
    judged = {True: " right", False: " wrong"}.get(shot["good"], "")
    drawn = " drawn" if shot["few_colours"] else ""
    first, *rest = [escaped(line) for line in shot["lines"]] or [""]
    lines = "".join(f'<br><span class="soft">{line}</span>' for line in rest)
    return (
        f'<figure class="shot{judged}"><div class="mat"><img class="picture{drawn}" alt="{first}" '
        f'src="{escaped(shot["uri"])}"></div><figcaption><b>{first}</b>{lines}</figcaption></figure>'
    )
