"""The evaluations of an index by name: run one with its usual settings, and keep its page."""

import contextlib
import json
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from simsearch.engine import SPACES, SearchEngine
from simsearch.errors import StoreError
from simsearch.evaluation.retrieval import Progress
from simsearch.report import Report, plain
from simsearch.store import store

Document = dict[str, object]
_FEW = 50


WriteUp = Callable[[SearchEngine, int, Progress, str], Report]
"""Measures, given the index, how much of it, progress, and the command that does the same."""


@dataclass(frozen=True)
class Size:
    """How much is measured: in words, as the command's options, and as a number."""

    words: str
    options: str
    number: int


@dataclass(frozen=True)
class Evaluation:
    """Something that can be measured on an index.

    Attributes:
        title: for people.
        about: what is measured, in a sentence or two.
        sizes: how much of it can be measured; the first one is what the command does.
        write_up: measures and makes the page.
    """

    title: str
    about: str
    sizes: tuple[Size, ...]
    write_up: WriteUp


def _retrieval(engine: SearchEngine, most: int, progress: Progress, command: str) -> Report:
    from simsearch.evaluation.retrieval import RetrievalSettings, measure
    from simsearch.pages.retrieval import retrieval_page

    own = str(engine.manifest.settings.get("space", "look"))
    spaces = (own, *(space for space in SPACES if space != own))
    plan = RetrievalSettings(queries=most, spaces=spaces, progress=progress)
    return retrieval_page(measure(engine, plan), engine, _name(engine), command)


def _collection(engine: SearchEngine, most: int, progress: Progress, command: str) -> Report:
    from simsearch.evaluation.collection import CollectionSettings, evaluate_collection
    from simsearch.evaluation.material import Material
    from simsearch.pages.collection import collection_page

    plan = CollectionSettings(per_collection=most, progress=progress)
    result = evaluate_collection(Material.of_index(engine), plan)
    return collection_page(result, engine, _name(engine), command)


def _clusters(engine: SearchEngine, most: int, progress: Progress, command: str) -> Report:
    from simsearch.evaluation.clusters import ClusterSettings, evaluate_clusters
    from simsearch.evaluation.material import Material
    from simsearch.pages.clusters import clusters_page

    plan = ClusterSettings(per_collection=most, progress=progress)
    result = evaluate_clusters(Material.of_index(engine), plan)
    return clusters_page(result, engine, _name(engine), command)


def _price(engine: SearchEngine, parts: int, progress: Progress, command: str) -> Report:
    from simsearch.evaluation.blocks import blocks_of_index
    from simsearch.evaluation.price_markets import PricePlan, ledgers_of
    from simsearch.evaluation.price_result import evaluate_price
    from simsearch.pages.price import price_page

    plan = PricePlan(parts=bool(parts), progress=progress)
    ledgers = ledgers_of(engine, plan)
    seen = {engine.manifest.encoder.name: blocks_of_index(engine)}
    result = evaluate_price(engine, ledgers, plan, seen)
    return price_page(result, engine, _name(engine), command)


def _traits(engine: SearchEngine, seeds: int, progress: Progress, command: str) -> Report:
    from simsearch.evaluation.traits import TraitSettings, evaluate_traits
    from simsearch.pages.traits import traits_page

    plan = TraitSettings(seeds=range(seeds), curve=True, progress=progress)
    result = evaluate_traits(engine.catalog, plan)
    return traits_page(result, engine.catalog, _name(engine), command)


def _each(option: str, usual: int) -> tuple[Size, ...]:
    """So many items of each collection, few, or all."""
    return (
        Size(f"{usual:,} of each collection, as usual", "", usual),
        Size(f"{_FEW} of each collection, a quick look", f"{option} {_FEW}", _FEW),
        Size("all items", f"{option} 0", 0),
    )


EVALUATIONS: Mapping[str, Evaluation] = {
    "retrieval": Evaluation(
        "Look-alikes",
        "Do pictures find items that share their traits and their collection? Items set aside ask "
        "the others, beside five baselines; then edited copies ask for their originals.",
        _each("--queries", 300),
        _retrieval,
    ),
    "collection": Evaluation(
        "Collections",
        "Is a picture's collection named rightly, and is a picture of no indexed collection seen "
        "as such? Items set aside ask; then each collection is left out and asks as a stranger.",
        _each("--per-collection", 1000),
        _collection,
    ),
    "clusters": Evaluation(
        "Groups",
        "Do groups agree with collections and traits, of which they know nothing? Beside them "
        "groups in other spaces, in pixels, in colours, and at random.",
        _each("--per-collection", 300),
        _clusters,
    ),
    "price": Evaluation(
        "Prices",
        "How far are estimated prices from what was paid? Every sale of the last third is "
        "estimated from sales of strictly earlier days, beside seven simpler models.",
        (
            Size("with what each part adds, as usual", "", 1),
            Size("without the parts, quicker", "--no-parts", 0),
        ),
        _price,
    ),
    "traits": Evaluation(
        "Traits",
        "Are the traits of a picture read rightly? A recogniser learns from a part of each "
        "collection and is asked for the rest; labels that other layers cover are found.",
        (Size("one draw, as usual", "", 1), Size("five draws", "--seeds 5", 5)),
        _traits,
    ),
}
"""Name, as the command has it, → what it measures."""


def evaluate(
    engine: SearchEngine,
    name: str,
    size: Size,
    progress: Progress = lambda stage, done, total: None,
) -> Document:
    """Run an evaluation and write it up.

    Args:
        engine: the index.
        name: in ``EVALUATIONS``.
        size: how much of it, one of its ``sizes``.
        progress: told how far it is.

    Returns:
        ``Report.document`` of the page, with the time it was ``made``.
    """
    command = shlex.join(["simsearch", "evaluate", name, "--index", engine.folder.name])
    command = f"{command} {size.options}".rstrip()
    report = EVALUATIONS[name].write_up(engine, size.number, progress, command)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return {**report.document(), "made": made}


def keep(engine: SearchEngine, name: str, document: Document) -> None:
    """Keep a page beside the index, for this build of it; those of other builds are removed.

    Raises:
        StoreError: it cannot be written there.
    """
    place = _place(engine, name)
    new = place.with_suffix(".new")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        for other in place.parent.parent.iterdir():
            if other != place.parent:
                shutil.rmtree(other, ignore_errors=True)
        new.write_text(json.dumps(plain(document), allow_nan=False), encoding="ascii")
        new.replace(place)
    except OSError as error:
        raise StoreError(f"{place.parent}: the page cannot be kept there ({error})") from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


def kept(engine: SearchEngine, name: str) -> Document | None:
    """The page that was kept of this build, None where there is none or it cannot be read."""
    try:
        found = json.loads(_place(engine, name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "parts" in found else None


def _place(engine: SearchEngine, name: str) -> Path:
    return store.beside(engine.folder, "reports") / engine.manifest.build_id / f"{name}.json"


def _name(engine: SearchEngine) -> str:
    return engine.folder.resolve().name
