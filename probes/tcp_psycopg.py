"""psycopg 3, blocking: libpq over TCP."""

from __future__ import annotations

import os

from repro.persistence import endpoints
from repro.probe import DatabaseProbe, main
from repro.probe.versions import libpq

PROBE = DatabaseProbe(
    name="tcp.psycopg",
    transport="tcp",
    package="psycopg",
    uses="repro.persistence.drivers.psycopg",
    predict=lambda request: endpoints.tcp_endpoints(request.database_url, os.environ),
    connect=lambda driver, request: driver.connect(request.database_url),
    versions=libpq,
)

if __name__ == "__main__":
    main(PROBE)
