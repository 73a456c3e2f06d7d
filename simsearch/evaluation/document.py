"""What ``evaluate retrieval --json`` prints."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from simsearch.evaluation.edited import HASH, EditedCopies
from simsearch.evaluation.retrieval import Answers, RetrievalResult


def retrieval_document(result: RetrievalResult) -> dict[str, object]:
    """All numbers of one encoder; NaN where there was nothing to measure."""
    settings = result.settings
    return {
        "encoder": result.material.encoder,
        "space": result.space,
        "k": settings.k,
        "query_share": settings.query_share,
        "seed": settings.seed,
        "items": len(result.material.catalog),
        "indexed": len(result.split.indexed),
        "asked": len(result.split.asked),
        "collections": _collections(result),
        "mean": asdict(result.main.mean),
        "spaces": {name: _scores(answers) for name, answers in result.spaces.items()},
        "baselines": {name: _scores(answers) for name, answers in result.baselines.items()},
        "edits": result.edited.recall(result.space) if result.edited else {},
        "edited": _edited(result.edited) if result.edited else None,
        "seconds": result.seconds | {name: one.seconds for name, one in result.methods.items()},
        "notes": result.notes,
    }


def collection_counts(result: RetrievalResult) -> dict[str, dict[str, int]]:
    """Collection → items ``indexed``, queries ``asked``, and of these those ``with_traits``."""
    codes, split = result.material.catalog.collection_codes, result.split
    labelled = np.flatnonzero(~np.isnan(result.ceiling.best))
    rows = {"indexed": split.indexed, "asked": split.asked, "with_traits": split.asked[labelled]}
    counts = {name: _counted(codes[chosen], codes) for name, chosen in rows.items()}
    return {
        collection: {name: int(count[code]) for name, count in counts.items()}
        for code, collection in enumerate(result.material.catalog.collections)
    }


def _counted(chosen: NDArray[np.int32], codes: NDArray[np.int32]) -> NDArray[np.intp]:
    return np.bincount(chosen, minlength=int(codes.max()) + 1)


def _collections(result: RetrievalResult) -> dict[str, object]:
    """Scores of the headline space and counts, for each collection that asked."""
    counts = collection_counts(result)
    return {name: asdict(score) | counts[name] for name, score in result.main.scores.items()}


def _scores(answers: Answers) -> dict[str, object]:
    scores = {name: asdict(score) for name, score in answers.scores.items()}
    return {"mean": asdict(answers.mean), "collections": scores}


def _edited(edited: EditedCopies) -> Mapping[str, object]:
    recalls = {method: edited.recall(method) for method in edited.answers}
    return {
        "pictures": len(edited.originals),
        "left_out": dict(edited.left_out),
        "baselines": {HASH: recalls.pop(HASH)} if HASH in recalls else {},
        "spaces": recalls,
    }
