"""A picture to ask with for those who have none at hand; drawn by the package itself."""

from functools import cache

import numpy as np

from simsearch.panels.pictures import png
from simsearch.sample import DESIGNS
from simsearch.sample.design import draw_looks
from simsearch.sample.scene import forget

_DESIGN, _SEED = "teapots", 2024


@cache
def example_picture() -> bytes:
    """A teapot as PNG, which is in no index."""
    design = DESIGNS[_DESIGN]
    (look,) = draw_looks(design, np.random.default_rng(_SEED), 1)
    picture = png(design.draw(look))
    forget()
    return picture
