"""Build an index twice: time, pictures a second, memory and bytes, and what a second run reuses.

    python -m benchmarks.build SOURCE... [-- OPTION...]

builds with ``simsearch index build`` in a new process into an empty folder, then runs the same
command again. The sources have been read once before, so they are in the page cache. What stands
behind ``--`` is given to the command, as ``-- --encoder pixels``.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.processes import Run, print_table, read_once, setting, simsearch
from simsearch.store.manifest import Manifest


def main() -> None:
    args = parse()
    print(f"{setting()}\n", flush=True)
    read_once(args.sources)
    with tempfile.TemporaryDirectory(dir=args.work) as work:
        index = Path(work) / "index"
        command = ["index", "build", *args.sources, "--out", index, *args.options]
        first, second = simsearch(*command), simsearch(*command)
        print_builds(Manifest.read(index), first, second)
        print_sizes(index)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="+", type=Path, metavar="SOURCE")
    parser.add_argument("--work", type=Path, help="folder with room for the index")
    own, options = split_at_dashes(sys.argv[1:])
    args = parser.parse_args(own)
    args.options = options
    return args


def split_at_dashes(words: list[str]) -> tuple[list[str], list[str]]:
    place = words.index("--") if "--" in words else len(words)
    return words[:place], words[place + 1 :]


def print_builds(manifest: Manifest, first: Run, second: Run) -> None:
    print(
        f"{manifest.items:,} pictures of {len(manifest.collections):,} collections, "
        f"{manifest.sales:,} sales, encoder {manifest.encoder}, "
        f"{manifest.dim:,} numbers a picture\n"
    )
    print_table(
        ["build", "seconds", "pictures/s", "peak MB", "of the first"],
        [
            (
                name,
                f"{run.seconds:.1f}",
                f"{manifest.items / run.seconds:,.0f}",
                f"{run.peak_mb:,.0f}",
                f"{run.seconds / first.seconds:.1%}",
            )
            for name, run in (("first", first), ("second, all reused", second))
        ],
    )


def print_sizes(index: Path) -> None:
    sizes = {path.name: path.stat().st_size for path in sorted(index.iterdir())}
    items = Manifest.read(index).items
    rows = [*sizes.items(), ("all", sum(sizes.values()))]
    print()
    print_table(
        ["file", "MB", "bytes a picture"],
        [(name, f"{size / 1e6:,.1f}", f"{size / items:,.0f}") for name, size in rows],
    )


if __name__ == "__main__":
    main()
