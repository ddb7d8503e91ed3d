"""SQLAlchemy over psycopg: the dialect, and libpq below it."""

from __future__ import annotations

import os

from repro.persistence import endpoints
from repro.probe import DatabaseProbe, main
from repro.probe.versions import libpq, versions_of

PROBE = DatabaseProbe(
    name="orm.sqlalchemy-psycopg",
    transport="tcp",
    package="SQLAlchemy",
    uses="repro.persistence.drivers.sqlalchemy",
    predict=lambda request: endpoints.tcp_endpoints(request.database_url, os.environ),
    connect=lambda driver, request: driver.connect(request.database_url),
    versions=lambda: {**versions_of("psycopg"), **libpq()},
)

if __name__ == "__main__":
    main(PROBE)
