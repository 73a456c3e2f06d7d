"""VGG16's convolutions by Winograd's minimal filtering (Lavin and Gray 2016), on ncnn.

A 3 x 3 convolution in tiles of 4 x 4 takes a quarter of the multiplications and stays as exact as
fp32 is. Maps are kept in a core's cache: the first two blocks are laid out as strips of rows, and
the last block, which has many weights and small maps, takes several pictures as one tall one.
Pictures are shared out among the cores, which then need not wait for one another.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simsearch.encoders.vgg import FEATURES, IMAGENET_MEAN, IMAGENET_STD, Maps
from simsearch.errors import WeightsError
from simsearch.tensors import State

if TYPE_CHECKING:
    import ncnn

_Border = tuple[int, int]  # rows of zeros above and below the input of a convolution

_INPUT = "input"
_BLOCKS = (range(5), range(5, 10), range(10, 17), range(17, 24), range(24, 31))
_STRIPPED = 2  # blocks laid out as strips: those that have more maps than weights
_LAST = _BLOCKS[-1]
_BEFORE = _LAST[0] - 1
_STRIP_NUMBERS = 28 * 224 * 64  # of a map in a strip: ran fastest with 1 MB of cache a core
_BATCH = 4  # pictures for each worker
_MOST_COPIES = 4  # of the first four blocks, 200 MB each; more cores share one picture
_TILE = 4  # rows that a tile gives


class Winograd:
    """The convolutions of configuration D, cut off after the deepest layer wanted.

    Attributes:
        precision: ``f32`` or ``bf16``: what maps are kept in between layers; sums are always f32.
        batch: pictures to give at once, so that all cores have several.
    """

    def __init__(
        self,
        state: State,
        layers: Sequence[str],
        side: int,
        *,
        precision: str = "f32",
        threads: int | None = None,
    ) -> None:
        """Lay out the network for pictures of ``side`` pixels; ``layers`` are ``features.N``."""
        self.precision, self._layers = precision, layers
        wanted = {int(layer.removeprefix("features.")) for layer in layers}
        self._late = sorted(wanted & set(_LAST))
        self._early = sorted(wanted - set(_LAST) | ({_BEFORE} if self._late else set()))
        # Two workers on one network slow each other down, most of all in the many small steps of
        # strips, so that each has a copy; they may share the few large steps of the last block.
        threads = threads or os.cpu_count() or 1
        workers = min(threads, _MOST_COPIES)
        front, cores = _front(state, self._early, side), threads // workers
        self._fronts = [front.compile(precision, cores) for _ in range(workers)]
        self._back = _back(state, self._late).compile(precision, cores) if self._late else None
        self.batch = _BATCH * workers
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="winograd")

    def __call__(self, pictures: NDArray[np.uint8]) -> list[Maps]:
        """Run RGB pictures (n, side, side, 3); one array (n, ...) for each layer asked for."""
        shares = np.array_split(pictures, min(len(self._fronts), len(pictures)))
        found = list(self._workers.map(self._run, self._fronts, shares))
        return [np.concatenate([maps[layer] for maps in found]) for layer in self._layers]

    def _run(self, front: "ncnn.Net", pictures: NDArray[np.uint8]) -> dict[str, Maps]:
        """What the networks give for one worker's pictures."""
        each = [_extract(front, {_INPUT: _colours(p)}, self._early) for p in pictures]
        found = {blob: np.stack([maps[blob] for maps in each]) for blob in each[0]}
        if self._back is not None:
            found |= self._run_back(self._back, found[_blob(_BEFORE)])
        return found

    def _run_back(self, back: "ncnn.Net", maps: Maps) -> dict[str, Maps]:
        """The last block on maps (n, channels, rows, columns) of several pictures at once."""
        rows = maps.shape[2]
        masks = dict.fromkeys(_masks(self._late[-1]), _stack(np.ones_like(maps[:, :1])))
        found = _extract(back, {_INPUT: _stack(maps), **masks}, self._late)
        for blob, tall in found.items():
            kept = rows // 2 if blob == _blob(_LAST[-1]) else rows
            apart = tall.reshape(len(tall), len(maps), -1, tall.shape[-1])
            found[blob] = apart[:, :, :kept].swapaxes(0, 1)
        return found


def _blob(number: int) -> str:
    return f"features.{number}"


def _colours(picture: NDArray[np.uint8]) -> "ncnn.Mat":
    """One picture as torchvision scales it."""
    import ncnn

    rows, columns, _ = picture.shape
    rgb = ncnn.Mat.PixelType.PIXEL_RGB
    colours = ncnn.Mat.from_pixels(np.ascontiguousarray(picture), rgb, columns, rows)
    colours.substract_mean_normalize(list(255 * IMAGENET_MEAN), list(1 / (255 * IMAGENET_STD)))
    return colours


def _stack(maps: Maps) -> "ncnn.Mat":
    """Maps (n, channels, rows, columns) below one another, zeros after each up to whole tiles.

    So the tiles of a picture lie alike in every stack, and its sums are rounded alike.
    """
    import ncnn

    gap = _TILE - maps.shape[2] % _TILE
    padded = np.pad(maps, ((0, 0), (0, 0), (0, gap), (0, 0))).swapaxes(0, 1)
    tall = padded.reshape(len(padded), -1, padded.shape[-1])
    return ncnn.Mat(tall).clone()  # without clone it points into memory that numpy frees


def _extract(
    network: "ncnn.Net", inputs: Mapping[str, "ncnn.Mat"], layers: Sequence[int]
) -> dict[str, Maps]:
    """Maps (channels, rows, columns) of the layers, which must be in the order of computation."""
    extractor = network.create_extractor()
    for blob, maps in inputs.items():
        extractor.input(blob, maps)
    return {_blob(n): np.array(extractor.extract(_blob(n))[1], np.float32) for n in layers}


