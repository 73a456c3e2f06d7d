"""What ``evaluate clusters --json`` prints."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simsearch.evaluation.clusters import TRAIT_GROUPS, ClusterResult, Spread


def clusters_document(result: ClusterResult) -> dict[str, object]:
    """All numbers."""
    settings = result.settings
    return {
        "encoder": result.material.encoder,
        "items": len(result.material.catalog),
        "collections": result.names,
        "per_collection": settings.per_collection,
        "seeds": settings.seeds,
        "seed": settings.seed,
        "by_k": {str(k): {"spaces": spaces} for k, spaces in result.by_k.items()},
        "traits": {
            "k": TRAIT_GROUPS,
            "collections": {name: _traits(types) for name, types in result.traits.items()},
        },
        "transfer": None if result.transfer is None else _transfer(result.names, result.transfer),
        "notes": result.notes,
    }


def trait_means(types: Mapping[str, Spread]) -> dict[str, float]:
    """Space → mean agreement over the trait types of a collection."""
    spaces = next(iter(types.values()), {})
    return {
        space: float(np.mean([found[space]["mean"] for found in types.values()]))
        for space in spaces
    }


def _traits(types: Mapping[str, Spread]) -> dict[str, object]:
    return {"mean": trait_means(types), "types": types}


def _transfer(names: list[str], table: NDArray[np.float64]) -> dict[str, object]:
    """Fitted on → described → agreement, and the mean over all pairs of different collections."""
    pairs = {
        one: {other: table[row, column] for column, other in enumerate(names) if column != row}
        for row, one in enumerate(names)
    }
    return {"ami": pairs, "mean": table[~np.eye(len(names), dtype=bool)].mean()}
