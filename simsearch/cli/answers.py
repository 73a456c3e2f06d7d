"""An answer for people and for programs."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from simsearch.cli.console import console, printable, table
from simsearch.cli.values import membership_document, summary, value_document
from simsearch.wording import sale_text

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from simsearch.answer import Answer, Neighbor
    from simsearch.catalog import Trait
    from simsearch.engine import SearchEngine
    from simsearch.traits.recognisers import Shown

_WIDE = 120
"""Columns of a terminal from which a trait is written with its type."""


def document(answer: "Answer", engine: "SearchEngine") -> dict[str, object]:
    """An answer as JSON values."""
    return {
        "query": answer.query.name,
        "neighbors": [_neighbor(neighbor) for neighbor in answer.neighbors],
        "collection": membership_document(answer.membership),
        "value": value_document(answer.value),
        "no_value": answer.no_value or None,
        "cluster": answer.cluster,
        "shown": [
            {"type": kind, "value": value, "probability": round(share, 4)}
            for (kind, value), share in shown(answer, engine)
        ],
        "notes": list(answer.notes),
        "timing_ms": {name: round(spent, 2) for name, spent in answer.timing_ms.items()},
    }


def shown(answer: "Answer", engine: "SearchEngine") -> "Shown":
    """The traits that the picture shows, where its collection is known."""
    found = answer.membership
    return engine.traits.shown(answer.query.rgb, found.name) if found.known else []


def _neighbor(found: "Neighbor") -> dict[str, object]:
    sale = found.last_sale
    return {
        "rank": found.rank,
        "collection": found.collection,
        "token_id": found.token_id,
        "distance": round(found.distance, 6),
        "price": sale.price if sale else None,
        "currency": sale.currency if sale else None,
        "sale_date": sale.date.isoformat() if sale else None,
        "traits": [{"type": kind, "value": value} for kind, value in found.traits],
        "cluster": found.cluster,
    }


def show(answer: "Answer", engine: "SearchEngine") -> None:
    """Print an answer; traits shared with an asking item come first and are marked."""
    from rich.text import Text

    out = console()
    query = answer.query
    own = engine.catalog.traits(query.row) if query.row >= 0 else ()
    spent = f"{answer.timing_ms['total']:,.0f} ms"
    among = f"{len(answer.neighbors):,} nearest of {answer.among:,} items"
    out.print(Text(printable(query.name), "bold") + Text(f" · {among} · {spent}", "default"))
    if query.row >= 0:
        known = [sale_text(engine.catalog.last_sale(query.row)), _traits(own)]
        out.print(printable(" · ".join(filter(None, known))))
    out.print(summary(answer.membership, answer.value, answer.no_value, answer.cluster))
    if seen := shown(answer, engine):
        told = [
            f"{kind}: {value} {share:.2f}".replace(" 0.", " .") for (kind, value), share in seen
        ]
        out.print(printable(f"shows: {', '.join(told)}"))
    for note in answer.notes:
        out.print(printable(f"note: {note}"))
    out.print()
    if not answer.neighbors:
        out.print("nothing found: no item meets the conditions")
        return
    out.print(_answer_table(answer.neighbors, own, wide=out.width >= _WIDE))
    if own:
        out.print(Text(f"* a trait of {printable(query.name)}", "dim"))
    out.print()


def _answer_table(found: "Sequence[Neighbor]", own: "Sequence[Trait]", *, wide: bool) -> "Table":
    columns: dict[str, list[str | Text]] = {
        "#>": [str(one.rank) for one in found],
        "item": [one.key for one in found],
        "similarity>": [f"{1 - one.distance:.3f}" for one in found],
        "shared>": [_shared(one.traits, own) for one in found],
        "last sale": [sale_text(one.last_sale) for one in found],
        "traits": [_marked(one.traits, own, wide=wide) for one in found],
    }
    told = {name: cells for name, cells in columns.items() if any(map(len, cells))}
    made = table(list(told), zip(*told.values(), strict=True))
    for column in made.columns:
        column.no_wrap = column.header != "traits"
    return made


def _shared(traits: "Sequence[Trait]", own: "Sequence[Trait]") -> str:
    return f"{len(set(traits) & set(own))}/{len(set(own))}" if own else ""


def _marked(traits: "Sequence[Trait]", own: "Sequence[Trait]", *, wide: bool) -> "Text":
    """Traits on one line, those of ``own`` first and starred."""
    from rich.text import Text

    line = Text(no_wrap=True, overflow="ellipsis")
    for place, trait in enumerate(sorted(traits, key=lambda trait: trait not in own)):
        text = printable(": ".join(trait) if wide else trait[1])
        line.append(", " if place else "")
        line.append(f"*{text}" if trait in own else text, "green" if trait in own else None)
    return line


def _traits(traits: "Iterable[Trait]") -> str:
    return ", ".join(": ".join(trait) for trait in traits)
