"""SIGTERM and SIGHUP end a command like Ctrl-C: orderly, with what was seen so far."""

from __future__ import annotations

import contextlib
import signal
import threading

TYPE_CHECKING = False  # as in `repro.cli.parser`
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import NoReturn


def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """A handler that unwinds like Ctrl-C."""
    raise KeyboardInterrupt


@contextlib.contextmanager
def terminating_like_interrupt() -> Iterator[None]:
    """Take SIGTERM and SIGHUP for Ctrl-C inside the block; outside the main thread do nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in ending()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ending() -> list[signal.Signals]:
    """The signals that ask for an end: SIGTERM, and SIGHUP unless ``nohup`` has it ignored."""
    hangs_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return [signal.SIGTERM, signal.SIGHUP] if hangs_up else [signal.SIGTERM]
