"""One client's connection through the front: TLS on its side, plain bytes on the server's.

Protocols and not streams: each side is paused while the other cannot take more, so that a slow reader costs
two buffers and no more, and the end of one direction leaves the other open.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Literal, cast

from repro.lab.tls_channel import Channel, PlainChannel, TlsChannel, preface

Kind = Literal["tls", "postgres"]
"""When TLS begins: with the first byte, or when the client has asked for it in Postgres's own way."""

_RESET = struct.pack("ii", 1, 0)  # struct linger: on, for zero seconds


def _read_nothing_yet(transport: asyncio.Transport) -> None:
    """Pause once reading has begun: asyncio of 3.11.2 begins it after `connection_made`, paused or not."""
    asyncio.get_running_loop().call_soon(transport.pause_reading)


class ServerSide(asyncio.Protocol):
    """The plain connection to the server behind the front."""

    def __init__(self, client: ClientSide) -> None:
        self._client = client
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read nothing yet: the client cannot be answered before its handshake."""
        self.transport = cast("asyncio.Transport", transport)
        _read_nothing_yet(self.transport)

    def data_received(self, data: bytes) -> None:
        """Hand on to the client."""
        self._client.send(data)

    def eof_received(self) -> bool:
        """The server has said all: so has the front."""
        self._client.finish()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass a reset on as a reset."""
        self._client.reset() if exc is not None else self._client.finish()

    def pause_writing(self) -> None:
        """The server is slow: stop reading from the client."""
        self._client.set_reading(enabled=False)

    def resume_writing(self) -> None:
        """The server keeps up again."""
        self._client.set_reading(enabled=True)


class ClientSide(asyncio.Protocol):
    """The client's connection, and the pair's owner."""

    def __init__(
        self,
        kind: Kind,
        upstream: tuple[str, int],
        context: ssl.SSLContext,
        on_end: Callable[[ClientSide], None],
    ) -> None:
        self._upstream = upstream
        self._context = context
        self._on_end = on_end
        self._channel: Channel | None = TlsChannel(context) if kind == "tls" else None
        self._early = b""
        self._server = ServerSide(self)
        self._transport: asyncio.Transport | None = None
        self._dialling: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Dial the server first; until that has worked the client's bytes wait in the kernel."""
        self._transport = cast("asyncio.Transport", transport)
        _read_nothing_yet(self._transport)
        self._dialling = asyncio.get_running_loop().create_task(self._dial())

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        if self._channel is None:
            data = self._negotiate(self._early + data)
        if self._channel is not None:
            self._receive(self._channel, data)

    def eof_received(self) -> bool:
        """The client sends no more, and may still be waiting for answers: keep its connection open."""
        self._end_upstream()
        return self._channel is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the server as the client has left: with what was sent, or at once."""
        if self._dialling is not None:
            self._dialling.cancel()
        if self._server.transport is not None:
            self._server.transport.close() if exc is None else self._server.transport.abort()
        self._on_end(self)

    def pause_writing(self) -> None:
        """The client is slow: stop reading from the server."""
        if self._server.transport is not None:
            self._server.transport.pause_reading()

    def resume_writing(self) -> None:
        """The client keeps up again."""
        self._read_server()

    def send(self, data: bytes) -> None:
        """Send bytes of the server to the client."""
        if self._channel is not None:
            self._channel.send(data)
            self._flush()

    def finish(self) -> None:
        """Close the client's connection after what is still to be sent."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._channel is not None and self._channel.established:
            self._channel.close()
            self._flush()
        self._transport.close()

    def reset(self) -> None:
        """End the client's connection by a reset, as a server would that went away."""
        if self._transport is not None and not self._transport.is_closing():
            self.abort()

    def abort(self) -> None:
        """Reset the connection even while the rest is being sent to a client that does not read it."""
        if self._transport is not None:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()

    def set_reading(self, *, enabled: bool) -> None:
        """Read from the client, or let its bytes wait in the kernel."""
        if self._transport is None:
            return
        self._transport.resume_reading() if enabled else self._transport.pause_reading()

    async def _dial(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self._server, *self._upstream)
        except OSError:
            self.reset()
            return
        self.set_reading(enabled=True)

    def _negotiate(self, data: bytes) -> bytes:
        """Settle on a channel by a Postgres client's first bytes; those that are left for it."""
        self._early = b""
        match preface(data):
            case "incomplete":
                self._early = data
            case "refuse":
                self._write(b"N")
            case "tls":
                self._write(b"S")
                self._channel = TlsChannel(self._context)
            case "direct_tls":
                self._channel = TlsChannel(self._context)
                return data
            case "plain":
                self._channel = PlainChannel()
                self._read_server()
                return data
            case "violation":
                self.reset()
        return b""

    def _receive(self, channel: Channel, data: bytes) -> None:
        was_established = channel.established
        try:
            plain = channel.receive(data)
        except ssl.SSLError:
            self._flush()  # the alert
            self._close()
            return
        self._flush()
        if channel.established and not was_established:
            self._read_server()
        if plain and self._server.transport is not None:
            self._server.transport.write(plain)
        if channel.ended:
            self._end_upstream()

    def _read_server(self) -> None:
        if self._server.transport is not None:
            self._server.transport.resume_reading()

    def _end_upstream(self) -> None:
        server = self._server.transport
        if server is not None and not server.is_closing():
            server.write_eof()

    def _flush(self) -> None:
        if self._channel is not None:
            self._write(self._channel.take())

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()
