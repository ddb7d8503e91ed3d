"""SQLAlchemy over asyncpg, told by the URL alone to keep no prepared statements, beside another process."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from repro.persistence import endpoints
from repro.probe import DatabaseProbe, main, neighbour
from repro.probe.request import Request
from repro.probe.versions import versions_of

MANY = 60


async def connect(drivers: ModuleType, request: Request) -> Any:
    """Connect with nothing but the URL, as a user does who follows half of the advice."""
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - it may not be installed

    timeouts = request.settings.timeouts
    neighbour.call(request.database_url, MANY)
    engine = create_async_engine(
        drivers.url_for(request.database_url, "asyncpg"),
        poolclass=drivers.NullPool,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        connect_args={"timeout": timeouts.connect_s},
    )
    try:
        connection = await engine.connect()
        library = (await connection.get_raw_connection()).driver_connection
        return drivers.AsyncSqlalchemyDriver(engine, connection, library, timeouts)
    except BaseException:
        await engine.dispose()
        raise


PROBE = DatabaseProbe(
    name="specimen.sqlalchemy-cache-flag",
    transport="tcp",
    package="SQLAlchemy",
    uses="repro.persistence.drivers.sqlalchemy",
    predict=lambda request: endpoints.asyncpg_endpoints(request.database_url, os.environ),
    connect=connect,
    versions=lambda: versions_of("asyncpg", "greenlet"),
    asynchronous=True,
)

if __name__ == "__main__":
    main(PROBE)
