"""Postgres inside a WebSocket: bytes of the wire protocol in binary frames, on any path.

The serverless drivers send startup packet, cleartext password and first query in one go, before any answer,
because Neon always asks for a cleartext password. A Postgres that speaks SCRAM breaks there, so the default
mode does what Neon does: it asks the client for the password and uses it to log in by itself.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import Receive, Scope, Send

from repro.lab.neon import messages
from repro.lab.neon.authentication import LoginImpossible
from repro.lab.neon.client_socket import ClientLeft, ClientSocket, TextFrame
from repro.lab.neon.limits import Limits
from repro.lab.neon.link import (
    Link,
    LoginRefused,
    PostgresClosed,
    PostgresUnreachable,
    open_link,
    send_cancel,
)
from repro.lab.neon.messages import MessageBuffer, ProtocolViolation, StartupPacket
from repro.lab.neon.racing import first_of

_PASSWORD_LIMIT = 1 << 16
_ENCRYPTION_REQUESTS = (messages.SSL_REQUEST, messages.GSS_REQUEST)


class FatalError(Exception):
    """The client is told in the words of Postgres, and the connection ends.

    Args:
        response: an ErrorResponse.
    """

    def __init__(self, response: bytes) -> None:
        super().__init__("the tunnel ends with an ErrorResponse")
        self.response = response


class Tunnel:
    """The ASGI app behind every WebSocket.

    Args:
        postgres: host and port of the only server that is ever dialled.
        limits: sizes and times; a tunnel that is logged in may stay open for as long as it likes.
    """

    def __init__(self, postgres: tuple[str, int], limits: Limits) -> None:
        self._postgres = postgres
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one client until it or Postgres leaves."""
        client = ClientSocket(receive, send)
        serve = self._pipe if scope["path"].endswith("/pipe") else self._serve
        with suppress(ClientLeft):
            await client.accept()
            try:
                await serve(client)
            except PostgresUnreachable:
                await client.close(1011, "cannot connect to Postgres")
            except TextFrame:
                await client.close(1002, "unexpected text message in the websocket")
            except FatalError as error:
                await client.send(error.response)
                await client.close(1000, "TCP connection is closed")
            else:
                await client.close(1000, "TCP connection is closed")

    async def _pipe(self, client: ClientSocket) -> None:
        """Mode ``pipe``: nothing but bytes."""
        link = await open_link(self._postgres, deadline_s=self._limits.connect_s)
        try:
            await _exchange(client, link)
        finally:
            await link.hang_up()

    async def _serve(self, client: ClientSocket) -> None:
        """Mode ``neon``: the gateway answers the server's challenge."""
        buffer = MessageBuffer(limit=_PASSWORD_LIMIT)
        link: Link | None = None
        try:
            async with asyncio.timeout(self._limits.login_s):
                packet = await _startup(client, buffer)
                if packet.code == messages.CANCEL_REQUEST:
                    await send_cancel(self._postgres, packet.raw)
                    return
                link = await open_link(self._postgres, deadline_s=self._limits.connect_s)
                await _log_in(client, buffer, link, packet)
            await _exchange(client, link)
        except ProtocolViolation as error:
            raise FatalError(messages.fatal_error("08P01", str(error))) from error
        except TimeoutError as error:
            response = messages.fatal_error("57014", "canceling authentication due to timeout")
            raise FatalError(response) from error
        finally:
            if link is not None:
                await link.cancel()
                await link.hang_up()


async def _startup(client: ClientSocket, buffer: MessageBuffer) -> StartupPacket:
    """The packet that says what the client wants; encryption inside the tunnel is declined before."""
    while True:
        while (packet := buffer.startup()) is None:
            buffer.feed(await client.receive())
        if packet.code not in _ENCRYPTION_REQUESTS:
            return packet
        await client.send(b"N")


async def _log_in(client: ClientSocket, buffer: MessageBuffer, link: Link, packet: StartupPacket) -> None:
    """Log in with the password that the client gives, and pass on what it sent ahead."""
    user = packet.parameters.get("user", "")

    async def ask_password() -> str:
        await client.send(messages.CLEARTEXT_PASSWORD_REQUEST)
        return await _password(client, buffer)

    try:
        said = await link.log_in(packet.raw, user, ask_password)
    except LoginRefused as error:
        raise FatalError(error.response.raw) from error
    except LoginImpossible as error:
        raise FatalError(messages.fatal_error("28000", str(error))) from error
    except PostgresClosed as error:
        raise FatalError(messages.fatal_error("08006", str(error))) from error
    await client.send(said)
    await link.write(buffer.drain())


async def _password(client: ClientSocket, buffer: MessageBuffer) -> str:
    while (message := buffer.message()) is None:
        buffer.feed(await client.receive())
    if message.kind != b"p":
        raise ProtocolViolation(f"expected password response, got message type {message.kind[0]}")
    return message.payload.partition(b"\0")[0].decode("utf-8", "surrogateescape")


async def _exchange(client: ClientSocket, link: Link) -> None:
    """Pass bytes both ways until one side leaves; each direction waits while its far end is slow."""
    await first_of(_downstream(client, link), _upstream(client, link))


async def _upstream(client: ClientSocket, link: Link) -> None:
    with suppress(PostgresClosed):
        while True:
            await link.write(await client.receive())


async def _downstream(client: ClientSocket, link: Link) -> None:
    await client.send(link.buffer.drain())
    while data := await link.read():
        await client.send(data)
