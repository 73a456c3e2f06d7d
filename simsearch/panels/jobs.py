"""Long work behind the page: one piece at a time for the whole server, in a thread of its own."""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from simsearch.errors import SimsearchError

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

_NICE = 5
"""How far the work stands back behind answers, as the system counts it."""


class _StoppedError(Exception):
    """The work was told to stop."""


@dataclass
class Job:
    """A piece of work, running or ended.

    Attributes:
        kind: what it is, in the program, such as ``evaluate/price``.
        title: what it is, for people.
        stage, done, total: how far it is; a total of 0 = nobody knows.
        error: what went wrong, in one line; empty where nothing did.
        result: what it gave.
        ended: whether it is over.
    """

    kind: str
    title: str
    stage: str = ""
    done: int = 0
    total: int = 0
    error: str = ""
    result: object = None
    started: float = field(default_factory=time.monotonic)
    _over: threading.Event = field(default_factory=threading.Event, repr=False)
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def ended(self) -> bool:
        """Whether it is over, well or not."""
        return self._over.is_set()

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """End it when it next tells how far it is."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait until it is over; false where it is not after so long."""
        return self._over.wait(seconds)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Note how far it is."""
        self.stage, self.done, self.total = stage, done, total
        if self._stop.is_set():
            raise _StoppedError

    def run(self, work: Callable[[Progress], object]) -> None:
        """Do the work; whatever it raises becomes one line."""
        with suppress(OSError, AttributeError):  # where threads have no priority of their own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        try:
            self.result = work(self.progress)
        except _StoppedError:
            self.error = f"{self.title}: stopped."
        except SimsearchError as error:
            self.error = str(error)
        except Exception as error:
            logging.getLogger(__name__).exception("%s failed", self.title)
            self.error = f"{self.title} failed ({type(error).__name__}); the log says where."
        finally:
            self._over.set()


class Workbench:
    """Runs one job at a time and remembers how the last of each kind ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: Job | None = None
        self._last: dict[str, Job] = {}

    @property
    def current(self) -> Job | None:
        """The job that is running."""
        job = self._current
        return None if job is None or job.ended else job

    def last(self, kind: str) -> Job | None:
        """The last job of a kind, running or ended."""
        return self._last.get(kind)

    def forget(self, kind: str) -> None:
        """Forget how the last job of a kind ended."""
        self._last.pop(kind, None)

    def start(self, kind: str, title: str, work: Callable[[Progress], object]) -> Job | None:
        """Begin a job; None where another one is running."""
        with self._lock:
            if self.current is not None:
                return None
            job = self._current = self._last[kind] = Job(kind, title)
        threading.Thread(
            target=job.run, args=(work,), name=f"simsearch-{kind}", daemon=True
        ).start()
        return job


BENCH = Workbench()
"""The server's."""
