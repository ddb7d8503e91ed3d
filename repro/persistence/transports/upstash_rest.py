"""Upstash's REST interface, with httpx: one POST a command, sync and async.

Upstash's own client waits for ever by default and sends a command again when its answer is lost. This one
has a limit on every wait and never repeats.
"""

from __future__ import annotations

import json
from typing import TypeVar

import httpx

from repro.persistence.queue import Command, Conversation, Reply
from repro.persistence.settings import Timeouts
from repro.persistence.steps import drive, drive_async

T = TypeVar("T")

MAX_BODY_SHOWN = 300
"""Characters of an unexpected answer that are kept in an error."""


class UpstashError(Exception):
    """What Upstash answered instead of a result.

    Args:
        status: of HTTP.
        message: its own words; the command is not part of them.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class UpstashRefusedError(UpstashError):
    """What Upstash refused, with a status of 400 to 499 and its reason: it was not carried out."""


_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    UpstashRefusedError,
)


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
    return UpstashTransport(httpx.Client(timeout=_limits(timeouts), headers=_headers(token)), url)


async def connect_async(
    url: str,
    token: str,
    *,
    timeouts: Timeouts = Timeouts(),  # noqa: B008 - it is frozen
) -> AsyncUpstashTransport:
    """`connect` for the async client."""
    client = httpx.AsyncClient(timeout=_limits(timeouts), headers=_headers(token))
    return AsyncUpstashTransport(client, url)


def _limits(timeouts: Timeouts) -> httpx.Timeout:
    return httpx.Timeout(timeouts.command_s, connect=timeouts.connect_s)


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def _body(command: Command) -> bytes:
    return json.dumps(command.args, ensure_ascii=False).encode()


def reply_of(response: httpx.Response) -> Reply:
    """The reply in an answer.

    Args:
        response: to one command; ``{"result": …}``, or ``{"error": "…"}`` with a status of 400 and above.

    Raises:
        UpstashError: if it is an error, or none of the two.
    """
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and "error" in body:
        kind = UpstashRefusedError if response.is_client_error else UpstashError
        raise kind(response.status_code, str(body["error"]))
    if response.status_code != httpx.codes.OK or not isinstance(body, dict) or "result" not in body:
        text = " ".join(response.text.split())[:MAX_BODY_SHOWN]
        raise UpstashError(
            response.status_code, f"HTTP status {response.status_code}, no JSON result: {text}"
        )
    reply: Reply = body["result"]
    return reply


class UpstashTransport:
    """Carries out conversations by requests.

    Args:
        client: with the token in its headers; it is closed with the transport.
        url: of the REST endpoint.
    """

    not_sent: tuple[type[BaseException], ...] = _NOT_SENT

    def __init__(self, client: httpx.Client, url: str) -> None:
        self._client = client
        self._url = url

    def run(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation; `UpstashError` and httpx's errors come from the command that failed."""
        return drive(conversation, self._carry_out)

    def _carry_out(self, command: Command) -> Reply:
        return reply_of(self._client.post(self._url, content=_body(command)))

    def close(self) -> None:
        """Give back the connections. Safe to repeat."""
        self._client.close()


class AsyncUpstashTransport:
    """An `UpstashTransport` that is awaited."""

    not_sent: tuple[type[BaseException], ...] = _NOT_SENT

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url

    async def run(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation; `UpstashError` and httpx's errors come from the command that failed."""
        return await drive_async(conversation, self._carry_out)

    async def _carry_out(self, command: Command) -> Reply:
        return reply_of(await self._client.post(self._url, content=_body(command)))

    async def close(self) -> None:
        """Give back the connections. Safe to repeat."""
        await self._client.aclose()
