"""Train the denoiser: a network that gives pictures back from noised views of them.

Resumable, and the same for the same seed.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simsearch.evaluation.noise import NOISES
from simsearch.preprocessing.denoiser import FORMAT, LAYERS, WIDTH, parameter_shapes
from simsearch.tensors import load_state, save_state
from simsearch.training.augment import Augmentation
from simsearch.training.card import data_of
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
from simsearch.training.network import colours
from simsearch.training.noised import noised_view
from simsearch.training.pictures import TrainingPictures

if TYPE_CHECKING:
    from torch import Tensor, nn

_SQUARED = 0.1
"""Differences below count squared, above in proportion: many pixels have no noise at all, and in
proportion they alone would keep the network from changing anything."""
_TRIED = 256
_LIMITS = (
    "Errors are root mean square, in levels of 255, of patches held out of the collections trained "
    "on. It knows Gaussian and salt-and-pepper noise and JPEG of quality 10, one at a time, and "
    "takes fine detail of clean pictures with it."
)


@dataclass(frozen=True)
class DenoiserSettings:
    """How a denoiser is trained.

    Attributes:
        width: channels of the first convolution.
        steps: batches.
        batch: patches in each.
        rate: learning rate of Adam (Kingma and Ba, 2015) at first; it falls to 0 as half a cosine.
        every: steps between two trials and checkpoints.
        augment: names in ``AUGMENTATIONS``, done to patches before noise.
        seed: of all chance.
        device: ``cpu``, ``cuda``, or ``auto``.
    """

    width: int = WIDTH
    steps: int = 1200
    batch: int = 16
    rate: float = 2e-3
    every: int = 100
    augment: tuple[str, ...] = ("flip", "colour")
    seed: int = 0
    device: str = "auto"


@dataclass(frozen=True)
class Tried:
    """One trial.

    Attributes:
        step: batches done.
        loss: its mean since the trial before.
        errors: noise → root mean square error of held-out patches, in levels of 255.
    """

    step: int
    loss: float
    errors: dict[str, float]

    @property
    def score(self) -> float:
        """Minus the mean error."""
        return -float(np.mean(list(self.errors.values())))


def network(width: int) -> "nn.ModuleDict":
    """The convolutions; the last one begins at 0, so that pictures pass through unchanged."""
    from torch import nn

    shapes, layers = parameter_shapes(width), {}
    for name, (_, _, stride) in LAYERS.items():
        outputs, inputs, *_ = shapes[f"{name}.weight"]
        layers[name] = nn.Conv2d(inputs, outputs, 3, stride, 1)
        nn.init.kaiming_normal_(layers[name].weight, nonlinearity="relu")
        nn.init.zeros_(layers[name].bias)  # type: ignore[arg-type]
    nn.init.zeros_(layers["leave"].weight)
    return nn.ModuleDict(layers)


def cleaned(layers: "nn.ModuleDict", pictures: "Tensor") -> "Tensor":
    """What the network makes of colours 0 to 1, (n, 3, h, w); not cut off at 0 and 1 yet."""
    import torch
    from torch.nn import functional

    def run(name: str, inputs: "Tensor") -> "Tensor":
        return functional.relu(layers[name](inputs))

    def joined(small: "Tensor", large: "Tensor") -> "Tensor":
        return torch.cat([functional.interpolate(small, scale_factor=2.0), large], 1)

    whole = run("look", run("enter", pictures))
    half = run("look_half", run("halve", whole))
    quarter = run("look_quarter", run("quarter", half))
    half = run("join_half", joined(quarter, half))
    found: Tensor = pictures + layers["leave"](run("join_whole", joined(half, whole)))
    return found


class DenoiserTraining:
    """One training in a folder, which keeps its checkpoint and the best weights.

    Attributes:
        step: batches done.
        history: its trials, the first one before anything was learned.
        untouched: the same errors of the noised patches as they are.
    """

    def __init__(
        self,
        pictures: TrainingPictures,
        settings: DenoiserSettings,
        folder: Path,
        *,
        resume: bool = False,
    ) -> None:
        """Make the network ready, or take up what the folder holds.

        Raises:
            UsageError: the folder's checkpoint is of other settings or pictures.
        """
        import torch

        torch.manual_seed(settings.seed)
        self.settings, self.folder = settings, folder
        self.step, self.history = 0, list[Tried]()
        self._device = chosen_device(settings.device)
        self._low = computes_in_bf16(self._device)
        self._network = network(settings.width).to(self._device)
        self._optimizer = torch.optim.Adam(self._network.parameters())
        self._counts = dict(pictures.catalog.collections)
        self._patches = pictures.pixels
        self._seen = np.flatnonzero(~pictures.held_out)
        held_out = np.random.default_rng(0).permutation(np.flatnonzero(pictures.held_out))
        self._wanted = pictures.pixels[np.sort(held_out[:_TRIED])]
        self._noised = _noised_by_kind(self._wanted)
        self.untouched = {name: _error(one, self._wanted) for name, one in self._noised.items()}
        if resume and (folder / CHECKPOINT).is_file():
            self._restore()

    def __call__(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Train until all steps are done; ends with the best weights in the folder."""
        if not self.history:
            self._try(0.0)
        while self.step < self.settings.steps:
            until = min(self.step + self.settings.every, self.settings.steps)
            total = 0.0
            for step in range(self.step, until):
                total += self._learn(step)
                progress(step + 1, self.settings.steps)
            loss, self.step = total / (until - self.step), until
            self._try(loss)

    @property
    def best(self) -> Tried:
        """The trial of the weights that are kept."""
        return max(self.history, key=lambda one: one.score)

    def _learn(self, step: int) -> float:
        """Learn from one batch; its loss."""
        import torch
        from torch.nn import functional

        fallen = 0.5 * (1 + np.cos(np.pi * step / self.settings.steps))
        for parameters in self._optimizer.param_groups:
            parameters["lr"] = self.settings.rate * fallen
        wanted, noised = self._batch(step)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._low):
            found = cleaned(self._network, noised)
        loss = functional.smooth_l1_loss(found.float(), wanted, beta=_SQUARED)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return float(loss.item())

    def _batch(self, step: int) -> "tuple[Tensor, Tensor]":
        """Patches, and noised views of them."""
        import torch

        rng = np.random.default_rng([self.settings.seed, step])
        count = min(self.settings.batch, len(self._seen))
        drawn = self._patches[np.sort(rng.choice(self._seen, count, replace=False))]
        cpu = torch.device("cpu")
        change = Augmentation(self.settings.augment, self.settings.seed * 1_000_003 + step, cpu)
        wanted = _levels(change(colours(drawn, cpu)))
        noised = np.stack([noised_view(one, rng) for one in wanted])
        return colours(wanted, self._device), colours(noised, self._device)

    def denoised(self, patches: Pictures) -> Pictures:
        """What the network makes of pictures (n, h, w, 3) whose sides are multiples of 4."""
        import torch

        with torch.inference_mode():
            return _levels(cleaned(self._network, colours(patches, self._device)).cpu())

    def _try(self, loss: float) -> None:
        """Measure, remember, keep what is best."""
        found = {name: self.denoised(one) for name, one in self._noised.items()}
        errors = {name: _error(one, self._wanted) for name, one in found.items()}
        self.history.append(Tried(self.step, loss, errors))
        if self.best.step == self.step:
            tensors = self._network.state_dict().items()
            state = {name: one.cpu().numpy() for name, one in tensors}
            save_state(self.folder / BEST, state, {"step": str(self.step)})
        notes = {"stamp": self._stamp, "step": str(self.step)}
        notes["history"] = json.dumps([asdict(one) for one in self.history])
        save_checkpoint(self.folder / CHECKPOINT, self._network, self._optimizer, notes)

    def _restore(self) -> None:
        path = self.folder / CHECKPOINT
        notes = read_notes(path, self._stamp)
        restore_checkpoint(path, self._network, self._optimizer)
        self.step = int(notes["step"])
        self.history = [Tried(**one) for one in json.loads(notes["history"])]

    @property
    def _stamp(self) -> str:
        """Equal where a checkpoint can be taken up."""
        chosen = asdict(self.settings)
        del chosen["device"]
        return json.dumps([chosen, self._counts], sort_keys=True)


