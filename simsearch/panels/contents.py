"""The panel Index. What is in the index, how it was made, what was left out, and adding to it."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from simsearch.building.adding import add_sources
from simsearch.building.builder import BuildResult
from simsearch.engine import SearchEngine
from simsearch.errors import SimsearchError
from simsearch.panels import inventory, parts, running, words
from simsearch.panels.jobs import BENCH, Progress
from simsearch.panels.market import REASONS
from simsearch.panels.opened import mark
from simsearch.panels.uploads import (
    MAX_BYTES,
    collection_of,
    folders_in,
    forget_upload,
    keep_upload,
    uploads_of,
)
from simsearch.panels.words import escaped
from simsearch.preprocessing import SETTING, told
from simsearch.sales.table import SalesTable
from simsearch.store import store
from simsearch.store.manifest import Manifest
from simsearch.store.places import allowed_folders
from simsearch.wording import counted

if TYPE_CHECKING:
    import pandas

_JOB = "add"
_EVERY = "every reason"
_LOCAL = ("127.0.0.1", "localhost", "::1")


def show(engine: SearchEngine) -> None:
    """Draw the panel."""
    manifest, stamp = engine.manifest, mark(engine)
    each = (f"<span><b>{n}</b>{name}</span>" for name, n in _numbers(manifest, engine.folder))
    st.html(f'<p class="tally">{"".join(each)}</p>')
    _show_collections(engine, stamp)
    _show_sales(manifest)
    _show_skipped(engine, stamp)
    parts.heading("How it was made")
    st.html(_facts(_making(manifest)))
    _show_adding(engine)


def _facts(facts: Iterable[tuple[str, object]]) -> str:
    rows = (f"<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>" for name, value in facts if value)
    return f'<dl class="facts">{"".join(rows)}</dl>'


def _numbers(manifest: Manifest, folder: Path) -> Iterable[tuple[str, str]]:
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    yield "items", f"{manifest.items:,}"
    yield "collections", f"{len(manifest.collections):,}"
    yield "sales", f"{manifest.sales:,}"
    yield "skipped", f"{sum(manifest.skipped.values()):,}"
    yield "on disk", f"{size / 1e6:,.0f} MB"


def _making(manifest: Manifest) -> Iterable[tuple[str, object]]:
    stamp, fitted, settings = manifest.encoder, manifest.fitted, manifest.settings
    yield "encoder", f"{stamp.name}, {manifest.dim:,} numbers a picture"
    yield "weights", f"{settings.get('training', '')} (sha256 {stamp.weights_sha256[:16]}…)".strip()
    shown = [f"{key} {one}" for key, one in stamp.settings.items() if one and key != SETTING]
    yield "preprocessing", ", ".join(filter(None, [*shown, told(stamp.settings.get(SETTING, []))]))
    yield "space", f"{settings.get('space', 'look')}, fitted on {fitted.get('fitted_on'):,} items"
    yield "traits learned of", counted(int(str(fitted.get("heads", 0))), "collection")
    recall = fitted.get("recall")
    yield "search", f"{fitted.get('kind')}, {'exact' if recall == 1 else f'recall@10 {recall}'}"
    yield "built", manifest.built_at.replace("T", " ").removesuffix("+00:00") + " UTC"
    yield "format", manifest.format
    yield "versions", ", ".join(f"{name} {one}" for name, one in manifest.libraries.items())


def _show_collections(engine: SearchEngine, stamp: str) -> None:
    parts.heading("Collections")
    parts.frame(_collections(engine, stamp))


@st.cache_resource(max_entries=2, show_spinner="Counting …")
def _collections(_engine: SearchEngine, mark: str) -> "pandas.DataFrame":
    sales = SalesTable.read(_engine.folder / store.SALES)
    return inventory.collection_table(_engine.manifest, _engine.catalog, sales)


def _show_sales(manifest: Manifest) -> None:
    parts.heading("Sales left out of prices")
    if not manifest.hygiene:
        words.note("The index was built to take all sales as they are.")
    elif not manifest.excluded:
        words.note("None." if manifest.sales else "The index has no sales.")
    else:
        rows = [
            {"reason": code, "sales": count, "meaning": REASONS.get(code, "")}
            for code, count in sorted(manifest.excluded.items(), key=lambda pair: -pair[1])
        ]
        parts.table(rows)


@st.cache_resource(max_entries=2, show_spinner=False)
def _skipped(_engine: SearchEngine, mark: str) -> "pandas.DataFrame":
    return inventory.skipped_table(store.read_skipped(_engine.folder))


def _show_skipped(engine: SearchEngine, stamp: str) -> None:
    parts.heading("Skipped")
    frame = _skipped(engine, stamp)
    if not len(frame):
        words.note("Nothing was skipped.")
        return
    counts = frame["reason"].value_counts().to_dict()
    reason = st.selectbox(
        "Reason",
        [_EVERY, *counts],
        format_func=lambda code: f"{code} · {counts.get(code, len(frame)):,}",
        key="reason",
        width=320,
    )
    shown = frame if reason == _EVERY else frame[frame["reason"] == reason]
    parts.frame(shown)
    st.download_button(
        "Download", shown.to_csv(index=False), "skipped.csv", "text/csv", key="skipped"
    )


def _show_adding(engine: SearchEngine) -> None:
    parts.heading(
        "Add pictures",
        "Items of a known key are replaced where their picture differs; all others are added. What "
        "was fitted stays as it is: after adding much, build the index again.",
    )
    if not _may_add():
        words.note(
            "This server listens to a network: nothing is added from here unless whoever runs it "
            "allows that, with 'simsearch app --allow DIR'."
        )
        return
    way = st.segmented_control(
        "Add", ["Zip archive", "Folder"], default="Zip archive", required=True, key="add-way"
    )
    if way == "Folder":
        _offer_folder(engine)
    else:
        _offer_zip(engine)
    running.watch(_JOB)
    _show_added(engine)


def _may_add() -> bool:
    """Whether visitors may change the index: those of this machine, or where it was allowed."""
    return bool(allowed_folders()) or st.get_option("server.address") in _LOCAL


def _offer_folder(engine: SearchEngine) -> None:
    folders = folders_in(allowed_folders())
    if not folders:
        words.note(
            "No folder may be added from here. Whoever runs the server allows one with "
            "'simsearch app --allow DIR'."
        )
        return
    chosen = st.selectbox("Folder", folders, format_func=str, key="add-folder", width=480)
    running.offer(_JOB, "Add", f"Adding {chosen.name}", partial(_add, engine, chosen))


def _offer_zip(engine: SearchEngine) -> None:
    file = st.file_uploader(
        f"Zip archive of pictures, each named by its token id, up to {MAX_BYTES >> 20} MB",
        type="zip",
        key="add-zip",
    )
    st.html(
        f'<p class="soft small">It is kept in {escaped(uploads_of(engine.folder).name)} beside the '
        "index, where its pictures are read when they are encoded anew: keep both together.</p>"
    )
    if file is None:
        return
    name = st.text_input(
        "Collection", collection_of(file.name), max_chars=64, key=f"id/{file.file_id}", width=320
    ).strip()
    if name in engine.catalog.collections:
        words.warning("The index has this collection: items of the same token id are replaced.")
    data = file.getvalue()
    running.offer(_JOB, "Add", "Adding the archive", partial(_add_zip, engine, name, data))


def _add(engine: SearchEngine, source: Path, progress: Progress) -> BuildResult:
    return add_sources(engine.folder, [source], progress)


def _add_zip(engine: SearchEngine, name: str, data: bytes, progress: Progress) -> BuildResult:
    path = keep_upload(engine.folder, name, data)
    try:
        return _add(engine, path, progress)
    except SimsearchError:
        forget_upload(path)
        raise


def _show_added(engine: SearchEngine) -> None:
    """What was added, as long as the index is the one that came of it."""
    job = BENCH.last(_JOB)
    result = job.result if job is not None and job.ended else None
    if not isinstance(result, BuildResult):
        return
    if result.manifest.build_id != engine.manifest.build_id:
        return
    skipped = f", {len(result.skipped):,} skipped (see above)" if result.skipped else ""
    words.note(
        f"Added: {result.encoded:,} pictures encoded{skipped}. The index now holds "
        f"{result.manifest.items:,} items, and this page shows it."
    )
