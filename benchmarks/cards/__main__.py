"""Classifiers on photographs of playing cards, 53 classes, and how the studies fell short on such.

    python -m benchmarks.cards FOLDER [--mobilenet FILE]

FOLDER is drawn where it is not there yet: 100 training and 5 test pictures of each class, the same
for the same seed. Checkpoints lie beside it in FOLDER.work, and the same command goes on from them.
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path

from benchmarks.cards.folder import write_cards
from benchmarks.cards.studies import STUDIES, Transfer, inputs_of
from benchmarks.cards.trial import COLUMNS, tried
from benchmarks.processes import print_table, setting
from simsearch.classifiers.presets import ClassifierSettings, find_preset
from simsearch.sample import write_sample
from simsearch.sources import read_sources

PARTS = ("classifiers", "softmax", "transfer")
CLASSIFIERS = ("dense@112", "cards@112", "cnn", "linear", "fine-tuned@96")
FAULTS = ("unscaled", "scores", "rescaled_after", "softmax")


def main() -> None:
    args = parse()
    print(f"{setting()}\n", flush=True)
    args.work.mkdir(parents=True, exist_ok=True)
    if not args.folder.exists():
        write_cards(args.folder, seed=args.seed)
    run = {"classifiers": classifiers, "softmax": softmax, "transfer": transfer}
    for part in args.parts:
        run[part](args)
        print(flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument(
        "--classifiers", nargs="+", default=CLASSIFIERS, metavar="PRESET[@SIDE]", help="to train"
    )
    parser.add_argument("--epochs", type=int, default=20, help="at most")
    parser.add_argument(
        "--patience", type=int, default=5, help="epochs without gain; 0 = never stop"
    )
    parser.add_argument(
        "--augment", default="rotation,zoom,shift", metavar="NAMES", help="of the classifiers"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mobilenet", type=Path, metavar="FILE", help="torchvision's, ImageNet")
    parser.add_argument(
        "--fault", action="append", choices=FAULTS, help="of a transfer of one's own"
    )
    args = parser.parse_args()
    args.work = args.folder.with_name(f"{args.folder.name}.work")
    return args


def settings_of(args: argparse.Namespace, preset: str) -> ClassifierSettings:
    name, _, side = preset.partition("@")
    return ClassifierSettings(
        name,
        side=int(side or 0),
        epochs=args.epochs,
        patience=args.patience,
        augment=args.augment if find_preset(name).sees else "",
        seed=args.seed,
    )


def classifiers(args: argparse.Namespace) -> None:
    """Presets, one after another."""
    items = read_sources([args.folder]).items
    rows = []
    for preset in args.classifiers:
        chosen = settings_of(args, preset)
        found = tried(items, chosen, args.work, name=preset)
        rows.append([f"{preset}: {chosen.kind.about}", *found.cells()])
    print_table(["classifier", *COLUMNS], rows)


def softmax(args: argparse.Namespace) -> None:
    """A softmax as hidden activation, on the six collections of the sample as they are."""
    place = args.work / "sample"
    if not place.exists():
        write_sample(place, size=120, seed=args.seed)
    items = read_sources([place]).items
    rows = []
    for hidden in ("softmax", "relu"):
        chosen = replace(settings_of(args, "study-1@96"), hidden=hidden, augment="")
        found = tried(items, chosen, args.work, name=f"sample-{hidden}")
        rows.append([f"study-1, hidden {hidden}, six collections", *found.cells()])
    print_table(["hidden activation", *COLUMNS], rows)


def transfer(args: argparse.Namespace) -> None:
    """A frozen network of ImageNet with the faults of the studies, and without."""
    if args.mobilenet is None or not args.mobilenet.is_file():
        print("transfer: left out, for --mobilenet names no file of weights")
        return
    wanted = {f"faults: {', '.join(args.fault)}": chosen(args.fault)} if args.fault else STUDIES
    items = read_sources([args.folder]).items
    rows = []
    for name, one in wanted.items():
        inputs = inputs_of(args.mobilenet, one)
        place = name.replace(" ", "-")
        found = tried(
            items, settings_of(args, "linear"), args.work, inputs=inputs, head=one.head, name=place
        )
        rows.append([name, *found.cells()])
    print_table(["frozen MobileNetV2 and a head", *COLUMNS], rows)


def chosen(faults: list[str]) -> Transfer:
    """A transfer with these faults."""
    flags = {name: name in faults for name in FAULTS[:3]}
    return Transfer(**flags, hidden="softmax" if "softmax" in faults else "")


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    main()
