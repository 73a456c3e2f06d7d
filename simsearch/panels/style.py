"""The page's own CSS: little, and in colours mixed from the theme's, so that both themes fit."""

from functools import cache

import numpy as np
from PIL import Image

STYLE = """<style>
.stMainBlockContainer { padding-top: 1.5rem; padding-bottom: 3rem; max-width: 1280px; }
.stApp { font-variant-numeric: tabular-nums; }
.brand { font-size: 1.35rem; font-weight: 650; margin: 0; padding: 0; letter-spacing: -.01em; }
.about { margin: 0; font-size: .875rem; opacity: .65; overflow-wrap: anywhere; }
.st-key-head { justify-content: space-between; row-gap: .75rem; }
.st-key-cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(158px, 1fr)); }
.st-key-cards > div { width: auto; min-width: 0; }
[class*="st-key-card"] p, .facts p { margin: 0; font-size: .875rem; line-height: 1.5; }
.mat {
  aspect-ratio: 1; display: grid; place-items: center; border-radius: .45rem; overflow: hidden;
  background: color-mix(in srgb, currentColor 5%, transparent);
}
.picture { width: 100%; height: 100%; object-fit: contain; }
.drawn { image-rendering: pixelated; }
.line { display: flex; justify-content: space-between; gap: .5rem; margin-top: .6rem; }
.line b { overflow-wrap: anywhere; font-weight: 600; }
.soft { opacity: .65; }
.chips { display: flex; flex-wrap: wrap; gap: .3rem; margin-top: .5rem; }
.chip {
  font-size: .75rem; line-height: 1.2; padding: .2rem .45rem; border-radius: 1rem;
  overflow-wrap: anywhere; border: 1px solid color-mix(in srgb, currentColor 16%, transparent);
}
.chip.common { background: color-mix(in srgb, #3a9b6f 22%, transparent); border-color: transparent; }
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


@cache
def icon() -> Image.Image:
    """The page's sign in a browser's tab."""
    colours = {".": (0, 0, 0, 0), "#": (47, 107, 208, 255), "o": (122, 167, 245, 255)}
    dots = np.array([[colours[dot] for dot in line] for line in _LENS.splitlines()], np.uint8)
    return Image.fromarray(dots)
