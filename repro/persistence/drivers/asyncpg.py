"""asyncpg, which speaks Postgres's protocol itself."""

from __future__ import annotations

from typing import Any

import asyncpg

from repro.persistence.drivers.interactive import AsyncInteractiveDriver
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
        command_timeout=timeouts.statement_s,
        statement_cache_size=0,  # a pooler in transaction mode may run another's statement of that name
    )
    return AsyncpgDriver(connection, timeouts)


class AsyncpgDriver(AsyncInteractiveDriver):
    """Runs transactions through `asyncpg.Connection.transaction`.

    Args:
        connection: an open connection; it is closed with the driver.
        timeouts: how long a rollback and the goodbye may take.
    """

    def __init__(self, connection: Any, timeouts: Timeouts) -> None:
        super().__init__(rollback_s=timeouts.statement_s)
        self._connection = connection
        self._close_s = timeouts.close_s

    async def _begin(self) -> None:
        self._transaction = self._connection.transaction(isolation="read_committed")
        await self._transaction.start()

    async def _execute(self, step: Execute) -> Rows:
        return Rows([tuple(record) for record in await self._connection.fetch(step.sql, *step.params)])

    async def _commit(self) -> None:
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
        try:
            await self._connection.close(timeout=self._close_s)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()
