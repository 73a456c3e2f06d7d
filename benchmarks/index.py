"""Build, open and ask each kind of index at a million vectors, and a plain NumPy scan beside it.

    python -m benchmarks.index --index INDEX --n 1000000

takes the vectors of a built index (or ``--vectors``, a .npy of unit vectors), draws ``n`` of them
with replacement, adds Gaussian noise of the stated mean length to each and makes them unit again.
Queries are drawn in the same way and are not in the index. Every kind is built in a process of its
own and asked in another, in which its files are memory-mapped and in the page cache.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simsearch.index import KINDS, build_index, open_index
from simsearch.index.exact import scan
from simsearch.neighbors import Neighbors

T = TypeVar("T")
K = 10
SCAN_SIZE = 100_000


def main() -> None:
    args = parse()
    if args.step:
        print(json.dumps(STEPS[args.step](args.work, args.kind)))
        return
    with tempfile.TemporaryDirectory(dir=args.work) as work:
        report(args, Path(work))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, help="folder in which an index lies")
    parser.add_argument("--vectors", type=Path, help="or a .npy of unit vectors")
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--noise", type=float, default=0.3, help="mean length of the noise added")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help="folder for 3 x the vectors' bytes")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    return parser.parse_args()


def report(args: argparse.Namespace, work: Path) -> None:
    path = args.vectors or next(iter(sorted(args.index.rglob("vectors.npy"))))
    source = np.load(path, mmap_mode="r")
    rng = np.random.default_rng(args.seed)
    resample(source, args.n, args.noise, rng, work / "vectors.npy")
    resample(source, args.queries, args.noise, rng, work / "queries.npy")
    vectors, queries = load(work, "vectors"), load(work, "queries")
    print(f"\n{machine()}\n")
    print(
        f"{args.n:,} x {source.shape[1]} float32 ({vectors.nbytes / 1e9:.2f} GB), drawn from "
        f"{len(source):,} given ones, noise of length {args.noise}; "
        f"{args.queries} queries, k = {K}\n"
    )
    truth = scan(vectors, queries, K)
    np.save(work / "truth.npy", truth.distances)
    print_kinds(args, work)
    print("\nFiles are in the page cache; peaks count the pages of mapped files that were touched.")
    print_scan(work)


def resample(
    source: NDArray[np.float32], n: int, noise: float, rng: np.random.Generator, path: Path
) -> None:
    dim = source.shape[1]
    out = np.lib.format.open_memmap(path, "w+", np.float32, (n, dim))
    for start in range(0, n, 50_000):
        rows = np.sort(rng.integers(0, len(source), min(50_000, n - start)))
        drawn = source[rows] + rng.standard_normal((len(rows), dim), np.float32) * np.float32(
            noise / dim**0.5
        )
        rng.shuffle(drawn)
        out[start : start + len(rows)] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    out.flush()


def load(work: Path, name: str) -> NDArray[np.float32]:
    return np.asarray(np.load(work / f"{name}.npy", mmap_mode="r"))


def print_kinds(args: argparse.Namespace, work: Path) -> None:
    print(
        "| kind | build s | peak MB | open ms | first query ms | one query ms | batch queries/s "
        "| recall@10 | stated | before ranking | vectors MB | index MB | asking, peak MB |"
    )
    print("|---|" + "---:|" * 12)
    for kind in args.kinds.split(","):
        built, asked = run("build", work, kind), run("ask", work, kind)
        print(
            f"| {kind} | {built['seconds']:.1f} | {built['peak']:.0f} | {asked['open']:.1f} "
            f"| {asked['first']:.1f} | {asked['one']:.2f} | {asked['batch']:.0f} "
            f"| {asked['recall']:.4f} | {asked['stated']:.4f} | {asked['unranked']:.4f} "
            f"| {built['vectors']:.0f} | {built['index']:.0f} | {asked['peak']:.0f} |",
            flush=True,
        )


def print_scan(work: Path) -> None:
    found = run("scan", work, "flat", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    print(f"\nOne query among {found['size']:,} vectors, one core, one process:\n")
    print("| | ms | flat is faster |\n|---|---:|---:|")
    for name in ("flat", "NumPy, partial sort", "NumPy, full sort"):
        print(f"| {name} | {found[name]:.2f} | {found[name] / found['flat']:.2f} x |")


def run(step: str, work: Path, kind: str, **environment: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.index", "--work", work, "--step", step]
    done = subprocess.run(
        [*map(str, command), "--kind", kind],
        env=os.environ | environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    values: dict[str, float] = json.loads(done.stdout)
    return values


def build(work: Path, kind: str) -> dict[str, float]:
    vectors = load(work, "vectors")
    seconds, index = timed(lambda: build_index(kind, vectors))
    folder = work / kind
    folder.mkdir(exist_ok=True)
    index.save(folder)
    sizes = {path.name: path.stat().st_size / 1e6 for path in folder.iterdir()}
    return {
        "seconds": seconds,
        "peak": peak(),
        "vectors": sizes["vectors.npy"],
        "index": sizes["index.faiss"],
    }


def ask(work: Path, kind: str) -> dict[str, float]:
    import faiss  # noqa: F401  (its import is not the index's to answer for)

    folder = work / kind
    for path in folder.iterdir():
        with path.open("rb") as file:
            while file.read(1 << 24):
                pass
    queries, truth = load(work, "queries"), load(work, "truth")
    opening, index = timed(lambda: open_index(folder))
    first, _ = timed(lambda: index.search(queries[:1], K))
    batch, found = timed(lambda: index.search(queries, K))
    return {
        "open": 1e3 * opening,
        "first": 1e3 * first,
        "one": median_ms(lambda query: index.search(query, K), queries),
        "batch": len(queries) / batch,
        "recall": recall(found, truth),
        "stated": index.recall,
        "unranked": float(str(index.facts()["recall_unranked"])),
        "peak": peak(),
    }


def compare_with_scan(work: Path, kind: str) -> dict[str, float]:
    vectors, queries = load(work, "vectors")[:SCAN_SIZE], load(work, "queries")
    index = build_index(kind, vectors)

    def partial(query: NDArray[np.float32]) -> NDArray[np.int64]:
        distances = 1 - vectors @ query[0]
        near = np.argpartition(distances, K)[:K]
        return near[np.argsort(distances[near])]

    return {
        "size": len(vectors),
        "flat": median_ms(lambda query: index.search(query, K), queries),
        "NumPy, partial sort": median_ms(partial, queries),
        "NumPy, full sort": median_ms(lambda q: np.argsort(1 - vectors @ q[0])[:K], queries),
    }


STEPS: dict[str, Callable[[Path, str], dict[str, float]]] = {
    "build": build,
    "ask": ask,
    "scan": compare_with_scan,
}


def recall(found: Neighbors, truth: NDArray[np.float32]) -> float:
    return float((found.distances <= truth[:, -1:]).mean())


def timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    done = work()
    return time.perf_counter() - start, done


def median_ms(ask_one: Callable[[NDArray[np.float32]], object], queries: NDArray) -> float:
    ask_one(queries[:1])
    times = [timed(lambda q=query: ask_one(q[None]))[0] for query in queries[:100]]
    return 1e3 * float(np.median(times))


def peak() -> float:
    """Peak resident size in MB; pages of mapped files that were touched count."""
    status = Path("/proc/self/status")  # getrusage would count the parent before it forked
    if status.exists():
        lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(lines[0].split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def machine() -> str:
    import faiss

    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = models[0].partition(":")[2].strip() if models else name
    system = f"{os.cpu_count()} cores, {platform.system()}, load before {os.getloadavg()[0]:.1f}"
    return (
        f"{name}, {system}; Python {platform.python_version()}, "
        f"NumPy {np.__version__}, FAISS {faiss.__version__} {faiss.get_compile_options().strip()}"
    )


if __name__ == "__main__":
    main()
