"""What ends a run in good order, also between the observations of which it consists."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a run in good order; one that is ignored, as ``nohup`` does with SIGHUP, stays so."""


class Noted:
    """Whether somebody asked for the end of what runs inside `noting`."""

    happened = False


_noted: Noted | None = None
"""That of the innermost `noting`."""


@contextmanager
def noting() -> Iterator[Noted]:
    """Note the first of these signals, so that what was seen is still written; the second is raised.

    What can be ended inside, by `interruptible` and `until_interrupted`, ends at the first one. In the main
    thread only.

    Yields:
        What tells whether one came.

    Raises:
        KeyboardInterrupt: a second one came.
    """
    global _noted  # noqa: PLW0603 - signals are the whole process's
    outer, _noted = _noted, Noted()
    try:
        with _handled_by(_heard_once):
            yield _noted
    finally:
        _noted = outer


@contextmanager
def interruptible() -> Iterator[None]:
    """Let each of these signals raise KeyboardInterrupt, as Ctrl-C does, also one that was noted before.

    In the main thread only.

    Raises:
        KeyboardInterrupt: one came.
    """
    with _handled_by(_interrupt):
        if _is_noted():
            raise KeyboardInterrupt
        yield


@contextmanager
def _handled_by(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = _heard()
    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _heard() -> dict[signal.Signals, Any]:
    """The handlers of the signals that are not ignored."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    return {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}


async def until_interrupted(work: Coroutine[Any, Any, None]) -> bool:
    """Do something until it ends, or one of these signals cancels it; a second one is Python's own business.

    Args:
        work: is awaited.

    Returns:
        Whether it was interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        await work
        return False
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    heard = _heard()
    interrupted = False

    def restore() -> None:
        for number, handler in heard.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        _note()
        restore()
        task.cancel()

    for number in heard:
        loop.add_signal_handler(number, interrupt)
    if _is_noted():
        interrupt()
    try:
        await task
    except asyncio.CancelledError:
        if not interrupted:
            raise
    finally:
        restore()
    return interrupted


async def though_cancelled(work: Coroutine[Any, Any, None]) -> None:
    """Do something that must not stay half done: cancelled, it is finished first; cancelled again, it is not.

    Args:
        work: is awaited.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
        raise


def _is_noted() -> bool:
    return _noted is not None and _noted.happened


def _note() -> None:
    if _noted is not None:
        _noted.happened = True


def _heard_once(_number: int, _frame: FrameType | None) -> None:
    if _is_noted():
        raise KeyboardInterrupt
    _note()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    _note()
    raise KeyboardInterrupt
