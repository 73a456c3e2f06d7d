"""What ``evaluate classifiers --json`` prints."""

from dataclasses import asdict

from simsearch.classifiers.comparison import Comparison, Tried
from simsearch.classifiers.labelled import PARTS
from simsearch.preprocessing import SETTING


def comparison_document(result: Comparison) -> dict[str, object]:
    """All numbers; NaN where there was nothing to measure."""
    pictures, settings = result.pictures, result.settings
    counts = {part: pictures.counts(part) for part in PARTS}
    return {
        "label": settings.draw.label or "collection",
        "seed": settings.draw.seed,
        "draw": asdict(settings.draw),
        SETTING: settings.preprocessing.specs,
        "classes": {
            name: {part: counts[part][code] for part in PARTS}
            for code, name in enumerate(pictures.classes)
        },
        "left_out": dict(pictures.left_out),
        "models": {name: _model(tried) for name, tried in result.tried.items()},
        "best": result.best,
    }


def _model(tried: Tried) -> dict[str, object]:
    scores, made = tried.judged.scores, tried.classifier
    macro = {f"macro_{kind}": scores.macro(kind) for kind in ("precision", "recall", "f1")}
    by_class = {
        name: {
            "support": scores.support[code],
            "precision": scores.precision[code],
            "recall": scores.recall[code],
            "f1": scores.f1[code],
        }
        for code, name in enumerate(made.classes)
    }
    return {
        "accuracy": scores.accuracy,
        **macro,
        "ece": tried.judged.reliability.ece,
        "parameters": made.model.parameters,
        "seconds": made.run.seconds,
        "processor_seconds": made.run.processor_seconds,
        "milliseconds": tried.milliseconds,
        "epochs": len(made.run.history),
        "best_epoch": made.run.best + 1,
        "curves": made.run.history,
        "by_class": by_class,
        "confusion": tried.judged.counts,
    }
