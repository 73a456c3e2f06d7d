"""Compare descriptors of pictures, ImageNet networks and weights of left-out folds among them.

    python -m benchmarks.quality --index INDEX --imagenet DIR --folds DIR

prints the table of ``simsearch evaluate retrieval --encoders all`` with rows that the package does
not have. *Folds* are four files ``fold0.safetensors`` to ``fold3.safetensors`` of vgg16-nft: fold f
was trained without ``sorted(collections)[f::4]``. In an index of all collections each is asked only
by pictures of those that it has not seen, and figures are averaged over all of them. Its AMI is the
mean over folds; *judged* counts only the items of collections left out, grouped among all.
Descriptors and rows are kept in ``--cache``, so that another run computes only what is new; it is
to be emptied when the program has changed.
"""

import argparse
import datetime as dt
import hashlib
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from benchmarks.imagenet import networks
from benchmarks.processes import print_table, setting
from simsearch.encoders import fingerprint, load_encoder
from simsearch.engine import SearchEngine
from simsearch.evaluation.contenders import Contender, choose
from simsearch.evaluation.quality import Comparison, Quality, QualitySettings, compare
from simsearch.evaluation.quality_copies import ALONE, UNDONE
from simsearch.pages.quality import collection_rows, compared, edit_rows, quality_rows
from simsearch.report import Row, cell_text

FOLDS = 4
FOLD_NAME = "vgg16-nft, left-out folds"


def main() -> None:
    args = parse()
    print(f"{setting()}\n", flush=True)
    engine = SearchEngine.open(args.index)
    contenders, notes = choose(args.encoders.split(","), args.weights)
    if args.imagenet:
        contenders += [Contender(one.name, one) for one in networks(args.imagenet)]
    if args.folds:
        contenders += folds(args.folds, list(engine.catalog.collections))
    result = compared_with_cache(engine, contenders, settings_of(args), args.cache)
    result.rows = with_folds(result.rows)
    result.notes += notes
    print_all(result, args)


def compared_with_cache(
    engine: SearchEngine, contenders: Sequence[Contender], settings: QualitySettings, cache: Path
) -> Comparison:
    """Measure what was not measured before, one after the other, so that a run can be gone on."""
    result = compare(engine, [], replace(settings, prices=False))
    settings = replace(settings, ceiling=False)
    for contender in contenders:
        place = cache / f"{key_of(engine, contender, settings)}.json"
        if not place.exists():
            one = compare(engine, [contender], settings, cache)
            result.notes += [note for note in one.notes if note not in result.notes]
            place.write_text(json.dumps(asdict(one.rows[0]), default=np.ndarray.tolist))
        kept = json.loads(place.read_text())
        for found in kept["copies"].values():
            found |= {edit: np.array(right) for edit, right in found.items()}
        result.rows.append(Quality(**kept))
    return result


