"""A small bounded pool of connections to one Valkey, on which whole exchanges are run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from repro.lab.upstash.resp import Decoder, ErrorReply, ProtocolViolation, Reply, encode_command

_CHUNK = 1 << 16
_CLOSE_WAIT_S = 2.0

Command = Sequence[bytes]


class ServerUnreachable(Exception):  # noqa: N818 - reads as what it says
    """The server does not answer, broke off, or does not accept the password."""


class _Connection:
    """One connection that is logged in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = Decoder()

    @property
    def is_open(self) -> bool:
        return not (self._reader.at_eof() or self._writer.is_closing())

    async def exchange(self, commands: Sequence[Command]) -> list[Reply]:
        self._writer.write(b"".join(map(encode_command, commands)))
        await self._writer.drain()
        replies: list[Reply] = []
        while len(replies) < len(commands):
            data = await self._reader.read(_CHUNK)
            if not data:
                raise ConnectionResetError("the server closed the connection")
            self._decoder.feed(data)
            replies += self._decoder.replies()
        return replies

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_WAIT_S):
                await self._writer.wait_closed()


class Pool:
    """Connections to one server, opened when they are needed and kept.

    Args:
        address: host and port, spoken to without TLS.
        password: of the default user.
        size: most connections at a time; further exchanges wait.
        deadline_s: seconds that connecting and one exchange may take together, and that one may wait for a
            connection.
    """

    def __init__(
        self, address: tuple[str, int], password: str, *, size: int = 8, deadline_s: float = 30.0
    ) -> None:
        self._address = address
        self._password = password.encode()
        self._deadline_s = deadline_s
        self._idle: list[_Connection] = []
        self._places = asyncio.Semaphore(size)

    async def exchange(self, commands: Sequence[Command]) -> list[Reply]:
        """Send commands in one go and take as many replies, all on one connection.

        Nothing is ever sent twice: whether a command that broke off was executed is not known.

        Raises:
            ServerUnreachable: the server does not answer in time, or not at all.
        """
        try:
            async with asyncio.timeout(self._deadline_s), self._places, self._connection() as connection:
                return await connection.exchange(commands)
        except TimeoutError as error:
            raise ServerUnreachable("the database did not answer in time") from error
        except (OSError, ProtocolViolation) as error:
            raise ServerUnreachable("the database cannot be reached") from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Connection]:
        """A connection that goes back to the pool, but only after an exchange that was complete."""
        connection = await self._take()
        try:
            yield connection
        except BaseException:
            await connection.close()
            raise
        self._idle.append(connection)

    async def _take(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
            await connection.close()
        return await self._connect()

    async def _connect(self) -> _Connection:
        connection = _Connection(*await asyncio.open_connection(*self._address))
        try:
            (answer,) = await connection.exchange([[b"AUTH", self._password]])
        except BaseException:
            await connection.close()
            raise
        if isinstance(answer, ErrorReply):
            await connection.close()
            raise ServerUnreachable("the database refused the gateway's password")
        return connection

    async def close(self) -> None:
        """Close every connection that is idle."""
        while self._idle:
            await self._idle.pop().close()
