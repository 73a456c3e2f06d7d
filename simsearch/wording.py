"""Prices, sales and counts as people read them."""

from simsearch.catalog import LastSale


def price_text(price: float) -> str:
    """A price with as many digits as matter."""
    return f"{price:,.0f}" if price >= 1000 else f"{price:.4g}"


def counted(count: int, noun: str) -> str:
    """A number with its noun: ``1 collection``, ``2,000 collections``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def sale_text(sale: LastSale | None) -> str:
    """Price, currency and day of a sale; nothing where there is none."""
    return f"{price_text(sale.price)} {sale.currency} {sale.date}" if sale else ""
