"""What drivers and transports have in common: each carries out a generator, on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from repro.persistence.errors import sqlstate_of

T = TypeVar("T")

CodeOf: TypeAlias = Callable[[BaseException], str | None]
"""Finds the server's own code in an error: an SQLSTATE, or a Redis error code."""


@dataclass(frozen=True, slots=True)
class Server:
    """What is at the other end, as far as an error has to say.

    Args:
        name: how messages call it.
        code_of: finds its own code in an error of the library that speaks with it.
    """

    name: str
    code_of: CodeOf


DATABASE = Server("the database", sqlstate_of)


class Carrier(Protocol):
    """Carries out transactions, or conversations with the queue, one after the other."""

    server: Server
    """What it speaks with."""

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

    server: Server
    not_sent: tuple[type[BaseException], ...]
    not_reached: tuple[type[BaseException], ...]

    @property
    def usable(self) -> bool:
        """False once the connection's state is not known: it has to be closed and replaced."""

    async def run(self, generator: Generator[Any, Any, T]) -> T:
        """Carry it out; an error belongs to the step that failed."""

    async def close(self) -> None:
        """Give back the connection. Safe to repeat."""
