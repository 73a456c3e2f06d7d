"""How far estimated prices lie from those paid: errors, skill, intervals and slices of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simsearch.pricing.levels import Floats, Ints

Table = dict[str, Any]
RESAMPLES = 1000


def scores(estimate: Floats, actual: Floats, level: Floats, group: Ints) -> Table:
    """Error measures of one model over the sales that it answers.

    All arguments are float64 (n,) natural logs, NaN where there is none; a measure without a value
    is None. ``mdape``, ``ppe5`` to ``ppe20`` (share within 5 to 20%) are of prices; ``male``,
    ``rmsle``, ``r2_log`` and ``bias`` (mean of estimate - actual) of their logs; ``skill`` and
    ``r2_floor`` compare with the trailing median where both answer; ``spearman`` is the mean over
    groups, by their size.

    Args:
        estimate: the model's.
        actual: what was paid.
        level: the trailing median.
        group: collection of each sale.
    """
    answered = np.isfinite(estimate)
    error, relative = (estimate - actual)[answered], np.abs(np.expm1(estimate - actual))[answered]
    if not answered.any():
        return dict.fromkeys(_NAMES) | {"answered": 0.0}
    return {
        "mdape": float(np.median(relative)),
        **{f"ppe{percent}": float((relative <= percent / 100).mean()) for percent in (5, 10, 20)},
        "male": float(np.abs(error).mean()),
        "rmsle": float(np.sqrt((error**2).mean())),
        "r2_log": _explained(error, actual[answered] - actual[answered].mean()),
        **_against_level(estimate, actual, level),
        "spearman": _rank_correlation(estimate[answered], actual[answered], group[answered]),
        "bias": float(error.mean()),
        "answered": float(answered.mean()),
    }


_NAMES = (
    *("mdape", "ppe5", "ppe10", "ppe20", "male", "rmsle"),
    *("r2_log", "r2_floor", "skill", "spearman", "bias"),
)


def _explained(error: Floats, reference: Floats) -> float | None:
    total = float((reference**2).sum())
    return 1 - float((error**2).sum()) / total if total > 0 else None


def _against_level(estimate: Floats, actual: Floats, level: Floats) -> Table:
    both = np.isfinite(estimate) & np.isfinite(level)
    error, reference = (estimate - actual)[both], (level - actual)[both]
    total = np.abs(reference).sum()
    return {
        "r2_floor": _explained(error, reference),
        "skill": 1 - float(np.abs(error).sum() / total) if total > 0 else None,
    }


def _rank_correlation(estimate: Floats, actual: Floats, group: Ints) -> float | None:
    """Spearman's rank correlation within each group, averaged by the groups' sizes."""
    from scipy.stats import rankdata

    values, sizes = [], []
    for one in np.unique(group):
        ranks = rankdata(estimate[group == one]), rankdata(actual[group == one])
        if min(np.ptp(ranks[0]), np.ptp(ranks[1])) > 0:
            values.append(float(np.corrcoef(*ranks)[0, 1]))
            sizes.append(len(ranks[0]))
    return float(np.average(values, weights=sizes)) if values else None


def skill_interval(
    estimate: Floats, actual: Floats, level: Floats, day: Ints
) -> tuple[float, float] | None:
    """95% interval of the skill, from resampling whole ISO weeks with their sales.

    Args:
        estimate: as for ``scores``, like the next two.
        actual: what was paid.
        level: the trailing median.
        day: int64 (n,), days since 1970-01-01.
    """
    return _resampled(np.abs(estimate - actual), np.abs(level - actual), day)


def skill_gain(
    estimate: Floats, other: Floats, actual: Floats, level: Floats, day: Ints
) -> tuple[float | None, tuple[float, float] | None]:
    """Skill of one model minus that of another, and its 95% interval from the same resamples.

    Args:
        estimate: of the one, as for ``scores``.
        other: of the other; sales that not both answer are left out.
        actual: what was paid.
        level: the trailing median.
        day: int64 (n,), days since 1970-01-01.
    """
    reference = np.abs(level - actual)
    worse = np.abs(estimate - actual) - np.abs(other - actual)
    known = np.isfinite(worse) & np.isfinite(reference)
    total = reference[known].sum()
    if not total:
        return None, None
    gain = -float(worse[known].sum() / total)
    interval = _resampled(worse, reference, day)
    return gain, None if interval is None else (interval[0] - 1, interval[1] - 1)


def _resampled(error: Floats, reference: Floats, day: Ints) -> tuple[float, float] | None:
    """95% interval of 1 - sum of errors / sum of references over 1,000 draws of weeks, seed 0."""
    both = np.isfinite(error) & np.isfinite(reference)
    if not both.any():
        return None
    week = np.unique((day[both] + 3) // 7, return_inverse=True)[1]  # 1970-01-01 was a Thursday
    ours, theirs = np.bincount(week, error[both]), np.bincount(week, reference[both])
    drawn = np.random.default_rng(0).integers(0, len(ours), (RESAMPLES, len(ours)))
    total = theirs[drawn].sum(axis=1)
    if not total.all():
        return None
    low, high = np.quantile(1 - ours[drawn].sum(axis=1) / total, [0.025, 0.975])
    return float(low), float(high)


def interval_scores(low: Floats, high: Floats, actual: Floats, nominal: float) -> Table:
    """Coverage, mean width and mean Winkler score of intervals of log prices.

    Winkler's score (1972) is the width, plus 2 / (1 - nominal) times the distance by which a sale
    lies outside: smaller is better, and it rewards neither too wide nor too narrow ones.
    """
    known = np.isfinite(low) & np.isfinite(high)
    if not known.any():
        return {"coverage": None, "width": None, "winkler": None}
    low, high, actual = low[known], high[known], actual[known]
    outside = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
    return {
        "coverage": float((outside == 0).mean()),
        "width": float((high - low).mean()),
        "winkler": float((high - low + 2 / (1 - nominal) * outside).mean()),
    }


def slices(
    columns: Mapping[str, NDArray[np.str_]],
    estimate: Floats,
    actual: Floats,
    level: Floats,
    inside: NDArray[np.bool_],
) -> list[Table]:
    """The main measures for each value of each column, in the values' order.

    Args:
        columns: e.g. ``month``: text of each sale, shape (n,).
        estimate: as for ``scores``, like the next two.
        actual: what was paid.
        level: the trailing median.
        inside: whether the sale lay in its interval.
    """
    found = []
    for name, values in columns.items():
        for value in sorted(np.unique(values).tolist(), key=_natural):
            rows = values == value
            measured = scores(estimate[rows], actual[rows], level[rows], np.zeros(rows.sum(), int))
            shown = {key: measured[key] for key in ("mdape", "male", "bias", "skill")}
            coverage = float(inside[rows].mean())
            head = {"slice": name, "value": str(value), "n": int(rows.sum())}
            found.append({**head, **shown, "coverage": coverage})
    return found


def _natural(value: str) -> tuple[int, str]:
    """By the number that a text begins with, then by the text."""
    digits = value[: len(value) - len(value.lstrip("0123456789"))]
    return int(digits or 0), value
