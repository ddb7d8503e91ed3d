"""Transactions at once, on a pool that holds fewer connections than there are transactions.

A driver with a pool of its own runs them itself; for one that is a single connection the pool is the
production package's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

from repro.persistence.pool import AsyncPool, Pool
from repro.probe.transactions import Abandoned

Works: TypeAlias = Sequence[Generator[Any, Any, Any]]

POOL_SIZE = 2
"""Connections of the pool."""

_WAIT_S = 20.0


def at_once(connect: Callable[[], Any], works: Works) -> list[str | None]:
    """Run transactions in threads.

    Args:
        connect: opens one more connection.
        works: the transactions; one that raises `Abandoned` was meant to.

    Returns:
        What each raised, as text; None for nothing.
    """
    pool = Pool(connect, size=POOL_SIZE, wait_s=_WAIT_S)

    def run(work: Generator[Any, Any, Any]) -> str | None:
        try:
            pool.run(work)
        except Exception as error:  # noqa: BLE001 - it is what is asked for
            return said(error)
        return None

    try:
        with ThreadPoolExecutor(len(works)) as threads:
            return list(threads.map(run, works))
    finally:
        pool.close()


async def at_once_async(connect: Callable[[], Awaitable[Any]], works: Works) -> list[str | None]:
    """`at_once` in tasks of one event loop."""
    pool = AsyncPool(connect, size=POOL_SIZE, wait_s=_WAIT_S)

    async def run(work: Generator[Any, Any, Any]) -> str | None:
        try:
            await pool.run(work)
        except Exception as error:  # noqa: BLE001 - it is what is asked for
            return said(error)
        return None

    try:
        return list(await asyncio.gather(*map(run, works)))
    finally:
        await pool.close()


def said(error: Exception) -> str | None:
    """What an error says, with the driver's own below it; None for one that was meant."""
    if isinstance(error, Abandoned):
        return None
    below = f" ({type(error.__cause__).__name__})" if error.__cause__ is not None else ""
    return f"{type(error).__name__}: {error}{below}"
