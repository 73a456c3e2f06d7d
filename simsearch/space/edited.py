"""How an edited picture would look if it was made of another: colours turned, lit, or regrounded.

A grid holds colours 0..1, float32 (cells, 3); several are (n, cells, 3). Each function takes the
picture that asks and grids of candidates, fits the strength of one kind of edit to each, applies it
to the candidate, and gives what the picture then would be. For the true original it is the picture.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_FULL = 0.98
"""A channel from which on it may have been cut off at 1."""
_LOOSE = 0.2
"""Colour distance at which a cell's say in the second fit is halved."""
_FITS = 3
_DOUBTFUL = np.float32(0.01)
"""Weight in the second fit of a cell that may hold what was cut off."""
_NEAR = 0.06
"""Largest difference of a channel to the ground of a cell that shows ground."""
_LEVELS = 16


def lit(query: Floats, grids: Floats) -> Floats:
    """Candidates made as bright as the query: all channels times one number, cut off at 1.

    A cell beside one that is cut off may mix what was cut off and what was not: it may have any
    colour between the two.
    """
    open_cells = query < _FULL
    weights = np.broadcast_to(open_cells, grids.shape).astype(np.float32)
    for _ in range(_FITS):
        part = (grids * weights).reshape(len(grids), -1)
        square = np.einsum("nm,nm->n", part, grids.reshape(len(grids), -1))
        gain = (part @ query.ravel() + 1e-6) / (square + 1e-6)
        bright = grids * gain[:, None, None].astype(np.float32)
        mixed = np.stack([_widened(bright[..., channel] > 1) for channel in range(3)], axis=2)
        shown = np.minimum(bright, 1)
        closeness = _closeness(query, shown)[..., None]
        weights = open_cells * np.where(mixed, _DOUBTFUL, 1) * closeness
    between = np.clip(query, np.minimum(grids, shown), np.maximum(grids, shown))
    return np.where(mixed, between, shown)


def turned(query: Floats, grids: Floats) -> Floats:
    """Candidates of the query's hue and saturation: one angle is added, one factor multiplied."""
    hue, saturation, value = _hsv(query)
    hues, saturations, values = _hsv(grids)
    chroma = np.minimum(saturation * value, saturations * values)
    open_cells = (saturation < _FULL).astype(np.float32)
    weights, shown = np.ones_like(chroma), grids
    for _ in range(2):
        angle = 2 * np.pi * (hue - hues)
        pull = weights * chroma
        turn = np.arctan2((pull * np.sin(angle)).sum(1), (pull * np.cos(angle)).sum(1))
        pull = weights * open_cells * values
        square = (pull * saturations * saturations).sum(1)
        gain = ((pull * saturations * saturation).sum(1) + 1e-6) / (square + 1e-6)
        shown = _rgb(
            hues + turn[:, None] / (2 * np.pi), np.minimum(saturations * gain[:, None], 1), values
        )
        weights = _closeness(query, shown)
    return shown


def regrounded(query: Floats, grids: Floats) -> Floats:
    """Candidates on the query's ground, at its rim in any mixture of the old ground and the new."""
    ground, bare = _ground(query), on_ground(query)
    old = _middle(grids, bare)[:, None]
    touched = _widened(bare | (np.abs(grids - old).max(axis=2) < _NEAR))
    change = ground - old
    square = (change * change).sum(axis=2) + 1e-6
    share = np.clip(((query - grids) * change).sum(axis=2) / square, 0, 1) * touched
    return np.asarray(grids + share[..., None] * change, dtype=np.float32)


def on_ground(query: Floats) -> NDArray[np.bool_]:
    """Bool (cells,), which cells of a picture show its ground."""
    ground: NDArray[np.bool_] = np.abs(query - _ground(query)).max(axis=1) < _NEAR
    return ground


def share_ground(query: Floats, grids: Floats) -> NDArray[np.bool_]:
    """Bool (n,), which candidates show the query's ground where the query does."""
    gaps = np.abs(_middle(grids, on_ground(query)) - _ground(query)).max(axis=1)
    shared: NDArray[np.bool_] = gaps < _NEAR
    return shared


def _closeness(query: Floats, grids: Floats) -> Floats:
    gaps = (grids - query) / np.float32(_LOOSE)
    closeness: Floats = 1 / (1 + np.einsum("ncx,ncx->nc", gaps, gaps))
    return closeness


def _middle(grids: Floats, cells: NDArray[np.bool_]) -> Floats:
    """Median colour (n, 3) of some cells; a hundred of them, evenly spread, say enough."""
    places = np.flatnonzero(cells)
    middle: Floats = np.median(grids[:, places[:: max(len(places) // 100, 1)]], axis=1)
    return middle


def _ground(grid: Floats) -> Floats:
    """The commonest colour of the outermost cells."""
    side = round(len(grid) ** 0.5)
    square = grid.reshape(side, side, 3)
    edge = np.concatenate([square[0], square[-1], square[:, 0], square[:, -1]])
    _, kind, counts = np.unique(
        np.rint(edge * _LEVELS), axis=0, return_inverse=True, return_counts=True
    )
    middle: Floats = np.median(edge[kind.ravel() == counts.argmax()], axis=0)
    return middle


def _widened(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cells (n, side * side) and those that touch them."""
    side = round(cells.shape[1] ** 0.5)
    square = cells.reshape(-1, side, side)
    for axis in (1, 2):
        before, behind = np.roll(square, 1, axis), np.roll(square, -1, axis)
        square = square | before | behind
    return square.reshape(cells.shape)


def _hsv(colours: Floats) -> tuple[Floats, Floats, Floats]:
    """Hue (turns), saturation and value, 0..1, of colours (..., 3)."""
    value, least = colours.max(axis=-1), colours.min(axis=-1)
    spread = np.maximum(value - least, np.float32(1e-6))
    red, green, blue = (colours[..., channel] for channel in range(3))
    hue = np.where(
        value == red,
        (green - blue) / spread,
        np.where(value == green, (blue - red) / spread + 2, (red - green) / spread + 4),
    )
    saturation = (value - least) / np.maximum(value, np.float32(1e-6))
    return np.asarray(hue / 6 % 1, dtype=np.float32), saturation, value


def _rgb(hue: Floats, saturation: Floats, value: Floats) -> Floats:
    """Colours (..., 3) of hue (turns, any), saturation and value."""
    place = (np.array([5, 3, 1], dtype=np.float32) + (hue * 6)[..., None]) % 6
    dip = np.clip(np.minimum(place, 4 - place), 0, 1)
    colours: Floats = (value[..., None] * (1 - saturation[..., None] * dip)).astype(np.float32)
    return colours
