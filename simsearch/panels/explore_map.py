"""The map: items as points, alike ones together; a click or a frame leads to the items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from simsearch.engine import SearchEngine
from simsearch.errors import StoreError
from simsearch.maps import FEWEST, Map, keep_map, kept_map, tsne_map
from simsearch.panels import atlas, running, tiles, words
from simsearch.panels.atlas import Kinds, Scale
from simsearch.panels.cards import shown_name
from simsearch.panels.jobs import BENCH, Progress
from simsearch.panels.opened import mark
from simsearch.panels.words import escaped
from simsearch.wording import price_text

if TYPE_CHECKING:
    import altair
    import pandas

_LAYOUTS = {"pca": "PCA", "tsne": "t-SNE"}
_COLOURS = {"collection": "Collection", "group": "Group", "price": "Price", "trait": "Trait"}
_NOTHING = {
    "group": "This index has no groups yet; find them under Groups.",
    "price": "No sale is known of these items.",
    "trait": "These items have no traits.",
}
_TILES = 24
"""Items shown of a selection."""
_HEIGHT = 520
_JOB = "map"
_ABOUT = {
    "pca": "The plane in which these items differ most.",
    "tsne": "Neighbours stay neighbours; how far apart groups lie says nothing.",
}


@dataclass(frozen=True)
class _Wanted:
    """What is drawn: the layout, what colours tell, of which trait type, and the collections."""

    layout: str
    colour: str
    kind: str | None
    within: tuple[str, ...]


def show(engine: SearchEngine) -> None:
    """Draw the map and what is selected on it."""
    wanted = _controls(engine)
    kept = _kept(engine) if wanted.layout == "tsne" else None
    if wanted.layout == "tsne" and kept is None:
        _offer(engine)
        return
    stamp = mark(engine)
    found = _laid_out(engine, kept, stamp, wanted.layout, wanted.within)
    if not len(found.rows):
        words.note("None of these collections is on the map; choose others.")
        return
    shades = _shades(engine, found.rows, wanted)
    if shades is None:
        return
    chosen = st.altair_chart(
        _chart(_frame(engine, found, stamp, shades), shades, wanted.colour),
        key=f"map/{wanted}",
        on_select="rerun",
        selection_mode=["pick", "area"],
        alt="Map of items: each point is one; points near each other look alike",
    )
    st.html(_legend(shades) + _caption(engine, found, wanted))
    _show_selected(engine, selected(found, engine.catalog.key, chosen["selection"]))


def _controls(engine: SearchEngine) -> _Wanted:
    with st.container(horizontal=True, vertical_alignment="bottom", key="map-controls"):
        layout = st.segmented_control(
            "Layout",
            list(_LAYOUTS),
            default="pca",
            required=True,
            format_func=_LAYOUTS.__getitem__,
            key="layout",
            bind="query-params",
        )
        within = st.multiselect(
            "Collections",
            list(engine.catalog.collections),
            placeholder="All",
            key="within",
            bind="query-params",
            width=320,
        )
        colour = st.selectbox(
            "Colour",
            list(_COLOURS),
            format_func=_COLOURS.__getitem__,
            key="colour",
            bind="query-params",
            width=150,
        )
        kinds = _trait_kinds(engine, mark(engine), tuple(within)) if colour == "trait" else []
        kind = None
        if kinds:
            kind = st.selectbox("Trait", kinds, key="kind", bind="query-params", width=220)
    return _Wanted(layout, colour, kind, tuple(within))


@st.cache_data(max_entries=64, show_spinner=False)
def _trait_kinds(_engine: SearchEngine, mark: str, within: tuple[str, ...]) -> list[str]:
    return atlas.trait_kinds(_engine.catalog, within)


def _kept(engine: SearchEngine) -> Map | None:
    """The t-SNE map of this build: computed in this process, or kept in the index."""
    job, build = BENCH.last(_JOB), engine.manifest.build_id
    if job is not None and job.ended and isinstance(job.result, tuple) and job.result[0] == build:
        made: Map = job.result[1]
        return made
    return kept_map(engine.folder, build)


def _offer(engine: SearchEngine) -> None:
    if len(engine.catalog) < FEWEST:
        words.note(f"Fewer than {FEWEST} items: too few for this map.")
        return
    words.note(
        "This map is computed once and kept in the index. It takes a minute or so; meanwhile the "
        "page stays usable."
    )
    running.offer(_JOB, "Compute the map", "Computing the map", lambda told: _make(engine, told))
    running.watch(_JOB)


def _make(engine: SearchEngine, progress: Progress) -> tuple[str, Map]:
    """Compute the map and keep it; where the index cannot be written, this process has it."""
    progress("computing", 0, 0)
    made = tsne_map(engine.retriever.index.vectors, engine.catalog.collection_codes)
    try:
        keep_map(engine.folder, engine.manifest.build_id, made)
    except (StoreError, OSError):
        progress("not kept, for the index cannot be written", 0, 0)
    return engine.manifest.build_id, made


@st.cache_resource(max_entries=16, show_spinner="Drawing the map …")
def _laid_out(
    _engine: SearchEngine, _kept: Map | None, mark: str, layout: str, within: tuple[str, ...]
) -> Map:
    return atlas.laid_out(_engine, _kept, within)


def _shades(engine: SearchEngine, rows: NDArray[np.int64], wanted: _Wanted) -> Kinds | Scale | None:
    """What colours tell; None, with a line that says why, where there is nothing to tell."""
    catalog = engine.catalog
    if wanted.colour == "collection":
        found = atlas.by_collection(catalog, rows)
        return Kinds(found.of, [shown_name(engine, name) for name in found.names], found.colours)
    if wanted.kind is not None:
        return atlas.by_trait(catalog, rows, wanted.kind)
    if wanted.colour == "group" and (catalog.integers("cluster")[rows] >= 0).any():
        return atlas.by_group(catalog, rows)
    if wanted.colour == "price":
        priced = atlas.by_price(catalog, rows)
        if np.isfinite(priced.prices).any():
            return priced
    words.note(_NOTHING[wanted.colour])
    return None


@st.cache_resource(max_entries=16, show_spinner="Drawing the map …")
def _pictures(_engine: SearchEngine, _rows: NDArray[np.int64], rows: bytes, mark: str) -> list[str]:
    return [atlas.hover_picture(_engine.thumbnails[row]) for row in _rows.tolist()]


def _frame(
    engine: SearchEngine, found: Map, stamp: str, shades: Kinds | Scale
) -> "pandas.DataFrame":
    """One row a point; ``image`` and ``title`` are the names under which a tooltip draws them."""
    import pandas

    last = [engine.catalog.last_sale(row) for row in found.rows.tolist()]
    columns: dict[str, Any] = {
        "x": found.points[:, 0],
        "y": found.points[:, 1],
        "title": [engine.catalog.key(row) for row in found.rows.tolist()],
        "image": _pictures(engine, found.rows, found.rows.tobytes(), stamp),
        "last sale": [f"{price_text(one.price)} {one.currency}" if one else "–" for one in last],
    }
    if isinstance(shades, Scale):
        sold = np.isfinite(shades.prices)  # what is not valid would not be drawn at all
        prices = np.where(sold, shades.prices, np.nanmin(shades.prices))
        return pandas.DataFrame(columns | {"price": prices, "sold": sold})
    return pandas.DataFrame(columns | {"kind": np.array(shades.names, dtype=object)[shades.of]})


def _chart(frame: "pandas.DataFrame", shades: Kinds | Scale, told: str) -> "altair.Chart":
    import altair as alt

    place: dict[str, Any] = {"axis": None, "scale": alt.Scale(zero=False, padding=12)}
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("image", "title", "last sale")]
    if isinstance(shades, Scale):
        priced = alt.Color("price:Q", scale=alt.Scale(type="log", scheme="viridis"), legend=None)
        colour: Any = alt.condition("datum.sold", priced, alt.value("#8a8f9855"))
    else:
        colour = alt.Color(
            "kind:N", scale=alt.Scale(domain=shades.names, range=shades.colours), legend=None
        )
        # A fixed word: names of a tooltip are not escaped, as its values are.
        tooltip.append(alt.Tooltip("kind:N", title=told))
    pick = alt.selection_point("pick", fields=["title"], toggle="event.shiftKey")
    area = alt.selection_interval("area")
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_circle(size=42)
        .encode(
            x=alt.X("x:Q", **place),
            y=alt.Y("y:Q", **place),
            color=colour,
            opacity=alt.condition(pick & area, alt.value(0.85), alt.value(0.15)),
            tooltip=tooltip,
        )
        .add_params(pick, area)
        .properties(height=_HEIGHT)
        .configure_view(stroke=None)
    )
    return chart


def _legend(shades: Kinds | Scale) -> str:
    if isinstance(shades, Kinds):
        each = zip(shades.names, shades.colours, strict=True)
        dots = (f'<li><i style="background:{c}"></i>{escaped(name)}</li>' for name, c in each)
        return f'<ul class="legend">{"".join(dots)}</ul>'
    known = shades.prices[np.isfinite(shades.prices)]
    low, high = (f"{price_text(end)} {shades.currency}" for end in (known.min(), known.max()))
    bare = "" if len(known) == len(shades.prices) else '<li><i class="bare"></i>no sale</li>'
    return (
        f'<ul class="legend"><li>{escaped(low)}<i class="ramp"></i>{escaped(high)}</li>{bare}</ul>'
    )


def _caption(engine: SearchEngine, found: Map, wanted: _Wanted) -> str:
    total = len(atlas.rows_of(engine.catalog, wanted.within))
    drawn = f"{len(found.rows):,} of {total:,} items, drawn evenly from the collections"
    shown = f"{total:,} items" if len(found.rows) == total else drawn
    return (
        f'<p class="soft small">{shown}. {_ABOUT[wanted.layout]} Point to see an item, click it, '
        "or draw a frame around some.</p>"
    )


def selected(found: Map, key_of: Any, selection: Mapping[str, Any]) -> NDArray[np.int64]:  # noqa: ANN401
    """Catalog rows that were clicked or lie inside the frame, from its middle outwards.

    Args:
        found: the map.
        key_of: gives the key of a catalog row.
        selection: what the chart says: ``pick`` a list of points, ``area`` the frame's bounds.
    """
    area = selection.get("area") or {}
    if area.get("x") and area.get("y"):
        bounds = np.sort(np.array([area["x"], area["y"]], dtype=np.float64), axis=1)
        inside = ((found.points >= bounds[:, 0]) & (found.points <= bounds[:, 1])).all(axis=1)
        rows, points = found.rows[inside], found.points[inside]
        apart = ((points - bounds.mean(axis=1)) ** 2).sum(axis=1)
        return np.asarray(rows[np.argsort(apart, kind="stable")])
    wanted = {point.get("title") for point in selection.get("pick") or []}
    picked = [row for row in found.rows.tolist() if wanted and key_of(row) in wanted]
    return np.array(picked, dtype=np.int64)


def _show_selected(engine: SearchEngine, rows: NDArray[np.int64]) -> None:
    if not len(rows):
        return
    shown = f", shown are the {_TILES} in the middle" if len(rows) > _TILES else ""
    items = "item" if len(rows) == 1 else "items"
    st.html(f'<h3 class="part">{len(rows):,} {items} selected{shown}</h3>')
    tiles.show(engine, rows[:_TILES].tolist(), "map")
