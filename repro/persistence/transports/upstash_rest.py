"""Upstash's REST interface, with httpx: one POST a command, sync and async.

Upstash's own client waits for ever by default and sends a command again when its answer is lost. This one
has a limit on every wait and never repeats.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import httpx

from repro.persistence.carrier import Server
from repro.persistence.http import NOT_REACHED, NOT_SENT, AsyncHttpClient, HttpClient, json_of, text_of
from repro.persistence.queue import Command, Conversation, Reply, code_in
from repro.persistence.settings import Timeouts
from repro.persistence.steps import drive, drive_async

T = TypeVar("T")

_REFUSALS = frozenset({400, 401, 403, 404, 405, 413})
"""Statuses with which Upstash says no. Others, such as 429, may come from anything on the way."""


class UpstashError(Exception):
    """What Upstash answered instead of a result.

    Args:
        status: of HTTP.
        message: its own words; the command is not part of them.
        code: Redis's code in them, such as ``NOPERM``; None if they are not Redis's.
    """

    def __init__(self, status: int, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


class UpstashRefusedError(UpstashError):
    """What Upstash refused, with a status that says so and its reason: it was not carried out."""


_NOT_SENT = (*NOT_SENT, UpstashRefusedError)


def code_of(error: BaseException) -> str | None:
    """The code of an error of Redis; None for any other one."""
    return error.code if isinstance(error, UpstashRefusedError) else None


SERVER = Server("the queue", code_of)


def connect(
    url: str,
    token: str,
    *,
    timeouts: Timeouts = Timeouts(),  # noqa: B008 - it is frozen
) -> UpstashTransport:
    """Make a transport; it dials with its first command.

    Args:
        url: ``https://…`` of the REST endpoint.
        token: goes with every request.
        timeouts: for the connection, and for each command.
    """
    return UpstashTransport(HttpClient(**_limits(token, timeouts)), url)


async def connect_async(
    url: str,
    token: str,
    *,
    timeouts: Timeouts = Timeouts(),  # noqa: B008 - it is frozen
) -> AsyncUpstashTransport:
    """`connect` for the async client."""
    return AsyncUpstashTransport(AsyncHttpClient(**_limits(token, timeouts)), url)


def _limits(token: str, timeouts: Timeouts) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return {"connect_s": timeouts.connect_s, "answer_s": timeouts.command_s, "headers": headers}


def _body(command: Command) -> bytes:
    return json.dumps(command.args, ensure_ascii=False).encode()


def reply_of(response: httpx.Response) -> Reply:
    """The reply in an answer.

    Args:
        response: to one command; ``{"result": …}``, or ``{"error": "…"}`` with a status of 400 and above.

    Raises:
        UpstashRefusedError: if it is a refusal.
        UpstashError: if it is anything else than a reply: what became of the command is not known.
    """
    body = json_of(response)
    reason = _reason_in(body)
    if reason is not None:
        kind = UpstashRefusedError if response.status_code in _REFUSALS else UpstashError
        raise kind(response.status_code, reason, code=code_in(reason))
    if (
        response.status_code != httpx.codes.OK
        or not isinstance(body, dict)
        or "result" not in body
        or "error" in body
    ):
        raise UpstashError(
            response.status_code,
            f"HTTP status {response.status_code}, no JSON result: {text_of(response)}",
        )
    reply: Reply = body["result"]
    return reply


def _reason_in(body: object) -> str | None:
    """What is in ``{"error": "…"}``; what says more or less than that is not Upstash's own."""
    if not isinstance(body, dict) or body.keys() != {"error"}:
        return None
    reason = body["error"]
    return reason if isinstance(reason, str) else None


class UpstashTransport:
    """Carries out conversations by requests.

    Args:
        client: with the token in its headers; it is closed with the transport.
        url: of the REST endpoint.
    """

    server = SERVER
    not_sent: tuple[type[BaseException], ...] = _NOT_SENT
    not_reached: tuple[type[BaseException], ...] = NOT_REACHED

    def __init__(self, client: HttpClient, url: str) -> None:
        self._client = client
        self._url = url

    @property
    def usable(self) -> bool:
        """Whether it was not closed: it keeps no state between two requests."""
        return self._client.usable

    def run(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation; `UpstashError` and httpx's errors come from the command that failed."""
        return drive(conversation, self._carry_out)

    def _carry_out(self, command: Command) -> Reply:
        return reply_of(self._client.post(self._url, _body(command)))

    def close(self) -> None:
        """Give back the connections. Safe to repeat."""
        self._client.close()


class AsyncUpstashTransport:
    """An `UpstashTransport` that is awaited."""

    server = SERVER
    not_sent: tuple[type[BaseException], ...] = _NOT_SENT
    not_reached: tuple[type[BaseException], ...] = NOT_REACHED

    def __init__(self, client: AsyncHttpClient, url: str) -> None:
        self._client = client
        self._url = url

    @property
    def usable(self) -> bool:
        """Whether it was not closed: it keeps no state between two requests."""
        return self._client.usable

    async def run(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation; `UpstashError` and httpx's errors come from the command that failed."""
        return await drive_async(conversation, self._carry_out)

    async def _carry_out(self, command: Command) -> Reply:
        return reply_of(await self._client.post(self._url, _body(command)))

    async def close(self) -> None:
        """Give back the connections. Safe to repeat."""
        await self._client.close()
