"""A fitted price estimator as plain arrays, and back: nothing in a file has to be trusted."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.errors import StoreError
from simsearch.pricing.boosting import BoostingSettings, Trees
from simsearch.pricing.comparables import Kernel
from simsearch.pricing.conformal import Conformal
from simsearch.pricing.estimator import PriceEstimator
from simsearch.pricing.forward import PriceSettings, Snapshot
from simsearch.pricing.levels import SaleHistory

Arrays = dict[str, NDArray[Any]]
NODE = ("feature", "threshold", "left", "right", "value")
HISTORY = ("item", "day", "price", "known_since", "row")
_SHAPES: Mapping[str, tuple[str | int, ...]] = {
    "items": (),
    "scale": (),
    **dict.fromkeys((*HISTORY, "forecast", "log_forecast", "error"), ("sales",)),
    "origins": ("snapshots",),
    "baselines": ("snapshots",),
    "kernels": ("snapshots", 3),
    "shares": ("snapshots", 3),
    **dict.fromkeys(("nodes", "trees"), ("cuts",)),
    **dict.fromkeys((f"node_{name}" for name in NODE), ("table",)),
    "roots": ("roots",),
}
"""Name → sides; equal names are equal lengths."""
_FINITE = ("scale", "kernels", "shares", "coefficients")


def to_arrays(model: PriceEstimator) -> Arrays:
    """Everything that was learned, as arrays that ``numpy.savez`` stores without pickling."""
    arrays: Arrays = {
        "settings": np.array(json.dumps(asdict(model.settings))),
        "items": np.array(model.items_),
        "scale": np.array(model.scale_),
        "forecast": model.forecast_,
        "log_forecast": model.log_forecast_,
        "error": model.error_,
        **{name: getattr(model.history_, name) for name in HISTORY},
        **_snapshot_arrays(model.snapshots_),
    }
    for number, conformal in enumerate(model.conformal_):
        arrays[f"misses{number}"] = conformal.misses
        arrays[f"bounds{number}"] = np.stack([conformal.low, conformal.high])
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> PriceEstimator:
    """Take up what ``to_arrays`` gave.

    Raises:
        StoreError: an array is missing or does not fit.
    """
    try:
        _require_shapes(arrays)
        model = PriceEstimator(_settings(json.loads(str(arrays["settings"]))))
        model.history_ = SaleHistory(*(arrays[name] for name in HISTORY))
        model.items_, model.scale_ = int(arrays["items"]), float(arrays["scale"])
        model.forecast_, model.error_ = arrays["forecast"], arrays["error"]
        model.log_forecast_ = arrays["log_forecast"]
        model.snapshots_ = _snapshots(arrays)
        model.conformal_ = [
            _conformal(nominal, model.history_, arrays[f"misses{n}"], arrays[f"bounds{n}"])
            for n, nominal in enumerate(model.settings.coverages)
        ]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise StoreError(
            f"the stored price estimator cannot be used ({error}); build the index again"
        ) from error
    return model


def _require_shapes(arrays: Mapping[str, NDArray[Any]]) -> None:
    lengths: dict[str | int, int] = {}
    for name, sides in _SHAPES.items():
        array = arrays[name]
        wanted = tuple(
            side if isinstance(side, int) else lengths.setdefault(side, length)
            for side, length in zip(sides, array.shape, strict=False)
        )
        if array.dtype.kind not in "iuf" or array.ndim != len(sides) or array.shape != wanted:
            raise ValueError(f"{name} is {array.dtype} {array.shape}")
    for name in _FINITE:
        if np.iscomplexobj(arrays[name]) or not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name} is not finite")


def _settings(stored: dict[str, Any]) -> PriceSettings:
    return PriceSettings(
        **stored
        | {
            "kernels": tuple(Kernel(*kernel) for kernel in stored["kernels"]),
            "boosting": BoostingSettings(**stored["boosting"]),
            "coverages": tuple(stored["coverages"]),
        }
    )


def _conformal(
    nominal: float, history: SaleHistory, misses: NDArray[Any], bounds: NDArray[Any]
) -> Conformal:
    fits = misses.shape == (len(history.days) + 1,) and bounds.shape == (2, len(history))
    if not (fits and bounds.dtype.kind == "f" and np.isfinite(misses).all()):
        raise ValueError("its intervals are not of its sales")
    return Conformal(nominal, history.days, misses, *bounds)


def _snapshot_arrays(snapshots: list[Snapshot]) -> Arrays:
    """All snapshots' trees in one table of nodes, cut by ``nodes`` and ``trees``."""
    grown = [snapshot.trees for snapshot in snapshots]
    present = [trees for trees in grown if trees is not None]
    empty = [np.zeros(0)]
    return {
        "origins": np.array([snapshot.origin for snapshot in snapshots], dtype=np.int64),
        "kernels": np.array([snapshot.kernel for snapshot in snapshots]).reshape(-1, 3),
        "shares": np.array([snapshot.shares for snapshot in snapshots]).reshape(-1, 3),
        "coefficients": np.array([snapshot.coefficients for snapshot in snapshots]),
        "baselines": np.array([trees.baseline if trees else np.nan for trees in grown]),
        "nodes": np.cumsum([0, *(len(trees.value) if trees else 0 for trees in grown)]),
        "trees": np.cumsum([0, *(len(trees.roots) if trees else 0 for trees in grown)]),
        **{f"node_{n}": np.concatenate([getattr(t, n) for t in present] or empty) for n in NODE},
        "roots": np.concatenate([trees.roots for trees in present] or empty),
    }


def _snapshots(arrays: Mapping[str, NDArray[Any]]) -> list[Snapshot]:
    table = {name: arrays[f"node_{name}"] for name in NODE}
    roots, nodes, trees = arrays["roots"], arrays["nodes"], arrays["trees"]
    kernels, baselines = arrays["kernels"].tolist(), arrays["baselines"].tolist()
    shared = arrays["shares"].tolist()
    found = []
    for n, origin in enumerate(arrays["origins"].tolist()):
        grown = None
        if nodes[n] < nodes[n + 1]:
            columns = {name: column[nodes[n] : nodes[n + 1]] for name, column in table.items()}
            grown = Trees(**columns, roots=roots[trees[n] : trees[n + 1]], baseline=baselines[n])
            if not grown.lead_down():
                raise ValueError("the nodes of its trees are in no order")
        shares = (shared[n][0], shared[n][1], shared[n][2])
        found.append(
            Snapshot(origin, Kernel(*kernels[n]), arrays["coefficients"][n], shares, grown)
        )
    return found
