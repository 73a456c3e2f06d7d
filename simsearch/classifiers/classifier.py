"""A classifier that has been trained: probabilities of pictures, and the file that keeps it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from simsearch.classifiers.fitting import NetworkTraining, Progress, Run
from simsearch.classifiers.inputs import Inputs, as_tensor
from simsearch.classifiers.labelled import LabelledPictures
from simsearch.classifiers.neighbors import NeighborModel
from simsearch.classifiers.networks import build_network, kept_tensors, load_into
from simsearch.classifiers.presets import BACKBONE, NEIGHBORS, ClassifierSettings
from simsearch.errors import UsageError, WeightsError
from simsearch.images import RGB
from simsearch.preprocessing import SETTING, Preprocessing
from simsearch.tensors import State, load_state, read_metadata, save_state
from simsearch.training.checkpoint import chosen_device
from simsearch.training.decoding import Pictures

if TYPE_CHECKING:
    from torch import nn

FORMAT = "1"
_BATCH = 64


class Model(Protocol):
    """What a classifier is made of."""

    @property
    def parameters(self) -> int:
        """How many numbers it has learned or keeps."""
        ...

    def predict_proba(self, pictures: Pictures) -> NDArray[np.float32]:
        """Probabilities (n, classes) of prepared pictures (n, side, side, 3)."""
        ...

    def tensors(self) -> dict[str, NDArray[Any]]:
        """All that it has learned, by name."""
        ...


@dataclass(frozen=True)
class NetworkModel:
    """A network that has been trained, in evaluation mode."""

    network: "nn.Module"
    inputs: Inputs

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum(one.numel() for one in self.network.parameters())

    def predict_proba(self, pictures: Pictures) -> NDArray[np.float32]:
        """Probabilities (n, classes) of prepared pictures."""
        import torch

        device = next(self.network.parameters()).device
        parts = []
        with torch.inference_mode():
            for start in range(0, max(len(pictures), 1), _BATCH):
                described = self.inputs.describe(pictures[start : start + _BATCH])
                scores = self.network(as_tensor(described, device))
                parts.append(scores.float().softmax(1).cpu().numpy())
        return np.concatenate(parts)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Weights by name, in half precision, to which they were rounded after training."""
        return kept_tensors(self.network)


@dataclass(frozen=True)
class TrainedClassifier:
    """Names the class of pictures.

    Attributes:
        classes: their names, in the order of the columns of probabilities.
        settings: how it was trained.
        model: what gives the probabilities.
        inputs: what it reads.
        run: curves of the training; without epochs where nothing is trained step by step.
        scores: what it reached on pictures that it was not trained on, name → value.
    """

    classes: tuple[str, ...]
    settings: ClassifierSettings
    model: Model
    inputs: Inputs
    run: Run
    scores: dict[str, float] = field(default_factory=dict)

    def prepare(self, rgb: RGB) -> RGB:
        """Bring a picture (h, w, 3) of any size to (side, side, 3)."""
        return self.inputs.preparation.make(rgb)

    def predict_proba(self, pictures: Pictures) -> NDArray[np.float32]:
        """Probabilities float32 (n, classes) of prepared pictures uint8 (n, side, side, 3)."""
        return self.model.predict_proba(pictures)

    def predict(self, pictures: Pictures) -> NDArray[np.int64]:
        """The likeliest class of each prepared picture, int64 (n,)."""
        return np.asarray(self.predict_proba(pictures).argmax(axis=1), dtype=np.int64)

    def classify(self, pictures: Sequence[RGB]) -> list[list[tuple[str, float]]]:
        """Classes of pictures of any size with their probabilities, the likeliest first."""
        if not pictures:
            return []
        shares = self.predict_proba(np.stack([self.prepare(rgb) for rgb in pictures]))
        order = np.argsort(-shares, axis=1, kind="stable")
        return [
            [(self.classes[code], float(row[code])) for code in best.tolist()]
            for row, best in zip(shares, order, strict=True)
        ]

    def card(self) -> dict[str, object]:
        """What it is and how it came to be, as JSON values."""
        return {
            "what": "picture classifier",
            "classes": list(self.classes),
            "preset": self.settings.preset,
            "about": self.settings.kind.about,
            "settings": asdict(self.settings),
            SETTING: self.inputs.preprocessing.specs,
            "parameters": self.model.parameters,
            "best_epoch": self.run.best + 1,
            "curves": self.run.history,
            "seconds": self.run.seconds,
            "processor_seconds": self.run.processor_seconds,
            "scores": self.scores,
        }

    def save(self, path: Path) -> None:
        """Write a safetensors file, and beside it the card in JSON and its denoiser, if any."""
        card = json.dumps(self.card(), ensure_ascii=False, indent=2)
        notes = {"format": FORMAT, "encoder": self.inputs.fingerprint, "card": card}
        self.inputs.preprocessing.keep(path.parent)
        save_state(path, self.model.tensors(), notes)
        path.with_suffix(".json").write_text(card + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path, *, device: str = "auto", weights: str | None = None) -> Self:
        """Open what ``save`` wrote.

        Args:
            path: the safetensors file; the card beside it is not needed, a denoiser is.
            device: ``cpu``, ``cuda`` or ``auto``.
            weights: file of the encoder's weights where they have been moved.

        Raises:
            WeightsError: missing, damaged, of another format, made with other weights of the
                encoder, or tensors that do not fit.
            StoreError: the denoiser beside it is missing, or another one.
        """
        notes, state = _read(path)
        try:
            card = json.loads(notes["card"])
            settings = _settings(card["settings"], device, weights)
            classes = tuple(card["classes"])
            run = Run(
                [_numbers(one) for one in card["curves"]],
                float(card["seconds"]),
                float(card["processor_seconds"]),
            )
            scores = _numbers(card["scores"])
            if len(set(classes)) < max(len(classes), 2) or not all(
                isinstance(name, str) for name in classes
            ):
                raise ValueError("it does not name two classes or more")
            inputs = Inputs.of(settings, Preprocessing.kept(path.parent, card))
        except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
            raise WeightsError(f"{path}: its card is damaged ({error}); train it anew") from error
        if inputs.fingerprint != notes.get("encoder", ""):
            raise WeightsError(
                f"{path} was trained with other weights of {settings.encoder}; "
                "give those with --weights, or train it anew"
            )
        model = _restored(state, settings, inputs, len(classes), path)
        return cls(classes, settings, model, inputs, run, scores)


