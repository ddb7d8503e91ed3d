"""SQLAlchemy's engine: sync over psycopg, async over asyncpg.

The URL is what a user would write: only the name of the driver is added to it. Its query parameters stay,
also those that the driver below will refuse: that is what a user gets, and has to see.
"""

from __future__ import annotations

import asyncio
import math
import uuid
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

from repro.persistence.deadline import LoopWatchdog, Watchdog
from repro.persistence.drivers.interactive import AsyncInteractiveDriver, InteractiveDriver
from repro.persistence.drivers.placeholders import named, pyformat
from repro.persistence.drivers.preparing import WHO_ANSWERS, Preparing, is_direct
from repro.persistence.drivers.psycopg import is_settled, prepare_from_now_on, terminate
from repro.persistence.settings import Timeouts
from repro.persistence.steps import Execute, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

_READ_COMMITTED = "READ COMMITTED"

_PREPARED = 100
"""Prepared statements that a connection keeps, as SQLAlchemy does by default."""


def connect(url: str, *, timeouts: Timeouts = Timeouts()) -> SqlalchemyDriver:  # noqa: B008 - it is frozen
    """Connect through psycopg.

    Args:
        url: ``postgresql://…``, with or without the name of a driver; ``postgres://`` is passed on as it is,
            and SQLAlchemy refuses it.
        timeouts: for the connection and for each statement.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: if that fails.
    """
    # a pooler may run another's statement of that name; see `preparing`
    options: dict[str, Any] = {"prepare_threshold": None}
    if "connect_timeout" not in make_url(url).query:
        options["connect_timeout"] = math.ceil(timeouts.connect_s)
    engine = create_engine(
        url_for(url, "psycopg"),
        poolclass=NullPool,
        isolation_level=_READ_COMMITTED,
        hide_parameters=True,  # an application's payloads belong in no error
        connect_args=options,
    )
    try:
        with _first_queries_limited(engine, timeouts.statement_s):
            connection = engine.connect()
        return SqlalchemyDriver(engine, connection, timeouts)
    except BaseException:
        engine.dispose()
        raise


@contextmanager
def _first_queries_limited(engine: Engine, limit_s: float) -> Iterator[None]:
    """Limit what SQLAlchemy asks of a new connection before it hands it out, such as the server's version."""
    with ExitStack() as until_handed_out:

        def dial(dialect: Any, _record: Any, args: Any, options: Any) -> Any:
            library = dialect.connect(*args, **options)
            watchdog = until_handed_out.enter_context(closing(Watchdog(limit_s, library.fileno)))
            until_handed_out.enter_context(watchdog)
            return library

        event.listen(engine, "do_connect", dial)
        yield


async def connect_async(url: str, *, timeouts: Timeouts = Timeouts()) -> AsyncSqlalchemyDriver:  # noqa: B008
    """`connect` through asyncpg."""
    engine = create_async_engine(
        url_for(url, "asyncpg"),
        poolclass=NullPool,
        isolation_level=_READ_COMMITTED,
        hide_parameters=True,
        connect_args={
            "timeout": timeouts.connect_s,
            "statement_cache_size": 0,  # a pooler may run another's statement of that name
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: f"__asyncpg_{uuid.uuid4()}__",
        },
    )
    try:
        async with asyncio.timeout(timeouts.connect_s + timeouts.statement_s):  # with its first queries
            connection = await engine.connect()
        library = (await connection.get_raw_connection()).driver_connection
        return AsyncSqlalchemyDriver(engine, connection, library, timeouts)
    except BaseException:
        await engine.dispose()
        raise


def url_for(url: str, driver: str) -> URL:
    """The URL with the driver named, as a user of SQLAlchemy writes it; another dialect's is left alone."""
    parsed = make_url(url)
    if parsed.drivername.partition("+")[0] != "postgresql":
        return parsed
    return parsed.set(drivername=f"postgresql+{driver}")


