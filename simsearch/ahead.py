"""A value that takes a while to make, made once in a thread of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Makes a value when it is first asked for, or meanwhile if it was started before."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._future: Future[T] | None = None

    def start(self) -> "Future[T]":
        """Begin, unless that was done before."""
        with self._lock:
            if self._future is None:
                pool = ThreadPoolExecutor(1, thread_name_prefix="simsearch-ahead")
                self._future = pool.submit(self._make)
                pool.shutdown(wait=False)
            return self._future

    def result(self) -> T:
        """The value; raises what making it raised."""
        return self.start().result()
