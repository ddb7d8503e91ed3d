"""An httpx client whose answers have a limit as a whole, and that keeps one connection.

httpx limits each read by itself, so that a server which sends a byte now and then holds a caller for ever.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import Any

import httpx

from repro.persistence.deadline import Watchdog, overdue

NOT_REACHED: tuple[type[BaseException], ...] = (httpx.ConnectError, httpx.ConnectTimeout)
"""The errors by which no connection came about."""

NOT_SENT: tuple[type[BaseException], ...] = (
    *NOT_REACHED,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
"""The errors which prove that no request was sent."""

_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1)


def text_of(response: httpx.Response, characters: int = 300) -> str:
    """The beginning of an answer's text, in one line."""
    return " ".join(response.text.split())[:characters]


def json_of(response: httpx.Response) -> object:
    """An answer's body as JSON; None if it is none."""
    try:
        body: object = response.json()
    except (ValueError, RecursionError):
        return None
    return body


class HttpClient:
    """Posts bodies, one after the other.

    Args:
        connect_s: seconds for a connection.
        answer_s: seconds for a whole answer, once there is a connection.
        headers: go with every request.
        transport: what stands in for the network; None is the network.
    """

    def __init__(
        self,
        *,
        connect_s: float,
        answer_s: float,
        headers: Mapping[str, str],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        timeout = httpx.Timeout(answer_s, connect=connect_s)
        self._client = httpx.Client(timeout=timeout, headers=dict(headers), limits=_ONE, transport=transport)
        self._socket: socket.socket | None = None
        self._watchdog = Watchdog(connect_s + answer_s, self._fileno)

    def post(self, url: str, body: bytes) -> httpx.Response:
        """Post a body and read the whole answer.

        Raises:
            httpx.HTTPError: if that fails.
            TimeoutError: if the answer is overdue.
        """
        with self._watchdog:
            return self._client.post(url, content=body, extensions={"trace": self._trace})

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Learn of the connection's socket: https://www.encode.io/httpcore/extensions/#trace.

        Its events are called ``connection.…``, ``proxy.…`` or ``socks.…``, whoever makes the connection.
        """
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")

    def _fileno(self) -> int:
        return -1 if self._socket is None else self._socket.fileno()

    @property
    def usable(self) -> bool:
        """Whether it was not closed: a connection that has failed is replaced by httpx itself."""
        return not self._client.is_closed

    def close(self) -> None:
        """Give back the connection. Safe to repeat."""
        self._watchdog.close()
        self._client.close()


class AsyncHttpClient:
    """A `HttpClient` that is awaited; the arguments are the same."""

    def __init__(self, *, connect_s: float, answer_s: float, headers: Mapping[str, str]) -> None:
        timeout = httpx.Timeout(answer_s, connect=connect_s)
        self._client = httpx.AsyncClient(timeout=timeout, headers=dict(headers), limits=_ONE)
        self._whole_s = connect_s + answer_s

    async def post(self, url: str, body: bytes) -> httpx.Response:
        """Post a body and read the whole answer; see `HttpClient.post`."""
        try:
            async with asyncio.timeout(self._whole_s):
                return await self._client.post(url, content=body)
        except TimeoutError as error:
            raise overdue(self._whole_s) from error

    @property
    def usable(self) -> bool:
        """Whether it was not closed: a connection that has failed is replaced by httpx itself."""
        return not self._client.is_closed

    async def close(self) -> None:
        """Give back the connection. Safe to repeat."""
        await self._client.aclose()
