"""Commands run in processes of their own, with their time and their peak memory."""

import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

LIBRARIES = ("simsearch", "numpy", "faiss-cpu", "openvino", "pillow", "pyarrow")
_LOOK_SECONDS = 0.01


@dataclass(frozen=True)
class Run:
    """One command that has ended.

    Attributes:
        seconds: from start to end.
        peak_mb: peak resident memory of the process tree: the larger of what was seen every 10 ms
            of all its processes together, and the kernel's own peak of the first of them. Pages of
            mapped files that were touched count.
        stdout: what it printed.
    """

    seconds: float
    peak_mb: float
    stdout: str


def simsearch(*args: str | Path) -> Run:
    """Run the command line in a new process; what it says on stderr is shown if it fails."""
    command = [sys.executable, "-m", "simsearch", *map(str, args)]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=errors)
        seen = _Watcher(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        # This counts the parent before it forked, too: used only where nothing was seen.
        rest = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}\n{errors.read()}")
        return Run(seconds, (seen.stop() or rest) / 1e6, out.read())


class _Watcher:
    """Looks at a process tree until it is told to stop; sees nothing where there is no /proc."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> int:
        """Most bytes seen."""
        self._over.set()
        self._thread.join()
        return self._most

    def _look(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            together = round(1e6 * memory(self._pid))
            self._most = max(self._most, together, _status(self._pid, "VmHWM"))


def memory(pid: int) -> float:
    """Resident MB of a process and its descendants now."""
    return sum(_status(one, "VmRSS") for one in _tree(pid)) / 1e6


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far, all its threads together."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _tree(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def _status(pid: int, name: str) -> int:
    """Bytes that the kernel states of a process; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), 0)


def read_once(paths: Iterable[Path]) -> None:
    """Bring files, and those in folders, into the page cache."""
    for path in paths:
        for file in path.rglob("*") if path.is_dir() else [path]:
            if file.is_file():
                with file.open("rb") as stream:
                    while stream.read(1 << 24):
                        pass


def setting() -> str:
    """The machine, how busy it is, and the versions, in one line."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = models[0].partition(":")[2].strip() if models else name
    versions = ", ".join(map(_version, LIBRARIES))
    return (
        f"{name}, {os.cpu_count()} cores, {platform.system()}, load before "
        f"{os.getloadavg()[0]:.1f}; Python {platform.python_version()}, {versions}"
    )


def _version(library: str) -> str:
    try:
        return f"{library} {importlib.metadata.version(library)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{library} not installed"


def print_table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A Markdown table; all columns but the first are numbers."""
    print(f"| {' | '.join(names)} |")
    print("|---|" + "---:|" * (len(names) - 1))
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
