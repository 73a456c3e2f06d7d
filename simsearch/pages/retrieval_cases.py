"""Answers of ``evaluate retrieval`` to look at: the best, the worst, strangers, lost copies."""

import contextlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simsearch.engine import SearchEngine
from simsearch.errors import PictureError
from simsearch.evaluation.edited import EditedCopies, original
from simsearch.evaluation.edits import EDITS, enlarged
from simsearch.evaluation.retrieval import RetrievalResult
from simsearch.images import RGB, load_image
from simsearch.report import Case, Report, Shot
from simsearch.sources.reader import PictureReader

_CASES = 8
"""Questions shown of a kind, at most one of each collection."""
_FOUND = 6
"""Answers shown of a question."""


def add_cases(report: Report, result: RetrievalResult, engine: SearchEngine) -> None:
    """Show questions with their answers in the headline space.

    Args:
        report: the page.
        result: what was measured on the index.
        engine: the index.
    """
    gallery = _Gallery(result, engine)
    reach = gallery.reach()
    frames = "Framed green: the query's collection; red: another."
    good = [gallery.case(place) for place in gallery.lowest(-reach)]
    bad = [gallery.case(place, best=True) for place in gallery.lowest(reach)]
    strange = [gallery.case(place) for place in gallery.lowest(gallery.precision(), below=1)]
    where = f"space {result.space}, one query of each collection"
    if good:
        report.cases("Good answers", good, f"Those that share most traits: {where}. {frames}")
        note = "Those that share least of what the item that shares most, shown last, does: "
        report.cases("Bad answers", bad, f"{note}{where}. {frames}")
    if strange:
        note = f"Those with most neighbours of another collection: {where}. {frames}"
        report.cases("Strangers among the neighbours", strange, note)
    if result.edited:
        _add_lost(report, gallery, engine, result.edited)


class _Gallery:
    """Turns places among the queries into pictures with captions."""

    def __init__(self, result: RetrievalResult, engine: SearchEngine) -> None:
        self._result = result
        self._engine = engine
        self._codes = result.material.catalog.collection_codes

    def reach(self) -> NDArray[np.float64]:
        """Share 0..1 of the traits that could be shared, for each query; NaN without traits."""
        ceiling = self._result.ceiling
        found = self._result.main.shared.sum(axis=1) / ceiling.places
        share = np.full(len(found), np.nan)
        np.divide(found, ceiling.best, out=share, where=ceiling.best > 0)
        return share

    def precision(self) -> NDArray[np.float64]:
        """Share of neighbours of its own collection, for each query."""
        ids = self._result.main.neighbors.ids
        same = (self._codes[ids] == self._result.own[:, None]) & (ids >= 0)
        return np.asarray(same.mean(axis=1), dtype=np.float64)

    def lowest(self, values: NDArray[np.float64], below: float = np.inf) -> list[int]:
        """Places of the queries with the lowest value, one of each collection, NaN left out.

        Of equal ones the query with most traits comes first: it says most.
        """
        sizes = np.diff(self._result.traits.indptr)[self._result.split.asked]
        first: dict[int, int] = {}
        for place in np.lexsort((-sizes, values)).tolist():
            if values[place] < below:
                first.setdefault(int(self._result.own[place]), place)
        return list(first.values())[:_CASES]

    def case(self, place: int, *, best: bool = False) -> Case:
        """A query and its answers, with the best possible one behind them where asked for."""
        row = int(self._result.split.asked[place])
        query = Shot(self.picture(row), [self.key(row), self._traits_text(row)])
        near = self._result.main.neighbors
        found = self.answers(near.ids[place], near.distances[place], row)
        return Case(query, [*found[:-1], self._best(row)] if best else found)

    def answers(
        self, ids: NDArray[np.int64], distances: NDArray[np.float32], query: int
    ) -> list[Shot]:
        """The first answers to a query, with what they share with it."""
        near = zip(ids[:_FOUND].tolist(), distances[:_FOUND].tolist(), strict=True)
        return [self._found(row, query, distance) for row, distance in near if row >= 0]

    def _found(self, row: int, query: int, distance: float) -> Shot:
        same = bool(self._codes[row] == self._codes[query])
        lines = [self.key(row), f"distance {distance:.3f}"]
        if same and len(self._result.traits.row(query)):
            lines.append(self._common_text(row, query))
        return Shot(self.picture(row), lines, good=same)

    def picture(self, row: int) -> RGB:
        """Thumbnail of an item."""
        return load_image(self._engine.thumbnails[row])

    def key(self, row: int) -> str:
        """Key of an item."""
        return self._engine.catalog.key(row)

    def _best(self, query: int) -> Shot:
        """The indexed item that shares most."""
        pool = self._result.split.indexed
        pool = pool[self._codes[pool] == self._codes[query]]
        row = max(pool.tolist(), key=lambda one: self._jaccard(one, query))
        lines = [self.key(row), "shares most", self._common_text(row, query)]
        return Shot(self.picture(row), lines)

    def _jaccard(self, row: int, query: int) -> float:
        one, other = (set(self._result.traits.row(item).tolist()) for item in (row, query))
        return len(one & other) / max(len(one | other), 1)

    def _common_text(self, row: int, query: int) -> str:
        one, other = (set(self._result.traits.row(item).tolist()) for item in (row, query))
        return f"{len(one & other)} of {len(other)} traits"

    def _traits_text(self, row: int) -> str:
        count = len(self._result.traits.row(row))
        return f"{count} traits" if count else ""


def _add_lost(
    report: Report, gallery: _Gallery, engine: SearchEngine, edited: EditedCopies
) -> None:
    """For each edit one copy that did not find its original, which stands last."""
    space = next(iter(edited.answers), "")
    cases = []
    with PictureReader() as reader:
        for edit, answers in edited.answers.get(space, {}).items():
            for place in edited.lost(space, edit)[:1].tolist():
                row = int(edited.originals[place])
                with contextlib.suppress(PictureError):  # gone since it was measured
                    large = enlarged(original(reader, engine.catalog, row))
                    copy = Shot(EDITS[edit](large), [edit, EDITS[edit].__doc__ or ""])
                    found = gallery.answers(answers.ids[place], answers.distances[place], row)
                    last = Shot(gallery.picture(row), [gallery.key(row), "the original"])
                    cases.append(Case(copy, [*(replace(one, good=None) for one in found), last]))
    if cases:
        note = f"Space {space}: for each edit one copy, what it found, and last its original."
        report.cases("Copies that did not find their original", cases, note)
