"""The panel Evaluate. How good the answers of an index are."""

from simsearch.engine import SearchEngine
from simsearch.panels import words


def show(engine: SearchEngine) -> None:
    """Draw the panel."""
    words.note(f"Evaluate of {len(engine.catalog):,} items.")
