"""Wrong on purpose: two tasks use one connection of asyncpg's at once."""

from __future__ import annotations

import asyncio
import os
from types import ModuleType

import asyncpg

from repro.persistence import endpoints
from repro.persistence.steps import Begin, Execute, Rows, Step
from repro.probe import DatabaseProbe, Request, main
from repro.probe.specimen import NO_ROWS, AsyncSpecimen, is_of_the_application


async def connect(driver: ModuleType, request: Request) -> AsyncSpecimen:
    """Open the connection that is shared."""
    connection = await asyncpg.connect(request.database_url)

    async def wrongly(step: Step) -> Rows:
        if isinstance(step, Execute):
            asked = connection.fetch(step.sql, *step.params)
            beside = [connection.fetch("SELECT pg_sleep(0.1)")] if is_of_the_application(step) else []
            *_, records = await asyncio.gather(*beside, asked)
            return Rows([tuple(record) for record in records])
        await connection.execute("BEGIN" if isinstance(step, Begin) else "COMMIT")
        return NO_ROWS

    async def close() -> None:
        connection.terminate()

    return AsyncSpecimen(lambda: driver.connect(request.database_url), wrongly, close)


PROBE = DatabaseProbe(
    name="specimen.concurrent-use",
    transport="tcp",
    package="asyncpg",
    uses="repro.persistence.drivers.asyncpg",
    predict=lambda request: endpoints.asyncpg_endpoints(request.database_url, os.environ),
    connect=connect,
    asynchronous=True,
)

if __name__ == "__main__":
    main(PROBE)
