"""SIGTERM ends a command like Ctrl-C: orderly, with what was seen so far."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn


def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """A handler that unwinds like Ctrl-C."""
    raise KeyboardInterrupt


class Held:
    """Whether a signal came while it was held back."""

    happened = False


@contextlib.contextmanager
def held() -> Iterator[Held]:
    """Hold back the first Ctrl-C or SIGTERM inside the block, so that what was seen is still written.

    The second one is raised at once. Outside the main thread nothing is held.

    Yields:
        What tells afterwards whether one came.
    """
    caught = Held()
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return

    def note(number: int, frame: FrameType | None) -> None:
        if caught.happened:
            interrupt(number, frame)
        caught.happened = True

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def terminating_like_interrupt() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C inside the block; outside the main thread, where none can be set, nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
