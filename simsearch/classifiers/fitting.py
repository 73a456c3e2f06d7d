"""Train the network of a preset: the same for the same seed, resumable, stopped in time."""

import functools
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simsearch.classifiers.inputs import Inputs, as_tensor
from simsearch.classifiers.labelled import TEST, TRAIN, VALID, Ids, LabelledPictures
from simsearch.classifiers.networks import begin_network, kept_tensors, load_into
from simsearch.classifiers.presets import ClassifierSettings
from simsearch.tensors import load_state, save_state
from simsearch.training.augment import Augmentation, augmentations
from simsearch.training.checkpoint import (
    BEST,
    CHECKPOINT,
    chosen_device,
    computes_in_bf16,
    read_notes,
    restore_checkpoint,
    save_checkpoint,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

Progress = Callable[[int, int], None]
Epoch = dict[str, float]

LEAST_GAIN = 1e-3
"""By how much an epoch must lower the loss of the validation pictures to count as better."""
_JUDGED = 128
_HALVINGS = 4
"""Of the learning rate at most, so that a noisy loss of few pictures does not end all learning."""


@dataclass
class Run:
    """What has been learned so far.

    Attributes:
        history: for each epoch ``loss`` and ``accuracy`` of the training pictures while they were
            learned, and ``valid_loss`` and ``valid_accuracy`` afterwards, where some validate.
        seconds: spent on it.
        processor_seconds: the same, summed over cores.
    """

    history: list[Epoch] = field(default_factory=list)
    seconds: float = 0.0
    processor_seconds: float = 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the time that the body takes."""
        wall, processor = time.monotonic(), time.process_time()
        yield
        self.seconds += time.monotonic() - wall
        self.processor_seconds += time.process_time() - processor

    @property
    def gains(self) -> list[int]:
        """Numbers, from 0, of the epochs that lowered the loss of the validation pictures.

        Of all epochs where no pictures validate.
        """
        found, least = list[int](), math.inf
        for number, epoch in enumerate(self.history):
            loss = epoch.get("valid_loss", -math.inf)
            if not found or loss < least - LEAST_GAIN or loss == -math.inf:
                least = loss
                found.append(number)
        return found

    @property
    def best(self) -> int:
        """Number of the epoch that is kept, the last that brought something; at first -1."""
        return self.gains[-1] if self.history else -1

    def is_over(self, settings: ClassifierSettings) -> bool:
        """Whether all epochs are done, the last ones brought nothing, or none could any more."""
        if len(self.history) >= settings.epochs:
            return True
        if not (self.history and settings.patience):
            return False
        least = self.history[self.best].get("valid_loss", LEAST_GAIN)
        return least < LEAST_GAIN or len(self.history) - 1 - self.best >= settings.patience


class NetworkTraining:
    """One training in a folder, which keeps its checkpoint and the best weights."""

    def __init__(
        self,
        pictures: LabelledPictures,
        settings: ClassifierSettings,
        folder: Path,
        *,
        inputs: Inputs,
        network: "nn.Module | None" = None,
        resume: bool = False,
    ) -> None:
        """Make the network ready, or take up what the folder holds.

        Args:
            pictures: prepared as ``inputs`` says.
            settings: which network, and how it is trained.
            folder: keeps the checkpoint and the best weights.
            inputs: what the network reads.
            network: one of the caller's own in place of the preset's.
            resume: go on from the checkpoint.

        Raises:
            UsageError: the folder's checkpoint is of other settings or pictures.
            WeightsError: the encoder's network cannot be gone on from.
        """
        import torch

        torch.manual_seed(settings.seed)
        self.settings, self.folder, self.run = settings, folder, Run()
        self._pictures, self._inputs = pictures, inputs
        self._device = chosen_device(settings.device)
        self._low = computes_in_bf16(self._device)
        self.network = network or begin_network(settings, len(pictures.classes), inputs.width)
        self.network.to(self._device).to(memory_format=torch.channels_last)
        self._optimizer = torch.optim.Adam(self.network.parameters())
        if resume and (folder / CHECKPOINT).is_file():
            self._restore()

    def __call__(self, progress: Progress = lambda done, total: None) -> "nn.Module":
        """Train until it is over; gives the network of the best epoch."""
        import torch

        described = self._described()
        steps = len(_batches(self._pictures.rows(TRAIN), self.settings.batch))
        while not self.run.is_over(self.settings):
            done, total = len(self.run.history) * steps, self.settings.epochs * steps
            with self.run.timed():
                learned = self._epoch(described, functools.partial(_told, progress, done, total))
                self.run.history.append(learned | self._validated(described))
            self._keep()
        load_into(self.network, load_state(self.folder / BEST), f"{self.folder / BEST}")
        network = self.network.to(self._device).to(memory_format=torch.channels_last)
        return network.eval()

    @property
    def rate(self) -> float:
        """Learning rate of the next epoch: halved by every one that brought nothing, four times."""
        missed = len(self.run.history) - len(self.run.gains)
        return (self.settings.rate or self.settings.kind.rate) * 0.5 ** min(missed, _HALVINGS)

    def _described(self) -> NDArray[np.generic] | None:
        """Descriptors, by row, of the pictures that are learned from, where such are read."""
        if self._inputs.encoder is None or self.run.is_over(self.settings):
            return None
        rows = np.flatnonzero(self._pictures.parts != TEST)
        described = np.zeros((len(self._pictures.items), self._inputs.width), dtype=np.float32)
        with self.run.timed():
            described[rows] = self._inputs.describe(self._pictures.take(rows))
        return described

    def _batch(self, described: NDArray[np.generic] | None, rows: Ids) -> "tuple[Tensor, Tensor]":
        """What the network reads of some pictures, and their classes."""
        import torch

        shown = self._pictures.take(rows) if described is None else described[rows]
        codes = torch.from_numpy(self._pictures.codes[rows]).to(self._device)
        return as_tensor(shown, self._device), codes

    def _epoch(
        self, described: NDArray[np.generic] | None, progress: Callable[[int], None]
    ) -> Epoch:
        """See all training pictures once, in an order of the epoch's own."""
        import torch

        number = len(self.run.history)
        torch.manual_seed(self.settings.seed * 1_000_003 + number)
        order = np.random.default_rng([self.settings.seed, number])
        rows = order.permutation(self._pictures.rows(TRAIN))
        self.network.train()
        for parameters in self._optimizer.param_groups:
            parameters["lr"] = self.rate
        change = self._augmentation(number)
        sums = np.zeros(2)
        for step, some in enumerate(_batches(rows, self.settings.batch), 1):
            shown, codes = self._batch(described, some)
            loss, right = self._judged(change(shown), codes)
            self._optimizer.zero_grad()
            (loss / len(some)).backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            sums += loss.item(), right
            progress(step)
        loss_mean, accuracy = sums / len(rows)
        return {"loss": float(loss_mean), "accuracy": float(accuracy)}

    def _augmentation(self, epoch: int) -> "Callable[[Tensor], Tensor]":
        """What is done to training pictures in one epoch."""
        names = augmentations(self.settings.augment)
        seed = self.settings.seed * 1_000_003 + epoch
        return Augmentation(names, seed, self._device) if names else lambda pictures: pictures

    def _judged(self, shown: "Tensor", codes: "Tensor") -> "tuple[Tensor, int]":
        """Sum of losses, and how many are right."""
        import torch
        from torch.nn import functional

        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._low):
            scores = self.network(shown)
        loss = functional.cross_entropy(scores.float(), codes, reduction="sum")
        return loss, int((scores.argmax(1) == codes).sum())

    def _validated(self, described: NDArray[np.generic] | None) -> Epoch:
        """Loss and accuracy of the validation pictures; nothing where there are none."""
        import torch

        rows = self._pictures.rows(VALID)
        if not len(rows):
            return {}
        self.network.eval()
        sums = np.zeros(2)
        with torch.inference_mode():
            for some in _batches(rows, _JUDGED):
                loss, right = self._judged(*self._batch(described, some))
                sums += loss.item(), right
        loss_mean, accuracy = sums / len(rows)
        return {"valid_loss": float(loss_mean), "valid_accuracy": float(accuracy)}

    def _keep(self) -> None:
        """Write the checkpoint, and the weights where this epoch is the best so far."""
        if self.run.best == len(self.run.history) - 1:
            save_state(self.folder / BEST, kept_tensors(self.network), {})
        notes = {"stamp": self._stamp, "run": json.dumps(asdict(self.run))}
        save_checkpoint(self.folder / CHECKPOINT, self.network, self._optimizer, notes)

    def _restore(self) -> None:
        path = self.folder / CHECKPOINT
        notes = read_notes(path, self._stamp)
        restore_checkpoint(path, self.network, self._optimizer)
        self.run = Run(**json.loads(notes["run"]))

    @property
    def _stamp(self) -> str:
        """Equal where a checkpoint can be taken up; training may be made longer."""
        chosen = asdict(self.settings)
        for free in ("device", "epochs", "patience"):
            del chosen[free]
        counts = self._pictures.counts(TRAIN).tolist()
        return json.dumps([chosen, self._inputs.fingerprint, self._pictures.classes, counts])


def _told(progress: Progress, before: int, total: int, step: int) -> None:
    progress(before + step, total)


def _batches(rows: Ids, size: int) -> list[Ids]:
    """So many rows each; a single one left over, alone of no variance, joins those before it."""
    return np.split(rows, range(size, len(rows) - 1, size))
