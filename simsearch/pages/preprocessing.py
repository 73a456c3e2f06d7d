"""What people see of ``evaluate preprocessing``: rows for tables, and a page."""

import numpy as np

from simsearch import plots
from simsearch.errors import PictureError
from simsearch.evaluation.described import KINDS
from simsearch.evaluation.noise import noised_copies
from simsearch.evaluation.preprocessing import Compared, PreprocessingResult
from simsearch.report import Case, Report, Row, Shot
from simsearch.sources.reader import PictureReader

TITLES = {
    "collection": "collection, by vote of the nearest",
    "classifier": "collection, by a linear head",
    "recall": "finds its original first",
    "overlap": "shares traits with the nearest",
}
MARKS_NOTE = (
    "Mean ± standard error over the draws. ▲ better, ▼ worse than none in the same draws: 0 lies "
    "outside the 95% interval of the paired difference; of twenty such marks one is chance."
)
_GAINS_NOTE = "Difference to none in the same draws, mean ± standard error."
_COST_NOTE = (
    "Bytes of a picture's file: a JPEG where the last step makes one, else a PNG. Milliseconds of "
    "the processor for the steps of one picture."
)
_EXAMPLES_NOTE = "A picture with noise, and what each way leaves of it."


def preprocessing_page(result: PreprocessingResult, name: str, command: str) -> Report:
    """Write up what was measured.

    Args:
        result: what was measured.
        name: what was evaluated, for people.
        command: what a person types to make the page again.
    """
    report = Report(f"Preprocessing: {name}", command, measured(result))
    for metric, title in shown(result).items():
        report.table(title.capitalize(), score_rows(result, metric), MARKS_NOTE)
    report.table("What it costs and saves", cost_rows(result), _COST_NOTE)
    for metric, title in shown(result).items():
        report.table(f"Difference: {title}", gain_rows(result, metric), _GAINS_NOTE)
        values = {
            kind: [result.compared(way, kind, metric).mean for way in result.ways] for kind in KINDS
        }
        report.chart(title.capitalize(), plots.bars(list(result.ways), values, "mean"))
    for collection in result.catalog.collections:
        for metric, title in shown(result, collection).items():
            heading = f"{collection}: {title}"
            report.table(heading, score_rows(result, metric, collection), MARKS_NOTE)
    _add_examples(report, result)
    return report


def shown(result: PreprocessingResult, collection: str = "") -> dict[str, str]:
    """Metric → title, of those that could be measured."""
    return {
        metric: title
        for metric, title in TITLES.items()
        if not np.isnan(result.compared("none", KINDS[0], metric, collection).mean)
    }


def measured(result: PreprocessingResult) -> str:
    """What was measured on what, in a few sentences."""
    settings, catalog = result.settings, result.catalog
    names = ", ".join(f"{name} ({result.side(name)} px)" for name in catalog.collections)
    left_out = f"; {result.left_out:,} could not be read" if result.left_out else ""
    return (
        f"{len(catalog):,} pictures of {names}{left_out}; encoder {result.encoder}. In each of "
        f"{len(settings.seeds)} draws {settings.query_share:.0%} of each collection were set aside "
        "and everything was fitted on the others, without noise; both were preprocessed alike. "
        "Pictures set aside ask for their collection and for traits, copies of indexed ones for "
        "their original; noise is put on pictures of their own size. Means over collections."
    )


def score_rows(result: PreprocessingResult, metric: str, collection: str = "") -> list[Row]:
    """One metric: a row for each way, a column for each noise."""
    return [
        {"preprocessing": way}
        | {kind: _marked(result.compared(way, kind, metric, collection)) for kind in KINDS}
        for way in result.ways
    ]


def gain_rows(result: PreprocessingResult, metric: str) -> list[Row]:
    """How each way differs from none."""
    rows: list[Row] = []
    for way in list(result.ways)[1:]:
        found = {kind: result.compared(way, kind, metric) for kind in KINDS}
        cells = {kind: f"{one.gain:+.3f} ± {one.gain_error:.3f}" for kind, one in found.items()}
        rows.append({"preprocessing": way} | cells)
    return rows


def cost_rows(result: PreprocessingResult) -> list[Row]:
    """Bytes and milliseconds of each way."""
    return [
        {
            "preprocessing": name,
            "bytes a picture": round(way.file_bytes),
            "of none": f"{way.file_bytes / result.ways['none'].file_bytes:.0%}",
            "ms a picture": round(way.milliseconds, 2),
        }
        for name, way in result.ways.items()
    ]


def _marked(found: Compared) -> str:
    """A mean, its error, and whether it differs from no preprocessing."""
    mark = ("▲" if found.gain > 0 else "▼") if found.significant else ""
    error = "" if np.isnan(found.error) else f" ± {found.error:.3f}"
    return f"{found.mean:.3f}{error}{mark and ' ' + mark}"


def _add_examples(report: Report, result: PreprocessingResult) -> None:
    """The first picture of each collection with each noise; none of one that has gone."""
    cases = []
    rows = np.unique(result.catalog.collection_codes, return_index=True)[1]
    with PictureReader() as reader:
        for item in result.catalog.items(rows.tolist()):
            try:
                rgb = reader.read(item.picture).rgb()
            except PictureError:
                continue
            for noise, copy in {KINDS[0]: rgb, **noised_copies(rgb, item.key)}.items():
                found = [
                    Shot(way.preprocessing(copy), [name])
                    for name, way in result.ways.items()
                    if way.preprocessing
                ]
                cases.append(Case(Shot(copy, [item.key, noise]), found))
    report.cases("Examples", cases, _EXAMPLES_NOTE)
