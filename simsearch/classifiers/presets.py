"""The classifiers by name: what each reads, how it is built, and how it is trained."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from simsearch.errors import UsageError
from simsearch.training.augment import augmentations

PIXELS, BACKBONE, DESCRIPTORS, NEIGHBORS = "pixels", "backbone", "descriptors", "neighbors"
HIDDEN = ("relu", "gelu", "tanh", "softmax")
"""Activations of hidden dense layers. Softmax is there to show what it costs."""
BACKBONE_STEP = 32
"""What the side of a picture that the encoder's network reads is a multiple of: five halvings."""
_SIDES = (32, 512)


@dataclass(frozen=True)
class Preset:
    """One kind of classifier.

    Attributes:
        about: what it is, for people.
        reads: ``pixels`` (a network of its own), ``backbone`` (the encoder's network trained
            further), ``descriptors`` (a layer on what the encoder says) or ``neighbors`` (nothing
            is trained: the nearest pictures vote).
        side: pixels on a side of what it reads.
        channels: of 3 x 3 convolutions, each followed by a 2 x 2 max pool.
        same: whether these keep the size of the maps, by zeros around them.
        normed: whether batch norm (Ioffe and Szegedy, 2015) follows each pool and dense layer. A
            dense layer that reads thousands of bright pixels dies without.
        dropped_maps: share of the last maps that is dropped in training.
        dense: units of the hidden dense layers.
        dropped: share of the units of each of these that is dropped.
        rate: learning rate of Adam (Kingma and Ba, 2015) at first.
    """

    about: str
    reads: str = PIXELS
    side: int = 180
    channels: tuple[int, ...] = ()
    same: bool = False
    normed: bool = False
    dropped_maps: float = 0.0
    dense: tuple[int, ...] = ()
    dropped: float = 0.0
    rate: float = 1e-3

    @property
    def sees(self) -> bool:
        """Whether a network reads the pixels themselves."""
        return self.reads in (PIXELS, BACKBONE)


PRESETS: Mapping[str, Preset] = {
    "dense": Preset(
        "no convolution: 256 and 128 units, batch norm",
        side=224,
        normed=True,
        dense=(256, 128),
        dropped=0.5,
    ),
    "study-1": Preset("one block of 32 channels, 64 units", channels=(32,), dense=(64,)),
    "study-2": Preset("two blocks of 32 channels, 64 units", channels=(32, 32), dense=(64,)),
    "study-3": Preset("three blocks of 32 channels, 64 units", channels=(32,) * 3, dense=(64,)),
    "study-4": Preset("three blocks of 32, 64, 128 channels", channels=(32, 64, 128), dense=(64,)),
    "study-5": Preset("three blocks of 32 channels, 128 units", channels=(32,) * 3, dense=(128,)),
    "cards": Preset(
        "three blocks of 32, 64, 128 channels, dropout, 128 units",
        side=224,
        channels=(32, 64, 128),
        same=True,
        dropped_maps=0.5,
        dense=(128,),
    ),
    "cnn": Preset(
        "four blocks of 32 to 256 channels, batch norm, dropout",
        side=112,
        channels=(32, 64, 128, 256),
        same=True,
        normed=True,
        dropped_maps=0.5,
    ),
    "linear": Preset("one layer on the frozen encoder", DESCRIPTORS, side=64),
    "fine-tuned": Preset("the encoder's network trained further", BACKBONE, side=64, rate=3e-4),
    "neighbours": Preset("the nearest pictures vote", NEIGHBORS, side=64),
}
"""Name → preset. The studies of small networks differ in depth, width and dense units; ``cnn`` is
for hard classes, whose pictures differ: fewer pixels, batch norm, no dense layer to overfit."""


def find_preset(name: str) -> Preset:
    """The preset of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in PRESETS:
        raise UsageError(f"no preset is called {name!r}; choose from {', '.join(PRESETS)}")
    return PRESETS[name]


@dataclass(frozen=True)
class ClassifierSettings:
    """How a classifier is trained.

    Attributes:
        preset: a name in ``PRESETS``.
        side: pixels on a side of what a network reads; 0 = that of the preset.
        hidden: activation of hidden dense layers, one of ``HIDDEN``.
        epochs: times that all training pictures are seen, at most.
        patience: epochs without a smaller loss of the validation pictures after which training
            stops; 0 = never. The best epoch is kept.
        batch: pictures a step.
        rate: learning rate at first; it halves after each epoch that does not lower the loss of
            the validation pictures, four times at most; 0 = that of the preset.
        augment: names in ``AUGMENTATIONS`` joined by commas, or ``all``: how training pictures are
            changed each time that a network reads their pixels.
        seed: of all chance.
        device: ``cpu``, ``cuda``, or ``auto``.
        encoder: whose descriptors or network are read, where the preset reads such.
        weights: file of the encoder's weights; empty for the published ones.
    """

    preset: str = "study-5"
    side: int = 0
    hidden: str = "relu"
    epochs: int = 30
    patience: int = 3
    batch: int = 32
    rate: float = 0.0
    augment: str = ""
    seed: int = 0
    device: str = "auto"
    encoder: str = "vgg16-nft"
    weights: str = ""

    @property
    def kind(self) -> Preset:
        """The preset, of this side; UsageError where there is none of that name."""
        preset = find_preset(self.preset)
        return replace(preset, side=self.side) if self.side else preset

    def checked(self) -> "ClassifierSettings":
        """These settings.

        Raises:
            UsageError: one of them has no such value.
        """
        find_preset(self.preset)
        if self.hidden not in HIDDEN:
            raise UsageError(f"no activation {self.hidden!r}; choose from {', '.join(HIDDEN)}")
        if (self.side or augmentations(self.augment)) and not self.kind.sees:
            raise UsageError(f"{self.preset!r} reads no pixels: neither --side nor --augment")
        step = BACKBONE_STEP if self.kind.reads == BACKBONE else 1
        if self.side and not (_SIDES[0] <= self.side <= _SIDES[1] and self.side % step == 0):
            of = f", a multiple of {step}" if step > 1 else ""
            raise UsageError(f"side {self.side}: choose from {_SIDES[0]} to {_SIDES[1]}{of}")
        if min(self.epochs, self.batch) < 1 or min(self.patience, self.rate) < 0:
            raise UsageError("epochs and batch must be 1 or more, patience and rate 0 or more")
        return self
