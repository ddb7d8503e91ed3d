"""Specimens of a worker that waits for its jobs, with BLPOP: over REST nobody can."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Literal, TypeVar

from repro.persistence import endpoints
from repro.persistence.queue import Command, Conversation, Reply
from repro.persistence.steps import drive
from repro.probe.push import PushProbe
from repro.probe.request import Request
from repro.probe.retrying import alone

T = TypeVar("T")

_PATIENCE_S = "1"
"""Seconds that the worker waits for one more job, as BLPOP is told."""


class Waiting:
    """A transport by which what is queued is not read but taken, one by one, by a worker that waits.

    Args:
        transport: carries out everything.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.usable = True

    def run(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation."""
        return drive(conversation, self._carry_out)

    def _carry_out(self, command: Command) -> Reply:
        if command.args[0] == "LRANGE":
            return self._taken(command.args[1])
        reply: Reply = self._ask(command)
        return reply

    def _taken(self, queue: str) -> list[Reply]:
        taken: list[Reply] = []
        while pair := self._ask(Command(("BLPOP", queue, _PATIENCE_S))):  # of the queue's name and a job
            taken.append(pair[1])
        return taken

    def _ask(self, command: Command) -> Any:
        return self._transport.run(alone(command))

    def close(self) -> None:
        """Give back the connection. Safe to repeat."""
        self.usable = False
        self._transport.close()


def probe(name: str, *, over: Literal["tcp", "http"]) -> PushProbe:
    """The specimen.

    Args:
        name: the probe's name.
        over: Redis TCP, or REST.
    """

    def connect(transport: ModuleType, request: Request) -> Waiting:
        return Waiting(transport.connect(*(request.rest if over == "http" else (request.redis_url,))))

    return PushProbe(
        name=name,
        transport=over,
        package="redis" if over == "tcp" else "httpx",
        uses=f"repro.persistence.transports.{'redis_tcp' if over == 'tcp' else 'upstash_rest'}",
        predict=lambda request: [
            endpoints.redis_endpoint(request.redis_url)
            if over == "tcp"
            else endpoints.rest_endpoint(request.rest[0])
        ],
        connect=connect,
    )
