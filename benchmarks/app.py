"""The page under load: first answers and redraws of one visitor, then of many at once.

    python -m benchmarks.app --index INDEX

Starts ``simsearch app`` on this machine and visits it as browsers do, with generated pictures that
no index holds. A browser's own time to draw is not in the numbers.
"""

import argparse
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.processes import cpu_seconds, memory, print_table, read_once, setting
from benchmarks.visitor import Visitor
from simsearch.panels.pictures import png
from simsearch.sample import DESIGNS
from simsearch.sample.design import draw_looks

LOOK_ALIKES = (10, 20, 5)
"""Values that the slider of look-alikes is moved to, in turn, after each upload."""
STARTING = 60


@dataclass
class Visit:
    """What the visitors saw together."""

    uploads: list[float] = field(default_factory=list)
    redraws: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    sent: int = 0


def main() -> None:
    args = parse()
    print(f"{setting()}\n", flush=True)
    read_once([args.index])
    pictures = drawn(args.pictures)
    with served(args.index) as (address, process):
        visitor = Visitor(address)
        opened = visitor.draw()
        first = visitor.upload("first.png", pictures[0])
        visitor.close()
        before = memory(process.pid)
        print(f"page of the first visitor {opened:.2f} s, its first answer {first:.2f} s\n")
        rows = []
        for count, seconds in ((1, args.alone), (args.visitors, args.seconds)):
            used = cpu_seconds(process.pid)
            visit, most = visited(address, process.pid, pictures, count, seconds)
            used = cpu_seconds(process.pid) - used
            each = used / max(len(visit.uploads) + len(visit.redraws), 1)
            rows.append([*row(count, visit, most, before), f"{each:.2f}"])
            for fault in visit.faults[:5]:
                print(f"fault: {fault}", file=sys.stderr)
        names = ["visitors", "answers", "first answer, s", "95%", "redraw, s", "95%"]
        print_table([*names, "faults", "peak MB", "pictures sent, MB", "processor s a page"], rows)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--visitors", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=120, help="of the many")
    parser.add_argument("--alone", type=float, default=30, help="seconds of the one")
    parser.add_argument("--pictures", type=int, default=40)
    return parser.parse_args()


def drawn(count: int) -> list[bytes]:
    """Pictures that nobody has seen, of several sizes, as PNG."""
    draw = np.random.default_rng(7)
    each = [DESIGNS[name] for name in ("teapots", "masks", "moths", "lighthouses")]
    designs = [each[number % len(each)] for number in range(count)]
    return [png(one.draw(draw_looks(one, draw, 1)[0])) for one in designs]


@contextmanager
def served(index: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The page of an index, until the body ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "simsearch", "app", "--port", str(port)]
    process = subprocess.Popen([*command, "--index", str(index)], stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/_stcore/health")
        yield address, process
    finally:
        process.terminate()
        process.wait()


def wait_for(address: str) -> None:
    until = time.monotonic() + STARTING
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{address} does not answer")


def visited(
    address: str, pid: int, pictures: list[bytes], count: int, seconds: float
) -> tuple[Visit, float]:
    """Let visitors upload for some time.

    Returns:
        What they saw, and the most memory in MB that the server took meanwhile.
    """
    visit, until = Visit(), time.monotonic() + seconds
    each = [
        threading.Thread(target=stay, args=(address, pictures, place, until, visit))
        for place in range(count)
    ]
    for one in each:
        one.start()
    most = 0.0
    while any(one.is_alive() for one in each):
        most = max(most, memory(pid))
        time.sleep(0.1)
    return visit, most


def stay(address: str, pictures: list[bytes], place: int, until: float, visit: Visit) -> None:
    """Upload one picture after the other, and move a slider after each."""
    try:
        visitor = Visitor(address)
        visitor.draw()
        number = place
        while time.monotonic() < until:
            data = pictures[number % len(pictures)]
            visit.uploads.append(visitor.upload(f"{number}.png", data))
            visit.sent += len(data)
            for k in LOOK_ALIKES:
                visit.redraws.append(visitor.slide("k", k))
                visit.faults += unanswered(visitor, k)
            number += 1
        visitor.close()
    except Exception as error:
        visit.faults.append(f"{type(error).__name__}: {error}")


def unanswered(visitor: Visitor, k: int) -> list[str]:
    """What is wrong with a page that should show k look-alikes."""
    told = [body for body in visitor.html if 'class="notice error"' in body]
    cards = sum('title="similarity"' in body for body in visitor.html)
    return told or ([] if cards == k else [f"{cards} look-alikes, not {k}"])


def row(count: int, visit: Visit, most: float, before: float) -> list[str]:
    times = [text for seen in (visit.uploads, visit.redraws) for text in spread(seen)]
    return [
        *(str(count), str(len(visit.uploads)), *times, str(len(visit.faults))),
        *(f"{most:,.0f} (+{most - before:,.0f})", f"{visit.sent / 1e6:,.1f}"),
    ]


def spread(seconds: list[float]) -> tuple[str, str]:
    """Median and 95% quantile."""
    if not seconds:
        return "", ""
    return f"{statistics.median(seconds):.2f}", f"{np.quantile(seconds, 0.95):.2f}"


if __name__ == "__main__":
    main()
