"""Ask one picture in new processes, and many in one process beside a plain NumPy scan.

    python -m benchmarks.query --index INDEX PICTURE

*Cold* means a new process for each run, the files in the page cache: one run that is not counted
goes before.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.processes import Run, print_table, read_once, setting, simsearch
from simsearch.engine import SPACES, SearchEngine

K = 10
PARTS = ("decode", "encode", "search", "total")


def main() -> None:
    args = parse()
    print(f"{setting()}\n", flush=True)
    read_once([args.index, args.picture])
    print(f"New processes, the median of {args.runs} (least to most):\n")
    print_table(
        ["command", "ms", "peak MB", *(f"{part} ms" for part in PARTS)],
        [cold(name, words, args.runs) for name, words in commands(args).items()],
    )
    print_warm(args)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path, metavar="PICTURE")
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--queries", type=int, default=200, help="asked in one process")
    return parser.parse_args()


def commands(args: argparse.Namespace) -> dict[str, list[str]]:
    ask = ["query", str(args.picture), "--index", str(args.index), "--json", "--space"]
    return {"simsearch --help": ["--help"]} | {
        f"simsearch query, {space}": [*ask, space] for space in SPACES
    }


def cold(name: str, words: Sequence[str], runs: int) -> list[str]:
    """One line of the table."""
    simsearch(*words)
    done = [simsearch(*words) for _ in range(runs)]
    times = sorted(1e3 * run.seconds for run in done)
    return [
        name,
        f"{statistics.median(times):,.0f} ({times[0]:,.0f} to {times[-1]:,.0f})",
        f"{max(run.peak_mb for run in done):,.0f}",
        *(part_ms(done, part) for part in PARTS),
    ]


def part_ms(done: Sequence[Run], part: str) -> str:
    """Median of one part of the time that the answer itself states; empty where it states none."""
    if not done[0].stdout.startswith("{"):
        return ""
    return f"{statistics.median(json.loads(run.stdout)['timing_ms'][part] for run in done):,.1f}"


def print_warm(args: argparse.Namespace) -> None:
    """Latency of one query after the other in one process."""
    engine = SearchEngine.open(args.index)
    count = min(args.queries, len(engine.catalog))
    rows = np.random.default_rng(0).choice(len(engine.catalog), count, replace=False)
    retriever = engine.retriever
    descriptors = retriever.descriptors.rows(rows)
    vectors = np.array(retriever.index.vectors)
    queries = vectors[rows]

    def scan(query: int) -> NDArray[np.int64]:
        distances = 1 - vectors @ queries[query]
        near = np.argpartition(distances, min(K, len(distances) - 1))[:K]
        return near[np.argsort(distances[near])]

    print(
        f"\nOne process, {count} queries one after the other among {len(vectors):,} x "
        f"{vectors.shape[1]} vectors ({engine.manifest.fitted.get('kind')}), k = {K}:\n"
    )
    ways: dict[str, Callable[[int], object]] = {
        "NumPy scan of the vectors": scan,
        "vector index alone": lambda query: retriever.index.search(queries[query : query + 1], K),
    }
    for space, balance in SPACES.items():
        ways[f"both stages, {space}"] = lambda query, balance=balance: retriever.search(
            descriptors[query : query + 1], K, balance=balance
        )
    print_table(
        ["search", "median ms", "95% ms"], [latency(way, name, count) for name, way in ways.items()]
    )


def latency(way: Callable[[int], object], name: str, count: int) -> list[str]:
    way(0)
    times = []
    for query in range(count):
        start = time.perf_counter()
        way(query)
        times.append(1e3 * (time.perf_counter() - start))
    return [name, f"{np.median(times):.2f}", f"{np.quantile(times, 0.95):.2f}"]


if __name__ == "__main__":
    main()
