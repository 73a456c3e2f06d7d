"""Charts for reports: numbers in, one picture out as SVG and PNG. Nothing is computed here.

The SVG is for a page: its text and axes take the page's own colour (``currentColor``), so the same
chart reads on light and on dark. The PNG, on white, is for everything else.
"""

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Numbers = Sequence[float] | NDArray[np.floating[Any]]

PALETTE = ("#3b7dd8", "#e0803a", "#2f9e77", "#b65fc2", "#c9a227", "#d0506b", "#5aa7c7", "#7f8794")
"""Series colours that differ in hue and lightness and read on white and on near-black."""

_INK = "#0a0b0c"
"""Stands for the page's text colour until the SVG is written."""

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "text.parse_math": False,  # a name may hold a dollar sign
    "svg.fonttype": "none",
    "svg.hashsalt": "simsearch",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#8888884d",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "savefig.transparent": True,
    **{f"{part}.color": _INK for part in ("text", "xtick", "ytick")},
    **{f"axes.{part}color": _INK for part in ("label", "edge")},
}


@dataclass(frozen=True)
class Chart:
    """One drawn chart.

    Attributes:
        svg: an ``<svg>`` element to put into a page.
        png: the same on white, 2 pixels a point.
    """

    svg: str
    png: bytes


def bars(groups: Sequence[str], series: Mapping[str, Numbers], label: str) -> Chart:
    """Lying bars: one group of bars a name, one colour a series, NaN left empty.

    Args:
        groups: names down the side, first on top.
        series: name → one value a group.
        label: what the values are.
    """
    thick = 0.8 / max(len(series), 1)
    places = np.arange(len(groups))

    def draw(axes: "Axes") -> None:
        for number, (name, values) in enumerate(series.items()):
            offset = (number - (len(series) - 1) / 2) * thick
            axes.barh(places + offset, values, thick * 0.92, label=name, color=_colour(number))
        axes.set_yticks(places, _short(groups))
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(label)
        _legend(axes, series)

    return _drawn(draw, 0.9 + len(groups) * max(0.32, 0.13 * len(series)))


def lines(
    series: Mapping[str, tuple[Numbers, Numbers]],
    labels: tuple[str, str],
    *,
    diagonal: bool = False,
    ticks: Sequence[str] | None = None,
    levels: Sequence[float] = (),
) -> Chart:
    """Lines with a mark at each point.

    Args:
        series: name → (x, y).
        labels: of the x and the y axis.
        diagonal: also draw x = y, what a perfect calibration gives.
        ticks: names of x = 0, 1, 2 … where these are no numbers but, say, months.
        levels: dotted level lines, one in the colour of each series.
    """

    def draw(axes: "Axes") -> None:
        for number, (name, (x, y)) in enumerate(series.items()):
            axes.plot(x, y, label=name, color=_colour(number), lw=2, marker="o", ms=3.5)
        for number, level in enumerate(levels):
            axes.axhline(level, color=_colour(number), lw=1, ls=":")
        if diagonal:
            axes.axline((0, 0), slope=1, color=_INK, lw=1, ls=":")
        if ticks is not None:
            step = -(-len(ticks) // 8)
            axes.set_xticks(range(0, len(ticks), step), _short(ticks[::step]))
        _labelled(axes, labels)
        _legend(axes, series)

    return _drawn(draw, 3.6)


def scatter(x: Numbers, y: Numbers, labels: tuple[str, str], *, log: bool = False) -> Chart:
    """Points against the line x = y, as estimates against prices.

    Args:
        x: of each point, as the price.
        y: of each point, as the estimate.
        labels: of the x and the y axis.
        log: logarithmic axes; points at or below 0 are not shown.
    """

    def draw(axes: "Axes") -> None:
        if log:
            for axis, scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
                scale("log")
                axis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.scatter(x, y, s=9, alpha=0.35, color=PALETTE[0], linewidths=0, rasterized=True)
        axes.axline((1, 1), (2, 2), color=_INK, lw=1, ls=":")
        _labelled(axes, labels)

    return _drawn(draw, 4.6, 4.8)


def matrix(
    shares: NDArray[np.floating[Any]],
    names: Sequence[str],
    labels: tuple[str, str] = ("said", "true"),
) -> Chart:
    """A table of shares 0 to 1 with the same names on both sides, such as a confusion matrix.

    Args:
        shares: (n, n).
        names: of rows and columns.
        labels: of the columns and the rows.
    """

    def draw(axes: "Axes") -> None:
        axes.imshow(shares, cmap=_blues(), vmin=0, vmax=1)
        axes.set_xticks(range(len(names)), _short(names), rotation=90)
        axes.set_yticks(range(len(names)), _short(names))
        axes.grid(visible=False)
        for row, column in np.argwhere(shares >= 0.005).tolist():
            share = float(shares[row, column])
            ink = "white" if share > 0.5 else _INK
            text = f"{share:.2f}".removeprefix("0")
            axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=7)
        _labelled(axes, labels)

    side = 2.2 + 0.32 * len(names)
    return _drawn(draw, side, side)


def _drawn(draw: Callable[["Axes"], None], height: float, width: float = 7.2) -> Chart:
    """Draw on one pair of axes and save both forms."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE), warnings.catch_warnings():
        # A font without the glyphs of a name leaves boxes in the PNG; that is no reason to stop.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure((width, height), layout="constrained")
        draw(figure.subplots())
        svg, png = BytesIO(), BytesIO()
        figure.savefig(svg, format="svg", dpi=144, metadata={"Date": None})
        figure.savefig(png, format="png", dpi=144, transparent=False, facecolor="white")
    return Chart(_for_a_page(svg.getvalue().decode()), png.getvalue())


def _for_a_page(svg: str) -> str:
    """Keep the element alone, let it shrink with its column and take the page's ink."""
    start = svg.index("<svg")
    head, rest = svg[start:].split(">", 1)
    width = re.search(r' width="([^"]+)"', head)
    head = re.sub(r' (width|height)="[^"]+"', "", head)
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, flags=re.DOTALL)
    limit = f' style="width:100%;max-width:{width[1]}"' if width else ""
    return f"{head}{limit}>{rest}".replace(_INK, "currentColor").strip()


def _colour(number: int) -> str:
    return PALETTE[number % len(PALETTE)]


def _labelled(axes: "Axes", labels: tuple[str, str]) -> None:
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])


def _legend(axes: "Axes", series: Mapping[str, object]) -> None:
    """Name the series above the chart, where there is more than one."""
    if len(series) > 1:
        names = _short(series)
        columns = max(1, 80 // (max(map(len, names)) + 5))
        handles, _ = axes.get_legend_handles_labels()
        # Of the figure, not of the axes: long names beside these would push it over the edge.
        axes.figure.legend(handles, names, loc="outside upper left", ncols=columns)


def _short(names: Iterable[str]) -> list[str]:
    """Names that leave room for the chart."""
    return [name if len(name) <= 26 else name[:25] + "…" for name in names]


def _blues() -> Any:  # noqa: ANN401
    """From see-through to the first colour of the palette."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("blues", [PALETTE[0] + "00", PALETTE[0]])
