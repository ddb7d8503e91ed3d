"""One connection of the gateway to its Postgres: dialling, logging in, and leaving nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from repro.lab.neon import messages
from repro.lab.neon.authentication import Authentication
from repro.lab.neon.messages import Message, MessageBuffer

_CHUNK = 1 << 16
_CANCEL_ATTEMPTS = 8
_CANCEL_WAIT_S = 0.25
_CLOSE_WAIT_S = 2.0
_LOGIN_LIMIT = 1 << 16


class PostgresUnreachable(Exception):  # noqa: N818 - reads as what it says
    """Nothing answered at the gateway's Postgres."""


class PostgresClosed(Exception):  # noqa: N818 - reads as what it says
    """Postgres closed the connection where more was expected."""


class LoginRefused(Exception):  # noqa: N818 - reads as what it says
    """Postgres refused the login.

    Args:
        response: its ErrorResponse.
    """

    def __init__(self, response: Message) -> None:
        super().__init__("login refused")
        self.response = response


class Link:
    """A connection to Postgres; made by `open_link`."""

    def __init__(
        self, address: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.buffer = MessageBuffer(limit=_LOGIN_LIMIT)
        self._address = address
        self._reader = reader
        self._writer = writer
        self._key: bytes | None = None
        self._busy = False

    async def log_in(self, startup: bytes, user: str, ask_password: Callable[[], Awaitable[str]]) -> bytes:
        """Send the startup packet and answer the server until it is ready for queries.

        Args:
            startup: the packet, as it goes on the wire.
            user: the user that the packet names.
            ask_password: called once, when the server wants to know who is there.

        Returns:
            What the server said meanwhile, authentication requests left out: AuthenticationOk, parameters,
            the key, ReadyForQuery. A client that was logged in by somebody else needs just this.

        Raises:
            LoginRefused: the server said no.
            LoginImpossible: it asked for something other than a password.
            PostgresClosed: it closed the connection.
        """
        await self.write(startup)
        said = bytearray()
        authentication: Authentication | None = None
        while True:
            message = await self.message()
            if message.kind == b"E":
                raise LoginRefused(message)
            if message.kind == b"R":
                authentication = authentication or Authentication(user, await ask_password())
                await self.write(authentication.answer(message.payload))
            if message.kind == b"K":
                self._key = message.payload
            if message.kind != b"R" or (authentication and authentication.done):
                said += message.raw
            if message.kind == b"Z":
                return bytes(said)

    async def message(self) -> Message:
        """The next message of the server.

        Raises:
            PostgresClosed: there is none.
            MessageTooLarge: it is longer than the buffer's limit.
        """
        while (message := self.buffer.message()) is None:
            data = await self.read()
            if not data:
                raise PostgresClosed("connection closed")
            self.buffer.feed(data)
        if message.kind == b"Z":
            self._busy = False
        return message

    @property
    def is_idle(self) -> bool:
        """Nothing that was sent still waits for its end."""
        return not self._busy

    async def execute(self, request: bytes) -> None:
        """Send a query of any kind; what comes back ends with ReadyForQuery."""
        self._busy = True
        await self.write(request)

    async def read(self) -> bytes:
        """Bytes as they come, nothing parsed; empty when the server has closed."""
        try:
            return await self._reader.read(_CHUNK)
        except OSError:
            return b""

    async def write(self, data: bytes) -> None:
        """Send bytes, waiting while the server reads more slowly than they come.

        Raises:
            PostgresClosed: the server is gone.
        """
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise PostgresClosed("connection closed") from error

    async def cancel(self) -> None:
        """Ask the server to stop what this connection runs; one attempt, which may find nothing to stop."""
        if self._key is not None:
            await send_cancel(self._address, messages.cancel_request(self._key))

    async def close(self) -> None:
        """Leave: stop a query that still runs, then close. Bounded in time; never raises for the network."""
        with suppress(TimeoutError, PostgresClosed, messages.ProtocolViolation):
            await self._stop_query()
            await self.write(messages.TERMINATE)
        await self.hang_up()

    async def hang_up(self) -> None:
        """Close the connection as it is; what was written before still goes out."""
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_WAIT_S):
                await self._writer.wait_closed()

    async def _stop_query(self) -> None:
        # Cancelling a backend that has not read its query yet does nothing, so ask until it is ready.
        for _ in range(_CANCEL_ATTEMPTS):
            if not self._busy:
                return
            await self.cancel()
            with suppress(TimeoutError):
                async with asyncio.timeout(_CANCEL_WAIT_S):
                    while self._busy:
                        await self.message()


async def open_link(address: tuple[str, int], *, deadline_s: float) -> Link:
    """Dial Postgres.

    Raises:
        PostgresUnreachable: refused, or no answer within ``deadline_s`` seconds.
    """
    try:
        async with asyncio.timeout(deadline_s):
            reader, writer = await asyncio.open_connection(*address)
    except (OSError, TimeoutError) as error:
        raise PostgresUnreachable("Couldn't connect to compute node") from error
    return Link(address, reader, writer)


async def send_cancel(address: tuple[str, int], packet: bytes) -> None:
    """Hand a CancelRequest to the server, which closes without an answer; failures are passed over."""
    with suppress(PostgresUnreachable, PostgresClosed, TimeoutError):
        link = await open_link(address, deadline_s=_CLOSE_WAIT_S)
        try:
            async with asyncio.timeout(_CLOSE_WAIT_S):
                await link.write(packet)
                await link.read()
        finally:
            await link.hang_up()
