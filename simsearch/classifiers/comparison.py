"""Several classifiers side by side: trained on the same pictures, asked the same others."""

import dataclasses
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch.catalog import Item
from simsearch.classifiers.classifier import TrainedClassifier, train
from simsearch.classifiers.inputs import Inputs
from simsearch.classifiers.labelled import TEST, Draw, Ids, LabelledPictures, read_labelled
from simsearch.classifiers.presets import ClassifierSettings
from simsearch.errors import SourceError
from simsearch.evaluation.collection import Judged
from simsearch.evaluation.retrieval import Progress
from simsearch.preprocessing import NOTHING, Preprocessing

_CHUNK = 512


@dataclass(frozen=True)
class ComparisonSettings:
    """What is compared.

    Attributes:
        trainings: the classifiers, each of another preset.
        draw: which label, and who trains and tests.
        preprocessing: steps done to every picture before a classifier reads it.
        progress: told what is done, and how far it is.
    """

    trainings: Sequence[ClassifierSettings]
    draw: Draw = Draw()  # noqa: RUF009
    preprocessing: Preprocessing = NOTHING
    progress: Progress = lambda stage, done, total: None


@dataclass(frozen=True)
class Tried:
    """One classifier and what it said.

    Attributes:
        classifier: trained.
        judged: what it said of the test pictures.
        milliseconds: for each of these, many at a time, once they are decoded.
    """

    classifier: TrainedClassifier
    judged: Judged
    milliseconds: float


@dataclass
class Comparison:
    """All that was measured.

    Attributes:
        settings: how.
        pictures: as the first classifier reads them; their split is that of all.
        tried: preset → what came of it.
    """

    settings: ComparisonSettings
    pictures: LabelledPictures
    tried: dict[str, Tried] = field(default_factory=dict)

    @property
    def best(self) -> str:
        """The preset of the highest accuracy, of equal ones the one of fewer parameters."""
        return max(
            self.tried,
            key=lambda name: (
                self.tried[name].judged.scores.accuracy,
                -self.tried[name].classifier.model.parameters,
            ),
        )


def compare(
    items: Sequence[Item], settings: ComparisonSettings, folder: Path, *, resume: bool = False
) -> Comparison:
    """Train every preset on the same pictures and ask it the same others.

    Args:
        items: of any source or catalog.
        settings: which presets, and how.
        folder: keeps decoded pictures, checkpoints and classifiers.
        resume: go on from the checkpoints in the folder.

    Raises:
        UsageError: settings that cannot be, or a checkpoint of others.
        SourceError: fewer than two classes, or no picture to train or to test with.
        WeightsError: the weights of an encoder are missing or do not fit.
    """
    plans = [plan.checked() for plan in settings.trainings]
    result: Comparison | None = None
    for plan in plans:
        inputs = Inputs.of(plan, settings.preprocessing)
        pictures = prepared(items, settings.draw, inputs, folder, settings.progress)
        result = result or Comparison(settings, pictures)
        made = train(
            pictures,
            plan,
            folder / plan.preset,
            inputs=inputs,
            resume=resume,
            progress=_stage(settings.progress, f"training {plan.preset}"),
        )
        settings.progress(f"asking {plan.preset}", 0, 1)
        tried = ask(made, pictures)
        tried.classifier.save(folder / f"{plan.preset}.safetensors")
        result.tried[plan.preset] = tried
    if result is None:
        raise SourceError("no preset is given to compare")
    return result


def prepared(
    items: Sequence[Item], draw: Draw, inputs: Inputs, folder: Path, progress: Progress
) -> LabelledPictures:
    """The pictures as one classifier reads them, in a folder that others share."""
    made = inputs.preparation
    place = folder / f"pictures-{re.sub(r'[^a-z0-9]+', '-', made.name.lower()).strip('-')}"
    return read_labelled(items, draw, made, place, _stage(progress, f"decoding at {made.side} px"))


def ask(classifier: TrainedClassifier, pictures: LabelledPictures) -> Tried:
    """Let a classifier name the test pictures, and note in it how well it did.

    Raises:
        SourceError: there are none.
    """
    rows = pictures.rows(TEST)
    if not len(rows):
        raise SourceError("no class has two pictures, so none can be tested; give more pictures")
    started = time.monotonic()
    shares = probabilities(classifier, pictures, rows)
    spent = 1e3 * (time.monotonic() - started) / len(rows)
    judged = Judged.of(shares.astype(np.float64), pictures.codes[rows])
    scores = {"test_pictures": float(len(rows)), "accuracy": judged.scores.accuracy}
    scores |= {f"macro_{kind}": judged.scores.macro(kind) for kind in ("precision", "recall", "f1")}
    return Tried(dataclasses.replace(classifier, scores=scores), judged, spent)


def probabilities(
    classifier: TrainedClassifier, pictures: LabelledPictures, rows: Ids
) -> NDArray[np.float32]:
    """Probabilities (len(rows), classes) of some pictures, read a part at a time."""
    parts = [
        classifier.predict_proba(pictures.take(rows[start : start + _CHUNK]))
        for start in range(0, len(rows), _CHUNK)
    ]
    return np.concatenate(parts)


def _stage(progress: Progress, name: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(name, done, total)
