"""What drivers and transports have in common: each carries out a generator, on a connection of its own."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Carrier(Protocol):
    """Carries out transactions, or conversations with the queue, one after the other."""

    not_sent: tuple[type[BaseException], ...]
    """The errors which prove that nothing of the failed step was sent."""

    not_reached: tuple[type[BaseException], ...]
    """Those of them which say that nobody was reached: only where a step itself dials."""

    @property
    def usable(self) -> bool:
        """False once the connection's state is not known: it has to be closed and replaced."""

    def run(self, generator: Generator[Any, Any, T]) -> T:
        """Carry it out; an error belongs to the step that failed."""

    def close(self) -> None:
        """Give back the connection. Safe to repeat."""


class AsyncCarrier(Protocol):
    """A `Carrier` that is awaited."""

    not_sent: tuple[type[BaseException], ...]
    not_reached: tuple[type[BaseException], ...]

    @property
    def usable(self) -> bool:
        """False once the connection's state is not known: it has to be closed and replaced."""

    async def run(self, generator: Generator[Any, Any, T]) -> T:
        """Carry it out; an error belongs to the step that failed."""

    async def close(self) -> None:
        """Give back the connection. Safe to repeat."""
