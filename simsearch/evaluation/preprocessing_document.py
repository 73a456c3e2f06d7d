"""What ``evaluate preprocessing --json`` prints."""

from dataclasses import asdict

from simsearch.evaluation.described import KINDS
from simsearch.evaluation.preprocessing import METRICS, PreprocessingResult


def preprocessing_document(result: PreprocessingResult) -> dict[str, object]:
    """All numbers; NaN where there was nothing to measure."""
    settings, catalog = result.settings, result.catalog
    return {
        "encoder": result.encoder,
        "k": settings.k,
        "query_share": settings.query_share,
        "seeds": list(settings.seeds),
        "left_out": result.left_out,
        "collections": {
            name: {"pictures": count, "side": result.side(name)}
            for name, count in catalog.collections.items()
        },
        "ways": {name: _way(result, name) for name in result.ways},
    }


def _way(result: PreprocessingResult, name: str) -> dict[str, object]:
    way = result.ways[name]
    return {
        "steps": way.preprocessing.specs,
        "bytes_a_picture": way.file_bytes,
        "milliseconds_a_picture": way.milliseconds,
        "scores": {
            kind: {metric: _scores(result, name, kind, metric) for metric in METRICS}
            for kind in KINDS
        },
    }


def _scores(result: PreprocessingResult, way: str, kind: str, metric: str) -> dict[str, object]:
    by_collection = {
        name: asdict(result.compared(way, kind, metric, name))
        for name in result.catalog.collections
    }
    return asdict(result.compared(way, kind, metric)) | {"collections": by_collection}
