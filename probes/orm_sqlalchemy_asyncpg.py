"""SQLAlchemy over asyncpg: the asynchronous dialect."""

from __future__ import annotations

import os

from repro.persistence import endpoints
from repro.probe import DatabaseProbe, main
from repro.probe.versions import versions_of

PROBE = DatabaseProbe(
    name="orm.sqlalchemy-asyncpg",
    transport="tcp",
    package="SQLAlchemy",
    uses="repro.persistence.drivers.sqlalchemy",
    predict=lambda request: endpoints.asyncpg_endpoints(request.database_url, os.environ),
    connect=lambda driver, request: driver.connect_async(request.database_url),
    versions=lambda: versions_of("asyncpg", "greenlet"),
    asynchronous=True,
)

if __name__ == "__main__":
    main(PROBE)
