"""psycopg 3, over libpq: sync and async."""

from __future__ import annotations

import asyncio
import math
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from repro.persistence.deadline import LoopWatchdog, Watchdog, shut_down
from repro.persistence.drivers.interactive import AsyncInteractiveDriver, InteractiveDriver
from repro.persistence.drivers.placeholders import named, pyformat
from repro.persistence.drivers.preparing import WHO_ANSWERS, Preparing, is_direct
from repro.persistence.settings import Timeouts
from repro.persistence.steps import Execute, Rows

T = TypeVar("T")


def connect(url: str, *, timeouts: Timeouts = Timeouts()) -> PsycopgDriver:  # noqa: B008 - it is frozen
    """Connect.

    Args:
        url: any connection string of libpq.
        timeouts: its own ``connect_timeout`` in the URL goes first.

    Raises:
        psycopg.Error: if that fails.
    """
    return PsycopgDriver(psycopg.connect(url, **_options(url, timeouts)), timeouts, may_prepare=True)


async def connect_async(url: str, *, timeouts: Timeouts = Timeouts()) -> AsyncPsycopgDriver:  # noqa: B008
    """`connect` for the async driver."""
    connection = await EndedByCancellation.connect(url, **_options(url, timeouts))
    return AsyncPsycopgDriver(connection, timeouts, may_prepare=True)


def _options(url: str, timeouts: Timeouts) -> dict[str, Any]:
    options: dict[str, Any] = {
        "autocommit": True,
        "prepare_threshold": None,  # a pooler may run another's statement of that name; see `preparing`
    }  # so that BEGIN is sent by transaction(), and by nothing else
    if "connect_timeout" not in conninfo_to_dict(url):
        options["connect_timeout"] = math.ceil(timeouts.connect_s)
    return options


class EndedByCancellation(psycopg.AsyncConnection[Any]):
    """A connection that ends at once where its task is cancelled.

    psycopg's own asks the server to cancel the statement, over a second connection, and waits up to five
    seconds for each answer: https://www.psycopg.org/psycopg3/docs/advanced/async.html. Then it may raise an
    error in place of the cancellation. A cancelled transaction is never gone on with here, so that the
    server learns of it soonest by the end of the connection.
    """

    async def wait(self, gen: PQGen[T], *_: Any, **limits: Any) -> T:
        """Wait for an answer; see `psycopg.AsyncConnection.wait`."""
        try:
            return await waiting.wait_async(gen, self.pgconn.socket, **limits)
        except asyncio.CancelledError:
            terminate(self)
            raise


def is_settled(connection: psycopg.BaseConnection[Any]) -> bool:
    """Whether libpq waits for no answer on this connection, and has not lost it."""
    return connection.info.transaction_status not in {TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN}


def prepare_from_now_on(connection: psycopg.BaseConnection[Any], answering: object) -> None:
    """Have statements prepared when they come, if the connection leads straight to its backend.

    Args:
        connection: one of ours.
        answering: what it answered `WHO_ANSWERS` with.
    """
    if is_direct(connection.info.backend_pid, answering):
        connection.prepare_threshold = 0


def terminate(connection: psycopg.BaseConnection[Any]) -> None:
    """End a connection at once, whatever it waits for."""
    shut_down(connection.fileno)
    connection.pgconn.finish()


def _has_rows(cursor: psycopg.Cursor[Any] | psycopg.AsyncCursor[Any]) -> bool:
    """Whether the statement was one that answers with rows, if with none; ``description`` says it slowly."""
    return cursor.pgresult is not None and cursor.pgresult.nfields > 0


class _OnLibpq:
    """What libpq knows of a connection, blocking or awaited."""

    _connection: psycopg.BaseConnection[Any]

    def _answered(self, _error: BaseException, /) -> bool:
        return is_settled(self._connection)

    def _in_transaction(self) -> bool:
        return self._connection.info.transaction_status in {
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        }

    def _is_closed(self) -> bool:
        return self._connection.closed

    def _terminate(self) -> None:
        terminate(self._connection)


class PsycopgDriver(_OnLibpq, InteractiveDriver):
    """Runs transactions through `psycopg.Connection.transaction`.

    Args:
        connection: an open connection in autocommit mode; it is closed with the driver.
        timeouts: how long an answer may take.
        may_prepare: statements may be prepared on the server where no pooler stands between. Else the
            connection's own ``prepare_threshold`` holds.
    """

    _connection: psycopg.Connection[Any]

    def __init__(
        self, connection: psycopg.Connection[Any], timeouts: Timeouts, *, may_prepare: bool = False
    ) -> None:
        super().__init__()
        self._preparing = Preparing(allowed=may_prepare)
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        self._connection = connection
        self._watchdog = Watchdog(timeouts.statement_s, connection.fileno)

    def _begin(self) -> None:
        self._transaction = self._connection.transaction()
        with self._watchdog:
            self._transaction.__enter__()
            if self._preparing.due():
                prepare_from_now_on(self._connection, self._connection.execute(WHO_ANSWERS).fetchall()[0][0])

    def _execute(self, step: Execute) -> Rows:
        with self._watchdog:
            cursor = self._connection.execute(pyformat(step.sql), named(step.params))
        return Rows(cursor.fetchall() if _has_rows(cursor) else ())

    def _commit(self) -> None:
        with self._watchdog:
            self._transaction.__exit__(None, None, None)

    def _rollback(self) -> None:
        with self._watchdog:
            self._transaction.__exit__(psycopg.Rollback, psycopg.Rollback(), None)

    def close(self) -> None:
        """Give back the connection. Safe to repeat."""
        self._watchdog.close()
        self._connection.close()


class AsyncPsycopgDriver(_OnLibpq, AsyncInteractiveDriver):
    """Runs transactions through `psycopg.AsyncConnection.transaction`; arguments as of `PsycopgDriver`."""

    _connection: psycopg.AsyncConnection[Any]

    def __init__(
        self, connection: psycopg.AsyncConnection[Any], timeouts: Timeouts, *, may_prepare: bool = False
    ) -> None:
        super().__init__(rollback_s=timeouts.statement_s)
        self._preparing = Preparing(allowed=may_prepare)
        self._connection = connection
        self._watchdog = LoopWatchdog(timeouts.statement_s, partial(shut_down, connection.fileno))

    async def _begin(self) -> None:
        await self._connection.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
        self._transaction = self._connection.transaction()
        with self._watchdog:
            await self._transaction.__aenter__()
            if self._preparing.due():
                asked = await self._connection.execute(WHO_ANSWERS)
                prepare_from_now_on(self._connection, (await asked.fetchall())[0][0])

    async def _execute(self, step: Execute) -> Rows:
        with self._watchdog:
            cursor = await self._connection.execute(pyformat(step.sql), named(step.params))
            return Rows(await cursor.fetchall() if _has_rows(cursor) else ())

    async def _commit(self) -> None:
        with self._watchdog:
            await self._transaction.__aexit__(None, None, None)

    async def _rollback(self) -> None:
        with self._watchdog:
            await self._transaction.__aexit__(psycopg.Rollback, psycopg.Rollback(), None)

    async def close(self) -> None:
        """Give back the connection. Safe to repeat."""
        self._watchdog.close()
        await self._connection.close()
