"""Train the network of ``vgg16-nft``: resumable, the same for the same seed."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from simsearch.tensors import State, save_state
from simsearch.training import losses
from simsearch.training.batches import Batches, Group
from simsearch.training.checkpoint import (
    BEST,
    CHECKPOINT,
    chosen_device,
    computes_in_bf16,
    read_notes,
    restore_checkpoint,
    save_checkpoint,
)
from simsearch.training.decoding import Pictures
from simsearch.training.network import colours, folded, learner, normalized, start_from
from simsearch.training.pictures import TrainingPictures
from simsearch.training.run import Run, TrainingSettings, Tried
from simsearch.training.trial import Trial
from simsearch.training.views import Views

if TYPE_CHECKING:
    from torch import Tensor, nn

_WARM_STEPS = 100
_DESCRIBED = 64
_NEW_COLLECTION = 0.5
"""Share of groups that are recoloured and turned as a whole."""


class EncoderTraining:
    """One training in a folder, which keeps its checkpoint and the best weights."""

    def __init__(
        self,
        pictures: TrainingPictures,
        settings: TrainingSettings,
        folder: Path,
        *,
        resume: bool = False,
    ) -> None:
        """Make the network ready, or take up what the folder holds.

        Raises:
            UsageError: the folder's checkpoint is of other settings or pictures.
            WeightsError: the weights to start from do not fit.
        """
        import torch

        torch.manual_seed(settings.seed)
        self.settings, self.folder, self.run = settings, folder, Run()
        self._pictures = pictures
        self._device = chosen_device(settings.device)
        self._learner = learner(settings.width, len(pictures.catalog.collections))
        self._backbone = cast("nn.Sequential", self._learner["backbone"])
        if settings.start:
            start_from(self._backbone, Path(settings.start))
        self._learner.to(self._device)
        self._optimizer = torch.optim.AdamW(self._learner.parameters(), weight_decay=1e-4)
        self._batches = Batches(pictures, settings.groups, settings.items, settings.seed)
        held_out = np.flatnonzero(pictures.held_out)
        self._trial = Trial.of(
            pictures.pixels[held_out],
            pictures.overlaps(held_out),
            settings.trials,
            settings.seed,
        )
        self._low = computes_in_bf16(self._device)
        if resume and (folder / CHECKPOINT).is_file():
            self._restore()

    def __call__(self, progress: Callable[[int, int], None] = lambda done, total: None) -> Run:
        """Train until it is over; ends with the best weights in the folder."""
        if not self.run.history:
            self._try({})
        while not self.run.is_over(self.settings):
            sums: dict[str, float] = {}
            until = min(self.run.step + self.settings.every, self.settings.steps)
            for step in range(self.run.step, until):
                for name, value in self._step(step).items():
                    sums[name] = sums.get(name, 0.0) + value / (until - self.run.step)
                progress(step + 1, self.settings.steps)
            self.run.step = until
            self._try(sums)
        return self.run

    @property
    def state(self) -> State:
        """The plain network as it is now."""
        return {name: one.astype(np.float32) for name, one in folded(self._backbone).items()}

    def _step(self, step: int) -> dict[str, float]:
        """Learn from one batch; its losses by name."""
        import torch

        for parameters in self._optimizer.param_groups:
            parameters["lr"] = self.settings.rate * _schedule(step, self.settings.steps)
        self._learner.train()
        if self.settings.start:
            self._backbone.eval()
        views = Views(self.settings.seed * 1_000_003 + step, self._device)
        groups = list(self._batches.groups(step))
        whole = torch.cat([self._original(group, views) for group in groups])
        features = self._features(torch.cat([views(whole), views(whole)]))
        parts = self._losses(features, groups)
        weights = {"traits": self.settings.traits, "collection": self.settings.collection}
        loss = torch.stack([weights.get(name, 1.0) * part for name, part in parts.items()]).sum()
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._learner.parameters(), 5.0)
        self._optimizer.step()
        return {name: part.item() for name, part in parts.items()}

    def _original(self, group: Group, views: Views) -> "Tensor":
        """The pictures of a group, now and then as those of a collection never seen."""
        pictures = colours(group.pixels, self._device)
        return views.new_collection(pictures) if views.chance() < _NEW_COLLECTION else pictures

    def _losses(self, features: "Tensor", groups: Sequence[Group]) -> "dict[str, Tensor]":
        import torch
        from torch.nn import functional

        first, second = self._learner["copies"](features).chunk(2)
        parts = {"copies": losses.copies_loss(first, second)}
        mean = torch.stack(self._learner["traits"](features).chunk(2)).mean(0)
        sizes = [len(group.pixels) for group in groups]
        known = [
            losses.traits_loss(part, torch.as_tensor(group.overlaps, device=self._device))
            for part, group in zip(torch.split(mean, sizes), groups, strict=True)
            if group.overlaps is not None
        ]
        if known:
            parts["traits"] = torch.stack(known).mean()
        owners = torch.tensor([g.collection for g in groups for _ in g.pixels] * 2)
        if (owners >= 0).any():
            parts["collection"] = functional.cross_entropy(
                self._learner["collection"](features), owners.to(self._device), ignore_index=-1
            )
        return parts

    def _features(self, pictures: "Tensor") -> "Tensor":
        """Last maps of pictures (n, 3, 64, 64), flat and of unit length."""
        import torch
        from torch.nn import functional

        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._low):
            maps = self._backbone(normalized(pictures))
        return functional.normalize(maps.float().flatten(1), dim=1) * 16

    def describe(self, pictures: Pictures) -> NDArray[np.float32]:
        """Features float32 (n, d) of pictures (n, 64, 64, 3), as the plain network has them."""
        import torch

        self._learner.eval()
        with torch.inference_mode():
            parts = [
                self._features(colours(pictures[start : start + _DESCRIBED], self._device))
                .cpu()
                .numpy()
                for start in range(0, len(pictures), _DESCRIBED)
            ]
        return np.concatenate(parts)

    def _try(self, sums: dict[str, float]) -> None:
        """Measure, remember, keep what is best."""
        tried = Tried(self.run.step, sums, self._trial.measure(self.describe))
        self.run.history.append(tried)
        if self.run.best is tried:
            notes = {"step": str(self.run.step), "score": f"{tried.measured.score:.6f}"}
            save_state(self.folder / BEST, folded(self._backbone), notes)
        self._save()

    def _save(self) -> None:
        notes = {"stamp": self._stamp, "step": str(self.run.step)}
        notes["history"] = json.dumps([asdict(one) for one in self.run.history])
        save_checkpoint(self.folder / CHECKPOINT, self._learner, self._optimizer, notes)

    def _restore(self) -> None:
        path = self.folder / CHECKPOINT
        notes = read_notes(path, self._stamp)
        restore_checkpoint(path, self._learner, self._optimizer)
        history = json.loads(notes["history"])
        self.run = Run(int(notes["step"]), [Tried.of(one) for one in history])

    @property
    def _stamp(self) -> str:
        """Equal where a checkpoint can be taken up; training may be made longer."""
        chosen = asdict(self.settings)
        for free in ("device", "patience"):
            del chosen[free]
        counts = dict(self._pictures.catalog.collections)
        return json.dumps([chosen, counts], sort_keys=True)


def _schedule(step: int, steps: int) -> float:
    """Share of the highest rate: linear warm-up, then half a cosine down to 0."""
    warm = min((step + 1) / min(_WARM_STEPS, max(steps // 10, 1)), 1.0)
    return float(warm * 0.5 * (1 + np.cos(np.pi * step / max(steps, 1))))
