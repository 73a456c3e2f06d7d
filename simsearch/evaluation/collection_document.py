"""What ``evaluate collection --json`` prints."""

import numpy as np

from simsearch.evaluation.class_metrics import Reliability
from simsearch.evaluation.collection import CollectionResult, Judged
from simsearch.evaluation.strangers import Strangers


def collection_document(result: CollectionResult) -> dict[str, object]:
    """All numbers; NaN where there was nothing to measure."""
    settings = result.settings
    return {
        "encoder": result.material.encoder,
        "per_collection": settings.per_collection,
        "query_share": settings.query_share,
        "k": settings.k,
        "seed": settings.seed,
        "split": result.by,
        "items": len(result.material.catalog),
        "indexed": len(result.split.indexed),
        "asked": len(result.split.asked),
        "models": {name: _model(judged) for name, judged in result.models.items()},
        "collections": _collections(result),
        "confusion": {"collections": result.names, "counts": result.main.counts},
        "unknown": _unknown(result),
        "seconds": result.seconds,
    }


def _model(judged: Judged) -> dict[str, object]:
    scores = judged.scores
    macro = {f"macro_{name}": scores.macro(name) for name in ("precision", "recall", "f1")}
    return {
        "accuracy": scores.accuracy,
        **macro,
        "ece": judged.reliability.ece,
        "reliability": _curve(judged.reliability),
    }


def _curve(found: Reliability) -> dict[str, object]:
    return {"confidence": found.confidence, "accuracy": found.accuracy, "count": found.count}


def _collections(result: CollectionResult) -> dict[str, object]:
    """What the model of an index reaches on each collection."""
    scores = result.main.scores
    codes = result.material.catalog.collection_codes
    indexed = np.bincount(codes[result.split.indexed], minlength=len(result.names))
    return {
        name: {
            "indexed": indexed[code],
            "asked": scores.support[code],
            "precision": scores.precision[code],
            "recall": scores.recall[code],
            "f1": scores.f1[code],
        }
        for code, name in enumerate(result.names)
    }


def _unknown(result: CollectionResult) -> dict[str, object]:
    found = result.strangers
    if found is None:
        return {"auroc": float("nan"), "false_alarm_at_95": float("nan")}
    scores = {
        name: {"auroc": found.auroc(name), "false_alarm_at_95": found.false_alarm(name)}
        for name in found.scores
    }
    return {
        **scores[found.main],
        "caught": found.caught,
        "false_alarm": found.alarms,
        "ece": found.reliability.ece,
        "reliability": _curve(found.reliability),
        "known_asked": int((~found.foreign).sum()),
        "unknown_asked": int(found.foreign.sum()),
        "scores": scores,
        "collections": _left_out(result, found),
    }


def _left_out(result: CollectionResult, found: Strangers) -> dict[str, object]:
    """How well the pictures of each collection are seen as foreign when it is left out."""
    codes = result.material.catalog.collection_codes[found.rows]
    chosen = {name: found.foreign & (codes == code) for code, name in enumerate(result.names)}
    return {
        name: {"auroc": found.auroc(found.main, own), "caught": float((~found.said[own]).mean())}
        for name, own in chosen.items()
        if own.any()
    }
