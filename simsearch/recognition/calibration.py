"""Scores to probabilities: a temperature for many classes, a logistic curve for two.

Targets are kept off 0 and 1, as Platt (Probabilistic outputs for support vector machines, 1999)
does, so that no errors among few examples do not become certainty.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Probabilities = NDArray[np.float64]

_RIDGE = 1e-4
"""Keeps the curve finite where two sides do not overlap at all."""


class Temperature:
    """One factor on all scores (Guo et al., On calibration of modern neural networks, 2017).

    Attributes:
        factor_: the inverse of the temperature.
    """

    factor_: float = 1.0

    def fit(self, scores: Floats, codes: NDArray[np.int64]) -> Self:
        """Find the factor under which the true classes are likeliest.

        Args:
            scores: (q, classes), of examples that nothing was trained on.
            codes: (q,), their classes; without any, or with one class, the factor stays 1.
        """
        if not len(codes) or scores.shape[1] < 2:
            return self
        factors = np.geomspace(0.05, 200, 120).tolist()
        self.factor_ = min(factors, key=lambda factor: _log_loss(scores * factor, codes))
        return self

    def __call__(self, scores: Floats) -> Probabilities:
        """Probabilities (q, classes), each row with sum 1."""
        return softmax(scores * self.factor_)


class LogisticCurve:
    """The probability of the lower one of two groups, from one number; both equally frequent.

    Attributes:
        slope_: below 0: the larger the number, the less likely.
        offset_: the curve is 1 / (1 + exp(-(slope * number + offset))).
    """

    def __init__(self, slope: float = -1.0, offset: float = 0.0) -> None:
        self.slope_ = slope
        self.offset_ = offset

    def fit(self, low: Floats, high: Floats) -> Self:
        """Fit by Newton's method; each group weighs the same, whatever its size."""
        values = np.concatenate([low, high]).astype(np.float64)
        middle, scale = float(np.median(values)), float(values.std()) or 1.0
        inputs = np.stack([(values - middle) / scale, np.ones(len(values))])
        doubt = [1 / (len(low) + 2), 1 / (len(high) + 2)]
        targets = np.repeat([1 - doubt[0], doubt[1]], [len(low), len(high)])
        weights = np.repeat([1 / len(low), 1 / len(high)], [len(low), len(high)])
        slope, offset = _newton(inputs, targets, weights)
        self.slope_ = min(slope / scale, -1e-6)
        self.offset_ = offset - self.slope_ * middle
        return self

    def __call__(self, values: Floats) -> Probabilities:
        """Probability of the lower group for each number."""
        return _sigmoid(self.slope_ * np.clip(values, -1e6, 1e6) + self.offset_)


def softmax(scores: Floats) -> Probabilities:
    """Each row as shares of its exponentials."""
    powers = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    shares: Probabilities = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _log_loss(scores: Floats, codes: NDArray[np.int64]) -> float:
    """Mean log loss; a small part of each target is spread over the other classes."""
    others, doubt = scores.shape[1] - 1, 1 / (len(scores) + 2)
    logs = np.log(np.maximum(softmax(scores), 1e-300))
    true = logs[np.arange(len(codes)), codes]
    false = (logs.sum(axis=1) - true) / others
    return -float(((1 - doubt) * true + doubt * false).mean())


def _sigmoid(values: Floats) -> Probabilities:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), dtype=np.float64)


def _newton(inputs: Floats, targets: Floats, weights: Floats) -> tuple[float, float]:
    """Weighted logistic regression of targets on two inputs (2, n), with a touch of ridge."""
    curve, ridge = np.zeros(2), _RIDGE * np.eye(2)
    for _ in range(200):
        said = _sigmoid(curve @ inputs)
        gradient = inputs @ (weights * (targets - said)) - ridge @ curve
        bend = (inputs * (weights * said * (1 - said))) @ inputs.T + ridge
        step = np.linalg.solve(bend, gradient)
        curve += step / max(1.0, float(np.abs(step).max()))
        if float(np.abs(step).max()) < 1e-9:
            break
    return float(curve[0]), float(curve[1])
