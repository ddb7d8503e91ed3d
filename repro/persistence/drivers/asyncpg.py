"""asyncpg, which speaks Postgres's protocol itself."""

from __future__ import annotations

from typing import Any

import asyncpg

from repro.persistence.deadline import LoopWatchdog
from repro.persistence.drivers.interactive import AsyncInteractiveDriver
from repro.persistence.drivers.preparing import WHO_ANSWERS, Preparing, is_direct
from repro.persistence.settings import Timeouts
from repro.persistence.steps import Execute, Rows


async def connect(url: str, *, timeouts: Timeouts = Timeouts()) -> AsyncpgDriver:  # noqa: B008 - it is frozen
    """Connect.

    Args:
        url: ``postgresql://`` or ``postgres://``.
        timeouts: for the connection and for each statement.

    Raises:
        OSError: if no server can be reached.
        asyncpg.PostgresError: if the server refuses.
        asyncpg.InterfaceError: if the URL cannot be used.
    """
    connection = await asyncpg.connect(
        url,
        timeout=timeouts.connect_s,
        statement_cache_size=0,  # a pooler may run another's statement of that name; see `preparing`
    )
    return AsyncpgDriver(connection, timeouts, may_prepare=True)


class AsyncpgDriver(AsyncInteractiveDriver):
    """Runs transactions through `asyncpg.Connection.transaction`.

    Args:
        connection: an open connection; it is closed with the driver.
        timeouts: how long an answer, a rollback and the goodbye may take.
        may_prepare: statements may be prepared on the server where no pooler stands between. Else the
            connection's own ``statement_cache_size`` holds.
    """

    def __init__(self, connection: Any, timeouts: Timeouts, *, may_prepare: bool = False) -> None:
        super().__init__(rollback_s=timeouts.statement_s)
        self._connection = connection
        self._close_s = timeouts.close_s
        self._watchdog = LoopWatchdog(timeouts.statement_s, connection.terminate)
        self._preparing = Preparing(allowed=may_prepare)
        self._prepared: dict[str, Any] | None = None

    async def _begin(self) -> None:
        self._transaction = self._connection.transaction(isolation="read_committed")
        with self._watchdog:
            await self._transaction.start()
            if self._preparing.due() and is_direct(
                self._connection.get_server_pid(), await self._connection.fetchval(WHO_ANSWERS)
            ):
                self._prepared = {}

    async def _execute(self, step: Execute) -> Rows:
        with self._watchdog:
            if self._prepared is None:
                records = await self._connection.fetch(step.sql, *step.params)
            else:
                statement = self._prepared.get(step.sql) or await self._prepare(step.sql, self._prepared)
                records = await statement.fetch(*step.params)
        return Rows([tuple(each) for each in records])

    async def _prepare(self, sql: str, prepared: dict[str, Any]) -> Any:
        """Prepare by name, and keep it: without a cache of its own asyncpg would send it again each time."""
        statement = await self._connection.prepare(sql, name=f"persistence_{len(prepared)}")
        prepared[sql] = statement
        return statement

    async def _commit(self) -> None:
        with self._watchdog:
            await self._transaction.commit()

    async def _rollback(self) -> None:
        await self._transaction.rollback()

    def _in_transaction(self) -> bool:
        return bool(self._connection.is_in_transaction())

    def _is_closed(self) -> bool:
        return bool(self._connection.is_closed())

    def _terminate(self) -> None:
        self._connection.terminate()

    async def close(self) -> None:
        """Give back the connection, within the time for a goodbye. Safe to repeat."""
        self._watchdog.close()
        try:
            await self._connection.close(timeout=self._close_s)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()
