"""Wrong on purpose: BEGIN, each statement and COMMIT are HTTP requests of their own."""

from __future__ import annotations

from types import ModuleType
from typing import Any, TypeVar

from repro.persistence import endpoints
from repro.persistence.steps import Begin, Execute, Rows, Step, Transaction, drive
from repro.persistence.transaction import single
from repro.probe import DatabaseProbe, Request, main

T = TypeVar("T")


class OneByOne:
    """A driver that takes SQL over HTTP for a session.

    Args:
        driver: posts a transaction of one statement.
    """

    interactive = True

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def run(self, transaction: Transaction[T]) -> T:
        """Carry out a transaction, a request for each step."""
        return drive(transaction, self._post)

    def _post(self, step: Step) -> Rows:
        statement = step if isinstance(step, Execute) else Execute("BEGIN" if step == Begin() else "COMMIT")
        rows: Rows = self._driver.run(single(statement))
        return rows

    def close(self) -> None:
        """Give back the connections."""
        self._driver.close()


def connect(driver: ModuleType, request: Request) -> OneByOne:
    """Open the driver that posts each statement by itself."""
    endpoint = request.settings.neon_fetch_endpoint
    return OneByOne(driver.connect(request.database_url, endpoint=endpoint))


PROBE = DatabaseProbe(
    name="specimen.http-one-by-one",
    transport="http",
    package="httpx",
    uses="repro.persistence.drivers.neon_http",
    predict=lambda request: [
        endpoints.http_endpoint(request.database_url, request.settings.neon_fetch_endpoint)
    ],
    connect=connect,
)

if __name__ == "__main__":
    main(PROBE)
