"""A small index of some items of another one, made with any encoder, so that encoders compare."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from simsearch.building.builder import BuildConfig, BuildResult, build
from simsearch.building.encoding import Encoding
from simsearch.building.fitting import Fitting
from simsearch.draws import at_most
from simsearch.encoders import Encoder
from simsearch.encoders.preprocessed import as_indexed
from simsearch.engine import SearchEngine
from simsearch.errors import SourceError
from simsearch.sources.contents import SourceContents


def build_sample(
    engine: SearchEngine,
    encoder: Encoder,
    folder: Path,
    per_collection: int,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> BuildResult:
    """Encode a sample of an index's pictures afresh.

    Args:
        engine: the index whose items are drawn.
        encoder: what encodes them, after the preprocessing of the index.
        folder: where the small index shall lie.
        per_collection: items of each collection drawn at most; 0 = all.
        seed: of the draw; every encoder gets the same items.
        progress: told how many pictures are encoded, of how many.

    Raises:
        SourceError: the pictures have gone from their sources.
    """
    every = np.ones(len(engine.catalog), dtype=bool)
    most = per_collection or len(every)
    drawn = at_most(every, engine.catalog.collection_codes, most, seed)
    items = engine.catalog.items(np.flatnonzero(drawn).tolist())
    encoder = as_indexed(encoder, engine.manifest.encoder.settings, engine.folder)
    encoding = Encoding(encoder, progress=progress)
    config = BuildConfig(folder, Fitting.of(encoder, seed=seed), encoding)
    try:
        return build(SourceContents(items, [], {}, []), config)
    except SourceError as error:
        raise SourceError(
            f"{engine.folder}: none of its pictures can be read from their sources any more, so no "
            f"other encoder can be tried; put them back ({error})"
        ) from error
