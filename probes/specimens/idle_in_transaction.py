"""Wrong on purpose: the transaction waits for something else, longer than the server allows."""

from __future__ import annotations

import os
import time
from types import ModuleType

import psycopg

from repro.persistence import endpoints
from repro.persistence.steps import Commit, Execute, Rows, Step
from repro.probe import DatabaseProbe, Request, main
from repro.probe.specimen import NO_ROWS, Specimen, executed, is_of_the_application

WAIT_S = 2.0
"""A call of another service takes so long."""


def connect(driver: ModuleType, request: Request) -> Specimen:
    """Open the connection that is left idle in its transaction."""
    connection = psycopg.connect(request.database_url)

    def wrongly(step: Step) -> Rows:
        if isinstance(step, Execute):
            rows = executed(connection, step)
            if is_of_the_application(step):
                time.sleep(WAIT_S)
            return rows
        if isinstance(step, Commit):
            connection.commit()
        return NO_ROWS

    return Specimen(request, lambda: driver.connect(request.database_url), wrongly, connection.close)


PROBE = DatabaseProbe(
    name="specimen.idle-in-transaction",
    transport="tcp",
    package="psycopg",
    uses="repro.persistence.drivers.psycopg",
    predict=lambda request: endpoints.tcp_endpoints(request.database_url, os.environ),
    connect=connect,
)

if __name__ == "__main__":
    main(PROBE)
