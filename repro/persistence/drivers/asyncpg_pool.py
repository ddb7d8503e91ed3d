"""Connections of a pool that belongs to the application: borrowed for one transaction, then given back."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TypeVar

from asyncpg import InterfaceError

from repro.persistence.drivers.asyncpg import AsyncpgDriver
from repro.persistence.pool import AsyncPool
from repro.persistence.settings import Timeouts
from repro.persistence.steps import Transaction

T = TypeVar("T")


def borrowing_from(pool: Any, *, timeouts: Timeouts = Timeouts()) -> AsyncPool:  # noqa: B008 - it is frozen
    """What a store takes as its database; the pool stays the application's to close.

    Args:
        pool: an open ``asyncpg.Pool``. Its own settings hold: behind a pooler in transaction mode it is to
            have ``statement_cache_size=0``.
        timeouts: ``connect_s`` for a connection to come free or to be made, ``statement_s`` for each answer,
            ``close_s`` for giving back.
    """

    async def borrow() -> BorrowedDriver:
        return BorrowedDriver(pool, await pool.acquire(timeout=timeouts.connect_s), timeouts)

    return AsyncPool(borrow, size=pool.get_max_size(), wait_s=timeouts.connect_s)


class BorrowedDriver(AsyncpgDriver):
    """Runs one transaction, and is not usable after it.

    Args:
        pool: where the connection is given back.
        connection: acquired from it.
        timeouts: how long an answer, a rollback and giving back may take.
    """

    def __init__(self, pool: Any, connection: Any, timeouts: Timeouts) -> None:
        super().__init__(connection, timeouts)
        self._pool = pool
        self._served = False

    @property
    def usable(self) -> bool:
        """Whether it has not served yet."""
        return not self._served and super().usable

    async def run(self, transaction: Transaction[T]) -> T:
        """Carry out a transaction; see `AsyncpgDriver`."""
        self._served = True
        return await super().run(transaction)

    def _terminate(self) -> None:
        with suppress(InterfaceError):  # a connection that has ended was given back by that already
            super()._terminate()

    async def close(self) -> None:
        """Give the connection back, within the time for a goodbye. Safe to repeat."""
        self._watchdog.close()
        await self._pool.release(self._connection, timeout=self._close_s)
