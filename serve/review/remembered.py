"""A value that is read often and may be a little old."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """Keeps what `make` gave for so many seconds: a count over the whole queue need not be made at each key.

    Safe to use from several threads; one of them makes the value, the others wait for it.
    """

    def __init__(self, make: Callable[[], T], seconds: float) -> None:
        self._make = make
        self._seconds = seconds
        self._lock = Lock()
        self._kept: tuple[float, T] | None = None

    def get(self) -> T:
        """Return the value, made anew if the last one is too old."""
        with self._lock:
            if self._kept is None or monotonic() - self._kept[0] >= self._seconds:
                self._kept = (monotonic(), self._make())
            return self._kept[1]
