"""The vote of the nearest pictures, as an index answers, behind the interface of classifiers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from simsearch.classifiers.inputs import Inputs
from simsearch.classifiers.labelled import TEST, LabelledPictures
from simsearch.draws import evenly
from simsearch.errors import WeightsError
from simsearch.index import VectorIndex, build_index
from simsearch.recognition.calibration import Temperature
from simsearch.recognition.classification import VOTERS, Asked, CollectionClassifier, NeighborVote
from simsearch.recognition.membership import ask_itself
from simsearch.space.look import LookSpace
from simsearch.space.spaces import FIT_ITEMS
from simsearch.training.decoding import Pictures

State = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class NeighborModel:
    """Pictures that are known, and how far their vote can be believed.

    Attributes:
        inputs: the encoder.
        look: the space of the vectors.
        index: searches the vectors of the known pictures.
        codes: int64 (n,), their classes.
        count: number of classes.
        temperature: of the votes.
    """

    inputs: Inputs
    look: LookSpace
    index: VectorIndex
    codes: NDArray[np.int64]
    count: int
    temperature: Temperature

    @classmethod
    def fit(cls, pictures: LabelledPictures, inputs: Inputs, seed: int) -> Self:
        """Know all pictures that are not for testing; nothing needs validation."""
        rows = np.flatnonzero(pictures.parts != TEST)
        codes, count = pictures.codes[rows], len(pictures.classes)
        described = inputs.describe(pictures.take(rows)).astype(np.float32, copy=False)
        drawn = evenly(codes, FIT_ITEMS, seed)
        look = LookSpace.fit(described[drawn], _spans(inputs), seed)
        index = build_index("flat", look.transform(described), seed=seed)
        known, own = ask_itself(index, codes, seed=seed)
        temperature = CollectionClassifier(NeighborVote()).fit(known, own, count).temperature_
        temperature.factor_ = float(np.float32(temperature.factor_))  # as the file keeps it
        return cls(inputs, look, index, codes, count, temperature)

    def predict_proba(self, pictures: Pictures) -> NDArray[np.float32]:
        """Probabilities (n, classes) of prepared pictures."""
        vectors = self.look.transform(self.inputs.describe(pictures).astype(np.float32, copy=False))
        near = Asked.of(vectors, self.index.search(vectors, VOTERS), self.codes)
        vote = NeighborVote()
        vote.count_ = self.count
        return self.temperature(vote.scores(near)).astype(np.float32)

    @property
    def parameters(self) -> int:
        """Numbers that it keeps."""
        return sum(tensor.size for tensor in self.tensors().values())

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """What was fitted, by name."""
        factor = np.array([self.temperature.factor_], dtype=np.float32)
        own = {"vectors": self.index.vectors, "codes": self.codes.astype(np.float32)}
        return own | {"temperature": factor} | self.look.tensors()

    @classmethod
    def restored(cls, state: State, inputs: Inputs, count: int, origin: str) -> Self:
        """The model that ``tensors`` came from.

        Raises:
            WeightsError: they do not fit together.
        """
        try:
            look = LookSpace.from_tensors(_spans(inputs), state)
            codes, vectors = state["codes"].astype(np.int64), state["vectors"]
            fits = vectors.shape == (len(codes), look.width)
            if not (fits and len(codes) and 0 <= codes.min() <= codes.max() < count):
                raise ValueError("vectors, codes and classes do not go together")
            temperature = Temperature()
            temperature.factor_ = float(state["temperature"][0])
            index = build_index("flat", vectors)
        except (KeyError, ValueError, IndexError) as error:
            raise WeightsError(f"{origin} does not fit: {error}; train it anew") from error
        return cls(inputs, look, index, codes, count, temperature)


def _spans(inputs: Inputs) -> list[tuple[str, int, int]]:
    if inputs.encoder is None:
        raise ValueError("neighbours are found among descriptors")
    return [(block.name, block.start, block.stop) for block in inputs.encoder.blocks]
