"""Wrong on purpose: a pool hands out a connection that the server ended while it was idle."""

from __future__ import annotations

import os
import time
from types import ModuleType

import psycopg
from sqlalchemy import create_engine

from repro.persistence import endpoints
from repro.persistence.drivers.placeholders import named, pyformat
from repro.persistence.steps import Commit, Execute, Rows, Step
from repro.probe import DatabaseProbe, Request, main
from repro.probe.specimen import NO_ROWS, Specimen

IDLE_S = 1.5


def connect(driver: ModuleType, request: Request) -> Specimen:
    """Open a pool, use it, and let its connection be ended while it rests."""
    engine = create_engine(driver.url_for(request.database_url, "psycopg"), pool_size=1)
    with engine.connect() as once:
        backend = once.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    with psycopg.connect(request.database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [backend])
    time.sleep(IDLE_S)
    connection = engine.connect()

    def wrongly(step: Step) -> Rows:
        if isinstance(step, Execute):
            result = connection.exec_driver_sql(pyformat(step.sql), named(step.params))
            return Rows([tuple(row) for row in result] if result.returns_rows else ())
        if isinstance(step, Commit):
            connection.commit()
        return NO_ROWS

    def close() -> None:
        connection.close()
        engine.dispose()

    return Specimen(request, lambda: driver.connect(request.database_url), wrongly, close)


PROBE = DatabaseProbe(
    name="specimen.stale-pooled-connection",
    transport="tcp",
    package="SQLAlchemy",
    uses="repro.persistence.drivers.sqlalchemy",
    predict=lambda request: endpoints.tcp_endpoints(request.database_url, os.environ),
    connect=connect,
)

if __name__ == "__main__":
    main(PROBE)
