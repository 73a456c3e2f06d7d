"""One classifier trained on labelled pictures, and what it says of those it was not trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simsearch.catalog import Item
from simsearch.classifiers.classifier import NetworkModel
from simsearch.classifiers.fitting import NetworkTraining
from simsearch.classifiers.inputs import Inputs
from simsearch.classifiers.labelled import TEST, Draw, read_labelled
from simsearch.classifiers.presets import ClassifierSettings
from simsearch.evaluation.class_metrics import ClassScores, class_scores, confusion

if TYPE_CHECKING:
    from torch import nn

COLUMNS = ("accuracy", "macro F1", "classes lost", "epochs", "parameters", "CPU s")


@dataclass(frozen=True)
class Outcome:
    """What came of one training.

    Attributes:
        scores: of the test pictures.
        epochs: seen until it stopped.
        parameters: that were learned.
        seconds: of the processor, to describe and to learn.
    """

    scores: ClassScores
    epochs: int
    parameters: int
    seconds: float

    @property
    def lost(self) -> int:
        """Classes of which no test picture was recognised."""
        return int((self.scores.recall == 0).sum())

    def cells(self) -> list[str]:
        """As ``COLUMNS`` names them."""
        accuracy, macro = self.scores.accuracy, self.scores.macro("f1")
        counts = [f"{self.lost}", f"{self.epochs}", f"{self.parameters:,}", f"{self.seconds:,.0f}"]
        return [f"{accuracy:.3f}", f"{macro:.3f}", *counts]


def tried(
    items: Sequence[Item],
    settings: ClassifierSettings,
    work: Path,
    *,
    inputs: Inputs | None = None,
    head: "Callable[[int, int], nn.Module] | None" = None,
    name: str = "",
) -> Outcome:
    """Train on the training pictures, stop by a tenth of them, and ask the test pictures.

    Args:
        items: of a folder with ``train/`` and ``test/``, else a fifth of each class tests.
        settings: which classifier, and how it is trained.
        work: keeps decoded pictures and checkpoints, from which the same call goes on.
        inputs: what is read in place of what the settings say.
        head: makes a network of the numbers that it reads and of classes, in place of the preset's.
        name: of the checkpoint's folder.
    """
    inputs = inputs or Inputs.of(settings.checked())
    made = inputs.preparation
    pictures = read_labelled(items, Draw(), made, work / f"pictures-{made.side}")
    network = head(inputs.width, len(pictures.classes)) if head else None
    training = NetworkTraining(
        pictures, settings, work / name, inputs=inputs, network=network, resume=True
    )
    model = NetworkModel(training(), inputs)
    rows = pictures.rows(TEST)
    said = model.predict_proba(pictures.take(rows)).argmax(axis=1)
    counts = confusion(pictures.codes[rows], said.astype(np.int64), len(pictures.classes))
    run = training.run
    return Outcome(class_scores(counts), len(run.history), model.parameters, run.processor_seconds)
