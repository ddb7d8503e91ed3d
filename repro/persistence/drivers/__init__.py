"""One module a driver: how it carries out the steps of a transaction.

Each module is imported only where its driver is used, so that an application needs no driver but its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from repro.persistence.steps import Transaction

T = TypeVar("T")


class Driver(Protocol):
    """Runs transactions on one target, one after the other, on a connection of its own."""

    interactive: bool
    """False where the whole transaction goes in one batch, so that rows can be read only after COMMIT."""

    not_sent: tuple[type[BaseException], ...]
    """The errors which prove that nothing of the failed step was sent."""

    def run(self, transaction: Transaction[T]) -> T:
        """Carry out a transaction; roll it back if it is left by an exception, and raise that exception."""

    def close(self) -> None:
        """Give back the connection. Safe to repeat."""


class AsyncDriver(Protocol):
    """A `Driver` that is awaited."""

    interactive: bool
    not_sent: tuple[type[BaseException], ...]

    async def run(self, transaction: Transaction[T]) -> T:
        """Carry out a transaction; roll it back if it is left by an exception, and raise that exception."""

    async def close(self) -> None:
        """Give back the connection. Safe to repeat."""
