"""asyncpg: its own protocol over TCP, on asyncio."""

from __future__ import annotations

import os

from repro.persistence import endpoints
from repro.probe import DatabaseProbe, main

PROBE = DatabaseProbe(
    name="tcp.asyncpg",
    transport="tcp",
    package="asyncpg",
    uses="repro.persistence.drivers.asyncpg",
    predict=lambda request: endpoints.asyncpg_endpoints(request.database_url, os.environ),
    connect=lambda driver, request: driver.connect(request.database_url),
    asynchronous=True,
)

if __name__ == "__main__":
    main(PROBE)
