"""Servers that stand before the lab's own: on one address family, without TLS, with another certificate."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from repro.lab.errors import LabError
from repro.lab.faults.servers import Handler, closing, end_conversations
from repro.lab.listeners import Port, localhost_addresses
from repro.lab.tls_front import TlsFront
from repro.lab.tls_relay import Kind

_START_S = 10.0
_SSL_REQUEST = b"\x04\xd2\x16\x2f"
_GSSENC_REQUEST = b"\x04\xd2\x16\x30"
_PREFACE = 8


@contextlib.contextmanager
def serving_by_address(handlers: Mapping[str, Handler]) -> Iterator[int]:
    """Serve on one port, each literal address by a handler of its own, until the block ends.

    Args:
        handlers: by literal addresses; an address that has none refuses.

    Raises:
        LabError: an address cannot be bound.
    """
    port = Port.reserve(handlers)
    try:
        with in_a_thread(_listening(port, list(handlers.values()))):
            yield port.number
    finally:
        port.close()


@contextlib.contextmanager
def tls_before(kind: Kind, upstream: tuple[str, int], context: ssl.SSLContext) -> Iterator[int]:
    """TLS in front of a server, on every address of ``localhost``, until the block ends.

    Args:
        kind: how TLS begins.
        upstream: literal address and port of the server.
        context: a server's.
    """
    port = Port.reserve(localhost_addresses())
    try:
        with in_a_thread(_front(TlsFront(kind, upstream=upstream, port=port, context=context))):
            yield port.number
    finally:
        port.close()


@contextlib.contextmanager
def never_accepting() -> Iterator[int]:
    """A port of 127.0.0.1 that answers no SYN.

    Linux drops the SYNs for a listener whose queue is full; the queue of ``listen(0)`` holds one.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(2):
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def drops_syns() -> bool:
    """Whether `never_accepting` works on this system."""
    with never_accepting() as port, contextlib.closing(socket.socket()) as client:
        client.settimeout(0.2)
        try:
            client.connect(("127.0.0.1", port))
        except TimeoutError:
            return True
        except OSError:
            return False
    return False


def carrying(port: int) -> Handler:
    """Carry everything to a server on 127.0.0.1."""
    return before_postgres(port)


def before_postgres(
    port: int, *, to_tls: bytes = b"", to_login: bytes = b"", stalls: bool = False
) -> Handler:
    """Carry clients of Postgres to the server on 127.0.0.1, but answer some of their first words.

    Args:
        port: of the server.
        to_tls: the answer to SSLRequest; after anything but ``N`` the connection ends.
        to_login: the answer to a StartupMessage without TLS, after which the connection ends.
        stalls: what would end the connection after the answer to SSLRequest is silence.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            while True:
                first = await reader.readexactly(_PREFACE)
                if first[4:] == _GSSENC_REQUEST:
                    writer.write(b"N")
                elif first[4:] == _SSL_REQUEST and to_tls:
                    writer.write(to_tls)
                    if to_tls != b"N":
                        await reader.read(65536)
                        while stalls and await reader.read(65536):
                            pass
                        return
                else:
                    break
            if to_login and first[4:] != _SSL_REQUEST:
                await reader.read(65536)
                writer.write(to_login)
                await writer.drain()
                return
            await _carry(first, reader, writer, port)

    return serve


def refusing_logins(answer: bytes) -> Handler:
    """A server of Postgres's protocol without TLS that answers every login alike.

    Args:
        answer: such as `repro.lab.faults.servers.fatal` gives.
    """
    return before_postgres(0, to_tls=b"N", to_login=answer)


def without_sni(context: ssl.SSLContext, answer: bytes, port: int) -> Handler:
    """TLS as Postgres has it; a client that names no host is answered so, the others are carried on.

    Args:
        context: a server's; it is changed.
        answer: such as `repro.lab.faults.servers.fatal` gives.
        port: of the server on 127.0.0.1, which is spoken to without TLS.
    """
    named: dict[ssl.SSLObject, str | None] = {}
    context.sni_callback = lambda tls, name, _context: named.__setitem__(tls, name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            first = await reader.readexactly(_PREFACE)
            if first[4:] != _SSL_REQUEST:
                return
            writer.write(b"S")
            await writer.start_tls(context)
            start = await reader.read(_PREFACE)
            if named.pop(writer.get_extra_info("ssl_object"), None) is None:
                await reader.read(65536)
                writer.write(answer)
                await writer.drain()
                return
            await _carry(start, reader, writer, port)

    return serve


def greeting(banner: bytes) -> Handler:
    """Speak first, and then hang up on whatever comes, as an SSH server does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            writer.write(banner)
            await writer.drain()
            await reader.read(65536)

    return serve


async def _carry(first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    inner, outer = await asyncio.open_connection("127.0.0.1", port)
    with closing(outer):
        outer.write(first)
        await asyncio.gather(_pump(reader, outer), _pump(inner, writer), return_exceptions=True)


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    finally:
        target.close()


@contextlib.asynccontextmanager
async def _listening(port: Port, handlers: Sequence[Handler]) -> AsyncIterator[None]:
    servers = [
        await asyncio.start_server(handler, sock=listener)
        for handler, listener in zip(handlers, port.listen(), strict=True)
    ]
    try:
        yield
    finally:
        for server in servers:
            server.close()


@contextlib.asynccontextmanager
async def _front(front: TlsFront) -> AsyncIterator[None]:
    await front.start()
    try:
        yield
    finally:
        await front.stop()


@contextlib.contextmanager
def in_a_thread(serving: AbstractAsyncContextManager[None]) -> Iterator[None]:
    """A block on an event loop in a thread, as long as this one lasts."""
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    ready = threading.Event()

    async def main() -> None:
        async with serving:
            stop = asyncio.Event()
            started.append((asyncio.get_running_loop(), stop))
            ready.set()
            await stop.wait()
        await end_conversations()

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    if not ready.wait(_START_S):
        raise LabError("a server of a fault does not start")
    try:
        yield
    finally:
        loop, stop = started[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(_START_S)
