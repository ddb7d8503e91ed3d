"""Wrong on purpose: psycopg begins a transaction by itself, and the connection is closed without COMMIT."""

from __future__ import annotations

import os
from types import ModuleType

import psycopg

from repro.persistence import endpoints
from repro.persistence.steps import Execute, Rows, Step
from repro.probe import DatabaseProbe, Request, main
from repro.probe.specimen import NO_ROWS, Specimen, executed


def connect(driver: ModuleType, request: Request) -> Specimen:
    """Open the connection whose COMMIT is forgotten."""
    connection = psycopg.connect(request.database_url)

    def wrongly(step: Step) -> Rows:
        return executed(connection, step) if isinstance(step, Execute) else NO_ROWS

    return Specimen(
        request, lambda: driver.connect(request.database_url), wrongly, connection.close, tables_apart=True
    )


PROBE = DatabaseProbe(
    name="specimen.forgot-commit",
    transport="tcp",
    package="psycopg",
    uses="repro.persistence.drivers.psycopg",
    predict=lambda request: endpoints.tcp_endpoints(request.database_url, os.environ),
    connect=connect,
)

if __name__ == "__main__":
    main(PROBE)