def key_of(engine: SearchEngine, contender: Contender, settings: QualitySettings) -> str:
    """Hash of all that a row depends on, but for the program."""
    plan = {name: str(one) for name, one in vars(settings).items() if name != "progress"}
    parts = [engine.manifest.build_id, fingerprint(contender.encoder), contender.name, plan]
    text = json.dumps([*parts, sorted(contender.judged_by)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True, help="of all collections")
    parser.add_argument("--encoders", default="all", help="as for simsearch evaluate retrieval")
    parser.add_argument("--weights", type=Path, help="VGG16 weights, where not in the cache")
    parser.add_argument("--imagenet", type=Path, help="folder of SqueezeNet's and MobileNetV2's")
    parser.add_argument("--folds", type=Path, help="folder of the four files of weights")
    parser.add_argument("--per-collection", type=int, default=600)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--edited", type=int, default=96)
    parser.add_argument("--ceiling", action="store_true", help="that hidden labels set: minutes")
    parser.add_argument("--no-price", action="store_true")
    parser.add_argument("--from", dest="since", type=dt.date.fromisoformat, help="of tested sales")
    parser.add_argument("--seed", type=int, default=0)
    usual = Path(tempfile.gettempdir()) / "simsearch-quality"
    parser.add_argument("--cache", type=Path, default=usual, help=f"folder; default: {usual}")
    parser.add_argument("--json", type=Path, help="also write all numbers here")
    return parser.parse_args()


def settings_of(args: argparse.Namespace) -> QualitySettings:
    started, last = time.perf_counter(), ""

    def progress(stage: str, done: int, total: int) -> None:
        nonlocal last
        if stage != last:
            last = stage
            print(f"{time.perf_counter() - started:6.0f} s  {stage}", flush=True)

    return QualitySettings(
        per_collection=args.per_collection,
        queries=args.queries,
        copies=args.edited,
        prices=not args.no_price,
        ceiling=args.ceiling,
        since=args.since,
        seed=args.seed,
        progress=progress,
    )


def folds(folder: Path, collections: Sequence[str]) -> list[Contender]:
    """One contender a fold, asked by the collections that its training left out."""
    return [
        Contender(
            f"{FOLD_NAME} {number}",
            load_encoder("vgg16-nft", weights=folder / f"fold{number}.safetensors"),
            judged_by=frozenset(sorted(collections)[number::FOLDS]),
        )
        for number in range(FOLDS)
    ]


def with_folds(rows: Sequence[Quality]) -> list[Quality]:
    """The rows of folds joined to one, the others as they are."""
    parts = [row for row in rows if row.name.startswith(FOLD_NAME)]
    others = [row for row in rows if not row.name.startswith(FOLD_NAME)]
    return [*others, joined(parts)] if parts else others


def joined(parts: Sequence[Quality]) -> Quality:
    """Folds as one: each collection is judged in the fold that left it out."""
    skills = [part.skill for part in parts if part.skill is not None]
    return Quality(
        FOLD_NAME,
        "; ".join(dict.fromkeys(part.training for part in parts)),
        {name: scores for part in parts for name, scores in part.scores.items()},
        {name: float(np.mean([part.ami[name] for part in parts])) for name in parts[0].ami},
        float(np.mean([part.rate for part in parts])),
        parts[0].size,
        skills[0] if len(skills) == 1 else None,
        {how: joined_copies(parts, how) for how in (ALONE, UNDONE) if how in parts[0].copies},
    )


def joined_copies(parts: Sequence[Quality], how: str) -> dict:
    return {
        edit: np.concatenate([part.copies[how][edit] for part in parts])
        for edit in parts[0].copies[how]
    }


def print_all(result: Comparison, args: argparse.Namespace) -> None:
    print(f"\n{compared(result)}\n")
    print_rows(quality_rows(result.rows))
    for row in result.rows:
        print(f"- {row.name}: AMI {row.ami}")
    print_margin(result.rows)
    for score, title in (("look", "Trait overlap by look"), ("traits", "With labels")):
        print(f"\n{title}:\n")
        print_rows(collection_rows(result, score))
    for how, title in ((ALONE, "Edited copies, recall@1"), (UNDONE, "The same, edits undone")):
        print(f"\n{title}:\n")
        print_rows(edit_rows(result.rows, how))
    if args.json:
        tables = {score: collection_rows(result, score) for score in ("look", "traits")}
        tables |= {"quality": quality_rows(result.rows), "copies": edit_rows(result.rows, ALONE)}
        args.json.write_text(json.dumps(tables, indent=1))


def print_margin(rows: Sequence[Quality]) -> None:
    """How far the last row lies above the best that is no vgg16-nft."""
    others = [row for row in rows if not row.name.startswith(("vgg16-nft", "untrained"))]
    if others and rows[-1] not in others:
        best = max(others, key=lambda row: row.mean("look"))
        margin = rows[-1].mean("look") - best.mean("look")
        print(f"\n{rows[-1].name}: look {margin:+.3f} above {best.name}, the best of the others")


def print_rows(rows: Sequence[Row]) -> None:
    if rows:
        names = list(rows[0])
        print_table(names, [[cell_text(row.get(name)) for name in names] for row in rows])


if __name__ == "__main__":
    main()
