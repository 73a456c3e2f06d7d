"""How a network is trained, and how far that has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simsearch.training.trial import Measured


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained.

    Attributes:
        width: channels of the first convolution; the shipped network has 16.
        steps: batches at most.
        groups: collections a batch.
        items: pictures of each.
        rate: highest learning rate of Adam (Kingma and Ba, 2015); it warms up, then falls to 0.
        traits: weight of the loss of traits.
        collection: weight of the loss of collections.
        every: steps between two trials and checkpoints.
        patience: trials without a better score after which training stops; 0 = never.
        trials: pictures whose edited copies are tried.
        seed: of all chance.
        device: ``cpu``, ``cuda``, or ``auto``.
        start: weights to go on from, with batch norm frozen; empty for random ones.
        preprocessing: steps that were done to the pictures, as a manifest writes them.
    """

    width: int = 16
    steps: int = 4000
    groups: int = 8
    items: int = 16
    rate: float = 2e-3
    traits: float = 1.0
    collection: float = 0.2
    every: int = 200
    patience: int = 5
    trials: int = 128
    seed: int = 0
    device: str = "auto"
    start: str = ""
    preprocessing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tried:
    """One trial.

    Attributes:
        step: batches done.
        losses: their means since the trial before, by name.
        measured: how good the network was.
    """

    step: int
    losses: dict[str, float]
    measured: Measured

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Tried":
        """What ``asdict`` made of one."""
        return cls(kept["step"], kept["losses"], Measured(**kept["measured"]))


@dataclass
class Run:
    """What has been learned so far.

    Attributes:
        step: batches done.
        history: its trials, the first one before anything was learned.
    """

    step: int = 0
    history: list[Tried] = field(default_factory=list)

    @property
    def scores(self) -> list[float]:
        """Score of each trial."""
        return [one.measured.score for one in self.history]

    @property
    def best(self) -> "Tried":
        """The first trial of the best score."""
        return max(self.history, key=lambda one: one.measured.score)

    def is_over(self, settings: TrainingSettings) -> bool:
        """Whether all steps are done or the last trials brought nothing better."""
        waited = len(self.scores) - 1 - int(np.argmax(self.scores)) if self.scores else 0
        stuck = 0 < settings.patience <= waited
        return self.step >= settings.steps or stuck
