"""What ``evaluate retrieval --encoders --json`` prints."""

from simsearch.evaluation.contenders import PLAIN
from simsearch.evaluation.quality import Comparison, Quality
from simsearch.evaluation.quality_copies import ALONE, UNDONE

_SCORES = ("look", "vector", "traits", "precision", "nearest")
_UNKNOWN = float("nan")


def quality_document(result: Comparison, space: str = "look") -> dict[str, object]:
    """All numbers of all descriptors; those of the first one also as those of one encoder alone.

    Args:
        result: what was measured.
        space: ``look`` or ``traits``, whose trait overlap is called so there.
    """
    settings, sample, first = result.settings, result.sample, result.rows[0]
    return {
        "encoder": first.name,
        "space": space,
        "k": sample.k,
        "query_share": settings.query_share,
        "seed": settings.seed,
        "items": len(sample.rows),
        "indexed": len(sample.split.indexed),
        "asked": len(sample.split.asked),
        "collections": _collections(first, space),
        "mean": _mean(first, space),
        "baselines": {
            row.name: {"mean": _mean(row, space), "collections": _collections(row, space)}
            for row in result.rows
            if row.name in PLAIN
        },
        "edits": first.recall(UNDONE) or first.recall(ALONE),
        "encoders": {row.name: _everything(row) for row in result.rows},
        "visible": result.visible,
        "notes": result.notes,
    }


def _mean(row: Quality, space: str) -> dict[str, float]:
    return {"trait_overlap": row.mean(space), "precision": row.mean("precision")}


def _collections(row: Quality, space: str) -> dict[str, dict[str, float]]:
    return {
        name: {"trait_overlap": scores.get(space, _UNKNOWN), "precision": scores["precision"]}
        for name, scores in row.scores.items()
    }


def _everything(row: Quality) -> dict[str, object]:
    return {
        "training": row.training,
        "mean": {score: row.mean(score) for score in _SCORES},
        "collections": row.scores,
        "edits": {how: row.recall(how) for how in row.copies},
        "ami": row.ami,
        "skill": row.skill,
        "pictures_per_second": row.rate,
        "bytes": row.size,
    }
