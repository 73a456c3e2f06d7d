"""The panel Explore. The map, the groups and the collections of an index."""

from simsearch.engine import SearchEngine
from simsearch.panels import words


def show(engine: SearchEngine) -> None:
    """Draw the panel."""
    words.note(f"Explore of {len(engine.catalog):,} items.")
