"""``evaluate price`` from an index to its numbers: markets, walk, comparison, what to know."""

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from simsearch.catalog import Catalog
from simsearch.engine import SearchEngine
from simsearch.evaluation.blocks import Block
from simsearch.evaluation.price import summarise
from simsearch.evaluation.price_markets import PricePlan, Traded, markets_of
from simsearch.evaluation.price_metrics import Table, interval_scores, scores
from simsearch.evaluation.price_parts import PartsResult, compare_parts, part_scores
from simsearch.evaluation.price_run import DUST, run_trial
from simsearch.evaluation.price_trial import EPOCH, Trial, date_of
from simsearch.pricing.appraisal import Ledger


@dataclass
class PriceResult:
    """All that was measured.

    Attributes:
        encoder: whose descriptors look is of.
        plan: how it was measured; ``space`` is what neighbours were near in.
        traded: collections with sales, in the order of the trial's market numbers.
        trial: every estimate.
        parts: what each part of a description adds; None where that was not asked for.
        notes: what a reader has to know: sales left out, encoders left out.
        seconds: what took how long.
    """

    encoder: str
    plan: PricePlan
    traded: list[Traded]
    trial: Trial
    parts: PartsResult | None = None
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def other_hygiene(self) -> str:
        """Suffix of the models for which sales hygiene was switched the other way."""
        return "no_hygiene" if self.plan.hygiene else "with_hygiene"

    def row(self, place: int) -> int:
        """Catalog row of a test sale's token."""
        one = self.traded[int(self.trial.market[place])]
        return int(one.ledger.members[self.trial.item[place]])


def evaluate_price(
    engine: SearchEngine,
    ledgers: dict[str, Ledger],
    plan: PricePlan,
    seen: dict[str, list[Block]],
) -> PriceResult:
    """Walk every estimator through the sales of an index.

    Args:
        engine: the index.
        ledgers: from ``ledgers_of``.
        plan: how.
        seen: encoder → its blocks; the first is shown in full and, where it is the index's own,
            uses the vectors that the index prices with.

    Raises:
        SalesError: there is no sale to test on.
    """
    start, encoder = time.perf_counter(), next(iter(seen))
    own = encoder == engine.manifest.encoder.name
    traded = markets_of(engine, ledgers, plan, () if own else seen[encoder])
    trial = run_trial(
        [one.market for one in traded],
        since=plan.since,
        until=plan.until,
        hygiene=plan.hygiene,
        seed=plan.seed,
        progress=lambda done, total: plan.progress("walking through the sales", done, total),
    )
    result = PriceResult(encoder, plan, traded, trial, notes=price_notes(traded, trial, plan))
    result.seconds["estimates"] = time.perf_counter() - start
    if plan.parts:
        start = time.perf_counter()
        blocks = _different([block for found in seen.values() for block in found])
        result.parts = compare_parts(trial, traded, engine, blocks, plan)
        result.seconds["parts"] = time.perf_counter() - start
    return result


def _different(blocks: Sequence[Block]) -> list[Block]:
    """The first of several blocks of one name, shallow ones first."""
    first = {block.name: block for block in reversed(blocks)}
    return sorted(dict(reversed(first.items())).values(), key=lambda block: not block.shallow)


def price_notes(traded: Sequence[Traded], trial: Trial, plan: PricePlan) -> list[str]:
    """What was left out, sale by sale and collection by collection."""
    notes = []
    today = dt.date.today().toordinal() - EPOCH
    for number, one in enumerate(traded):
        name, history = one.market.name, one.market.history
        inside = (history.day >= trial.period[0]) & (history.day <= trial.period[1])
        low = int((history.price[inside] < DUST).sum())
        late = int((history.day > today).sum())
        if one.ledger.others:
            notes.append(
                f"{name} is priced in {one.market.currency}; sales in other currencies, left out: "
                f"{one.ledger.others:,}."
            )
        if low:
            notes.append(f"{name}: sales below {DUST} {one.market.currency}, not tested: {low:,}.")
        if late:
            notes.append(f"{name}: sales dated after today: {late:,}.")
        if number not in trial.estimators:
            notes.append(f"{name}: nothing to test from {_period_text(trial)}.")
    if plan.space == "traits" and not any(one.market.view.traits is not None for one in traded):
        notes.append("No collection here has traits that are known: neighbours are by look.")
    return notes


def _period_text(trial: Trial) -> str:
    first, last = map(date_of, trial.period)
    return f"{first} to {last}"


def price_document(result: PriceResult) -> Table:
    """All numbers; None where there was nothing to measure."""
    trial, traded, plan = result.trial, result.traded, result.plan
    document = summarise(trial, [one.market for one in traded])
    return {
        "encoder": result.encoder,
        "space": plan.space,
        "hygiene": plan.hygiene,
        "seed": plan.seed,
        **document,
        "by_hygiene": hygiene_scores(result),
        "collections": {
            one.market.name: {
                "currency": one.market.currency,
                "sales": len(one.market.history),
                "tested": int((trial.market == number).sum()),
                "in_other_currencies": one.ledger.others,
            }
            for number, one in enumerate(traded)
        },
        "parts": _part_rows(result),
        "gains": _gain_rows(result),
        "notes": result.notes,
        "seconds": result.seconds,
    }


def hygiene_scores(result: PriceResult) -> dict[str, Table]:
    """Trailing median and estimator with hygiene on and off, measured against the same level."""
    trial, on = result.trial, result.plan.hygiene
    found = {}
    for name, suffix, intervals in (
        ("on" if on else "off", "", trial.intervals),
        ("off" if on else "on", f"_{result.other_hygiene}", trial.other_intervals),
    ):
        found[name] = {
            model: scores(trial.models[model + suffix], trial.actual, trial.level, trial.market)
            for model in ("trailing_median", "simsearch")
        }
        found[name]["intervals"] = {
            str(nominal): interval_scores(*bounds, trial.actual, nominal)
            for nominal, bounds in intervals.items()
        }
    return {"on": found["on"], "off": found["off"]}


def _part_rows(result: PriceResult) -> list[Table]:
    if result.parts is None:
        return []
    return [part_scores(*one, result.trial) for one in result.parts.estimates.items()]


def _gain_rows(result: PriceResult) -> list[Table]:
    return [
        {
            "network": gain.block,
            "beside": list(gain.without.pictures),
            "traits": gain.without.traits,
            "skill_gain": gain.skill,
            "interval": gain.interval,
        }
        for gain in (result.parts.gains if result.parts else [])
    ]


def estimate_rows(
    result: PriceResult, catalog: Catalog
) -> list[dict[str, str | float | bool | None]]:
    """Every test sale with what was said before it, in the currency of its collection."""
    trial = result.trial
    low, high = next(iter(trial.intervals.values()))
    said = np.exp(np.stack([trial.models["simsearch"], low, high, trial.level, trial.actual]))
    rows, tokens = [], catalog.column("token_id")
    for place, market in enumerate(trial.market.tolist()):
        one = result.traded[market]
        known = [None if value != value else value for value in said[:, place].tolist()]
        rows.append(
            {
                "collection": one.market.name,
                "token_id": str(tokens[result.row(place)]),
                "date": str(date_of(int(trial.day[place]))),
                "currency": one.market.currency,
                **dict(zip(("estimate", "low", "high", "trailing_median"), known, strict=False)),
                "paid": known[-1],
                "same_picture_elsewhere": bool(trial.identical[place]),
            }
        )
    return rows
