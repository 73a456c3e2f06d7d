"""Groups of like pictures: each with the item that stands for it, and its members."""

import streamlit as st

from simsearch.engine import SearchEngine
from simsearch.grouping.gallery import choice_chart, mostly
from simsearch.grouping.groups import NAME, Grouped, Groups, write_groups
from simsearch.panels import parts, running, tiles, words
from simsearch.panels.jobs import Progress
from simsearch.panels.opened import mark
from simsearch.panels.pictures import boxed
from simsearch.panels.words import escaped

_SHOWN = 60
"""Groups shown at first."""
_MEMBERS = 29
"""Members shown of a group besides the item that stands for it."""
_JOB = "groups"


def show(engine: SearchEngine) -> None:
    """Draw all groups, or the members of the one that is chosen."""
    if not (engine.folder / NAME).exists():
        words.note("This index has no groups of like pictures yet. Finding them takes a minute.")
        running.offer(_JOB, "Find groups", "Finding groups", lambda told: _find(engine, told))
        running.watch(_JOB)
        return
    groups, found = _grouped(engine, mark(engine))
    filled = [group for group, size in enumerate(found.sizes.tolist()) if size]
    chosen = st.selectbox(
        "Group",
        filled,
        index=None,
        placeholder="All groups",
        key="group",
        bind="query-params",
        width=160,
    )
    if chosen is None:
        _show_all(engine, groups, found, filled)
    else:
        _show_one(engine, found, chosen)


def _find(engine: SearchEngine, progress: Progress) -> None:
    """What 'simsearch cluster' does."""
    index, catalog = engine.retriever, engine.catalog
    groups = Groups.fit(
        index.descriptors,
        catalog.collection_codes,
        index.spaces.look.spans,
        progress=lambda done, total: progress("choosing how many", done, total),
    )
    progress("grouping all items", 0, 0)
    found = groups.describe(index.descriptors, len(catalog))
    write_groups(engine.folder, engine.manifest.build_id, groups, catalog, found.labels)


@st.cache_resource(max_entries=2, show_spinner="Looking at the groups …")
def _grouped(_engine: SearchEngine, mark: str) -> tuple[Groups, Grouped]:
    groups = Groups.open(_engine.folder / NAME)
    return groups, groups.describe(_engine.retriever.descriptors, len(_engine.catalog))


def _show_all(engine: SearchEngine, groups: Groups, found: Grouped, filled: list[int]) -> None:
    st.html(f'<p class="soft small">{escaped(groups.choice.reason)}.</p>')
    with st.container(key="tiles-groups"):
        for group in filled[:_SHOWN]:
            with st.container(key=f"tile-groups-{group}", gap="xsmall"):
                st.html(_cover(engine, found, group))
                st.button(
                    "Open", key=f"open/{group}", on_click=_open, args=(group,), width="stretch"
                )
    if len(filled) > _SHOWN:
        words.note(f"{len(filled) - _SHOWN:,} smaller groups: choose one by its number above.")
    if groups.choice.tried:
        with st.expander("Why so many groups"):
            parts.picture(choice_chart(groups.choice).svg, "Curves that the number was chosen by")


def _cover(engine: SearchEngine, found: Grouped, group: int) -> str:
    row = int(found.medoids[group])
    shares = mostly(found.collections(group, engine.catalog))
    return (
        f"{boxed(engine.thumbnails[row], engine.catalog.key(row))}"
        f'<p class="named"><b>Group {group}</b> {found.sizes[group]:,} items<br>'
        f'<span class="soft">{escaped(shares)}</span></p>'
    )


def _open(group: int) -> None:
    st.session_state["group"] = group


def _show_one(engine: SearchEngine, found: Grouped, group: int) -> None:
    shares = mostly(found.collections(group, engine.catalog))
    st.html(
        f'<h3 class="part">Group {group}: {found.sizes[group]:,} items</h3>'
        f'<p class="soft small">Mostly {escaped(shares)}. The first item stands for the group; the '
        "others lead from its middle to its edge.</p>"
    )
    rows = [int(found.medoids[group]), *found.members(group, _MEMBERS).tolist()]
    tiles.show(engine, rows, f"group{group}")
