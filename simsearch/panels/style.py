"""The page's own CSS: little, and in colours mixed from the theme's, so that both themes fit."""

import numpy as np
from numpy.typing import NDArray

STYLE = """<style>
.stMainBlockContainer { padding-top: 1.5rem; padding-bottom: 3rem; max-width: 1280px; }
.stApp { font-variant-numeric: tabular-nums; }
.brand { font-size: 1.35rem; font-weight: 650; margin: 0; padding: 0; letter-spacing: -.01em; }
.about { margin: 0; font-size: .875rem; opacity: .65; overflow-wrap: anywhere; }
.st-key-head { justify-content: space-between; row-gap: .75rem; }
.notice {
  display: flex; gap: .6rem; padding: .7rem .9rem; border-radius: .6rem; line-height: 1.45;
  overflow-wrap: anywhere; border: 1px solid color-mix(in srgb, currentColor 14%, transparent);
}
.notice.error { background: color-mix(in srgb, #e5484d 14%, transparent); }
.notice.warning { background: color-mix(in srgb, #f5a524 14%, transparent); }
.notice.note { background: color-mix(in srgb, currentColor 5%, transparent); }
</style>"""

_LENS = """\
................
....#####.......
..##.....##.....
.#...oo....#....
.#..o......#....
#...o.......#...
#...........#...
#...........#...
#...........#...
#...........#...
.#.........#....
.#.........##...
..##.....##.##..
....#####....##.
..............##
...............#"""


def icon() -> NDArray[np.uint8]:
    """The page's sign in a browser's tab, RGBA uint8 (16, 16, 4)."""
    colours = {".": (0, 0, 0, 0), "#": (47, 107, 208, 255), "o": (122, 167, 245, 255)}
    return np.array([[colours[dot] for dot in line] for line in _LENS.splitlines()], np.uint8)
