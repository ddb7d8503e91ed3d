"""Specimens that push over Redis TCP, and over REST after any error, as applications do.

An error that came after the push was sent says nothing of whether it was carried out. The production code
falls back only where the push cannot have been carried out, or where a mark makes a second one harmless.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, TypeVar

from repro.persistence import endpoints
from repro.persistence.queue import Command, Conversation, Reply
from repro.persistence.steps import drive
from repro.persistence.transports import upstash_rest
from repro.probe.push import PushProbe
from repro.probe.request import Request
from repro.probe.retrying import alone, plainly

T = TypeVar("T")


class FallingBack:
    """A transport of two: the second is taken after whatever error of the first.

    Args:
        first: over Redis TCP.
        request: what the probe was asked; it names the second.
        marked: push by the production script, which queues a job that has been queued before no second time;
            else by a plain RPUSH.
    """

    def __init__(self, first: Any, request: Request, *, marked: bool) -> None:
        self._transports: list[Any] = [first, upstash_rest.connect(*request.rest)]
        self._marked = marked
        self.usable = True

    def run(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation, each command of it over the first transport that works."""
        return drive(conversation, self._carry_out)

    def _carry_out(self, command: Command) -> Reply:
        asked = command if self._marked else Command(plainly(command))
        first, second = self._transports
        try:
            reply: Reply = first.run(alone(asked))
        except Exception:  # noqa: BLE001 - that is the mistake
            reply = second.run(alone(asked))
        return reply

    def close(self) -> None:
        """Give back the connections. Safe to repeat."""
        self.usable = False
        for each in self._transports:
            each.close()


def probe(name: str, *, marked: bool) -> PushProbe:
    """The specimen.

    Args:
        name: the probe's name.
        marked: as for `FallingBack`.
    """

    def connect(transport: ModuleType, request: Request) -> FallingBack:
        return FallingBack(transport.connect(request.redis_url), request, marked=marked)

    return PushProbe(
        name=name,
        transport="tcp",
        package="redis",
        uses="repro.persistence.transports.redis_tcp",
        predict=lambda request: [
            endpoints.redis_endpoint(request.redis_url),
            endpoints.rest_endpoint(request.rest[0]),
        ],
        connect=connect,
    )
