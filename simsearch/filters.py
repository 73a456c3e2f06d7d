"""Which items a question is about: by collection, trait, price and day of the last sale."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.arrow import codes, equals, numbers, row_numbers
from simsearch.catalog import Catalog, Trait
from simsearch.errors import UsageError

Mask = NDArray[np.bool_]
_NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Filter:
    """Conditions that an item must all meet; the default lets everything through.

    Attributes:
        collections: the item is in one of these; empty means any.
        traits: the item has every one of these; upper and lower case count only where types or
            values differ in nothing else.
        min_price: lowest last price, inclusive.
        max_price: highest last price, inclusive.
        currency: the currency of both; needed where the items' last sales have several. ``USD``
            includes what a rate table converted. With a price or a currency asked for, items
            without a last sale in it are out.
        since: earliest day of the last sale, inclusive; items without one are out.
        until: latest day of it, inclusive.
    """

    collections: tuple[str, ...] = ()
    traits: tuple[Trait, ...] = ()
    min_price: float | None = None
    max_price: float | None = None
    currency: str | None = None
    since: dt.date | None = None
    until: dt.date | None = None

    def __bool__(self) -> bool:
        return self != Filter()

    def mask(self, catalog: Catalog) -> Mask:
        """Bool (n,): the rows that meet all conditions.

        Raises:
            UsageError: a collection, trait or currency that no item has, or prices of several
                currencies.
        """
        mask = np.ones(len(catalog), dtype=bool)
        if self.collections:
            mask &= _in_collections(catalog, self.collections)
        among = mask.copy()
        for trait in self.traits:
            mask &= _has_trait(catalog, trait, among)
        if (self.since, self.until) != (None, None):
            mask &= _sold_between(catalog, self.since or dt.date.min, self.until or dt.date.max)
        if (self.min_price, self.max_price, self.currency) != (None, None, None):
            mask &= self._price_mask(catalog, mask)
        return mask

    def _price_mask(self, catalog: Catalog, mask: Mask) -> Mask:
        currency = _known_currency(catalog, self.currency) or _only_currency(catalog, mask)
        price = _last_prices(catalog, currency)
        low = -np.inf if self.min_price is None else self.min_price
        high = np.inf if self.max_price is None else self.max_price
        return (price >= low) & (price <= high)


def _in_collections(catalog: Catalog, names: tuple[str, ...]) -> Mask:
    known = list(catalog.collections)
    for name in names:
        if name not in known:
            raise UsageError(f"no collection '{name}' in this index; it has {', '.join(known)}")
    return np.isin(catalog.collection_codes, [known.index(name) for name in names])


def as_written(name: str, known: Iterable[str]) -> str:
    """The one known name that is this one but for upper and lower case, else the name itself."""
    alike = [one for one in known if one.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else name


def _has_trait(catalog: Catalog, trait: Trait, among: Mask) -> Mask:
    """Rows that have a trait; where no item has it, an error that says what those among have."""
    import pyarrow.compute as pc

    traits = catalog.column("traits")
    kinds, values = traits.flatten().field("type"), traits.flatten().field("value")
    rows = numbers(pc.list_parent_indices(traits), -1)
    kind = as_written(trait[0], codes(kinds)[1])
    of_type = equals(kinds, kind)
    known = codes(values.take(row_numbers(of_type)))[1]
    hit = of_type & equals(values, as_written(trait[1], known))
    if not hit.any():
        known = known or codes(kinds.take(row_numbers(among[rows])))[1]
        what = f"values of {kind}" if of_type.any() else "types"
        told = ", ".join(sorted(known)) or "none"
        raise UsageError(f"no item has the trait {trait[0]}={trait[1]}; {what} are {told}")
    mask = np.zeros(len(catalog), dtype=bool)
    mask[rows[hit]] = True
    return mask


def _sold_between(catalog: Catalog, first: dt.date, last: dt.date) -> Mask:
    epoch = dt.date(1970, 1, 1).toordinal()
    days = numbers(catalog.column("last_date"), _NEVER)
    sold: Mask = days != _NEVER
    return sold & (days >= first.toordinal() - epoch) & (days <= last.toordinal() - epoch)


def _known_currency(catalog: Catalog, wanted: str | None) -> str:
    """The wanted currency as the catalog writes it, in whatever case it was asked for."""
    if wanted is None:
        return ""
    known = catalog.column("last_currency").drop_null().unique().to_pylist()
    if "USD" not in known and np.isfinite(numbers(catalog.column("last_usd"), np.nan)).any():
        known.append("USD")
    for name in known:
        if name.casefold() == wanted.casefold():
            return str(name)
    raise UsageError(f"no last sale is in '{wanted}'; currencies are {', '.join(sorted(known))}")


def _only_currency(catalog: Catalog, mask: Mask) -> str:
    code, names = codes(catalog.column("last_currency"))
    found = sorted({names[number] for number in np.unique(code[mask]) if number >= 0})
    if len(found) > 1:
        raise UsageError(
            f"last sales are in {', '.join(found)}, which cannot be compared; "
            "filter one currency or one collection"
        )
    return found[0] if found else ""


def _last_prices(catalog: Catalog, currency: str) -> NDArray[np.float64]:
    """Last price in one currency, NaN where there is none."""
    own = equals(catalog.column("last_currency"), currency)
    price = numbers(catalog.column("last_price"), np.nan)
    usd = numbers(catalog.column("last_usd"), np.nan) if currency == "USD" else np.nan
    return np.where(own, price, usd)
