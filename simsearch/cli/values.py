"""Collection and value of a picture, for people and for programs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from simsearch.cli.console import console, facts, printable, table
from simsearch.wording import price_text

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from simsearch.catalog import Trait
    from simsearch.pricing.desk import ComparableSale, Valuation
    from simsearch.recognition.membership import Membership


def membership_document(found: "Membership") -> dict[str, object]:
    """A collection as JSON values."""
    probability = round(found.probability, 4)
    return {"name": found.name, "probability": probability, "known": found.known}


def value_document(found: "Valuation | None") -> dict[str, object] | None:
    """A value as JSON values."""
    if found is None:
        return None
    told = found.estimate
    return {
        "low": told.low,
        "price": told.price,
        "high": told.high,
        "currency": told.currency,
        "as_of": told.as_of.isoformat(),
        "nominal_coverage": told.nominal_coverage,
        "realised_coverage": told.realised_coverage,
        "level": told.level,
        "warnings": list(told.warnings),
        "comparables": [_comparable(one) for one in found.comparables],
        "excluded": [
            {
                "token_id": token,
                "date": sale.date.isoformat(),
                "price": sale.price,
                "reason": sale.reason,
            }
            for token, sale in found.excluded
        ],
    }


def _comparable(found: "ComparableSale") -> dict[str, object]:
    return {
        "collection": found.item.collection,
        "token_id": found.item.token_id,
        "date": found.sale.date.isoformat(),
        "price": found.sale.price,
        "price_today": found.sale.price_today,
        "distance": round(found.sale.distance, 6),
        "weight": round(found.sale.weight, 6),
        "common_traits": [{"type": kind, "value": value} for kind, value in found.common_traits],
    }


def membership_text(found: "Membership") -> str:
    """A collection in a few words."""
    if found.known:
        return f"{found.name} ({found.probability:.0%})"
    return f"unknown: of none that is indexed; nearest is {found.name} ({found.probability:.0%})"


def value_text(found: "Valuation") -> str:
    """A price with its interval in one line."""
    told = found.estimate
    price, low, high = map(price_text, (told.price, told.low, told.high))
    held = ""
    if told.realised_coverage is not None:
        held = f", such intervals held {told.realised_coverage:.0%} of past sales"
    span = f"{low} to {high}: {told.nominal_coverage:.0%} interval{held}"
    return f"{price} {told.currency} ({span}), as of {told.as_of}"


def summary(
    membership: "Membership", value: "Valuation | None", no_value: str, cluster: int | None
) -> "Table":
    """Collection, value with its warnings, and group, a line each."""
    lines = [("collection", membership_text(membership))]
    lines.append(("value", no_value if value is None else value_text(value)))
    if value is not None:
        lines.append(("note", "; ".join(value.estimate.warnings)))
    if cluster is not None:
        lines.append(("group", str(cluster)))
    return facts(lines)


def show_value(found: "Valuation") -> None:
    """Print what an estimate rests on."""
    out = console()
    for part in _tables(found):
        out.print(part)
        out.print()


def _line(traits: "Sequence[Trait]") -> "Text":
    """Values of traits on one line, cut where it is full."""
    from rich.text import Text

    values = printable(", ".join(value for _, value in traits))
    return Text(values, no_wrap=True, overflow="ellipsis")


def _tables(found: "Valuation") -> "Iterator[Table]":
    currency = found.estimate.currency
    if found.comparables:
        numbers = [f"{currency}>", "today>", "similarity>", "weight>"]
        made = table(
            ["comparable", "sold", *numbers, "in common"],
            [
                [
                    one.item.token_id,
                    str(one.sale.date),
                    price_text(one.sale.price),
                    price_text(one.sale.price_today),
                    f"{1 - one.sale.distance:.3f}",
                    f"{one.sale.weight:.0%}",
                    _line(one.common_traits),
                ]
                for one in found.comparables
            ],
        )
        for column in made.columns[:-1]:
            column.no_wrap = True
        yield made
    if found.excluded:
        yield table(
            ["left out", "sold", f"{currency}>", "reason"],
            [
                [token, str(sale.date), price_text(sale.price), sale.reason]
                for token, sale in found.excluded
            ],
        )
