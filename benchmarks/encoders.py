"""Measure every encoder against the plain loop that people write, and its agreement with fp32.

    python -m benchmarks.encoders                     on the generated sample
    python -m benchmarks.encoders SOURCE... --weights vgg16-397923af.pth

The plain loop is torchvision's VGG16 down to its last map, one picture at a time, in fp32 and
inference mode, on torch's own number of threads. All start from pictures that are decoded and at
the size of the network. In every round each encoder is timed right after a turn of the plain loop;
a ratio is the median over the rounds, a rate the best. *Overlap* is the mean share of the ten
nearest pictures (cosine, whole descriptor) that the same network in torch fp32 finds too. *Ready*
is the time in a new process from its first import to its first descriptor.

Last, files of 720 px go through ``vgg16-nft``: read, decoded and brought to its size by threads,
that alone, then with the encoder taking what they give, and as ``index build`` does it, which also
keeps a hash and a thumbnail of each picture. Where the reader is the limit, the ratio is near 1.
"""

import argparse
import importlib.metadata
import itertools
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simsearch.building.encoding import BATCH, Encoding, encode_items, in_order
from simsearch.catalog import Item
from simsearch.encoders import Encoder, vgg16, vgg16_nft
from simsearch.encoders.pixels import Pixels
from simsearch.encoders.vgg import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    best_precision,
    parameter_shapes,
    pool,
    unit_rows,
)
from simsearch.errors import WeightsError
from simsearch.images import fit_square, pixel_hash
from simsearch.sample import write_sample
from simsearch.sources import PictureReader, read_sources
from simsearch.store.manifest import EncoderStamp
from simsearch.store.shelves import Shelves
from simsearch.tensors import State, load_state, save_state
from simsearch.weights import find_weights

K = 10
LAYER = "features.30"
LARGE = 720
"""Pixels on a side of the files that are read."""
READOUTS = (("study-128", "flat"), ("imagenet-224", "flat"), ("imagenet-224", "gem"))

Pictures = NDArray[np.uint8]
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Contender:
    """An encoder under test; ``used`` says whether it runs so on this processor by itself."""

    label: str
    encoder: Encoder
    state: State
    pooling: str = ""
    precision: str = "–"
    used: bool = True

    @property
    def network(self) -> str:
        """Weights and size of input, which decide the maps that all poolings start from."""
        return f"{self.encoder.weights_sha256} {side_of(self.encoder)}"


