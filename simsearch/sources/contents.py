"""What reading sources gives, and the one place where all readers put what they find.

Reason codes of ``Skipped``, besides those of ``simsearch.images`` and of ``simsearch.sales.table``:
``duplicate-key``, ``unknown-token`` (a sale), ``no-picture`` (traits), ``no-token``, ``remote``,
``missing``, ``outside``, ``unreadable``, ``encrypted``, ``bad-name``, ``bad-row``,
``bad-attributes``, ``bad-base64``, ``bad-collection``, ``loose`` and ``no-collection``.
"""

import hashlib
from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from simsearch.catalog import Item, Skipped
from simsearch.errors import SourceError
from simsearch.sales.table import Sale


@dataclass(frozen=True)
class SourceContents:
    """All that the sources of one run hold.

    Attributes:
        items: in the order of the sources, keys once each.
        sales: of these items and of the keys that the caller said are known.
        names: collection id to ``name``, ``chain`` and ``contract``, as far as stated.
        skipped: what was left out, with its reason code.
    """

    items: list[Item]
    sales: list[Sale]
    names: dict[str, dict[str, str]]
    skipped: list[Skipped]


@dataclass
class Intake:
    """Collects what the readers find; the first of two equal keys wins.

    Attributes:
        strict: stop at the first thing that would be skipped.
    """

    strict: bool = False
    items: dict[str, Item] = field(default_factory=dict)
    sales: list[Sale] = field(default_factory=list)
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def add(self, item: Item, where: str) -> None:
        """Take an item; ``where`` names its place for people."""
        if not _is_unicode(item):
            self.skip(where, "bad-name", "the name is not valid Unicode; rename the file")
            return
        first = self.items.setdefault(item.key, item)
        if first is not item:
            taken = f"{first.picture.path} {first.picture.member}".strip()
            self.skip(where, "duplicate-key", f"{item.key} is already given by {taken}; it stays")

    def skip(self, source: str, code: str, message: str) -> None:
        """Note what is left out.

        Raises:
            SourceError: in a strict run.
        """
        source, message = _printable(source), _printable(message)
        if self.strict:
            raise SourceError(f"stopped at {source}: {message} ({code})")
        self.skipped.append(Skipped(source, code, message))

    def add_sales(self, sales: Iterable[Sale], skipped: Iterable[Skipped]) -> None:
        """Take the sales of one file and what was no sale in it."""
        for problem in skipped:
            self.skip(problem.source, problem.code, problem.message)
        self.sales.extend(sales)

    def contents(
        self, known: Set[str] = frozenset(), per_collection: int | None = None, seed: int = 0
    ) -> SourceContents:
        """Everything taken, sales of unknown tokens left out, sampled where that was asked.

        Args:
            known: keys that sales may name although no item here has them.
            per_collection: at most so many items of each collection; None means all.
            seed: picks which; the same items for any order of the files.
        """
        sales = []
        for sale in self.sales:
            key = f"{sale.collection}/{sale.token_id}"
            if key in self.items or key in known:
                sales.append(sale)
            else:
                where = f"{sale.file}:{sale.line}"
                self.skip(where, "unknown-token", f"no usable sale: no item {key}")
        items = list(self.items.values())
        if per_collection is not None:
            items = sample(items, per_collection, seed)
            kept = {item.key for item in items} | known
            sales = [sale for sale in sales if f"{sale.collection}/{sale.token_id}" in kept]
        return SourceContents(items, sales, self.names, self.skipped)


def _is_unicode(item: Item) -> bool:
    """File names may hold bytes that are no text: tables and JSON cannot store them."""
    names = f"{item.key}{item.picture.path}{item.picture.member}"
    return _printable(names) == names


def _printable(text: str) -> str:
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def sample(items: list[Item], per_collection: int, seed: int) -> list[Item]:
    """At most ``per_collection`` items of each collection, in their order.

    The items whose keys hash lowest under the seed are taken: no matter in which order files are
    found, and a larger sample holds the smaller one.
    """
    by_collection: dict[str, list[tuple[bytes, str]]] = {}
    for item in items:
        rank = hashlib.sha256(f"{seed}:{item.key}".encode()).digest()
        by_collection.setdefault(item.collection, []).append((rank, item.key))
    ranked = by_collection.values()
    kept = {key for keys in ranked for _, key in sorted(keys)[:per_collection]}
    return [item for item in items if item.key in kept]
