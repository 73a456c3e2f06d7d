"""What the page shows while there is no index: how to get one, and a button that makes one."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st

from simsearch.building import builder
from simsearch.building.builder import Assembled, BuildConfig, Finish
from simsearch.building.encoding import Encoding
from simsearch.building.fitting import Fitting
from simsearch.encoders import load_encoder
from simsearch.engine import SearchEngine
from simsearch.grouping.groups import Groups, write_groups
from simsearch.panels import words
from simsearch.sales.rates import Rates
from simsearch.sample import write_sample
from simsearch.sources import read_sources
from simsearch.store.places import INDEXES

SIZE = 200
"""Items of a collection of the sample."""
_DRAWN, _ENCODED, _FITTED = 0.4, 0.6, 0.8
"""Shares of the time after which pictures are drawn and encoded, and an index is fitted on them."""
_making = threading.Lock()

Progress = Callable[[float, str], object]


def show() -> None:
    """Offer to make an index of the generated sample."""
    st.html(
        '<h2 class="part">No index yet</h2><p>An index holds your collections: pictures, traits '
        "and sales. Make one of your own on the command line, with <code>simsearch index build "
        "pictures/ --out indexes/mine</code>, or try the page on six generated collections.</p>"
    )
    if not st.button("Make the sample index", type="primary"):
        return
    if not _making.acquire(blocking=False):
        words.note("The sample is being made already: load this page again in a minute.")
        return
    bar = st.progress(0.0, "Drawing the pictures …")
    try:
        make_sample_index(INDEXES / "sample", bar.progress, SIZE)
    finally:
        _making.release()
    st.rerun()


def make_sample_index(place: Path, progress: Progress, size: int) -> None:
    """Draw the sample beside an index, and make the index of it.

    Args:
        place: where the index goes; the pictures go into ``<place>-pictures``.
        progress: called with the share done, 0 to 1, and what is being done.
        size: items of a collection.

    Raises:
        SimsearchError: something else is there, or there is no room.
    """
    pictures = place.with_name(f"{place.name}-pictures")
    progress(0.0, "Drawing the pictures …")
    draw = _part(progress, 0.0, _DRAWN, "Drawing the pictures …")
    write_sample(pictures, size=size, progress=draw)
    contents = read_sources([pictures])
    encoder = load_encoder("vgg16-nft")
    encoding = Encoding(encoder, progress=_part(progress, _DRAWN, _ENCODED, "Looking at them …"))
    finish = _announced(Fitting.of(encoder), lambda: progress(_ENCODED, "Learning from them …"))
    settings = {
        **{"space": "traits", "kind": "auto", "seed": 0, "per_collection": None},
        **{"training": encoder.training, "sources": [str(pictures.absolute())]},
    }
    rates = Rates.read(pictures / "rates.csv")
    builder.build(contents, BuildConfig(place, finish, encoding, True, rates, settings))
    _group(place, _part(progress, _FITTED, 1.0, "Grouping them …"))


def _part(progress: Progress, start: float, stop: float, what: str) -> Callable[[int, int], None]:
    """Progress of one stage as a stretch of the whole."""

    def shown(done: int, total: int) -> None:
        progress(start + (stop - start) * done / max(total, 1), what)

    return shown


def _announced(finish: Finish, announce: Callable[[], object]) -> Finish:
    def finished(made: Assembled) -> Mapping[str, object]:
        announce()
        return finish(made)

    return finished


def _group(place: Path, progress: Callable[[int, int], None]) -> None:
    """Sort the items of an index into groups."""
    engine = SearchEngine.open(place)
    found = engine.retriever
    groups = Groups.fit(
        found.descriptors,
        engine.catalog.collection_codes,
        found.spaces.look.spans,
        progress=progress,
    )
    labels = groups.describe(found.descriptors, len(engine.catalog)).labels
    write_groups(place, engine.manifest.build_id, groups, engine.catalog, labels)
