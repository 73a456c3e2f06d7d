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
.st-key-grid {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(158px, 1fr));
  align-items: stretch;
}
.st-key-grid > div { width: auto; min-width: 0; }
[class*="st-key-card"] { height: 100%; }
[class*="st-key-card"] > :last-child { margin-top: auto; }
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
.st-key-found p { margin: 0; }
.conditions { font-size: .875rem; overflow-wrap: anywhere; }
.chips { display: flex; flex-wrap: wrap; gap: .3rem; margin-top: .5rem; }
.chip {
  font-size: .75rem; line-height: 1.2; padding: .2rem .45rem; border-radius: 1rem;
  overflow-wrap: anywhere; border: 1px solid color-mix(in srgb, currentColor 16%, transparent);
}
.chip.common {
  background: color-mix(in srgb, #3a9b6f 22%, transparent); border-color: transparent;
}
h2.part { font-size: 1.15rem; font-weight: 600; padding: 0; margin: 1.5rem 0 .25rem; }
.facts .name { margin-top: .5rem; overflow-wrap: anywhere; }
.facts h3 {
  font-size: .75rem; font-weight: 600; letter-spacing: .04em; text-transform: uppercase;
  opacity: .65; padding: 0; margin: .9rem 0 .1rem;
}
.facts p.large { font-size: 1.25rem; font-weight: 600; line-height: 1.35; }
.facts p.large .soft { font-size: .875rem; font-weight: 400; }
.facts a { color: inherit; text-underline-offset: .2em; }
.warnings { margin: 0; padding-left: 1.1rem; font-size: .8125rem; line-height: 1.45; opacity: .75; }
.scroll { overflow-x: auto; }
.plain { border-collapse: collapse; font-size: .875rem; width: 100%; }
.plain th { text-align: left; font-weight: 500; opacity: .65; white-space: nowrap; }
.plain th, .plain td {
  padding: .4rem .9rem .4rem 0;
  border-bottom: 1px solid color-mix(in srgb, currentColor 10%, transparent);
}
.plain .right { text-align: right; white-space: nowrap; }
.traits td { overflow-wrap: anywhere; padding: .3rem .6rem .3rem 0; vertical-align: baseline; }
.traits .sure { padding-right: 0; text-align: right; white-space: nowrap; }
.traits .bar { display: inline-block; width: 3.5rem; margin-right: .4rem; }
.yes { color: #3a9b6f; white-space: nowrap; }
.st-key-pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.st-key-pair > div { width: auto; min-width: 0; }
.st-key-pair p { margin: .3rem 0 0; font-size: .875rem; overflow-wrap: anywhere; }
.notice {
  padding: .65rem .9rem; border-radius: .5rem; line-height: 1.45; overflow-wrap: anywhere;
  font-size: .9375rem; border-left: 3px solid color-mix(in srgb, currentColor 30%, transparent);
  background: color-mix(in srgb, currentColor 5%, transparent);
}
.notice.error { border-color: #e5484d; background: color-mix(in srgb, #e5484d 12%, transparent); }
.notice.warning { border-color: #f5a524; background: color-mix(in srgb, #f5a524 12%, transparent); }
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