class SqlalchemyDriver(InteractiveDriver):
    """Runs transactions through `sqlalchemy.Connection.begin`.

    Args:
        engine: an engine over psycopg; it is disposed of with the driver.
        connection: a connection of it.
        timeouts: how long an answer may take.
    """

    def __init__(self, engine: Engine, connection: Connection, timeouts: Timeouts) -> None:
        super().__init__()
        self._engine = engine
        self._connection = connection
        library: Any = connection.connection.driver_connection
        self._library = library
        self._preparing = Preparing(allowed=True)
        self._watchdog = Watchdog(timeouts.statement_s, library.fileno)

    def _begin(self) -> None:
        with self._watchdog:
            self._transaction = self._connection.begin()
            if self._preparing.due():
                prepare_from_now_on(self._library, self._library.execute(WHO_ANSWERS).fetchall()[0][0])

    def _execute(self, step: Execute) -> Rows:
        with self._watchdog:
            result = self._connection.exec_driver_sql(pyformat(step.sql), named(step.params))
            return Rows([tuple(row) for row in result] if result.returns_rows else ())

    def _commit(self) -> None:
        with self._watchdog:
            self._transaction.commit()

    def _rollback(self) -> None:
        with self._watchdog:
            self._transaction.rollback()

    def _answered(self, _error: BaseException, /) -> bool:
        return is_settled(self._library)

    def _in_transaction(self) -> bool:
        return self._connection.in_transaction()

    def _is_closed(self) -> bool:
        return self._connection.closed or self._connection.invalidated or bool(self._library.closed)

    def _terminate(self) -> None:
        terminate(self._library)

    def close(self) -> None:
        """Give back the connection. Safe to repeat."""
        self._watchdog.close()
        if self._state.ended:
            self._connection.invalidate()
        self._connection.close()
        self._engine.dispose()


class AsyncSqlalchemyDriver(AsyncInteractiveDriver):
    """Runs transactions through `sqlalchemy.ext.asyncio.AsyncConnection.begin`.

    Args:
        engine: an engine over asyncpg; it is disposed of with the driver.
        connection: a connection of it.
        library: asyncpg's connection below it.
        timeouts: how long an answer, a rollback and the goodbye may take.
    """

    def __init__(
        self, engine: AsyncEngine, connection: AsyncConnection, library: Any, timeouts: Timeouts
    ) -> None:
        super().__init__(rollback_s=timeouts.statement_s)
        self._engine = engine
        self._connection = connection
        self._library = library
        self._close_s = timeouts.close_s
        self._watchdog = LoopWatchdog(timeouts.statement_s, library.terminate)
        self._preparing = Preparing(allowed=True)

    async def _begin(self) -> None:
        with self._watchdog:
            if self._preparing.due() and is_direct(
                self._library.get_server_pid(), await self._library.fetchval(WHO_ANSWERS)
            ):
                await self._keep_prepared()
            self._transaction = await self._connection.begin()

    async def _keep_prepared(self) -> None:
        """Give the dialect's connection the cache that it was made without; there is no public way to it."""
        adapted: Any = (await self._connection.get_raw_connection()).dbapi_connection
        adapted._prepared_statement_cache = LRUCache(_PREPARED)  # noqa: SLF001

    async def _execute(self, step: Execute) -> Rows:
        with self._watchdog:
            result = await self._connection.exec_driver_sql(step.sql, step.params)
        return Rows([tuple(row) for row in result.fetchall()] if result.returns_rows else ())

    async def _commit(self) -> None:
        with self._watchdog:
            await self._transaction.commit()

    async def _rollback(self) -> None:
        await self._transaction.rollback()

    def _in_transaction(self) -> bool:
        return self._connection.in_transaction()

    def _is_closed(self) -> bool:
        return self._connection.closed or self._connection.invalidated or bool(self._library.is_closed())

    def _terminate(self) -> None:
        self._library.terminate()

    async def close(self) -> None:
        """Give back the connection, within the time for a goodbye. Safe to repeat."""
        self._watchdog.close()
        if self._state.ended:
            await self._connection.invalidate()
        try:
            async with asyncio.timeout(self._close_s):
                await self._connection.close()
        except TimeoutError:
            self._library.terminate()
        await self._engine.dispose()
