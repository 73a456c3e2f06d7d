"""Descriptors that are compared with each other: encoders, and plain ones that need no network."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simsearch.encoders import Encoder, encoder_names, load_encoder, vgg16_nft
from simsearch.errors import UsageError, WeightsError
from simsearch.evaluation import baselines
from simsearch.evaluation.album import Album
from simsearch.evaluation.baselines import Baseline, Measure, Pictures
from simsearch.evaluation.material import Material
from simsearch.evaluation.sample import Sample
from simsearch.neighbors import Neighbors
from simsearch.retrieval import Retriever
from simsearch.space.look import LookSpace
from simsearch.space.spaces import FIT_ITEMS
from simsearch.weights import find_weights

UNTRAINED = "untrained"
"""The network of ``vgg16-nft`` as it is before training."""
EVERYTHING = "all"
"""All plain descriptors, and all encoders whose weights are on this machine."""
_GRID_WIDTH = 512


@dataclass(frozen=True)
class Plain:
    """A descriptor of pictures at 32 x 32 that needs no network.

    Attributes:
        fit: from indexed pictures to what makes unit vectors of pictures.
        size: bytes that are kept of a picture.
        exact: answers by its own measure, where the cosine of its vectors only comes near that.
    """

    fit: Callable[[Pictures], Measure]
    size: int
    exact: Baseline | None = None


def colour_grid(indexed: Pictures) -> Measure:
    """Colours of 16 x 16 cells as random Fourier features, in 512 partly whitened axes of a PCA."""
    drawn = np.random.default_rng(0).permutation(len(indexed))[:FIT_ITEMS]
    spans = [("grid", 0, int(np.prod(indexed.shape[1:])))]
    space = LookSpace.fit(_colours(indexed[np.sort(drawn)]), spans, width=_GRID_WIDTH)
    return lambda part: space.transform(_colours(part))


def _colours(pictures: Pictures) -> NDArray[np.float32]:
    """Rows of colours 0..1."""
    return pictures.reshape(len(pictures), -1).astype(np.float32) / np.float32(255)


PLAIN: Mapping[str, Plain] = {
    "raw_pixels": Plain(baselines.principal, 3072, baselines.pixels),
    "whitened_pixels": Plain(baselines.whitened, 4 * 256),
    "equal_pixels": Plain(lambda indexed: baselines.sketch, 3072, baselines.equal_pixels),
    "perceptual_hash": Plain(lambda indexed: baselines.hash_signs, 8),
    "colour_grid": Plain(colour_grid, 4 * _GRID_WIDTH),
}
"""Name → descriptor."""


@dataclass(frozen=True)
class Contender:
    """A descriptor under test.

    Attributes:
        name: for people.
        encoder: makes descriptors; of a plain one it prepares pictures only.
        plain: how a descriptor without a network is made.
        judged_by: collections whose pictures ask; all where empty. Weights that were trained on the
            other collections are judged so.
    """

    name: str
    encoder: Encoder
    plain: Plain | None = None
    judged_by: Collection[str] = ()

    @property
    def size(self) -> int:
        """Bytes of the descriptor that are kept of a picture."""
        return self.plain.size if self.plain else 2 * self.encoder.blocks[-1].stop

    def fitted(self, sample: Sample, album: Album, seed: int = 0) -> "Fitted":
        """Describe a sample, and fit a search on those of it that can be found."""
        indexed = sample.split.indexed
        if self.plain is None:
            made = Table(album.descriptors(self.encoder, sample.rows))
            spans = [(block.name, block.start, block.stop) for block in self.encoder.blocks]
            material = Material(self.name, sample.catalog, made, spans)
            return Fitted(self, material, material.take(indexed).fitted(seed))
        pictures = album.pictures(self.encoder, sample.rows)
        measure = self.plain.fit(pictures[indexed])
        vectors = measure(pictures)
        look = LookSpace.of_vectors(vectors.shape[1])
        material = Material(self.name, sample.catalog, Table(vectors), look.spans, look)
        retriever = material.take(indexed).fitted(seed)
        return Fitted(self, material, retriever, measure, pictures[indexed])


@dataclass(frozen=True)
class Table:
    """Descriptors in memory."""

    made: NDArray[np.floating[Any]]

    def rows(self, ids: ArrayLike) -> NDArray[np.floating[Any]]:
        """Descriptors of some items."""
        return self.made[np.asarray(ids, dtype=np.int64)]


@dataclass(frozen=True)
class Fitted:
    """A descriptor with a search among the indexed items, whose answers are places among them.

    Attributes:
        contender: the descriptor.
        material: all items.
        retriever: the search, as an index has it.
        measure: what makes the vectors of a plain descriptor.
        pictures: the indexed ones, where there is such.
    """

    contender: Contender
    material: Material
    retriever: Retriever
    measure: Measure | None = None
    pictures: Pictures | None = None

    def describe(self, pictures: Pictures) -> NDArray[np.floating[Any]]:
        """Descriptors of prepared pictures."""
        if self.measure is not None:
            return self.measure(pictures)
        return self.contender.encoder.encode(pictures).astype(np.float16)

    def look(
        self, descriptors: NDArray[np.floating[Any]], pictures: Pictures | None, k: int
    ) -> Neighbors:
        """The k that look nearest; ``pictures`` are those described, needed by plain ones only."""
        plain = self.contender.plain
        if plain and plain.exact and pictures is not None and self.pictures is not None:
            return plain.exact(self.pictures, pictures, k)
        return self.retriever.search(descriptors, k)

    def vector(self, descriptors: NDArray[np.floating[Any]], k: int) -> Neighbors:
        """The k of the nearest vectors, without a second look at every cell."""
        return self.retriever.index.search(self.retriever.spaces.look.transform(descriptors), k)


def choose(names: Sequence[str], weights: Path | None = None) -> tuple[list[Contender], list[str]]:
    """Descriptors by their names.

    Args:
        names: of encoders, ``NAME=FILE`` for weights of one's own, of ``PLAIN``, ``untrained`` (the
            network of vgg16-nft before training), or ``all`` for all that is on this machine.
        weights: file of the weights of ``vgg16``, or of the only one named, where they are not the
            published ones.

    Returns:
        The descriptors, and notes on those whose weights are not at hand.

    Raises:
        UsageError: a name that is not known.
        WeightsError: no descriptor is left, or a file of weights does not fit.
    """
    every = [*PLAIN, UNTRAINED, *encoder_names()] if EVERYTHING in names else []
    wanted = list(dict.fromkeys([*(name for name in names if name != EVERYTHING), *every]))
    found: list[Contender] = []
    notes: list[str] = []
    problem: WeightsError | None = None
    for name in wanted:
        try:
            own = weights if name == "vgg16" or len(wanted) == 1 else None
            found.append(_contender(name, own, fetch=name in names))
        except WeightsError as error:
            if "=" in name:
                raise
            problem = error
            notes.append(f"{name} is left out: {error}.")
    if problem and not found:
        raise problem
    return found, notes


def _contender(name: str, weights: Path | None, *, fetch: bool) -> Contender:
    if name in PLAIN:
        return Contender(name, load_encoder("pixels"), PLAIN[name])
    if name == UNTRAINED:
        return Contender(name, _untrained())
    known, _, file = name.partition("=")
    if known not in encoder_names():
        choices = ", ".join([*encoder_names(), UNTRAINED, *PLAIN, EVERYTHING])
        raise UsageError(f"no descriptor is called {known!r}; choose from {choices}")
    own = Path(file) if file else weights
    if not fetch and known == "vgg16":
        own = find_weights(known, own, fetch=False)
    return Contender(name, load_encoder(known, weights=own))


def _untrained() -> Encoder:
    state = {name: one.astype(np.float32) for name, one in vgg16_nft.untrained_state().items()}
    return cast(Encoder, vgg16_nft.VGG16NFT(state, training="untrained, seed 0"))
