"""One module a transport: how it carries out the commands of a conversation with the queue.

Each module is imported only where its transport is used.
"""

from __future__ import annotations

from typing import Protocol

from repro.persistence.carrier import AsyncCarrier, Carrier


class Transport(Carrier, Protocol):
    """Carries out conversations with one server, one after the other. It never sends a command twice."""


class AsyncTransport(AsyncCarrier, Protocol):
    """A `Transport` that is awaited."""
