"""Specimens of upstash-redis with its defaults: it posts a command again when its answer is lost."""

from __future__ import annotations

from typing import Any, TypeVar

from repro.persistence import endpoints
from repro.persistence.queue import Command, Conversation, Reply
from repro.persistence.steps import drive
from repro.probe.push import PushProbe
from repro.probe.request import Request
from repro.probe.retrying import plainly

T = TypeVar("T")

_PAUSE_S = 0.1
"""Between two tries; the client's own three seconds show nothing more."""


class RetryingOverRest:
    """A transport on upstash-redis's defaults.

    Args:
        request: what the probe was asked.
        marked: push by the production script, which queues a job that has been queued before no second time;
            else by a plain RPUSH.
    """

    def __init__(self, request: Request, *, marked: bool) -> None:
        from upstash_redis import Redis  # noqa: PLC0415 - the driver of this probe alone

        url, token = request.rest
        self._marked = marked
        self._client: Any = Redis(url=url, token=token, rest_retry_interval=_PAUSE_S, allow_telemetry=False)
        self.usable = True

    def run(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation."""
        return drive(conversation, self._carry_out)

    def _carry_out(self, command: Command) -> Reply:
        args = command.args if self._marked else plainly(command)
        reply: Reply = self._client.execute(list(args))
        return reply

    def close(self) -> None:
        """Give back the connection. Safe to repeat."""
        self.usable = False


def probe(name: str, *, marked: bool) -> PushProbe:
    """The specimen.

    Args:
        name: the probe's name.
        marked: as for `RetryingOverRest`.
    """
    return PushProbe(
        name=name,
        transport="http",
        package="upstash-redis",
        uses="repro.persistence.transports.upstash_rest",
        predict=lambda request: [endpoints.rest_endpoint(request.rest[0])],
        connect=lambda _transport, request: RetryingOverRest(request, marked=marked),
    )
