"""What the page shows while there is no index."""

from simsearch.panels import words
from simsearch.store.places import INDEX_VARIABLE


def show() -> None:
    """Say how to get an index."""
    words.note(f"No index: start with 'simsearch app --index INDEX', or set {INDEX_VARIABLE}.")
