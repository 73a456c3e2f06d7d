"""The panel Index. What is in the index, how it was made, what was left out."""

from simsearch.engine import SearchEngine
from simsearch.panels import words


def show(engine: SearchEngine) -> None:
    """Draw the panel."""
    words.note(f"Index of {len(engine.catalog):,} items.")
