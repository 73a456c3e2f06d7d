"""What matched: where two pictures agree, and which traits they share."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from simsearch.answer import Neighbor, Query
from simsearch.catalog import Trait
from simsearch.engine import SearchEngine
from simsearch.images import RGB, load_image
from simsearch.panels import words
from simsearch.panels.pictures import boxed, png
from simsearch.panels.seen import traits_of
from simsearch.panels.words import escaped
from simsearch.sheet import fitted

_SIDE = 320
_FAINT = 0.1
"""Opacity of cells where two pictures have nothing in common."""


def show(engine: SearchEngine, query: Query, found: Sequence[Neighbor]) -> None:
    """Draw the comparison of a picture with one of its neighbours."""
    place = st.selectbox(
        "Compared with",
        range(len(found)),
        format_func=lambda place: f"{found[place].rank} · {found[place].key}",
        key="compared",
        width=320,
    )
    other = found[place]
    pictures, traits = st.columns(2, gap="large")
    with pictures:
        _pair(engine, query, other)
    own = traits_of(engine, query, other.collection)
    if own or other.traits:
        traits.html(trait_table(own, other))


def _pair(engine: SearchEngine, query: Query, other: Neighbor) -> None:
    """Both pictures, in full colour only where they agree."""
    agreement = engine.retriever.agreement(query.descriptor, other.row)
    picture = load_image(engine.thumbnails[other.row])
    with st.container(key="pair"):
        for rgb, name in ((query.rgb, query.name), (picture, other.key)):
            shown = png(rgb if agreement is None else faded(rgb, agreement))
            st.html(f'{boxed(shown, name)}<p class="soft">{escaped(name)}</p>')
    if agreement is None:
        words.note("This index keeps no places of a picture, so only traits can be compared.")
    else:
        st.caption("In full colour where the two pictures agree, cell by cell; faint elsewhere.")


def faded(rgb: RGB, agreement: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A picture that fades where it differs.

    Args:
        rgb: any size; it stands in the middle of a square, as encoders see it.
        agreement: (side, side), 0 to 1.

    Returns:
        RGBA uint8 (320, 320, 4).
    """
    square = Image.new("RGB", (_SIDE, _SIDE), "white")
    image = fitted(rgb, _SIDE)
    square.paste(image, ((_SIDE - image.width) // 2, (_SIDE - image.height) // 2))
    levels = np.rint(255 * (_FAINT + (1 - _FAINT) * agreement)).astype(np.uint8)
    alpha = Image.fromarray(levels).resize(square.size, Image.Resampling.BILINEAR)
    square.putalpha(alpha)
    return np.asarray(square)


def trait_table(own: Mapping[Trait, float], other: Neighbor) -> str:
    """HTML of both pictures' traits, a type a line; the picture's own with how sure they are."""
    kinds = list(dict.fromkeys(kind for kind, _ in [*other.traits, *own]))
    rows = "".join(_trait_row(kind, own, other.traits) for kind in kinds)
    return (
        '<table class="plain"><thead><tr><th>Trait</th><th>This picture</th>'
        f"<th>{escaped(other.token_id)}</th><th>Same</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _trait_row(kind: str, own: Mapping[Trait, float], theirs: Sequence[Trait]) -> str:
    left = {value: score for (one, value), score in own.items() if one == kind}
    right = [value for one, value in theirs if one == kind]
    same = set(left) & set(right)
    said = ", ".join(
        escaped(value) + (f' <span class="soft">{score:.0%}</span>' if score < 1 else "")
        for value, score in left.items()
    )
    there = ", ".join(map(escaped, right))
    mark = '<span class="yes">✓ same</span>' if same else ""
    cells = (escaped(kind), said or "–", there or "–", mark)
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
