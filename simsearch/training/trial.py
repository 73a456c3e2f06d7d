"""How good a network is while it trains: on pictures it has not seen, edited copies and traits."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simsearch.encoders.vgg16_nft import SIDE
from simsearch.evaluation.edits import EDITS, enlarged
from simsearch.images import fit_square
from simsearch.training.decoding import Pictures

if TYPE_CHECKING:
    from collections.abc import Callable

    Describe = Callable[[Pictures], NDArray[np.float32]]

_SHRINKAGE = 0.01
"""Share of the mean variance that is added to every direction before whitening."""
_NEAREST = 10


@dataclass(frozen=True)
class Measured:
    """How good a network is.

    Attributes:
        recall: edit → share of copies whose original, or a twin of it, is nearest.
        overlap: trait overlap of pictures with their ten nearest, as a share of that with the ten
            that share most with them; None where no traits are known.
    """

    recall: dict[str, float]
    overlap: float | None

    @property
    def mean_recall(self) -> float:
        """Recall averaged over edits."""
        return float(np.mean(list(self.recall.values())))

    @property
    def score(self) -> float:
        """Mean of recall and overlap."""
        found = self.mean_recall
        return found if self.overlap is None else (found + self.overlap) / 2


@dataclass(frozen=True)
class Trial:
    """Pictures, and edited copies of some of them that look for their originals.

    Attributes:
        gallery: uint8 (n, 64, 64, 3), what can be found.
        overlaps: float32 (n, n), of their traits; 0 where none are known.
        asked: int64 (q,), places in the gallery of what was edited.
        copies: edit → uint8 (q, 64, 64, 3).
    """

    gallery: Pictures
    overlaps: NDArray[np.float32]
    asked: NDArray[np.int64]
    copies: dict[str, Pictures]

    @classmethod
    def of(cls, gallery: Pictures, overlaps: NDArray[np.float32], most: int, seed: int) -> "Trial":
        """Edit at most so many of the pictures that can be found."""
        asked = np.sort(np.random.default_rng(seed).permutation(len(gallery))[:most])
        large = [enlarged(gallery[place]) for place in asked]
        copies = {
            name: np.stack([fit_square(edit(picture), SIDE) for picture in large])
            for name, edit in EDITS.items()
        }
        return cls(gallery, overlaps, asked, copies)

    def measure(self, describe: "Describe") -> Measured:
        """Ask with copies and with the pictures themselves.

        Nearest by cosine after whitening, as an index fits it on what it holds.

        Args:
            describe: pictures (n, 64, 64, 3) to features (n, d).
        """
        features = describe(self.gallery)
        mean = features.mean(axis=0)
        whitening = _whitening(features - mean)
        known = _unit((features - mean) @ whitening)
        _, pixels = np.unique(self.gallery.reshape(len(known), -1), axis=0, return_inverse=True)
        recall = {}
        for name, copies in self.copies.items():
            found = (_unit((describe(copies) - mean) @ whitening) @ known.T).argmax(axis=1)
            recall[name] = float((pixels[found] == pixels[self.asked]).mean())
        return Measured(recall, self._overlap(known))

    def _overlap(self, known: NDArray[np.float32]) -> float | None:
        """Of all pictures of unit features (n, d) with their nearest but themselves."""
        alike = known @ known.T
        np.fill_diagonal(alike, -np.inf)
        shared = self.overlaps * ~np.eye(len(known), dtype=bool)
        count = min(_NEAREST, len(known) - 1)
        best = np.sort(shared, axis=1)[:, ::-1][:, :count].sum()
        if not best:
            return None
        nearest = np.argpartition(-alike, count - 1, axis=1)[:, :count]
        return float(np.take_along_axis(shared, nearest, axis=1).sum() / best)


def _whitening(centred: NDArray[np.float32]) -> NDArray[np.float32]:
    """Matrix (d, d) that gives features about equal variance in every direction."""
    covariance = centred.T @ centred / len(centred)
    variance, axes = np.linalg.eigh(covariance.astype(np.float64))
    floor = _SHRINKAGE * max(float(variance.mean()), 1e-12)
    return np.asarray(axes / np.sqrt(np.maximum(variance, 0) + floor), dtype=np.float32)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.maximum(
        np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12)
    )
    return unit
