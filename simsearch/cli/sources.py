"""Items that a command works on: of sources, or of an index, whose pictures are read again."""

from pathlib import Path
from typing import TYPE_CHECKING

from simsearch.cli.console import notice

if TYPE_CHECKING:
    from simsearch.catalog import Catalog


def read_catalog(sources: tuple[Path, ...]) -> "Catalog":
    """Items of an index, or of sources; what is skipped is counted on stderr."""
    from simsearch.catalog import Catalog
    from simsearch.sources import read_sources
    from simsearch.store import manifest, store

    if len(sources) == 1 and (sources[0] / manifest.NAME).is_file():
        return Catalog.read(sources[0] / store.CATALOG)
    contents = read_sources(sources)
    if contents.skipped:
        notice(f"skipped {len(contents.skipped):,}, the first: {contents.skipped[0].message}")
    return Catalog.from_items(contents.items)