def main() -> None:
    args = parse()
    with tempfile.TemporaryDirectory() as work:
        pictures = read_pictures(args, Path(work))
        weights, origin = full_weights(args.weights, Path(work))
        full = load_state(weights, parameter_shapes([LAYER], 64))
        contenders = make_contenders(full)
        print_setting(len(pictures), origin)
        rates, ratios = race(contenders, torch_network(full), pictures[:32], args)
        maps = reference_maps(contenders, pictures)
        overlaps = [agreement(contender, maps, pictures) for contender in contenders]
        print_table(contenders, rates, ratios, overlaps)
        print_ready({c.label: c.encoder for c in contenders}, weights)
        print_reading(large_items(args, Path(work)), args.rounds, Path(work))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="*", type=Path, help="collections; default: the sample")
    parser.add_argument("--pictures", type=int, default=600, help="different ones to compare on")
    parser.add_argument("--weights", type=Path, help="VGG16 weights; default: those in the cache")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one turn")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def read_pictures(args: argparse.Namespace, work: Path) -> list[Pictures]:
    """Different pictures, evenly from all collections, at 224 x 224."""
    if not args.sources:
        write_sample(work / "sample", seed=args.seed, size=max(20, args.pictures // 4))
    items = read_sources(args.sources or [work / "sample"]).items
    order = np.random.default_rng(args.seed).permutation(len(items))
    found: dict[str, dict[str, Pictures]] = {item.collection: {} for item in items}
    limit = -(-args.pictures // len(found))
    chosen = [items[i] for i in order]
    with PictureReader() as reader:
        for item in sorted(chosen, key=lambda item: item.collection):
            if len(mine := found[item.collection]) < limit:
                rgb = reader.read(item.picture).rgb()
                mine[pixel_hash(rgb)] = fit_square(rgb, 224)
    pictures = [rgb for mine in found.values() for rgb in mine.values()]
    return [pictures[i] for i in np.random.default_rng(args.seed).permutation(len(pictures))]


def full_weights(given: Path | None, work: Path) -> tuple[Path, str]:
    """ImageNet weights where they are at hand, else random ones, and a word on which."""
    try:
        return find_weights("vgg16", given, fetch=False), str(given or "ImageNet")
    except WeightsError:
        if given:
            raise
    save_state(work / "random.safetensors", vgg16_nft.untrained_state(64), {})
    return work / "random.safetensors", "random (He), as the ImageNet file is not at hand"


def make_contenders(full: State) -> list[Contender]:
    small = load_state(find_weights("vgg16-nft"))
    best = best_precision()
    made = [Contender("pixels", Pixels(), {})]
    for precision in sorted({"f32", best}):
        used = precision == best
        encoder = vgg16_nft.VGG16NFT(small, precision=precision)
        made.append(Contender("vgg16-nft", encoder, small, "flat", precision, used))
        for preset, pooling in READOUTS:
            readout = vgg16.choose_readout(preset, pooling=pooling)
            full_size = vgg16.VGG16(full, readout, preset=preset, precision=precision)
            used = precision == (best if pooling == "flat" else "f32")
            label = f"vgg16, {readout.side} px, {pooling}"
            made.append(Contender(label, full_size, full, pooling, precision, used))
    return made


def torch_network(state: State) -> Callable[[Pictures], Rows]:
    """Torchvision's own layers with these weights: pictures (n, side, side, 3) to maps."""
    import torch
    from torchvision.models.vgg import cfgs, make_layers

    width = vgg16_nft.base_width(state)
    channels = [c if c == "M" else int(c) * width // 64 for c in cfgs["D"]]
    features = make_layers(channels).eval()
    named = {name.removeprefix("features."): torch.from_numpy(v) for name, v in state.items()}
    features.load_state_dict(named)
    mean, std = (torch.from_numpy(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))

    def run(pictures: Pictures) -> Rows:
        with torch.inference_mode():
            colours = torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255.0
            return features((colours - mean) / std).numpy()

    return run


def race(
    contenders: list[Contender],
    plain: Callable[[Pictures], Rows],
    pictures: list[Pictures],
    args: argparse.Namespace,
) -> tuple[list[float], list[float]]:
    """Best rates and median ratios; the plain loop stands first among the rates."""
    inputs = [at_size(contender, pictures) for contender in contenders]
    rates: list[list[float]] = [[] for _ in range(len(contenders) + 1)]
    ratios: list[list[float]] = [[] for _ in contenders]
    for _ in range(args.rounds):
        for number, (contender, batch) in enumerate(zip(contenders, inputs, strict=True)):
            base = rate(plain, pictures[0][None], args.seconds)
            mine = rate(contender.encoder.encode, batch, args.seconds)
            rates[0].append(base)
            rates[number + 1].append(mine)
            ratios[number].append(mine / base)
    return [max(r) for r in rates], [statistics.median(r) for r in ratios]


def rate(encode: Callable[[Pictures], Rows], batch: Pictures, seconds: float) -> float:
    """Pictures a second; the first call is not counted."""
    encode(batch)
    done, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        encode(batch)
        done += len(batch)
    return done / passed


def side_of(encoder: Encoder) -> int:
    return int(str(encoder.settings["side"]))


def reference_maps(contenders: list[Contender], pictures: list[Pictures]) -> dict[str, Rows]:
    """What torch makes of the pictures in fp32, for each network and size of input once."""
    made: dict[str, Rows] = {}
    for contender in contenders:
        if contender.pooling and contender.network not in made:
            network, batch = torch_network(contender.state), at_size(contender, pictures)
            parts = [network(batch[i : i + 8]) for i in range(0, len(batch), 8)]
            made[contender.network] = np.concatenate(parts)
    return made


def agreement(
    contender: Contender, maps: dict[str, Rows], pictures: list[Pictures]
) -> tuple[float, float]:
    """Overlap of the ten nearest with torch in fp32: whole descriptor, and its deep part alone."""
    if not contender.pooling:
        return 1.0, 1.0
    mine = contender.encoder.encode(at_size(contender, pictures))
    deep = contender.encoder.blocks[-1].start
    exact = unit_rows(pool(maps[contender.network], contender.pooling))
    theirs = np.concatenate([mine[:, :deep], exact], axis=1)
    return overlap(mine, theirs), overlap(mine[:, deep:], theirs[:, deep:])


def at_size(contender: Contender, pictures: list[Pictures]) -> Pictures:
    return np.stack([contender.encoder.prepare(picture) for picture in pictures])


def overlap(mine: Rows, theirs: Rows) -> float:
    pairs = zip(nearest(mine), nearest(theirs), strict=True)
    return float(np.mean([len(np.intersect1d(a, b)) / K for a, b in pairs]))


def nearest(rows: Rows) -> NDArray[np.intp]:
    """The K nearest others of each row, by cosine in double precision."""
    unit = rows / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -np.inf)
    return np.argsort(-likeness, axis=1, kind="stable")[:, :K]


def large_items(args: argparse.Namespace, work: Path) -> list[Item]:
    """Pictures of 720 px in files: those of the sources, else some of the sample, enlarged."""
    items = read_sources(args.sources or [work / "sample"]).items
    order = np.random.default_rng(args.seed).permutation(len(items))
    with PictureReader() as reader:
        if args.sources:
            large = (i for i in order if reader.read(items[i].picture).rgb().shape[0] == LARGE)
            return [items[i] for i in itertools.islice(large, args.pictures)]
        folder = work / "large"
        folder.mkdir()
        for i in order[: args.pictures]:
            image = Image.fromarray(reader.read(items[i].picture).rgb()).convert("RGBA")
            image.resize((LARGE, LARGE), Image.Resampling.NEAREST).save(folder / f"{i}.png")
    return read_sources([folder]).items


def print_reading(items: list[Item], rounds: int, work: Path) -> None:
    """Pictures a second from files, each way in every round; ratios are medians over the rounds."""
    if not items:
        print(f"\nNo picture of {LARGE} px in these sources to read.")
        return
    encoder = vgg16_nft.load()
    ways: dict[str, Callable[[int], object]] = {
        "read, decoded and at the size of the encoder": lambda _: described(items, encoder, False),
        "descriptors": lambda _: described(items, encoder, True),
        "as index build": lambda number: encode_items(
            items, Shelves(work / f"parts{number}", EncoderStamp.of(encoder)), Encoding(encoder)
        ),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way(number)
            rates[name].append(len(items) / (time.perf_counter() - start))
    print(f"\n{len(items):,} files of {LARGE} px, {os.cpu_count()} reader threads:\n")
    print("| from files | pictures/s | of reading alone |\n|---|---|---|")
    alone = next(iter(rates.values()))
    for name, found in rates.items():
        ratio = statistics.median(mine / base for mine, base in zip(found, alone, strict=True))
        print(f"| {name} | {max(found):,.0f} | {ratio:.3f} |")


def described(items: list[Item], encoder: Encoder, encoded: bool) -> None:
    """Prepare pictures with threads, and encode them in batches meanwhile where asked to."""
    workers = os.cpu_count() or 1
    batch: list[Pictures] = []
    with PictureReader() as reader, ThreadPoolExecutor(workers) as pool:

        def prepare(item: Item) -> Pictures:
            return encoder.prepare(reader.read(item.picture).rgb())

        for one in in_order(pool, prepare, items, workers + 2 * BATCH):
            batch.append(one)
            if len(batch) == BATCH:
                if encoded:
                    encoder.encode(np.stack(batch))
                batch.clear()
    if encoded and batch:
        encoder.encode(np.stack(batch))


def print_setting(pictures: int, origin: str) -> None:
    names = ("openvino", "ncnn", "torch", "torchvision", "numpy")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}.")
    print(f"{pictures} different pictures; VGG16 weights: {origin}.\n", flush=True)


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


def print_table(
    contenders: list[Contender],
    rates: list[float],
    ratios: list[float],
    overlaps: list[tuple[float, float]],
) -> None:
    print(
        "| encoder | precision | used | numbers | pictures/s | × plain | overlap@10 | deep alone |"
    )
    print("|---|---|---|---|---|---|---|---|")
    print(f"| plain torchvision loop | f32 | | 25,088 | {rates[0]:,.1f} | 1 | 1 | 1 |")
    for contender, speed, ratio, (whole, deep) in zip(
        contenders, rates[1:], ratios, overlaps, strict=True
    ):
        used, numbers = "yes" if contender.used else "no", contender.encoder.blocks[-1].stop
        print(
            f"| {contender.label} | {contender.precision} | {used} | {numbers:,} "
            f"| {speed:,.1f} | {ratio:,.2f} | {whole:.4f} | {deep:.4f} |"
        )


def print_ready(encoders: dict[str, Encoder], weights: Path) -> None:
    """Seconds in a new process, the middle of three."""
    print("\nReady in a new process, imports and the first picture included:", flush=True)
    for label, encoder in encoders.items():
        times = [ready_seconds(encoder, weights) for _ in range(3)]
        print(f"- {label}: {statistics.median(times):.2f} s")


def ready_seconds(encoder: Encoder, weights: Path) -> float:
    given = f"Path({str(weights)!r})" if encoder.name == "vgg16" else None
    code = (
        "import time; start = time.perf_counter()\n"
        "import numpy as np; from pathlib import Path\n"
        "from simsearch.encoders import restore_encoder\n"
        f"encoder = restore_encoder({encoder.name!r}, {encoder.settings!r}, weights={given})\n"
        f"encoder.encode(np.zeros((1, {side_of(encoder)}, {side_of(encoder)}, 3), np.uint8))\n"
        "print(time.perf_counter() - start)"
    )
    return float(subprocess.check_output([sys.executable, "-c", code], text=True))


if __name__ == "__main__":
    main()
