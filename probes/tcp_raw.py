"""The control of every comparison: the standard library speaks the Postgres protocol itself."""

from __future__ import annotations

import os

from repro.persistence import endpoints
from repro.probe import DatabaseProbe, main

PROBE = DatabaseProbe(
    name="tcp.raw",
    transport="tcp",
    package=None,
    uses="repro.persistence.drivers.raw",
    predict=lambda request: endpoints.tcp_endpoints(request.database_url, os.environ),
    connect=lambda driver, request: driver.connect(request.database_url),
)

if __name__ == "__main__":
    main(PROBE)
