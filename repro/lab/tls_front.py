"""TLS in front of a server that has none: the wheels of Valkey are built without it.

A front must not lie about the server behind it. Where the server is down, a client that dials it is refused;
so the front closes its own listeners as soon as the server goes, and opens them when it is back. It learns of
both by an idle connection of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from repro.lab.listeners import Port
from repro.lab.tls_relay import ClientSide, Kind

_RETRY_S = 0.05
_END_S = 1.0
_ALPN = {"postgres": ["postgresql"]}  # asked for by clients that begin with TLS at once (PostgreSQL 17)


class _Canary(asyncio.Protocol):
    """An idle connection to the server, whose loss says that it may be down."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.lost.set()


class TlsFront:
    """Listens with TLS on all addresses of a port, for a plain server on loopback.

    Args:
        kind: how TLS begins.
        upstream: literal address and port of the server.
        port: where to listen; the caller closes it.
        context: a server's TLS context; clients of ``postgres`` kind may also go without TLS.
    """

    def __init__(self, kind: Kind, *, upstream: tuple[str, int], port: Port, context: ssl.SSLContext) -> None:
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()
        self.closed.set()
        self._kind = kind
        self._upstream = upstream
        self._port = port
        self._context = context
        self._listeners: list[asyncio.Server] = []
        self._clients: set[ClientSide] = set()
        self._following: asyncio.Task[None] | None = None
        if kind in _ALPN:
            context.set_alpn_protocols(_ALPN[kind])

    async def start(self) -> None:
        """Follow the server from now on; returns when the front listens, so the server must be up."""
        self._following = asyncio.get_running_loop().create_task(self._follow())
        await self.opened.wait()

    async def stop(self) -> None:
        """Stop listening and end every connection; returns when no client's is left."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        self._close()
        await self._without_clients()

    async def _without_clients(self) -> None:
        """End those too that were just accepted: they are known, and have a transport, some turns later."""
        await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):  # one whose transport cannot be made never has an end
            async with asyncio.timeout(_END_S):
                while self._clients:
                    for client in tuple(self._clients):
                        client.abort()
                    await asyncio.sleep(0)

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                transport, canary = await loop.create_connection(_Canary, *self._upstream)
            except OSError:
                self._close()
                await asyncio.sleep(_RETRY_S)
                continue
            began = loop.time()
            try:
                if await self._open():
                    await canary.lost.wait()
            finally:
                transport.abort()
            # A server that is up but sends new connections away (too many clients) is dialled at a measured
            # pace.
            await asyncio.sleep(max(0.0, began + _RETRY_S - loop.time()))

    async def _open(self) -> bool:
        """Listen; False where the port was taken while the server was down."""
        if self._listeners:
            return True
        try:
            listeners = self._port.listen()
        except OSError:
            return False
        for listener in listeners:
            self._listeners.append(
                await asyncio.get_running_loop().create_server(self._client, sock=listener)
            )
        self.closed.clear()
        self.opened.set()
        return True

    def _close(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self.opened.clear()
        self.closed.set()

    def _client(self) -> ClientSide:
        client = ClientSide(self._kind, self._upstream, self._context, self._clients.discard)
        self._clients.add(client)
        return client
