"""What ends a run in good order, also between the observations of which it consists."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a run in good order; one that is ignored, as ``nohup`` does with SIGHUP, stays so."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Let each of these signals raise KeyboardInterrupt, as Ctrl-C does; in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heard = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in heard:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)


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
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heard = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    interrupted = False

    def restore() -> None:
        for number, handler in heard.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        restore()
        task.cancel()

    for number in heard:
        loop.add_signal_handler(number, interrupt)
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


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
