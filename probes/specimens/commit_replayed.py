"""Wrong on purpose: a COMMIT whose answer was lost is repeated on a new connection."""

from __future__ import annotations

import os
from types import ModuleType

import psycopg

from repro.persistence import endpoints
from repro.persistence.steps import Begin, Execute, Rows, Step
from repro.probe import DatabaseProbe, Request, main
from repro.probe.specimen import NO_ROWS, Specimen, executed


def connect(driver: ModuleType, request: Request) -> Specimen:
    """Open the connection that is replaced when it breaks."""
    connections = [psycopg.connect(request.database_url, autocommit=True)]

    def healing(statement: str) -> None:
        try:
            connections[-1].execute(statement)
        except psycopg.OperationalError:
            connections.append(psycopg.connect(request.database_url, autocommit=True))
            connections[-1].execute(statement)

    def wrongly(step: Step) -> Rows:
        if isinstance(step, Execute):
            return executed(connections[-1], step)
        healing("begin" if isinstance(step, Begin) else "commit")
        return NO_ROWS

    def close() -> None:
        for connection in connections:
            connection.close()

    return Specimen(request, lambda: driver.connect(request.database_url), wrongly, close, tables_apart=True)


PROBE = DatabaseProbe(
    name="specimen.commit-replayed",
    transport="tcp",
    package="psycopg",
    uses="repro.persistence.drivers.psycopg",
    predict=lambda request: endpoints.tcp_endpoints(request.database_url, os.environ),
    connect=connect,
)

if __name__ == "__main__":
    main(PROBE)
