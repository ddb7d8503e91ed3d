"""Running coroutines against each other: the first to finish decides, and nobody outlives it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def first_of(*contenders: Coroutine[Any, Any, T]) -> T:
    """Run all until one has finished, and cancel the others before going on.

    Returns:
        What the first to finish returned; where several finished at once, the earliest argument counts.

    Raises:
        BaseException: what it raised instead.
    """
    tasks = [asyncio.ensure_future(contender) for contender in contenders]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return next(task for task in tasks if task in done).result()