def _noised_by_kind(wanted: Pictures) -> dict[str, Pictures]:
    """The same pictures with each noise, and as they are."""
    rng = np.random.default_rng(0)
    noised = {name: np.stack([noise(one, rng) for one in wanted]) for name, noise in NOISES.items()}
    return {"clean": wanted, **noised}


def _error(found: Pictures, wanted: Pictures) -> float:
    """Root of the mean squared difference, in levels of 255."""
    return float(np.sqrt(np.square(found.astype(np.float32) - wanted).mean()))


def _levels(pictures: "Tensor") -> NDArray[np.uint8]:
    """Back to uint8 (n, h, w, 3)."""
    import torch

    levels = (pictures.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    return np.ascontiguousarray(levels.numpy())


def publish(out: Path, pictures: TrainingPictures, training: DenoiserTraining) -> None:
    """Write the best weights to ``out`` and beside them the card, ``.json``."""
    best = training.best
    notes = {"format": FORMAT, "training": f"{best.step} steps", "score": f"{best.score:.6f}"}
    state = load_state(training.folder / BEST)
    save_state(out, {name: one.astype(np.float16) for name, one in state.items()}, notes)
    card = {
        "network": f"denoising autoencoder, width {training.settings.width}",
        "settings": asdict(training.settings),
        **data_of(pictures),
        "untouched": training.untouched,
        "history": [asdict(one) | {"score": one.score} for one in training.history],
        "limits": _LIMITS,
    }
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    out.with_suffix(".json").write_text(text, encoding="utf-8")
