"""Wrong on purpose, on asyncpg: the transaction waits for something else, longer than the server allows."""

from __future__ import annotations

import asyncio
import os
from types import ModuleType

import asyncpg

from repro.persistence import endpoints
from repro.persistence.steps import Begin, Execute, Rows, Step
from repro.probe import DatabaseProbe, Request, main
from repro.probe.specimen import NO_ROWS, AsyncSpecimen, is_of_the_application

WAIT_S = 2.0
"""A call of another service takes so long."""


async def connect(driver: ModuleType, request: Request) -> AsyncSpecimen:
    """Open the connection that is left idle in its transaction."""
    connection = await asyncpg.connect(request.database_url)

    async def wrongly(step: Step) -> Rows:
        if isinstance(step, Execute):
            rows = Rows([tuple(record) for record in await connection.fetch(step.sql, *step.params)])
            if is_of_the_application(step):
                await asyncio.sleep(WAIT_S)
            return rows
        await connection.execute("BEGIN" if isinstance(step, Begin) else "COMMIT")
        return NO_ROWS

    async def close() -> None:
        connection.terminate()

    return AsyncSpecimen(lambda: driver.connect(request.database_url), wrongly, close)


PROBE = DatabaseProbe(
    name="specimen.asyncpg-idle",
    transport="tcp",
    package="asyncpg",
    uses="repro.persistence.drivers.asyncpg",
    predict=lambda request: endpoints.asyncpg_endpoints(request.database_url, os.environ),
    connect=connect,
    asynchronous=True,
)

if __name__ == "__main__":
    main(PROBE)
