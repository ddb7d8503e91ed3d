"""Runs ASGI applications, several in one event loop, on sockets that are bound already."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Generator, MutableMapping
from typing import Any

import uvicorn

from repro.lab.certificates import TlsFiles

_Message = MutableMapping[str, Any]
Application = Callable[
    [_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]
]
"""An ASGI 3 application: ``await application(scope, receive, send)``."""

_GRACE_S = 1


class _Server(uvicorn.Server):
    """A server that leaves signals to the lab, and says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


class AsgiServer:
    """One application on some listening sockets, plain or with TLS.

    Args:
        application: an ASGI application without a lifespan.
        sockets: bound and listening; the server closes them.
        tls: certificate and key; None for plain HTTP.
    """

    def __init__(
        self, application: Application, sockets: list[socket.socket], *, tls: TlsFiles | None = None
    ) -> None:
        self._sockets = sockets
        self._server = _Server(uvicorn.Config(application, **_SETTINGS, **_tls_settings(tls)))
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start serving; returns when the server accepts connections."""
        self._serving = asyncio.get_running_loop().create_task(self._server.serve(self._sockets))
        started = asyncio.create_task(self._server.up.wait())
        await asyncio.wait({self._serving, started}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if self._serving.done():
            self._serving.result()

    async def stop(self) -> None:
        """Accept no more, let requests finish for a second, then cut them off."""
        if self._serving is None:
            for listener in self._sockets:
                listener.close()
            return
        self._server.should_exit = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._serving, 2 * _GRACE_S + 1)


_SETTINGS: dict[str, Any] = {
    "http": "h11",
    "ws": "websockets-sansio",  # the other implementation uses an API that websockets has deprecated
    "ws_max_size": 64 * 1024 * 1024,  # the JavaScript driver joins its writes into one frame
    "ws_per_message_deflate": False,  # so that traces hold the messages inside, which nobody inflates
    "loop": "none",
    "lifespan": "off",
    "interface": "asgi3",
    "log_config": None,
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
    "timeout_graceful_shutdown": _GRACE_S,
}


def _tls_settings(tls: TlsFiles | None) -> dict[str, Any]:
    return {} if tls is None else {"ssl_certfile": str(tls.certificate), "ssl_keyfile": str(tls.key)}
