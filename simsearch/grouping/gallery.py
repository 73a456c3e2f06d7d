"""Pictures of groups: each with the item that stands for it, and the curves behind their number."""

from collections.abc import Iterator

import numpy as np

from simsearch import plots
from simsearch.catalog import Catalog
from simsearch.grouping.clustering import KChoice
from simsearch.grouping.groups import Grouped
from simsearch.images import load_image
from simsearch.sheet import answer_sheet
from simsearch.store.thumbnails import Thumbnails

MEMBERS = 15
"""Members shown of a group."""


def group_sheets(
    found: Grouped, catalog: Catalog, thumbnails: Thumbnails
) -> Iterator[tuple[int, bytes]]:
    """Draw each group that has members.

    Yields:
        The group and its picture as PNG: its medoid, and members from its middle to its edge.
    """
    for group, (size, row) in enumerate(zip(found.sizes, found.medoids.tolist(), strict=True)):
        if size:
            lines = [f"group {group}", f"{size:,} items", catalog.key(row)]
            lines.append(mostly(found.collections(group, catalog)))
            members = [
                (load_image(thumbnails[one]), [catalog.key(one)])
                for one in found.members(group, MEMBERS).tolist()
            ]
            yield group, answer_sheet((load_image(thumbnails[row]), lines), members)


def mostly(shares: dict[str, int]) -> str:
    """The collections that make up most of a group, for people."""
    total = sum(shares.values())
    large = {name: count / total for name, count in list(shares.items())[:2] if count > total / 100}
    first = [f"{name} {share:.0%}" for name, share in large.items()]
    return ", ".join([*first, *(["…"] if len(shares) > len(first) else [])])


def choice_chart(choice: KChoice) -> plots.Chart:
    """The curves that a number of groups was chosen by."""
    tried = np.array(choice.tried, dtype=np.float64)
    curves = {
        "variance left (elbow)": choice.inertia,
        "silhouette": choice.silhouette,
        "stability over seeds": choice.stability,
    }
    series = {name: (tried, np.array(values)) for name, values in curves.items()}
    return plots.lines(series, ("number of groups", "0 to 1"))
