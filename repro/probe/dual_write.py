"""Specimens that write the database and the queue one after the other, without an outbox."""

from __future__ import annotations

import os
from types import ModuleType

import psycopg

from repro.persistence import endpoints
from repro.persistence.queue import Command
from repro.persistence.steps import Begin, Commit, Execute, Rows, Step
from repro.persistence.transports import redis_tcp
from repro.probe.database import DatabaseProbe
from repro.probe.request import Request
from repro.probe.retrying import alone
from repro.probe.specimen import NO_ROWS, Specimen, executed


class DualWrite:
    """One connection to the database, and a push beside its transaction.

    Args:
        request: what the probe was asked.
        key: the queue; it is removed at the end.
        push_first: before COMMIT, which then does not come: the transaction fails after the push.
    """

    def __init__(self, request: Request, key: str, *, push_first: bool) -> None:
        self._request = request
        self._key = key
        self._push_first = push_first
        self._connection = psycopg.connect(request.database_url, autocommit=True)

    def carry_out(self, step: Step) -> Rows:
        """One step of the production transaction, and the push where COMMIT is asked for."""
        if isinstance(step, Execute):
            return executed(self._connection, step)
        if isinstance(step, Begin):
            self._connection.execute("BEGIN")
        elif isinstance(step, Commit) and self._push_first:
            self._ask("RPUSH", self._key, "job")
            self._connection.execute("SELECT 1 / 0")
        elif isinstance(step, Commit):
            self._connection.execute("COMMIT")
            self._ask("RPUSH", self._key, "job")
        return NO_ROWS

    def _ask(self, *args: str) -> None:
        transport = redis_tcp.connect(self._request.redis_url)
        try:
            transport.run(alone(Command(args)))
        finally:
            transport.close()

    def close(self) -> None:
        """End the connection, and remove the queue. Safe to repeat."""
        if not self._connection.closed:
            self._connection.close()
            if self._push_first:
                self._ask("DEL", self._key)


def probe(name: str, *, push_first: bool) -> DatabaseProbe:
    """The specimen.

    Args:
        name: the probe's name.
        push_first: as for `DualWrite`.
    """

    def connect(driver: ModuleType, request: Request) -> Specimen:
        dual = DualWrite(request, f"txrepro:{request.run_id}:{name}", push_first=push_first)
        return Specimen(
            request,
            lambda: driver.connect(request.database_url),
            dual.carry_out,
            dual.close,
            tables_apart=not push_first,
        )

    return DatabaseProbe(
        name=name,
        transport="tcp",
        package="psycopg",
        uses="repro.persistence.drivers.psycopg",
        predict=lambda request: endpoints.tcp_endpoints(request.database_url, os.environ),
        connect=connect,
    )
