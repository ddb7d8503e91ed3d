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

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, *ending())}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
