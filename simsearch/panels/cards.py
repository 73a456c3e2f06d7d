"""Look-alikes as cards: picture, name, similarity, last sale, traits, and a button to go on."""

from collections.abc import Callable, Collection, Iterable, Sequence

import streamlit as st

from simsearch.answer import Neighbor
from simsearch.catalog import LastSale, Trait
from simsearch.engine import SearchEngine
from simsearch.panels import state
from simsearch.panels.pictures import boxed
from simsearch.panels.words import escaped
from simsearch.wording import price_text


def show(
    engine: SearchEngine,
    found: Sequence[Neighbor],
    common: Callable[[str], Collection[Trait]],
    *,
    similar: bool = True,
) -> None:
    """Draw items in their order.

    Args:
        engine: the index that they are in.
        found: the items.
        common: for a collection, the traits of the asking picture: they come first and are marked.
        similar: whether the similarity is shown.
    """
    with st.container(key="grid"):
        for place, one in enumerate(found):
            with st.container(border=True, key=f"card{place}"):
                st.html(_card(engine, one, common(one.collection), similar=similar))
                st.button(
                    "Search by this",
                    key=f"by{place}",
                    on_click=state.ask,
                    args=(one.key,),
                    width="stretch",
                )


def _card(engine: SearchEngine, one: Neighbor, common: Collection[Trait], *, similar: bool) -> str:
    similarity = f'<span title="similarity">{1 - one.distance:.3f}</span>' if similar else ""
    return (
        f"{boxed(engine.thumbnails[one.row], one.key)}"
        f'<div class="line"><b>{escaped(one.token_id)}</b>{similarity}</div>'
        f'<p class="soft">{escaped(shown_name(engine, one.collection))}</p>'
        f"<p>{sale_line(one.last_sale)}</p>{chips(one.traits, common)}"
    )


def shown_name(engine: SearchEngine, collection: str) -> str:
    """What people call a collection."""
    return str(engine.manifest.names.get(collection, {}).get("name") or collection)


def sale_line(sale: LastSale | None) -> str:
    """HTML of a last sale with its day."""
    if sale is None:
        return '<span class="soft">no sale known</span>'
    paid = f"{price_text(sale.price)} {escaped(sale.currency)}"
    return f'{paid} <span class="soft">{sale.date}</span>'


def chips(traits: Iterable[Trait], common: Collection[Trait] = ()) -> str:
    """HTML of traits, each with its type as a tooltip; those in ``common`` first."""
    ordered = sorted(traits, key=lambda trait: trait not in common)
    each = "".join(
        f'<span class="chip{" common" if (kind, value) in common else ""}" '
        f'title="{escaped(kind)}">{escaped(value)}</span>'
        for kind, value in ordered
    )
    return f'<div class="chips">{each}</div>' if each else ""
