"""Train the encoder four times, each time without a quarter of the collections.

    python -m benchmarks.folds FOLDER --out DIR [-- OPTION...]

FOLDER holds a folder per collection. Fold f leaves out every fourth of them in the order of their
names, from the f-th on; ``DIR/fold{f}.safetensors`` has seen nothing of those, so what it makes of
them is what it makes of art it does not know. ``DIR/all.safetensors`` has seen all of them, and is
what the package ships. What stands behind ``--`` is given to ``simsearch train encoder``. A run
that was stopped goes on where it was.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.build import split_at_dashes

FOLDS = 4


def left_out(names: list[str], fold: int) -> list[str]:
    """Those that a fold does not see."""
    return sorted(names)[fold::FOLDS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="holds a folder per collection")
    parser.add_argument("--out", type=Path, required=True, help="where the weights go")
    own, options = split_at_dashes(sys.argv[1:])
    args = parser.parse_args(own)
    args.out.mkdir(parents=True, exist_ok=True)
    names = sorted(path.name for path in args.folder.iterdir() if path.is_dir())
    for fold in range(FOLDS):
        seen = [args.folder / name for name in names if name not in left_out(names, fold)]
        train(seen, args.out / f"fold{fold}.safetensors", options)
    train([args.folder / name for name in names], args.out / "all.safetensors", options)


def train(sources: list[Path], out: Path, options: list[str]) -> None:
    if out.is_file():
        print(f"{out} is there already")
        return
    command = ["train", "encoder", *map(str, sources), "--out", str(out), "--resume", *options]
    print(f"{out}: {len(sources)} sources", flush=True)
    subprocess.run([sys.executable, "-m", "simsearch", *command], check=True)


if __name__ == "__main__":
    main()
