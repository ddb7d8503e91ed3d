"""Specimens of redis-py with its defaults: it sends a command again when its answer is lost, whatever it is.

``redis.Redis(host=…)`` retries ten times; ``Redis.from_url`` and the production transport do not.
"""

from __future__ import annotations

from typing import Any, TypeVar

from repro.persistence import endpoints
from repro.persistence.dsn import parse_url
from repro.persistence.queue import Command, Conversation, Reply
from repro.persistence.steps import drive
from repro.probe.push import PushProbe
from repro.probe.request import Request

T = TypeVar("T")

_KEYS_AT = 3
"""Where the keys of EVAL begin, after its name, its script and their number."""


class Retrying:
    """A transport on redis-py's defaults.

    Args:
        request: what the probe was asked.
        marked: push by the production script, which queues a job that has been queued before no second time;
            else by a plain RPUSH.
        protocol: of RESP; None for what the installed version takes by itself.
    """

    def __init__(self, request: Request, *, marked: bool, protocol: int | None = 2) -> None:
        import redis  # noqa: PLC0415 - the driver of this probe alone

        url = parse_url(request.redis_url)
        chosen: dict[str, Any] = {} if protocol is None else {"protocol": protocol}
        self._marked = marked
        self._client: Any = redis.Redis(
            host=url.host,
            port=url.port or 6379,
            username=url.user or None,
            password=url.password or None,
            ssl=url.scheme == "rediss",
            decode_responses=True,
            **chosen,
        )
        self.usable = True

    def run(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation."""
        return drive(conversation, self._carry_out)

    def _carry_out(self, command: Command) -> Reply:
        args = command.args if self._marked else plainly(command)
        reply: Reply = self._client.execute_command(*args)
        return reply

    def close(self) -> None:
        """Give back the connection. Safe to repeat."""
        self.usable = False
        self._client.close()


class Plainly:
    """A transport by which a push is a plain RPUSH.

    Args:
        transport: carries out everything.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    @property
    def usable(self) -> bool:
        """Whether the transport is."""
        return bool(self._transport.usable)

    def run(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation."""
        return drive(conversation, self._carry_out)

    def _carry_out(self, command: Command) -> Reply:
        reply: Reply = self._transport.run(alone(Command(plainly(command))))
        return reply

    def close(self) -> None:
        """Give back the connection. Safe to repeat."""
        self._transport.close()


def alone(command: Command) -> Conversation[Reply]:
    """A conversation of one command."""
    return (yield command)


def plainly(command: Command) -> tuple[str, ...]:
    """A push as applications have it, RPUSH; any other command as it is."""
    if command.args[0] != "EVAL":
        return command.args
    keys = int(command.args[_KEYS_AT - 1])
    queue, job_ids = command.args[_KEYS_AT], command.args[_KEYS_AT + keys + 1 :]
    return ("RPUSH", queue, *job_ids)


def probe(name: str, *, marked: bool, protocol: int | None = 2) -> PushProbe:
    """The specimen.

    Args:
        name: the probe's name.
        marked: as for `Retrying`.
        protocol: as for `Retrying`.
    """
    return PushProbe(
        name=name,
        transport="tcp",
        package="redis",
        uses="repro.persistence.transports.redis_tcp",
        predict=lambda request: [endpoints.redis_endpoint(request.redis_url)],
        connect=lambda _transport, request: Retrying(request, marked=marked, protocol=protocol),
    )
