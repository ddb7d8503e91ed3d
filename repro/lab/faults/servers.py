"""Servers that misbehave, on loopback, in a thread of their own: the real failure for a real driver."""

from __future__ import annotations

import asyncio
import re
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from repro.lab.errors import LabError

_ROUNDS = 3
"""Of the loop: what a task closes is closed in the next one, with TLS in the one after."""

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def serving(handler: Handler, host: str = "127.0.0.1", number: int = 0) -> Iterator[int]:
    """Serve until the block ends, on a port that the system chose where none is given.

    Args:
        handler: what it does with a connection.
        host: a loopback address.
        number: its port.
    """
    started: list[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = []
    ready = threading.Event()

    async def main() -> None:
        server = await asyncio.start_server(handler, host, number)
        stop = asyncio.Event()
        started.append((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), stop))
        ready.set()
        await stop.wait()
        server.close()
        await end_conversations()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    if not ready.wait(10):
        raise LabError("a server of a fault does not start")
    port, loop, stop = started[0]
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


async def end_conversations() -> None:
    """End every other task of this loop, and let it close what they had open."""
    conversations = asyncio.all_tasks() - {asyncio.current_task()}
    for task in conversations:
        task.cancel()
    await asyncio.gather(*conversations, return_exceptions=True)
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept, read, and never answer."""
    with closing(writer):
        while await reader.read(65536):
            pass


async def hanging_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept, read the first words, and close; without reading, the close would be a reset."""
    with closing(writer):
        await reader.read(65536)


def answering(status: str, body: str, kind: str = "text/html") -> Handler:
    """Answer every HTTP request alike."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (
                    int(line[15:])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                ),
                0,
            )
            await reader.readexactly(length)
            data = body.encode()
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
                + data
            )
            await writer.drain()

    return answer


async def accepting_wrongly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Agree to an upgrade with the accept of another request, as a cache would (RFC 6455, 4.2.2)."""
    with closing(writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        )
        await writer.drain()
        await reader.read(65536)


def without_extensions(port: int) -> Handler:
    """A relay to a WebSocket server on 127.0.0.1 that takes the offer of extensions away (RFC 6455, 9.1).

    Without permessage-deflate the frames can be searched.
    """

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        with closing(writer), closing(outer):
            head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            outer.write(
                b"\r\n".join(
                    line for line in head if not line.lower().startswith(b"sec-websocket-extensions:")
                )
            )
            await asyncio.gather(carry(reader, outer), carry(inner, writer), return_exceptions=True)

    return relay


SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"
"""Protocol 3.0, SSLRequest: a length of 8 and the code 80877103."""


def relaying(port: int, *, tls: bool = True) -> Handler:
    """A relay to a Postgres on loopback; without TLS it answers the question for it with N."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        with closing(writer), closing(outer):
            first = await reader.read(65536)
            while not tls and first == SSL_REQUEST:
                writer.write(b"N")
                first = await reader.read(65536)
            outer.write(first)
            await asyncio.gather(carry(reader, outer), carry(inner, writer), return_exceptions=True)

    return relay


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one direction of a conversation, to its end."""
    with closing(writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


COMMITTING = re.compile(rb"[\x00-\x1f]COMMIT;?\0")
"""The statement alone, as a simple query or a parsed one; BEGIN may say READ COMMITTED."""


def losing_the_commit(port: int, reply: bytes = b"") -> Handler:
    """A relay to a Postgres that lets COMMIT through and puts something else in the place of its answer."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        committing = asyncio.Event()

        async def upward() -> None:
            while data := await reader.read(65536):
                if COMMITTING.search(data):
                    committing.set()
                outer.write(data)
                await outer.drain()
            outer.close()

        async def downward() -> None:
            while data := await inner.read(65536):
                if committing.is_set():
                    writer.write(reply)
                    break
                writer.write(data)
                await writer.drain()
            writer.close()
            outer.close()

        with closing(writer), closing(outer):
            await asyncio.gather(upward(), downward(), return_exceptions=True)

    return relay


def fatal(sqlstate: str, message: str) -> bytes:
    """An ErrorResponse that ends the connection (protocol 3.0, message type E)."""
    return _error_response(f"SFATAL\0VFATAL\0C{sqlstate}\0M{message}\0")


def error_of_neon(message: str, sqlstate: str = "XX000") -> bytes:
    """An ErrorResponse as Neon's proxy writes it (libs/pq_proto): its severity is ERROR, not FATAL."""
    return _error_response(f"SERROR\0C{sqlstate}\0M{message}\0")


def _error_response(fields: str) -> bytes:
    body = fields.encode() + b"\0"
    return b"E" + struct.pack("!I", len(body) + 4) + body


@contextmanager
def closing(writer: asyncio.StreamWriter) -> Iterator[None]:
    """Close a connection whatever happens, and let its end pass in silence."""
    try:
        yield
    except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.CancelledError):
        pass
    finally:
        writer.close()
