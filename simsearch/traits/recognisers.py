"""The trait recognisers of several collections, in one file without pickle."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from simsearch.catalog import Catalog, Trait
from simsearch.errors import PictureError, StoreError, WeightsError
from simsearch.images import RGB
from simsearch.tensors import load_state, read_metadata, save_state
from simsearch.traits.canvas import on_canvas
from simsearch.traits.labelled import labelled_rows, read_labelled
from simsearch.traits.recogniser import TraitRecogniser

NAME = "traits.safetensors"
FORMAT = "1"

Progress = Callable[[str, int, int], None]
Shown = list[tuple[Trait, float]]


class TraitRecognisers:
    """One recogniser for each collection with enough labelled pictures.

    Attributes:
        by_collection: the recognisers.
        seed: of their fit.
    """

    def __init__(self, by_collection: Mapping[str, TraitRecogniser], seed: int = 0) -> None:
        self.by_collection = by_collection
        self.seed = seed

    @classmethod
    def fit(
        cls,
        catalog: Catalog,
        seed: int = 0,
        progress: Progress = lambda stage, done, total: None,
    ) -> "TraitRecognisers":
        """Learn from the labelled items of a catalog, whose pictures are read again.

        A collection none of whose pictures can be read any more is left out.

        Args:
            catalog: the items.
            seed: of all chance.
            progress: told what is done for which collection, and how far it is.
        """
        made = {}
        for name, rows in labelled_rows(catalog, seed).items():
            try:
                known = read_labelled(catalog, rows, _stage(progress, f"reading {name}"))
            except PictureError:
                continue
            made[name] = TraitRecogniser.fit(
                known.pictures,
                known.labels,
                known.vocabulary,
                seed=seed,
                progress=_stage(progress, f"learning {name}"),
            )
        return cls(made, seed)

    @classmethod
    def of_index(cls, folder: Path) -> "TraitRecognisers":
        """Those of an index; none where it was built before there were any.

        Raises:
            StoreError: damaged or of another format.
        """
        return cls.open(folder / NAME) if (folder / NAME).exists() else cls({})

    def shown(self, rgb: RGB, collection: str) -> Shown:
        """The traits that a picture shows, with probabilities 0 to 1, the surest first.

        Args:
            rgb: uint8 (h, w, 3), any size.
            collection: whose traits are read; nothing where it has no recogniser.
        """
        found = self.by_collection.get(collection)
        return found.shown(on_canvas([rgb], found.side)[0]) if found else []

    def save(self, path: Path) -> None:
        """Write trees as safetensors, with a card in JSON that says what they are."""
        cards = {name: found.card() for name, found in self.by_collection.items()}
        card = {"what": "trait recognisers", "seed": self.seed, "collections": cards}
        tensors: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {
            f"{part}/{name}": tensor
            for name, found in self.by_collection.items()
            for part, tensor in found.tensors().items()
        }
        save_state(path, tensors, {"format": FORMAT, "card": json.dumps(card)})

    @classmethod
    def open(cls, path: Path) -> "TraitRecognisers":
        """Open what ``save`` wrote.

        Raises:
            StoreError: missing, damaged or of another format.
        """
        try:
            notes, state = read_metadata(path), load_state(path)
            if notes.get("format") != FORMAT:
                raise ValueError(f"format {notes.get('format')}, not {FORMAT}")
            card = json.loads(notes["card"])
            made = {}
            for name, one in card["collections"].items():
                own = {
                    key.partition("/")[0]: tensor
                    for key, tensor in state.items()
                    if key.partition("/")[2] == name
                }
                made[name] = TraitRecogniser.restored(one, own)
            return cls(made, int(card["seed"]))
        except (OSError, WeightsError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(f"{path}: no trait recognisers ({error}); make them anew") from error


def _stage(progress: Progress, name: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(name, done, total)
