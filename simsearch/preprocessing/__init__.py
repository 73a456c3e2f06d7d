"""Preprocessing: what is done to a decoded picture before an encoder sees it.

Steps are written ``name:value`` and joined by commas, ``median:3,jpeg:30``; they are done in that
order. The same words stand in the manifest of an index or the card of a classifier, but for a
denoiser, which is known there by the hash of its weights: these lie in the index, or beside the
classifier, so that it can be moved and asked without the file.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from simsearch.errors import StoreError, UsageError
from simsearch.images import RGB
from simsearch.preprocessing import denoiser, filters

SETTING = "preprocessing"
"""Where the settings of an encoder hold the steps."""


class Step(Protocol):
    """One thing that is done to pictures.

    Attributes:
        spec: how it is written in a manifest.
    """

    @property
    def spec(self) -> str:
        """How it is written in a manifest."""
        ...

    def __call__(self, rgb: RGB) -> RGB:
        """Do it to one picture, uint8 (h, w, 3); from any thread."""
        ...


@dataclass(frozen=True)
class _Filter:
    """A step that is a function and a number."""

    spec: str
    apply: Callable[[RGB], RGB]

    def __call__(self, rgb: RGB) -> RGB:
        return self.apply(rgb)


@dataclass(frozen=True)
class _Kind:
    """How the number of a filter is read, and which ones are allowed."""

    apply: Callable[..., RGB]
    number: Callable[[str], float]
    allows: Callable[[float], bool]
    wanted: str


_FILTERS = {
    "jpeg": _Kind(filters.jpeg, int, lambda q: 1 <= q <= 95, "a quality from 1 to 95: jpeg:30"),
    "median": _Kind(
        filters.median, int, lambda n: 3 <= n <= 15 and n % 2 == 1, "an odd side, 3 to 15: median:3"
    ),
    "gaussian": _Kind(
        filters.gaussian, float, lambda s: 0 < s <= 50, "a sigma over 0, at most 50: gaussian:1"
    ),
}
_KNOWN = "jpeg:QUALITY, median:SIDE, gaussian:SIGMA, denoise or denoise:FILE"


@dataclass(frozen=True)
class Preprocessing:
    """Steps in their order; without any, pictures stay as they are."""

    steps: tuple[Step, ...] = ()

    @classmethod
    def read(cls, text: str) -> "Preprocessing":
        """Read ``median:3,jpeg:30``; nothing, or ``none``, is no steps.

        Raises:
            UsageError: a step that is not known, or a value that it does not take.
            WeightsError: the file of a denoiser is missing, damaged or does not fit.
        """
        words = [] if text.strip() in ("", "none") else text.split(",")
        return cls(tuple(_step(word.strip()) for word in words))

    @classmethod
    def kept(cls, folder: Path | None, settings: Mapping[str, object]) -> "Preprocessing":
        """That of an index or a classifier, which may have none.

        Args:
            folder: the index, or where the classifier lies; holds the weights of the denoiser.
            settings: of the index's encoder or the classifier, as they are kept.

        Raises:
            StoreError: the weights are missing, damaged or others, or a step is named that this
                program does not know.
        """
        specs = settings.get(SETTING, [])
        try:
            return cls(tuple(_kept_step(str(one), folder) for one in _listed(specs)))
        except UsageError as error:
            raise StoreError(
                f"{folder}: preprocessing cannot be done ({error}); upgrade simsearch, or "
                "build or train again"
            ) from error

    @property
    def specs(self) -> list[str]:
        """How the steps are written in a manifest."""
        return [step.spec for step in self.steps]

    def __call__(self, rgb: RGB) -> RGB:
        """Do all steps to one picture, uint8 (h, w, 3); from any thread."""
        return functools.reduce(lambda picture, step: step(picture), self.steps, rgb)

    def __bool__(self) -> bool:
        return bool(self.steps)

    def keep(self, folder: Path) -> None:
        """Write what the steps need into a folder, so that nothing depends on other files."""
        for step in self.steps:
            if isinstance(step, denoiser.Denoiser):
                step.save(folder / denoiser.kept_name(step.sha256))

    def file_bytes(self, rgb: RGB) -> bytes:
        """The result as a file: the JPEG where the last step makes one, else a PNG."""
        name, _, value = self.specs[-1].partition(":") if self.steps else ("", "", "")
        if name == "jpeg":
            return filters.jpeg_bytes(Preprocessing(self.steps[:-1])(rgb), int(value))
        return filters.png_bytes(self(rgb))


NOTHING = Preprocessing()


def told(specs: object) -> str:
    """Steps as people read them, the hash of a denoiser cut short."""
    parts = (str(one).partition(":") for one in (specs if isinstance(specs, list) else [specs]))
    return ", ".join(f"{name}{colon}{value[:8]}" for name, colon, value in parts)


def _listed(specs: object) -> Iterable[object]:
    if not isinstance(specs, list):
        raise UsageError(f"{specs!r} is no list of steps")
    return specs


def _step(text: str) -> Step:
    name, _, value = text.partition(":")
    if name == denoiser.NAME:
        return denoiser.load(Path(value).expanduser() if value else None)
    return _filter(name, value)


def _kept_step(spec: str, folder: Path | None) -> Step:
    name, _, value = spec.partition(":")
    if name == denoiser.NAME:
        return denoiser.load_kept(folder, value)
    return _filter(name, value)


def _filter(name: str, value: str) -> _Filter:
    if name not in _FILTERS:
        raise UsageError(f"no preprocessing is called '{name}'; there are {_KNOWN}")
    kind = _FILTERS[name]
    try:
        number = kind.number(value)
    except ValueError:
        number = float("nan")
    if not kind.allows(number):
        raise UsageError(f"{name}:{value} cannot be done; {name} takes {kind.wanted}")
    kept = f"{number:g}"  # what a manifest says is what is done
    return _Filter(f"{name}:{kept}", functools.partial(_called, kind.apply, kind.number(kept)))


def _called(apply: Callable[..., RGB], number: float, rgb: RGB) -> RGB:
    return apply(rgb, number)
