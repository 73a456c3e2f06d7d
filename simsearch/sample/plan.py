"""The planted answers of a generated sample: what a good estimator should find again."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simsearch.catalog import Trait


@dataclass(frozen=True)
class WashSale:
    """A planted sale that says nothing about the price.

    Attributes:
        line: its line in ``sales.csv``, the header being line 1.
        token_id: which token.
        date: day of the sale.
        kind: ``zero-price``, ``dust``, ``self-trade``, ``back-and-forth``, ``repeat-buyer``,
            ``several-units`` or ``bundle``.
    """

    line: int
    token_id: str
    date: dt.date
    kind: str


@dataclass(frozen=True)
class CollectionPlan:
    """What was planted in one collection.

    The log price of an honest sale is ``level`` of its day plus the ``premiums`` of all traits of
    the token plus normal noise of standard deviation ``sigma``; natural logarithms throughout.

    Attributes:
        name: for people.
        items: token ids in the order in which the pictures were drawn.
        currency: unit of the level.
        other: second currency that some sales are paid in, converted by ``rates.csv``; or empty.
        sigma: noise of a sale's log price.
        start: first day.
        level: for each day from ``start``: log price of an item none of whose traits has a premium.
        premiums: trait type to value to addition to the log price.
        wash: planted wash sales.
        hidden: (token id, trait type, value) of traits that lie wholly under another part.
    """

    name: str
    items: tuple[str, ...]
    currency: str
    other: str
    sigma: float
    start: dt.date
    level: tuple[float, ...]
    premiums: Mapping[str, Mapping[str, float]]
    wash: tuple[WashSale, ...]
    hidden: tuple[tuple[str, str, str], ...]

    def premium(self, traits: Iterable[Trait]) -> float:
        """Sum of the premiums of some traits."""
        return sum(self.premiums[kind][value] for kind, value in traits)

    def log_worth(self, traits: Iterable[Trait], day: dt.date) -> float:
        """Expected log price, in ``currency``, of an item with these traits on a day.

        Raises:
            IndexError: the day lies outside the sample.
        """
        number = (day - self.start).days
        if number < 0:
            raise IndexError(f"{day} is before the sample's first day {self.start}")
        return self.level[number] + self.premium(traits)


@dataclass(frozen=True)
class SamplePlan:
    """The planted answers of all collections, by collection id."""

    seed: int
    size: int
    collections: Mapping[str, CollectionPlan]

    def write(self, path: Path) -> None:
        """Write the plan as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1, default=str) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "SamplePlan":
        """Read what ``write`` wrote."""
        stored = json.loads(path.read_text(encoding="utf-8"))
        plans = {name: _collection(plan) for name, plan in stored["collections"].items()}
        return cls(stored["seed"], stored["size"], plans)


def _collection(stored: dict[str, Any]) -> CollectionPlan:
    wash = (
        WashSale(**{**row, "date": dt.date.fromisoformat(row["date"])}) for row in stored["wash"]
    )
    changed = {
        "items": tuple(stored["items"]),
        "start": dt.date.fromisoformat(stored["start"]),
        "level": tuple(stored["level"]),
        "wash": tuple(wash),
        "hidden": tuple((token, kind, value) for token, kind, value in stored["hidden"]),
    }
    return CollectionPlan(**{**stored, **changed})
