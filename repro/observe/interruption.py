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
    """Note the first of these signals, so that what was seen is still written; the next is raised.

    What can be ended inside, by `interruptible` and `until_interrupted`, ends at the first one; what the
    latter finishes, at the second. In the main thread only.

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


async def until_interrupted(work: Coroutine[Any, Any, None], told: Callable[[], None] = lambda: None) -> bool:
    """Do something until it ends, or a signal cancels it; a second one cancels `though_cancelled` too.

    Args:
        work: is awaited.
        told: called at the first signal, before the work has ended.

    Returns:
        Whether it was interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        await work
        return False
    task = asyncio.create_task(work)
    with _cancelling(task, told) as came:
        try:
            await task
        except asyncio.CancelledError:
            if not came.times:
                raise
    return came.times > 0


class _Came:
    """How many signals came."""

    times = 0


@contextmanager
def _cancelling(task: asyncio.Task[None], told: Callable[[], None]) -> Iterator[_Came]:
    """Let the first signal cancel a task, also one that was noted before, and the second what is left."""
    loop = asyncio.get_running_loop()
    before = _heard()
    came = _Came()

    def restore() -> None:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)

    def interrupt() -> None:
        came.times += 1
        if came.times == 1:
            _note()
            told()
            task.cancel()
            return
        restore()
        for each in tuple(_finishing):
            each.cancel()

    for number in before:
        loop.add_signal_handler(number, interrupt)
    try:
        if _is_noted():
            interrupt()
        yield came
    finally:
        restore()


_finishing: set[asyncio.Task[None]] = set()
"""What is finished although it was cancelled."""


async def though_cancelled(work: Coroutine[Any, Any, None]) -> None:
    """Do something that must not stay half done: cancelled, it is finished first; cancelled again, it is not.

    Args:
        work: is awaited; what it does after a cancellation is always awaited.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        _finishing.add(task)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
        finally:
            _finishing.discard(task)
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
