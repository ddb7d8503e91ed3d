"""One module a driver: how it carries out the steps of a transaction.

Each module is imported only where its driver is used, so that an application needs no driver but its own.
"""

from __future__ import annotations

from typing import Protocol

from repro.persistence.carrier import AsyncCarrier, Carrier


class Driver(Carrier, Protocol):
    """Runs transactions on one target, one after the other, on a connection of its own.

    A transaction that is left by an exception is rolled back, and that exception is raised.
    """

    interactive: bool
    """False where the whole transaction goes in one batch, so that rows can be read only after COMMIT."""


class AsyncDriver(AsyncCarrier, Protocol):
    """A `Driver` that is awaited."""

    interactive: bool
