"""Add sources to an index as it was built: with its encoder, its spaces and its kind of search."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from simsearch.building import builder
from simsearch.building.builder import BuildConfig, BuildResult, Finish
from simsearch.building.encoding import Encoding
from simsearch.building.fitting import Fitting
from simsearch.catalog import Catalog
from simsearch.encoders import Encoder, restore_encoder
from simsearch.sources import read_sources
from simsearch.store import store
from simsearch.store.manifest import Manifest


@dataclass(frozen=True)
class Addition:
    """What it takes to add to an index.

    Attributes:
        encoder: the one that made the index.
        finish: makes the new index searchable as the old one is.
        known: keys of its items, which sales may name.
    """

    encoder: Encoder
    finish: Finish
    known: Set[str]

    @classmethod
    def to(cls, place: Path, weights: Path | None = None) -> "Addition":
        """Read it off an index.

        Raises:
            StoreError: there is no index, or it is damaged.
            WeightsError: the encoder's weights are not at hand.
        """
        old = Manifest.read(place)
        stamp = old.encoder
        encoder = restore_encoder(**vars(stamp), weights=weights, folder=place)
        kind, seed = old.settings.get("kind", "auto"), old.settings.get("seed", 0)
        finish = Fitting.of(encoder, kind=kind, seed=seed, refit=False)
        return cls(encoder, finish, set(Catalog.read(place / store.CATALOG).keys()))


def add_sources(
    place: Path,
    paths: Sequence[Path],
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> BuildResult:
    """Add all that some sources hold, as 'simsearch index add' does.

    Args:
        place: the index.
        paths: folders, archives or tables.
        progress: told what is being done, how much of it is done, and how much there is.

    Raises:
        SimsearchError: as ``sources.read_sources`` and ``builder.add``.
    """
    addition = Addition.to(place)
    progress("reading", 0, 0)
    contents = read_sources(paths, known=addition.known)

    def told(done: int, total: int) -> None:
        progress("encoding" if done < total else "writing and fitting", done, total)

    encoding = Encoding(addition.encoder, progress=told)
    return builder.add(contents, BuildConfig(place, addition.finish, encoding))
