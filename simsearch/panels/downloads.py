"""An answer to take along: as a table and as one picture."""

import csv
import dataclasses
import io
from collections.abc import Sequence

import streamlit as st

from simsearch.answer import Answer, Neighbor
from simsearch.answer_sheet import sheet
from simsearch.engine import SearchEngine

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
COLUMNS = (
    *("rank", "collection", "token_id", "distance", "price", "currency", "sale_date"),
    *("traits", "cluster"),
)


def buttons(engine: SearchEngine, answer: Answer, found: Sequence[Neighbor]) -> None:
    """Draw a button for each form; the picture is drawn when it is asked for."""
    st.download_button(
        "CSV",
        table(found),
        "look-alikes.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
        help="The table of look-alikes.",
    )
    st.download_button(
        "PNG",
        lambda: sheet([dataclasses.replace(answer, neighbors=list(found))], engine),
        "look-alikes.png",
        "image/png",
        on_click="ignore",
        icon=":material/download:",
        help="The picture and its look-alikes on one sheet.",
    )


def table(found: Sequence[Neighbor]) -> bytes:
    """Neighbours as CSV in UTF-8; traits as ``type=value`` joined by semicolons."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    writer.writerows(_row(one) for one in found)
    return file.getvalue().encode()


def _row(one: Neighbor) -> list[object]:
    sale = one.last_sale
    traits = "; ".join("=".join(trait) for trait in one.traits)
    return [
        *(one.rank, _harmless(one.collection), _harmless(one.token_id), round(one.distance, 6)),
        *((sale.price, _harmless(sale.currency), sale.date) if sale else ("", "", "")),
        *(_harmless(traits), "" if one.cluster is None else one.cluster),
    ]


def _harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
