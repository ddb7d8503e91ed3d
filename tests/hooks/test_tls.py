from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
import trustme
import uvloop

from repro.events import Event

Seen = Callable[[str], list[Event]]
Serve = Callable[..., int]
Run = Callable[[Coroutine[Any, Any, None]], None]

every_loop = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])


@pytest.fixture
def trust(authorities: SimpleNamespace) -> ssl.SSLContext:
    """A client's context, which trusts the servers' authority."""
    return ssl.create_default_context(cafile=authorities.ca)


def stay_silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_a_blocking_handshake_has_its_facts(
    any_server: Serve, server_context: Callable[..., ssl.SSLContext], trust: ssl.SSLContext, seen: Seen
) -> None:
    port = any_server(server_context("localhost"))
    trust.set_alpn_protocols(["http/1.1"])
    trust.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        cipher = tls.cipher()
    (connect,) = seen("connect")
    (handshake,) = seen("tls.handshake")
    assert cipher is not None
    assert handshake.conn == connect.conn
    assert handshake.fields == {
        "tls.sni": "localhost",
        "tls.version": "TLSv1.2",
        "tls.cipher": cipher[0],
        "tls.alpn": "http/1.1",
        "tls.issuer": f"trustme v{version('trustme')}",
    }


@pytest.mark.parametrize("verified", [True, False])
def test_who_vouches_for_the_server_is_told_of_one_that_is_not_trusted_too(
    verified: bool, any_server: Serve, seen: Seen
) -> None:
    authority = trustme.CA(organization_name="An inspecting \x1b[31mproxy", organization_unit_name="x" * 64)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    client = ssl.create_default_context()
    if not verified:
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", any_server(context))) as plain, suppress(ssl.SSLError):
        client.wrap_socket(plain, server_hostname="localhost").close()
    (handshake,) = seen("tls.handshake")
    assert handshake.failure == ("tls_unknown_authority" if verified else None)
    assert handshake.fields["tls.issuer"] == "An inspecting \x1b[31mproxy"


def test_a_server_that_shows_no_certificate_has_no_issuer(serve: Serve, seen: Seen) -> None:
    with socket.create_connection(("127.0.0.1", serve(lambda c: c.close()))) as plain, suppress(OSError):
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")
    (handshake,) = seen("tls.handshake")
    assert "tls.issuer" not in handshake.fields


def test_a_socket_that_is_wrapped_before_it_connects_is_followed_too(
    any_server: Serve, server_context: Callable[..., ssl.SSLContext], trust: ssl.SSLContext, seen: Seen
) -> None:
    port = any_server(server_context("localhost"))
    with trust.wrap_socket(socket.socket(), server_hostname="localhost") as tls:
        tls.connect(("127.0.0.1", port))
    (connect,) = seen("connect")
    (handshake,) = seen("tls.handshake")
    assert handshake.conn == connect.conn


def test_a_blocking_handshake_that_takes_too_long_is_a_timeout(
    serve: Serve, trust: ssl.SSLContext, seen: Seen
) -> None:
    with socket.create_connection(("127.0.0.1", serve(stay_silent))) as plain:
        plain.settimeout(0.05)
        with pytest.raises(TimeoutError):
            trust.wrap_socket(plain, server_hostname="localhost")
    (handshake,) = seen("tls.handshake")
    assert (handshake.failure, handshake.errno) == ("timeout", None)


@every_loop
def test_a_timeout_around_a_handshake_is_a_timeout(
    run: Run, serve: Serve, trust: ssl.SSLContext, seen: Seen
) -> None:
    async def main() -> None:
        async with asyncio.timeout(0.3):
            port = serve(stay_silent)
            await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="localhost")

    with pytest.raises(TimeoutError):
        run(main())
    (connect,) = seen("connect")
    (handshake,) = seen("tls.handshake")
    assert connect.failure is None
    assert (handshake.failure, handshake.conn) == ("timeout", connect.conn)


@every_loop
def test_the_loops_own_limit_of_a_handshake_is_a_timeout(
    run: Run, serve: Serve, trust: ssl.SSLContext, seen: Seen
) -> None:
    port = serve(stay_silent)

    async def main() -> None:
        await asyncio.open_connection(
            "127.0.0.1", port, ssl=trust, server_hostname="localhost", ssl_handshake_timeout=0.05
        )

    with pytest.raises(ConnectionAbortedError):
        run(main())
    assert [event.failure for event in seen("tls.handshake")] == ["timeout"]


@every_loop
def test_a_handshake_of_anyio_belongs_to_its_connection(
    run: Run,
    any_server: Serve,
    server_context: Callable[..., ssl.SSLContext],
    trust: ssl.SSLContext,
    seen: Seen,
) -> None:
    port = any_server(server_context("localhost"))

    async def main() -> None:
        # two at once: the number must be that of each one's own connection
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(visit)

    async def visit() -> None:
        stream = await anyio.connect_tcp(
            "127.0.0.1",
            port,
            ssl_context=trust,
            tls=True,
            tls_hostname="localhost",
            tls_standard_compatible=False,
        )
        await stream.aclose()

    run(main())
    connected = {event.conn for event in seen("connect")}
    assert len(connected) == 2
    assert {event.conn for event in seen("tls.handshake")} == connected


def test_the_handshakes_of_servers_are_not_told(
    server_context: Callable[..., ssl.SSLContext], trust: ssl.SSLContext, seen: Seen
) -> None:
    async def main() -> None:
        context = server_context("localhost")
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
        async with server:
            port = server.sockets[0].getsockname()[1]
            _, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=trust, server_hostname="localhost"
            )
            writer.close()
            await writer.wait_closed()

    asyncio.run(main())
    assert len(seen("tls.handshake")) == 1
