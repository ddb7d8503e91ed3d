"""A limit on the answers of a library that has none.

libpq waits for an answer for as long as the connection lives, and a server that stays silent keeps it alive.
When the limit is up the socket is shut down from outside: the library sees the end of the connection and
raises. A limit on the server's side (``statement_timeout``) would not end that wait, and as a startup
parameter poolers refuse it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType

_AGAIN_S = 0.1
"""Pause between two attempts to end what is overdue."""


class Watchdog:
    """Ends a connection whose answer is overdue. Used as ``with watchdog:`` around each wait.

    One thread serves all waits of a connection. It looks at the time at most once each ``limit_s``, so that
    a wait which ends in time costs two assignments. Where there is no connection yet when the limit is up,
    the one that comes is ended.

    Args:
        limit_s: seconds that one wait may take.
        fileno: the descriptor of the connection's socket.
    """

    def __init__(self, limit_s: float, fileno: Callable[[], int]) -> None:
        self._limit_s = limit_s
        self._fileno = fileno
        self._lock = threading.Lock()
        self._due: float | None = None
        self._expired = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="statement-deadline", daemon=True)
        self._thread.start()

    def __enter__(self) -> None:
        with self._lock:
            self._expired = False
            self._due = time.monotonic() + self._limit_s

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._due = None
        if self._expired and isinstance(error, Exception):  # an interruption stays one
            raise overdue(self._limit_s) from error

    def close(self) -> None:
        """End the thread. Safe to repeat."""
        self._closed.set()
        self._thread.join()

    def _watch(self) -> None:
        pause_s = self._limit_s
        while not self._closed.wait(pause_s):
            with self._lock:
                left_s = self._limit_s if self._due is None else self._due - time.monotonic()
                if left_s <= 0:
                    self._expired = True
                    shut_down(self._fileno)
            pause_s = left_s if left_s > 0 else _AGAIN_S


class LoopWatchdog:
    """A `Watchdog` for a connection that is awaited.

    A timer for each wait would cost more than the rest of a short one. So there is one timer, which is left
    to run when its wait has ended, and looks when it is up whether there is another.

    Args:
        limit_s: seconds that one wait may take.
        end: ends the connection at once, and awaits nothing.
    """

    def __init__(self, limit_s: float, end: Callable[[], object]) -> None:
        self._limit_s = limit_s
        self._end = end
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._expired = False

    def __enter__(self) -> None:
        self._expired = False
        self._due = time.monotonic() + self._limit_s
        if self._timer is None:
            self._look_in(self._limit_s)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._due = None
        if self._expired and isinstance(error, Exception):  # an interruption stays one
            raise overdue(self._limit_s) from error

    def _look_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due is None:
            return
        left_s = self._due - time.monotonic()
        if left_s > 0:
            self._look_in(left_s)
            return
        self._expired = True
        self._end()

    def close(self) -> None:
        """Give back the timer. Safe to repeat."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def overdue(limit_s: float) -> TimeoutError:
    """The error of an answer that did not come in time."""
    return TimeoutError(f"no answer within {limit_s:g} s; the connection was ended")


def shut_down(fileno: Callable[[], int]) -> None:
    """Shut a socket down in both directions without closing its descriptor, which belongs to the library."""
    try:
        with socket.socket(fileno=os.dup(fileno())) as duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)
    except Exception:  # noqa: BLE001, S110 - each library says in its own way that it has ended already
        pass
