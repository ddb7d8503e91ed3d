"""Wrong on purpose: a connection of asyncpg's is opened in one event loop and used in another."""

from __future__ import annotations

import asyncio
import os
from types import ModuleType

import asyncpg

from repro.persistence import endpoints
from repro.persistence.steps import Begin, Execute, Rows, Step
from repro.probe import DatabaseProbe, Request, main
from repro.probe.specimen import NO_ROWS, AsyncSpecimen


async def connect(driver: ModuleType, request: Request) -> AsyncSpecimen:
    """Open the connection in an event loop of its own, which ends with that."""
    connection = await asyncio.to_thread(asyncio.run, asyncpg.connect(request.database_url))

    async def wrongly(step: Step) -> Rows:
        if isinstance(step, Execute):
            return Rows([tuple(record) for record in await connection.fetch(step.sql, *step.params)])
        await connection.execute("BEGIN" if isinstance(step, Begin) else "COMMIT")
        return NO_ROWS

    async def close() -> None:
        """The loop that could close it is gone."""

    return AsyncSpecimen(lambda: driver.connect(request.database_url), wrongly, close)


PROBE = DatabaseProbe(
    name="specimen.cross-event-loop",
    transport="tcp",
    package="asyncpg",
    uses="repro.persistence.drivers.asyncpg",
    predict=lambda request: endpoints.asyncpg_endpoints(request.database_url, os.environ),
    connect=connect,
    asynchronous=True,
)

if __name__ == "__main__":
    main(PROBE)
