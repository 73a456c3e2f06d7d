"""What each part of a picture's description adds to its price: colours, networks, traits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsearch.engine import SearchEngine
from simsearch.evaluation.blocks import Block, look_vectors
from simsearch.evaluation.price_markets import PricePlan, Traded, seen_with
from simsearch.evaluation.price_metrics import Table, scores, skill_gain, skill_interval
from simsearch.evaluation.price_run import fit_view, tested_rows
from simsearch.evaluation.price_trial import Trial
from simsearch.pricing.appraisal import known_traits
from simsearch.pricing.levels import Floats
from simsearch.pricing.markets import View

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """One way to describe items: blocks of descriptors, with traits or without.

    Attributes:
        pictures: names of the blocks; none = pictures are not looked at.
        traits: whether known traits are used.
        space: what neighbours are near in.
    """

    pictures: tuple[str, ...]
    traits: bool
    space: str = "look"


@dataclass(frozen=True)
class Gain:
    """What one network adds to a description without it.

    Attributes:
        block: the network.
        without: what is there without it.
        skill: skill with it minus skill without, over the sales that both answer.
        interval: 95% of it; None where there is none.
    """

    block: str
    without: Part
    skill: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class PartsResult:
    """Estimates of each part, and what networks add."""

    estimates: dict[Part, Floats]
    gains: list[Gain]


def compare_parts(
    trial: Trial,
    traded: Sequence[Traded],
    engine: SearchEngine,
    blocks: Sequence[Block],
    plan: PricePlan,
) -> PartsResult:
    """Walk the estimator through the same sales with each description of their items.

    Every look space is fitted on the items of one collection. The trial gives the test sales.
    """
    known = [known_traits(engine.retriever.spaces, engine.catalog, t.market.name) for t in traded]
    parts = list(_parts(blocks, any(traits is not None for traits in known)))
    estimates: dict[Part, list[Floats]] = {part: [] for part in parts}
    vectors: dict[tuple[str, ...], Vectors] = {}
    for number, one in enumerate(traded):
        if number not in trial.estimators:
            continue
        history = trial.estimators[number].history_
        rows = tested_rows(history, trial.period)
        vectors.clear()
        for place, part in enumerate(parts):
            plan.progress("comparing parts", number * len(parts) + place, len(traded) * len(parts))
            if part.pictures not in vectors:
                vectors[part.pictures] = _vectors(part, blocks, one, plan.seed)
            view = _view(part, vectors[part.pictures], known[number])
            estimates[part].append(fit_view(history, view).log_forecast_[rows])
    joined = {part: np.concatenate(found) for part, found in estimates.items()}
    return PartsResult(joined, list(_gains(joined, blocks, trial)))


def _parts(blocks: Sequence[Block], traits: bool) -> Iterator[Part]:
    """Each block alone and beside the first shallow one, without traits and with."""
    shallow = [(block.name,) for block in blocks if block.shallow]
    deep = [block.name for block in blocks if not block.shallow]
    base = shallow[0] if shallow else ()
    beside = [(*base, name) for name in deep] if shallow else []
    for pictures in [(), *shallow, *((name,) for name in deep), *beside]:
        yield Part(pictures, traits=False)
    if traits:
        for pictures in dict.fromkeys([(), base, *((*base, name) for name in deep)]):
            yield _with_traits(pictures)
        yield Part((*base, *deep[:1]), traits=True, space="traits")


def _with_traits(pictures: tuple[str, ...]) -> Part:
    """Where no picture is looked at, neighbours can be near in traits only."""
    return Part(pictures, traits=True, space="look" if pictures else "traits")


def _vectors(part: Part, blocks: Sequence[Block], one: Traded, seed: int) -> Vectors:
    members = one.ledger.members
    if not part.pictures:
        return np.empty((len(members), 0), dtype=np.float32)
    chosen = [block for block in blocks if block.name in part.pictures]
    return look_vectors(chosen, members, seed)


def _view(part: Part, vectors: Vectors, traits: Vectors | None) -> View:
    if not part.traits or traits is None:
        return View.of(vectors)
    if part.pictures:
        return seen_with(View.of(vectors), traits, part.space)
    return View(View.of(_unit(traits)).near, vectors, traits)


def _unit(traits: Vectors) -> Vectors:
    """Traits as vectors of length 1; a constant gives an item without traits a direction."""
    rows = np.pad(traits, ((0, 0), (0, 1)), constant_values=0.1)
    unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def _gains(found: dict[Part, Floats], blocks: Sequence[Block], trial: Trial) -> Iterator[Gain]:
    """What each network adds to the shallow block, or to nothing; without traits and with."""
    base = next(((block.name,) for block in blocks if block.shallow), ())
    for block in blocks:
        for part in (lambda pictures: Part(pictures, traits=False), _with_traits):
            without, beside = part(base), part((*base, block.name))
            if not block.shallow and beside in found:
                measured = skill_gain(
                    found[beside], found[without], trial.actual, trial.level, trial.day
                )
                yield Gain(block.name, without, *measured)


def part_scores(part: Part, estimate: Floats, trial: Trial) -> Table:
    """One row of the comparison."""
    columns = trial.actual, trial.level
    measured = scores(estimate, *columns, trial.market)
    return {
        "pictures": list(part.pictures),
        "traits": part.traits,
        "neighbors": part.space,
        **{name: measured[name] for name in ("mdape", "male", "r2_floor", "spearman", "skill")},
        "skill_interval": skill_interval(estimate, *columns, trial.day),
    }
