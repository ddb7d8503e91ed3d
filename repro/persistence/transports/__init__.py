"""One module a transport: how it carries out the commands of a conversation with the queue.

Each module is imported only where its transport is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from repro.persistence.queue import Conversation

T = TypeVar("T")


class Transport(Protocol):
    """Carries out conversations with one server, one after the other. It never sends a command twice."""

    not_sent: tuple[type[BaseException], ...]
    """The errors which prove that the failed command was not carried out."""

    def run(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation."""

    def close(self) -> None:
        """Give back the connection. Safe to repeat."""


class AsyncTransport(Protocol):
    """A `Transport` that is awaited."""

    not_sent: tuple[type[BaseException], ...]

    async def run(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation."""

    async def close(self) -> None:
        """Give back the connection. Safe to repeat."""
