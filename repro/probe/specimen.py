"""Specimens: probes that make a known mistake on purpose, once, and do everything else right.

The mistake is made in the first transaction of the process, which is the production transaction; what reads
back and cleans up afterwards runs as it should.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from repro.persistence.drivers.placeholders import named, pyformat
from repro.persistence.steps import Execute, Rows, Step, Transaction, drive, drive_async
from repro.persistence.transaction import single
from repro.probe.request import Request
from repro.probe.transactions import Observation, Setup

T = TypeVar("T")

NO_ROWS = Rows(())

_TRANSACTIONS = itertools.count()
"""Of this process: cleaning up opens the driver again."""


def is_first() -> bool:
    """Whether this is the first transaction of the process, in which the mistake is made."""
    return next(_TRANSACTIONS) == 0


def is_of_the_application(step: Step) -> bool:
    """Whether a step is a statement of the production transaction, and none of the probe's."""
    return isinstance(step, Execute) and not isinstance(step, Setup | Observation)


def executed(connection: Any, step: Execute) -> Rows:
    """A statement on a connection of psycopg's.

    Args:
        connection: an open one.
        step: the statement.
    """
    cursor = connection.execute(pyformat(step.sql), named(step.params))
    return Rows(cursor.fetchall() if cursor.description else ())


class Specimen:
    """A blocking driver with a mistake in it.

    Args:
        request: what the probe was asked.
        connect: opens the driver that does it right.
        wrongly: carries out one step the wrong way.
        close: gives back what ``wrongly`` uses; called after the transaction, and at the end.
        tables_apart: make the tables by a connection of their own, for a mistake that raises nothing and
            loses what the transaction did. One that raises must not: what was not applied is not cleaned up.
    """

    interactive = True

    def __init__(
        self,
        request: Request,
        connect: Callable[[], Any],
        wrongly: Callable[[Step], Rows],
        close: Callable[[], object],
        *,
        tables_apart: bool = False,
    ) -> None:
        self._tables_apart = tables_apart and request.commit
        self._connect = connect
        self._wrongly = wrongly
        self._close = close

    def run(self, transaction: Transaction[T]) -> T:
        """Carry out a transaction; the first one goes wrong."""
        if not is_first():
            return self._rightly(transaction)
        try:
            return drive(transaction, self._carry_out)
        finally:
            self._close()

    def _rightly(self, transaction: Transaction[T]) -> T:
        with contextlib.closing(self._connect()) as driver:
            result: T = driver.run(transaction)
            return result

    def _carry_out(self, step: Step) -> Rows:
        if isinstance(step, Setup) and self._tables_apart:
            return self._rightly(single(step))
        return self._wrongly(step)

    def close(self) -> None:
        """Give back what is open. Safe to repeat."""
        self._close()


class AsyncSpecimen:
    """A `Specimen` that is awaited, and whose mistake raises.

    Args:
        connect: opens the driver that does it right.
        wrongly: carries out one step the wrong way.
        close: gives back what ``wrongly`` uses; called after the transaction, and at the end.
    """

    interactive = True

    def __init__(
        self,
        connect: Callable[[], Awaitable[Any]],
        wrongly: Callable[[Step], Awaitable[Rows]],
        close: Callable[[], Awaitable[object]],
    ) -> None:
        self._connect = connect
        self._wrongly = wrongly
        self._close = close

    async def run(self, transaction: Transaction[T]) -> T:
        """Carry out a transaction; the first one goes wrong."""
        if not is_first():
            return await self._rightly(transaction)
        try:
            return await drive_async(transaction, self._wrongly)
        finally:
            await self._close()

    async def _rightly(self, transaction: Transaction[T]) -> T:
        driver = await self._connect()
        try:
            result: T = await driver.run(transaction)
            return result
        finally:
            await driver.close()

    async def close(self) -> None:
        """Give back what is open. Safe to repeat."""
        await self._close()
