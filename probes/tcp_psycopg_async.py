"""psycopg 3, awaited: libpq over TCP."""

from __future__ import annotations

import os

from repro.persistence import endpoints
from repro.probe import DatabaseProbe, main
from repro.probe.versions import libpq

PROBE = DatabaseProbe(
    name="tcp.psycopg-async",
    transport="tcp",
    package="psycopg",
    uses="repro.persistence.drivers.psycopg",
    predict=lambda request: endpoints.tcp_endpoints(request.database_url, os.environ),
    connect=lambda driver, request: driver.connect_async(request.database_url),
    versions=libpq,
    asynchronous=True,
)

if __name__ == "__main__":
    main(PROBE)
