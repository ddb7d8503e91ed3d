"""Wrong on purpose: the pool's only connection is never given back, and another one is asked for."""

from __future__ import annotations

import os
from types import ModuleType

from sqlalchemy import create_engine

from repro.persistence import endpoints
from repro.persistence.steps import Rows, Step
from repro.probe import DatabaseProbe, Request, main
from repro.probe.specimen import Specimen

WAIT_S = 0.5


def connect(driver: ModuleType, request: Request) -> Specimen:
    """Open the pool, and leak what it holds."""
    engine = create_engine(
        driver.url_for(request.database_url, "psycopg"), pool_size=1, max_overflow=0, pool_timeout=WAIT_S
    )
    leaked = engine.connect()

    def wrongly(_step: Step) -> Rows:
        engine.connect()
        raise AssertionError("the pool holds one connection, and it is taken")

    def close() -> None:
        leaked.close()
        engine.dispose()

    return Specimen(request, lambda: driver.connect(request.database_url), wrongly, close)


PROBE = DatabaseProbe(
    name="specimen.pool-exhausted",
    transport="tcp",
    package="SQLAlchemy",
    uses="repro.persistence.drivers.sqlalchemy",
    predict=lambda request: endpoints.tcp_endpoints(request.database_url, os.environ),
    connect=connect,
)

if __name__ == "__main__":
    main(PROBE)
