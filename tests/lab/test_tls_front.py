from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from repro.lab.certificates import TlsFiles
from repro.lab.listeners import Port
from repro.lab.tls_front import TlsFront
from repro.lab.tls_relay import Kind

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
DEADLINE_S = 30


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer all with itself, and end when the client does."""
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def answer_at_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer only when the client has ended its direction."""
    data = await reader.read(-1)
    writer.write(b"got " + data)
    writer.close()


async def serve(handler: Handler, port: Port) -> asyncio.Server:
    (listening,) = port.listen()
    return await asyncio.start_server(handler, sock=listening)


@contextlib.asynccontextmanager
async def fronted(files: TlsFiles, handler: Handler, kind: Kind = "tls") -> AsyncIterator[TlsFront]:
    """A front before a server of ours."""
    upstream, port = Port.reserve(["127.0.0.1"]), Port.reserve(["127.0.0.1"])
    server = await serve(handler, upstream)
    front = TlsFront(kind, upstream=upstream.endpoint, port=port, context=files.server_context())
    await front.start()
    try:
        yield front
    finally:
        await front.stop()
        server.close()
        for each in (upstream, port):
            each.close()


def run(test: Awaitable[None]) -> None:
    async def with_deadline() -> None:
        await asyncio.wait_for(test, DEADLINE_S)

    asyncio.run(with_deadline())