def train(
    pictures: LabelledPictures,
    settings: ClassifierSettings,
    folder: Path,
    *,
    inputs: Inputs | None = None,
    resume: bool = False,
    progress: Progress = lambda done, total: None,
) -> TrainedClassifier:
    """Learn the classes of pictures.

    Args:
        pictures: prepared as ``Inputs.of(settings).preparation`` does.
        settings: which classifier, and how.
        folder: keeps the checkpoint.
        inputs: those of the settings, where they are at hand.
        resume: go on from the checkpoint, as if training had never stopped.
        progress: told how many steps are done, of how many at most.

    Raises:
        UsageError: settings that cannot be, or a checkpoint of others.
        WeightsError: the encoder's weights are missing or do not fit.
    """
    inputs = inputs or Inputs.of(settings.checked())
    if settings.kind.reads == NEIGHBORS:
        model: Model
        run = Run()
        with run.timed():
            model = NeighborModel.fit(pictures, inputs, settings.seed)
        return TrainedClassifier(pictures.classes, settings, model, inputs, run)
    training = NetworkTraining(pictures, settings, folder, inputs=inputs, resume=resume)
    model = NetworkModel(training(progress), inputs)
    return TrainedClassifier(pictures.classes, settings, model, inputs, training.run)


def _read(path: Path) -> tuple[dict[str, str], State]:
    if not path.is_file():
        raise WeightsError(f"no classifier {path}; make one with 'simsearch train classifier'")
    notes = read_metadata(path)
    if notes.get("format") != FORMAT or "card" not in notes:
        made = "make one with 'simsearch train classifier'"
        raise WeightsError(f"{path} is no classifier of format {FORMAT}; {made}")
    return notes, load_state(path)


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in values.items()}


def _settings(values: dict[str, Any], device: str, weights: str | None) -> ClassifierSettings:
    """The settings of a card, for this machine."""
    chosen = dict(values) | {"device": device}
    if weights is not None:
        chosen["weights"] = weights
    return ClassifierSettings(**chosen).checked()


def _restored(
    state: State, settings: ClassifierSettings, inputs: Inputs, classes: int, path: Path
) -> Model:
    import torch

    if settings.kind.reads == NEIGHBORS:
        return NeighborModel.restored(state, inputs, classes, str(path))
    width = inputs.width
    if settings.kind.reads == BACKBONE:
        width = len(state.get("backbone.0.weight", np.empty(1)))
    with torch.device("meta"):
        network = build_network(settings, classes, width)
    load_into(network, state, str(path))
    network.to(chosen_device(settings.device)).to(memory_format=torch.channels_last)
    return NetworkModel(network.eval(), inputs)
