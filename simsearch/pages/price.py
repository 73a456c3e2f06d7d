"""The page of ``evaluate price``."""

from simsearch.engine import SearchEngine
from simsearch.evaluation.price_result import PriceResult, estimate_rows
from simsearch.pages import price_charts as charts
from simsearch.pages import price_tables as tables
from simsearch.pages.price_cases import add_cases
from simsearch.report import Report

_MODELS_NOTE = (
    "MdAPE: median error as a share of the price; ≤ 5%: share of sales within 5%. MALE, RMSLE, "
    "bias: mean size, root mean square and mean of log estimate - log price. Skill: 1 - MALE / "
    "MALE of the trailing median, over the sales that both answer; R² floor: the same with "
    "squares. Spearman: rank correlation within collections. Trailing median: of up to 50 sales "
    "of the last 90 days, the one to beat. Shuffled: every token is given the picture and traits "
    "of another. Every single estimate is in estimates.csv beside this page."
)
_INTERVALS_NOTE = (
    "Share of the sales inside, mean width and mean Winkler score (width plus a fine for each sale "
    "outside; smaller is better) in logs."
)
_HYGIENE_NOTE = (
    "The same test sales, with and without leaving marked sales out of the past. Skill is over the "
    "trailing median of this run (hygiene {switch}) in all rows."
)
_PARTS_NOTE = (
    "The same sales estimated with each description of the items: no picture at all leaves the "
    "level and a token's own sales; grid and pixels are the picture itself at 32 × 32, a network's "
    "name means its maps. Each space is fitted on pictures of one collection alone, never on a "
    "price."
)
_SPLIT_NOTE = (
    "Shown only for how much it flatters: a fifth of the test sales is held out at random and "
    "estimated by comparables from all others, later ones included. Nobody could have done that."
)


def price_page(result: PriceResult, engine: SearchEngine, name: str, command: str) -> Report:
    """Write up what was measured.

    Args:
        result: what was measured on the index.
        engine: the index.
        name: what was evaluated, for people.
        command: what a person types to make the page again.
    """
    report = Report(f"Prices: {name}", command, tables.measured(result))
    best = {"skill": max, "MdAPE": min, "MALE": min, "RMSLE": min, "R² floor": max}
    report.table("Models", tables.model_rows(result), _MODELS_NOTE, best=best)
    for currency, chart in charts.sold_charts(result):
        report.chart(f"Estimated and paid, {currency}", chart, "One dot a test sale.")
    report.chart("Error over time", charts.error_chart(result), "Median error of each month.")
    _add_intervals(report, result)
    _add_comparisons(report, result)
    for name, title in tables.SLICES.items():
        report.table(title, tables.slice_rows(result, name))
    report.table("Random split", tables.split_rows(result), _SPLIT_NOTE)
    add_cases(report, result, engine)
    report.data("estimates", estimate_rows(result, engine.catalog))
    return report


def _add_intervals(report: Report, result: PriceResult) -> None:
    report.table("Intervals", tables.interval_rows(result), _INTERVALS_NOTE)
    report.chart("Coverage over time", charts.coverage_chart(result), "Share of sales inside.")
    if chart := charts.width_chart(result):
        note = "Sales in ten groups of equal size by how wide their interval was."
        report.chart("Coverage by width", chart, note)


def _add_comparisons(report: Report, result: PriceResult) -> None:
    note = _HYGIENE_NOTE.format(switch="on" if result.plan.hygiene else "off")
    report.table("Sales hygiene", tables.hygiene_rows(result), note)
    if rows := tables.part_rows(result):
        text = " ".join([*tables.answers(result), _PARTS_NOTE])
        report.table("What each part adds", rows, text, best={"skill": max, "MALE": min})
