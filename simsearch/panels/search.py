"""The panel Search. Ask with a picture or an item."""

from simsearch.engine import SearchEngine
from simsearch.panels import words


def show(engine: SearchEngine) -> None:
    """Draw the panel."""
    words.note(f"Search of {len(engine.catalog):,} items.")
