"""What an index answers with, fitted on its own items: spaces, vectors, collections, prices."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simsearch import copies
from simsearch.building.builder import Assembled, Finish
from simsearch.encoders import Encoder
from simsearch.errors import StoreError
from simsearch.grouping.groups import keep_groups
from simsearch.index import FILES, build_index, open_index
from simsearch.pricing import appraisal
from simsearch.pricing.appraisal import Appraiser
from simsearch.recognition import membership
from simsearch.recognition.membership import (
    Described,
    fit_on_index,
    open_classifier,
    save_classifier,
)
from simsearch.space import spaces
from simsearch.space.spaces import Spaces, transform_rows
from simsearch.store.manifest import Manifest
from simsearch.traits import recognisers
from simsearch.traits.recognisers import TraitRecognisers

_FITTED = (spaces.NAME, membership.NAME, appraisal.NAME, recognisers.NAME)
"""Files besides those of the vector index."""
_CHUNK = 1024


@dataclass(frozen=True)
class Fitting:
    """How an index is made searchable; call it with what the builder has put together.

    Attributes:
        blocks: parts of the encoder's descriptor, (name, start, stop); not read without refit.
        kind: kind of the vector index, or ``auto``.
        refit: fit the spaces on the items, or keep those of the index before, as long as they were
            fitted on half as many items or more.
        seed: of every random choice.
    """

    blocks: tuple[tuple[str, int, int], ...]
    kind: str = "auto"
    refit: bool = True
    seed: int = 0

    @classmethod
    def of(cls, encoder: Encoder, **settings: object) -> Finish:
        """Fitting for the descriptors of an encoder."""
        blocks = tuple((block.name, block.start, block.stop) for block in encoder.blocks)
        return cls(blocks, **settings)  # type: ignore[arg-type]

    def __call__(self, made: Assembled) -> Mapping[str, object]:
        """Write all that answers need besides the items; say what was fitted on what."""
        if made.previous is not None:
            keep_groups(
                made.previous, made.folder, made.catalog, made.descriptors, made.previous_rows
            )
        inputs = _inputs(made, self)
        before = _fitted_before(made)
        if before.get("inputs") == inputs and made.previous and _readable(made.previous):
            _take_over(made.previous, made.folder)
            return before
        keep = not self.refit and _still_fits(before, made)
        fitted = Spaces.open(made.previous) if keep and made.previous else self._fit(made)
        fitted.save(made.folder)
        vectors = _vectors(fitted, made, keep)
        index = build_index(self.kind, vectors, seed=self.seed)
        index.save(made.folder)
        self._save_outlines(fitted, made)
        self._save_recognisers(made, keep)
        names = list(made.catalog.collections)
        described = Described(made.descriptors, fitted.look.spans, made.catalog.collection_codes)
        save_classifier(made.folder, fit_on_index(index, described, self.seed), names)
        prices = Appraiser.fit(fitted, made.descriptors, made.catalog, made.sales, self.seed)
        prices.save(made.folder)
        since = before.get("fitted_on") if keep else len(made.catalog)
        # Spaces that were kept were not fitted on these inputs: the next build fits them anew.
        facts: dict[str, object] = {"inputs": "" if keep else inputs, "fitted_on": since}
        facts |= {"heads": len(fitted.vocabulary), "priced_in": prices.currencies}
        return facts | dict(index.facts())

    def _fit(self, made: Assembled) -> Spaces:
        return Spaces.fit(made.descriptors, made.catalog, self.blocks, seed=self.seed)

    def _save_recognisers(self, made: Assembled, keep: bool) -> None:
        """Write what reads traits: as it was with spaces that are kept, else learned anew."""
        before = made.previous / recognisers.NAME if keep and made.previous else None
        if before is not None and before.exists():
            shutil.copyfile(before, made.folder / recognisers.NAME)
        else:
            found = TraitRecognisers.fit(made.catalog, self.seed)
            found.save(made.folder / recognisers.NAME)

    def _save_outlines(self, fitted: Spaces, made: Assembled) -> None:
        """Write the vectors that find edited copies, where the encoder keeps colours."""
        space, grid = fitted.outlines, fitted.grid
        if space is None or grid is None:
            return
        vectors = np.empty((len(made.catalog), space.width), dtype=np.float32)
        for start in range(0, len(vectors), _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, len(vectors)))
            vectors[rows] = space.transform(made.descriptors.rows(rows)[:, grid])
        folder = made.folder / copies.FOLDER
        folder.mkdir()
        build_index(self.kind, vectors, seed=self.seed).save(folder)


def _take_over(previous: Path, folder: Path) -> None:
    """Copy all that was fitted."""
    for name in (*_FITTED, *FILES):
        shutil.copyfile(previous / name, folder / name)
    if (previous / copies.FOLDER).exists():
        shutil.copytree(previous / copies.FOLDER, folder / copies.FOLDER)


def _fitted_before(made: Assembled) -> Mapping[str, object]:
    try:
        return Manifest.read(made.previous).fitted if made.previous else {}
    except StoreError:
        return {}


def _still_fits(before: Mapping[str, object], made: Assembled) -> bool:
    """Whether there are spaces to keep, and the index has not outgrown them."""
    since = before.get("fitted_on")
    return made.previous is not None and isinstance(since, int) and len(made.catalog) <= 2 * since


def _readable(folder: Path) -> bool:
    """Whether what was fitted is there and of the present formats: a build mends what is not."""
    if not all((folder / name).exists() for name in _FITTED):
        return False
    try:
        found = Spaces.open(folder)
        Appraiser.open(folder, found.look)
        open_classifier(folder, [])
        TraitRecognisers.open(folder / recognisers.NAME)
        widths = [(found.look.width, open_index(folder).dim)]
        if found.outlines is not None:
            widths.append((found.outlines.width, open_index(folder / copies.FOLDER).dim))
        return all(wanted == there for wanted, there in widths)
    except StoreError:
        return False


def _inputs(made: Assembled, fitting: Fitting) -> str:
    """Hex digest of all that fitting depends on: where it is equal, so would the result be."""
    digest = hashlib.sha256()
    settings = [fitting.blocks, fitting.kind, fitting.seed, made.descriptors.shape]
    digest.update(json.dumps(settings).encode())
    for name in ("collection", "token_id", "content_hash", "traits"):
        digest.update(json.dumps(made.catalog.column(name).to_pylist()).encode())
    for name in ("collection", "token_id", "price", "currency", "reason"):
        digest.update(json.dumps(made.sales.table[name].to_pylist()).encode())
    digest.update(made.sales.days.tobytes() + made.sales.known_since.tobytes())
    return digest.hexdigest()


def _vectors(fitted: Spaces, made: Assembled, keep: bool) -> NDArray[np.float32]:
    """Vectors in catalog order; those of pictures seen before are taken over with the space."""
    if not keep or made.previous is None:
        return transform_rows(fitted.look, made.descriptors, np.arange(len(made.catalog)))
    vectors = np.empty((len(made.catalog), fitted.look.width), dtype=np.float32)
    known = made.previous_rows >= 0
    vectors[known] = open_index(made.previous).vectors[made.previous_rows[known]]
    new = np.flatnonzero(~known)
    vectors[new] = transform_rows(fitted.look, made.descriptors, new)
    return vectors
