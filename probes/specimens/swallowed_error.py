"""Wrong on purpose: an error inside the transaction is swallowed, and the next statement sent."""

from __future__ import annotations

import contextlib
import os
from types import ModuleType

import psycopg

from repro.persistence import endpoints
from repro.persistence.steps import Execute, Rows, Step
from repro.probe import DatabaseProbe, Request, main
from repro.probe.specimen import NO_ROWS, Specimen, executed, is_of_the_application


def connect(driver: ModuleType, request: Request) -> Specimen:
    """Open the connection on which a failed transaction goes on."""
    connection = psycopg.connect(request.database_url)

    def wrongly(step: Step) -> Rows:
        if is_of_the_application(step):
            with contextlib.suppress(psycopg.Error):
                connection.execute("SELECT 1 / 0")
        return executed(connection, step) if isinstance(step, Execute) else NO_ROWS

    return Specimen(request, lambda: driver.connect(request.database_url), wrongly, connection.close)


PROBE = DatabaseProbe(
    name="specimen.swallowed-error",
    transport="tcp",
    package="psycopg",
    uses="repro.persistence.drivers.psycopg",
    predict=lambda request: endpoints.tcp_endpoints(request.database_url, os.environ),
    connect=connect,
)

if __name__ == "__main__":
    main(PROBE)
