"""Measure prices: cold answers, and the evaluation with its time, memory and table of models.

    python -m benchmarks.pricing INDEX PICTURE... [-- OPTION...]

asks ``simsearch price`` for each picture in a new process, five times, and runs
``simsearch evaluate price`` once, with what stands behind ``--``, as
``-- --collection cryptopunks --from 2021-06-01``.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

from benchmarks.processes import print_table, read_once, setting, simsearch

ROUNDS = 5
MEASURES = ("mdape", "male", "skill", "r2_floor", "spearman", "bias", "answered")


def main() -> None:
    args = parse()
    print(f"{setting()}\n", flush=True)
    read_once([args.index, *map(Path, args.pictures)])
    rows = []
    for picture in args.pictures:
        runs = [simsearch("price", picture, "--index", args.index, "--json") for _ in range(ROUNDS)]
        seconds = [run.seconds for run in runs]
        middle, peak = statistics.median(seconds), max(run.peak_mb for run in runs)
        rows.append((picture, f"{min(seconds):.2f}", f"{middle:.2f}", f"{peak:.0f}"))
    print_table(("cold answer", "fastest s", "median s", "peak MB"), rows)
    print_evaluation(args)


def parse() -> argparse.Namespace:
    own = sys.argv[1:]
    cut = own.index("--") if "--" in own else len(own)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=Path, metavar="INDEX")
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="file, or key of an item")
    args = parser.parse_args(own[:cut])
    args.options = own[cut + 1 :]
    return args


def print_evaluation(args: argparse.Namespace) -> None:
    run = simsearch("evaluate", "price", "--index", args.index, "--json", *args.options)
    found = json.loads(run.stdout)
    test = found["test"]
    print(
        f"\n{test['n']:,} sales from {test['from']} to {test['until']} evaluated in "
        f"{run.seconds:.0f} s, {run.peak_mb:,.0f} MB at most\n"
    )
    rows = [(name, *map(number, (row[m] for m in MEASURES))) for name, row in models(found)]
    print_table(("model", *MEASURES), rows)
    cover = (f"{row['coverage']:.3f} of {name}" for name, row in found["intervals"].items())
    print(f"\nskill interval {found['skill_interval']}, coverage {', '.join(cover)}")


def models(found: dict) -> list[tuple[str, dict]]:
    """The best first; those without an answer last."""
    return sorted(found["models"].items(), key=lambda row: row[1]["male"] or float("inf"))


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