def _front(state: State, given: Sequence[int], side: int) -> "_Graph":
    """Blocks one to four; the first ones as strips, unless a layer inside of them is wanted."""
    graph = _Graph(state, given, [_INPUT])
    source = _INPUT
    for depth, block in enumerate(_BLOCKS[:-1]):
        inside = given[-1] < block[-1] or set(given) & set(block[:-1])
        if depth < _STRIPPED and not inside:
            source = graph.strips(block, source, side >> depth)
        else:
            source = graph.chain(block, source)
    return graph


def _back(state: State, given: Sequence[int]) -> "_Graph":
    """The last block for a stack; between convolutions a mask clears the gaps."""
    masks = _masks(given[-1])
    graph = _Graph(state, given, [_INPUT, *masks])
    source = _INPUT
    for start in _LAST[::2]:
        source = graph.chain(range(start, start + 2), source)
        if (mask := f"mask.{start}") in masks:
            source = graph.add("BinaryOp", [source, mask], [f"{source}.{mask}"], "0=2")
    return graph


def _masks(deepest: int) -> list[str]:
    """One for each convolution of the last block that another one follows."""
    convolutions = [n for n in _LAST if FEATURES[n][0] == "conv" and n <= deepest]
    return [f"mask.{number}" for number in convolutions[:-1]]


class _Graph:
    """A network in the form of ncnn's two files: lines of layers joined by blobs, and numbers."""

    def __init__(self, state: State, given: Sequence[int], inputs: Sequence[str]) -> None:
        self._state, self._given = state, given
        self._lines: list[str] = []
        self._blobs = 0
        self._numbers: list[bytes] = []
        for blob in inputs:
            self.add("Input", [], [blob], "")

    def add(self, kind: str, sources: Sequence[str], results: Sequence[str], settings: str) -> str:
        """One layer; gives back the name of its first result."""
        words = [kind, f"layer{len(self._lines)}", len(sources), len(results), *sources, *results]
        self._lines.append(" ".join(map(str, [*words, settings])))
        self._blobs += len(results)
        return results[0]

    def chain(
        self, numbers: Sequence[int], source: str, borders: Sequence[_Border] = (), tag: str = ""
    ) -> str:
        """As many layers as are needed; borders: rows of zeros above and below convolutions."""
        left = list(borders)
        for number in [n for n in numbers if n <= self._given[-1]]:
            kind, result = FEATURES[number][0], _blob(number) + tag
            if kind == "pool":
                source = self.add("Pooling", [source], [result], "0=0 1=2 2=2 5=1")
            elif kind == "conv":
                fused = number not in self._given
                result = _blob(number + fused) + tag
                above, below = left.pop(0) if left else (1, 1)
                source = self._convolve(number, source, result, f"14={above} 16={below}", fused)
            elif source != result:
                source = self.add("ReLU", [source], [result], "")
        return source

    def _convolve(self, number: int, source: str, result: str, borders: str, fused: bool) -> str:
        weight, bias = (self._state[f"features.{number}.{part}"] for part in ("weight", "bias"))
        shape = f"0={len(weight)} 1=3 4=1 15=1 {borders} 5=1 6={weight.size}"
        parts = [np.ascontiguousarray(part, np.float32).tobytes() for part in (weight, bias)]
        self._numbers += [bytes(4), *parts]  # four zeros: plain fp32 follows
        return self.add("Convolution", [source], [result], f"{shape} 9={int(fused)}")

    def strips(self, numbers: Sequence[int], source: str, side: int) -> str:
        """A block on strips of rows, each with the rows beyond it that its sums reach."""
        channels = len(self._state[f"features.{numbers[0]}.weight"])
        height = max(_TILE, _STRIP_NUMBERS // (side * channels) // _TILE * _TILE)
        if height >= side:
            return self.chain(numbers, source)
        starts = range(0, side, height)
        copies, parts = [f"{source}.copy{start}" for start in starts], []
        self.add("Split", [source], copies, "")
        for start, copy in zip(starts, copies, strict=True):
            first, last, borders = _reach(start, min(start + height, side), side, len(numbers) // 2)
            crop = f"-23309=1,{first} -23310=1,{last} -23311=1,1"
            strip = self.add("Crop", [copy], [f"{copy}.strip"], crop)
            parts.append(self.chain(numbers, strip, borders, f".from{start}"))
        return self.add("Concat", parts, [_blob(numbers[-1])], "0=1")

    def compile(self, precision: str, threads: int) -> "ncnn.Net":
        """Let ncnn read the two files and transform the weights; WeightsError if it cannot."""
        import ncnn

        network = ncnn.Net()
        network.opt.num_threads = threads
        network.opt.use_bf16_storage = precision == "bf16"
        for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
            setattr(network.opt, name, False)
        with tempfile.TemporaryDirectory() as folder:
            lines, numbers = Path(folder, "lines.param"), Path(folder, "numbers.bin")
            head = ["7767517", f"{len(self._lines)} {self._blobs}"]  # ncnn's mark, and the counts
            lines.write_text("\n".join([*head, *self._lines, ""]))
            numbers.write_bytes(b"".join(self._numbers))
            if network.load_param(str(lines)) or network.load_model(str(numbers)):
                raise WeightsError("ncnn cannot read the network; pip install --upgrade ncnn")
        return network


def _reach(start: int, stop: int, side: int, convolutions: int) -> tuple[int, int, list[_Border]]:
    """Rows of the input that rows start to stop come from, and the border at each convolution."""
    borders: list[_Border] = []
    for _ in range(convolutions):
        borders.insert(0, (int(start == 0), int(stop == side)))
        start, stop = max(start - 1, 0), min(stop + 1, side)
    return start, stop, borders