async def dial(front: TlsFront, context: ssl.SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = front._port.endpoint
    return await asyncio.open_connection(host, port, ssl=context, server_hostname="localhost")


def test_bytes_pass_through_tls(tls_files: TlsFiles, trusting: ssl.SSLContext) -> None:
    async def test() -> None:
        async with fronted(tls_files, echo) as front:
            reader, writer = await dial(front, trusting)
            for length in (1, 70_000, 3):
                writer.write(b"x" * length)
                assert await reader.readexactly(length) == b"x" * length
            writer.close()
            await writer.wait_closed()

    run(test())


def test_it_is_refused_while_the_server_is_down_and_answers_when_it_is_back(
    tls_files: TlsFiles, trusting: ssl.SSLContext
) -> None:
    async def test() -> None:
        upstream, port = Port.reserve(["127.0.0.1"]), Port.reserve(["127.0.0.1"])
        connections: list[asyncio.StreamWriter] = []

        async def remember(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.append(writer)
            await echo(reader, writer)

        server = await serve(remember, upstream)
        front = TlsFront("tls", upstream=upstream.endpoint, port=port, context=tls_files.server_context())
        await front.start()
        for _ in range(2):
            server.close()
            for connection in connections:
                connection.transport.abort()
            connections.clear()
            await front.closed.wait()
            with pytest.raises(ConnectionRefusedError):
                await dial(front, trusting)
            server = await serve(remember, upstream)
            await front.opened.wait()
            reader, writer = await dial(front, trusting)
            writer.write(b"back")
            assert await reader.readexactly(4) == b"back"
            writer.close()
            await writer.wait_closed()
        await front.stop()
        server.close()
        for each in (upstream, port):
            each.close()

    run(test())


def test_a_client_that_ended_its_direction_gets_the_answer(
    tls_files: TlsFiles, trusting: ssl.SSLContext
) -> None:
    def client(port: int) -> bytes:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            trusting.wrap_socket(plain, server_hostname="localhost") as tls,
        ):
            tls.sendall(b"question")
            with socket.socket(fileno=socket.dup(tls.fileno())) as same:
                same.shutdown(socket.SHUT_WR)
            return tls.recv(100)

    async def test() -> None:
        async with fronted(tls_files, answer_at_end) as front:
            assert await asyncio.to_thread(client, front._port.number) == b"got question"

    run(test())


def test_a_client_that_does_not_read_costs_no_memory(tls_files: TlsFiles, trusting: ssl.SSLContext) -> None:
    total, chunk = 32 << 20, 1 << 16
    waiting: list[int] = []
    fronts: list[TlsFront] = []  # the front's own idle connection is flooded before there is one

    async def test() -> None:
        async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                for _ in range(total // chunk):
                    writer.write(b"y" * chunk)
                    await writer.drain()
                    clients = (client for front in fronts for client in front._clients)
                    waiting.extend(buffered(client._transport) for client in clients)
            writer.close()

        async with fronted(tls_files, flood) as front:
            fronts.append(front)
            reader, writer = await dial(front, trusting)
            received = 0
            while data := await reader.read(chunk):
                received += len(data)
            assert received == total
            writer.close()
            await writer.wait_closed()
        assert max(waiting) < 1 << 20

    run(test())


def buffered(transport: asyncio.Transport | None) -> int:
    return transport.get_write_buffer_size() if transport is not None else 0


def test_a_server_that_does_not_read_costs_no_memory(tls_files: TlsFiles, trusting: ssl.SSLContext) -> None:
    total = 32 << 20
    waiting: list[int] = []

    async def test() -> None:
        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            received = 0
            while data := await reader.read(4096):
                received += len(data)
                waiting.extend(buffered(client._server.transport) for client in front._clients)
            writer.write(b"%d" % received)
            writer.close()

        def client(port: int) -> bytes:
            with (
                socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
                trusting.wrap_socket(plain, server_hostname="localhost") as tls,
            ):
                tls.sendall(b"z" * total)
                with socket.socket(fileno=socket.dup(tls.fileno())) as same:
                    same.shutdown(socket.SHUT_WR)
                return tls.recv(100)

        async with fronted(tls_files, slow) as front:
            assert await asyncio.to_thread(client, front._port.number) == b"%d" % total
        assert max(waiting) < 1 << 20

    run(test())


def test_a_server_that_resets_is_a_reset(tls_files: TlsFiles, trusting: ssl.SSLContext) -> None:
    async def test() -> None:
        async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if await reader.read(1):
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            writer.close()

        async with fronted(tls_files, reset) as front:
            reader, writer = await dial(front, trusting)
            writer.write(b"?")
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.transport.abort()

    run(test())


def test_a_plain_client_is_sent_away(tls_files: TlsFiles) -> None:
    async def test() -> None:
        async with fronted(tls_files, echo) as front:
            reader, writer = await asyncio.open_connection(*front._port.endpoint)
            writer.write(b"*1\r\n$4\r\nPING\r\n")
            assert b"PING" not in await reader.read()
            writer.close()
            await writer.wait_closed()

    run(test())


def test_postgres_clients_ask_first_and_may_go_without(tls_files: TlsFiles) -> None:
    startup = struct.pack("!II", 8, 196608)

    async def test() -> None:
        async with fronted(tls_files, echo, "postgres") as front:
            reader, writer = await asyncio.open_connection(*front._port.endpoint)
            writer.write(struct.pack("!II", 8, 80877104))
            assert await reader.readexactly(1) == b"N"
            writer.write(startup)
            assert await reader.readexactly(8) == startup
            writer.close()
            await writer.wait_closed()

    run(test())


def test_bytes_smuggled_in_behind_the_request_are_refused(tls_files: TlsFiles) -> None:
    async def test() -> None:
        async with fronted(tls_files, echo, "postgres") as front:
            reader, writer = await asyncio.open_connection(*front._port.endpoint)
            writer.write(struct.pack("!II", 8, 80877103) + b"Q")
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.transport.abort()

    run(test())


@pytest.mark.parametrize("turns", range(5))
def test_no_client_outlives_its_end_however_lately_it_was_accepted(tls_files: TlsFiles, turns: int) -> None:
    async def test() -> None:
        async with fronted(tls_files, echo) as front:
            with socket.create_connection(front._port.endpoint):  # in the kernel's queue: not accepted yet
                for _ in range(turns):
                    await asyncio.sleep(0)
                await front.stop()
                assert not front._clients
                for _ in range(10):
                    await asyncio.sleep(0)
                    assert not front._clients, "accepted before the end, and known after it"

    run(test())


def test_a_client_that_does_not_read_the_rest_does_not_hold_the_end_up(
    tls_files: TlsFiles, trusting: ssl.SSLContext
) -> None:
    async def test() -> None:
        async def much_and_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if await reader.read(1):
                writer.write(b"y" * (16 << 20))
            writer.close()

        async with fronted(tls_files, much_and_away) as front:
            _, writer = await dial(front, trusting)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(b"?")
            (client,) = front._clients
            while not buffered(client._transport):
                await asyncio.sleep(0)
            client.finish()
            await front.stop()
            assert not front._clients
            writer.transport.abort()

    run(test())
