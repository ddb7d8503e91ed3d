"""Wrong on purpose: an error inside the transaction is swallowed, and COMMIT is sent as a statement."""

from __future__ import annotations

import contextlib
import os
from types import ModuleType

import psycopg

from repro.persistence import endpoints
from repro.persistence.steps import Begin, Execute, Rows, Step
from repro.probe import DatabaseProbe, Request, main
from repro.probe.specimen import NO_ROWS, Specimen, executed


def connect(driver: ModuleType, request: Request) -> Specimen:
    """Open the connection whose failed transaction is committed."""
    connection = psycopg.connect(request.database_url, autocommit=True)

    def wrongly(step: Step) -> Rows:
        if isinstance(step, Execute):
            return executed(connection, step)
        if not isinstance(step, Begin):
            with contextlib.suppress(psycopg.Error):
                connection.execute("SELECT 1 / 0")
        connection.execute("BEGIN" if isinstance(step, Begin) else "COMMIT")
        return NO_ROWS

    return Specimen(
        request, lambda: driver.connect(request.database_url), wrongly, connection.close, tables_apart=True
    )


PROBE = DatabaseProbe(
    name="specimen.commit-of-aborted",
    transport="tcp",
    package="psycopg",
    uses="repro.persistence.drivers.psycopg",
    predict=lambda request: endpoints.tcp_endpoints(request.database_url, os.environ),
    connect=connect,
)

if __name__ == "__main__":
    main(PROBE)
