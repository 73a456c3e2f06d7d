"""Whether what an index prices with was fitted on its items and sales."""

from collections.abc import Callable

import numpy as np

from simsearch.engine import SearchEngine
from simsearch.errors import SimsearchError
from simsearch.space.spaces import transform_rows

VECTOR_TOLERANCE = 1e-3
"""Largest difference of two computations of a number of a unit vector that is kept as float16."""


def price_faults(engine: SearchEngine, progress: Callable[[int, int], None]) -> list[str]:
    """What is wrong with the estimators of an index, and with the vectors that they see.

    Args:
        engine: the index.
        progress: told how many collections are done, and how many there are.
    """
    names, faults = list(engine.catalog.collections), list[str]()
    for done, name in enumerate(names, 1):
        try:
            faults += _faults(engine, name)
        except SimsearchError as error:
            faults.append(str(error))
        progress(done, len(names))
    return faults


def _faults(engine: SearchEngine, name: str) -> list[str]:
    desk = engine.desk
    if name not in desk.appraiser.currencies:
        return [] if desk.ledger(name) is None else [f"nothing prices {name}, which was sold"]
    ledger, _, space = desk.fitted(name)
    found = transform_rows(space.look, engine.retriever.descriptors, ledger.members)
    near = np.abs(found - space.vectors).max(axis=1) <= VECTOR_TOLERANCE
    keys = map(engine.catalog.key, ledger.members[~near].tolist())
    return [f"the vector that prices {key} is not its own" for key in keys]
