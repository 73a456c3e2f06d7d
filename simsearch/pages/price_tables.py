"""What people read of ``evaluate price``: rows for tables, and sentences."""

import numpy as np

from simsearch.evaluation.price import price_columns
from simsearch.evaluation.price_metrics import interval_scores, scores, skill_interval, slices
from simsearch.evaluation.price_parts import Gain, Part, part_scores
from simsearch.evaluation.price_result import PriceResult, hygiene_scores
from simsearch.evaluation.price_trial import date_of
from simsearch.report import Row

MODELS = {
    "trailing_median": "trailing median",
    "past_median": "median of the past",
    "global_median": "… of all collections",
    "own_last_sale": "own last sale × level",
    "neighbor_mean": "mean of neighbours",
    "trait_ridge": "traits alone",
    "simsearch": "simsearch",
    "simsearch_comparables": "… comparables alone",
    "simsearch_no_traits": "… without traits",
    "simsearch_no_own": "… without own sales",
    "simsearch_shuffled": "… shuffled, no own",
}
"""Models in the order of tables, with their names for people."""
_COLUMNS = {
    "skill": "skill",
    "mdape": "MdAPE",
    "ppe5": "≤ 5%",
    "ppe10": "≤ 10%",
    "ppe20": "≤ 20%",
    "male": "MALE",
    "rmsle": "RMSLE",
    "r2_log": "log R²",
    "r2_floor": "R² floor",
    "spearman": "Spearman",
    "bias": "bias",
    "answered": "answered",
}
SLICES = {
    "collection": "By collection",
    "month": "By month",
    "price_decile": "By price",
    "comparables": "By number of comparables",
    "sale": "First sales and repeat sales",
    "picture": "Pictures that several tokens show",
}


def model_rows(result: PriceResult) -> list[Row]:
    """Every measure of every model that answered."""
    trial = result.trial
    columns = trial.actual, trial.level, trial.market
    found = {name: scores(trial.models[name], *columns) for name in MODELS if name in trial.models}
    return [
        {"model": MODELS[name], **{text: row[key] for key, text in _COLUMNS.items()}}
        for name, row in found.items()
    ]


def interval_rows(result: PriceResult) -> list[Row]:
    """Coverage, width and Winkler score of each interval."""
    return [
        {"interval": f"{nominal:.0%}", **interval_scores(*bounds, result.trial.actual, nominal)}
        for nominal, bounds in result.trial.intervals.items()
    ]


def hygiene_rows(result: PriceResult) -> list[Row]:
    """Trailing median and estimator with sales hygiene and without, on the same test sales."""
    rows: list[Row] = []
    for switch, found in hygiene_scores(result).items():
        for model in ("trailing_median", "simsearch"):
            kept = {_COLUMNS[name]: found[model][name] for name in ("skill", "mdape", "male")}
            inside = found["intervals"]["0.8"]["coverage"] if model == "simsearch" else None
            rows.append({"hygiene": switch, "model": MODELS[model], **kept, "80% covers": inside})
    return rows


def part_rows(result: PriceResult) -> list[Row]:
    """Skill of each description of the items."""
    if result.parts is None:
        return []
    rows: list[Row] = []
    for part, estimate in result.parts.estimates.items():
        found = part_scores(part, estimate, result.trial)
        low, high = found["skill_interval"] or (None, None)
        rows.append(
            {
                "pictures": " + ".join(part.pictures) or "none",
                "traits": part.traits,
                "neighbours": part.space if part.pictures or part.traits else "none",
                "skill": found["skill"],
                "95% from": low,
                "to": high,
                "MdAPE": found["mdape"],
                "MALE": found["male"],
                "R² floor": found["r2_floor"],
            }
        )
    return rows


def slice_rows(result: PriceResult, name: str) -> list[Row]:
    """The main measures for each value of one column."""
    trial = result.trial
    low, high = next(iter(trial.intervals.values()))
    inside = (trial.actual >= low) & (trial.actual <= high)
    columns = {name: price_columns(trial, [one.market for one in result.traded])[name]}
    found = slices(columns, trial.models["simsearch"], trial.actual, trial.level, inside)
    return [
        {
            name.replace("_", " "): row["value"],
            "sales": row["n"],
            **{_COLUMNS[key]: row[key] for key in ("skill", "mdape", "male", "bias")},
            "80% covers": row["coverage"],
        }
        for row in found
    ]


def split_rows(result: PriceResult) -> list[Row]:
    """A random split of the test sales beside the same sales forward in time."""
    trial = result.trial
    held = np.isfinite(trial.models["random_split"])
    rows: list[Row] = []
    for text, name in (
        ("random split, sees the future", "random_split"),
        ("the same sales, forward in time", "simsearch_comparables"),
    ):
        estimate = np.where(held, trial.models[name], np.nan)
        found = scores(estimate[held], trial.actual[held], trial.level[held], trial.market[held])
        kept = {_COLUMNS[key]: found[key] for key in ("skill", "mdape", "male", "r2_log")}
        rows.append({"split": text, "sales": int(held.sum()), **kept})
    return rows


def measured(result: PriceResult) -> str:
    """What was measured on what, and what came out, in a few sentences."""
    trial = result.trial
    first, last = map(date_of, trial.period)
    names = [result.traded[number].market.name for number in trial.estimators]
    ours = scores(trial.models["simsearch"], trial.actual, trial.level, trial.market)
    interval = skill_interval(trial.models["simsearch"], trial.actual, trial.level, trial.day)
    text = (
        f"{len(trial.day):,} sales of {', '.join(names)} from {first} to {last}, each estimated "
        "from sales of strictly earlier days by what was fitted before its month; pictures of the "
        f"encoder {result.encoder}. "
    )
    if ours["mdape"] is not None:
        text += f"Half of the estimates lie within {ours['mdape']:.1%} of what was paid. "
    if ours["skill"] is not None and interval is not None:
        text += (
            f"Skill over the trailing median: {ours['skill']:.3f} (95%: {interval[0]:.3f} to "
            f"{interval[1]:.3f}). "
        )
    if same := int(trial.identical.sum()):
        text += f"{same:,} of the sales are of a picture that several tokens show. "
    return " ".join([text.strip(), *result.notes])


def answers(result: PriceResult) -> list[str]:
    """Whether the result is the same with each network and without it."""
    if result.parts is None:
        return []
    known = [gain for gain in result.parts.gains if gain.skill is not None and gain.interval]
    return [_answer(gain) for gain in known] or ["No network was compared: pixels have none."]


def _answer(gain: Gain) -> str:
    low, high = gain.interval or (0.0, 0.0)
    verdict = "the same within what these sales can tell"
    if low > 0:
        verdict = "better with it"
    elif high < 0:
        verdict = "worse with it"
    return (
        f"With {gain.block} beside {_described(gain.without)} and without it: {verdict} (skill "
        f"{gain.skill:+.3f}, 95%: {low:+.3f} to {high:+.3f})."
    )


def _described(part: Part) -> str:
    parts = [" + ".join(part.pictures) or "no picture"]
    return " and ".join([*parts, *(["traits"] if part.traits else [])])


def amount(value: float) -> str:
    """A price with three digits or all those before the point."""
    if not value > 0:
        return f"{value:g}"
    return f"{value:,.{max(0, 2 - int(np.floor(np.log10(value))))}f}"
