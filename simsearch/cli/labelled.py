"""What commands about classifiers share: their sources, labels, splits and training."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simsearch.classifiers.presets import HIDDEN
from simsearch.cli.console import listed, notice
from simsearch.cli.options import (
    device_option,
    path_type,
    preprocess_option,
    seed_option,
    threads_option,
    together,
)

if TYPE_CHECKING:
    from simsearch.classifiers.labelled import Draw, LabelledPictures
    from simsearch.classifiers.presets import ClassifierSettings
    from simsearch.preprocessing import Preprocessing


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Parameters that say what is learned of what, and how."""

    sources: tuple[Path, ...]
    label: str
    per_class: int
    test_share: float
    valid_share: float
    preprocess: str
    side: int
    augment: str
    hidden: str
    epochs: int
    patience: int
    weights: Path | None
    device: str
    threads: int | None
    seed: int

    @property
    def draw(self) -> "Draw":
        """Which label, and who trains and tests."""
        from simsearch.classifiers.labelled import Draw

        return Draw(self.label, self.per_class, self.test_share, self.valid_share, self.seed)

    @property
    def preprocessing(self) -> "Preprocessing":
        """Steps done to every picture before a classifier reads it."""
        from simsearch.preprocessing import Preprocessing

        return Preprocessing.read(self.preprocess)

    def training(self, preset: str) -> "ClassifierSettings":
        """How a preset is trained; side and augmentations are for those that read pixels."""
        from simsearch.classifiers.presets import ClassifierSettings, find_preset

        sees = find_preset(preset).sees
        return ClassifierSettings(
            preset=preset,
            side=self.side if sees else 0,
            augment=self.augment if sees else "",
            hidden=self.hidden,
            epochs=self.epochs,
            patience=self.patience,
            seed=self.seed,
            device=self.device,
            weights=str(self.weights or ""),
        ).checked()


labelled_options = together(
    click.option(
        "--label",
        default="",
        metavar="TYPE",
        help="Learn this trait type; by default the collection, which is the folder.",
    ),
    click.option(
        "--per-class",
        type=click.IntRange(0),
        default=0,
        metavar="N",
        show_default=True,
        help="Pictures of each class at most, in each part that folders give; 0 takes all.",
    ),
    click.option(
        "--test-share",
        type=click.FloatRange(0, 1, max_open=True),
        default=0.2,
        metavar="SHARE",
        show_default=True,
        help="Part of each class that tests, where no train and test folders say what does.",
    ),
    click.option(
        "--valid-share",
        type=click.FloatRange(0, 1, max_open=True),
        default=0.1,
        metavar="SHARE",
        show_default=True,
        help="Part of the training pictures of each class that says when to stop.",
    ),
    preprocess_option,
    click.option(
        "--side",
        type=click.IntRange(0),
        default=0,
        metavar="PX",
        help="Side of what networks read of a picture; by default that of the preset.",
    ),
    click.option(
        "--augment",
        default="none",
        metavar="NAMES",
        show_default=True,
        help="How networks see training pictures changed: rotation, flip, zoom, shift, colour, "
        "joined by commas; all or none.",
    ),
    click.option(
        "--hidden",
        type=click.Choice(HIDDEN),
        default=HIDDEN[0],
        show_default=True,
        help="Activation of hidden dense layers.",
    ),
    click.option(
        "--epochs",
        type=click.IntRange(1),
        default=30,
        metavar="N",
        show_default=True,
        help="Times that all training pictures are seen, at most.",
    ),
    click.option(
        "--patience",
        type=click.IntRange(0),
        default=3,
        metavar="N",
        show_default=True,
        help="Stop after so many epochs that bring nothing; 0 means never.",
    ),
    click.option(
        "--weights",
        type=path_type,
        metavar="FILE",
        help="Weights of the encoder, where it is read.",
    ),
    device_option,
    threads_option,
    seed_option,
)
"""Add the options of ``Labelled`` to a command."""


def tell_left_out(sources: tuple[Path, ...], pictures: "LabelledPictures") -> None:
    """Say how many pictures are not among these, but for those that were not wanted."""
    from simsearch.sources.folder import empty_folders

    counts = {code: n for code, n in pictures.left_out.items() if code != "not-drawn"}
    if counts:
        notice(f"left out: {listed(counts.items())}")
    empty = [str(sub) for path in sources if _is_tree(path) for sub in empty_folders(path)]
    if empty:
        notice(f"no pictures in {', '.join(empty)}")


def _is_tree(path: Path) -> bool:
    """Whether a source is a folder whose sub-folders are classes, or splits with classes."""
    others = ("manifest.json", "collection.toml", "*/collection.toml")
    return path.is_dir() and not any(any(path.glob(name)) for name in others)
