from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import uvloop

from repro.events import Event, Peer

Seen = Callable[[str], list[Event]]
Serve = Callable[..., int]


def test_the_protocol_of_the_program_is_made_once_for_all_addresses(
    two_addresses: list[str], serve: Serve, seen: Seen
) -> None:
    port = serve(lambda connection: None)
    made: list[asyncio.Protocol] = []

    def factory() -> asyncio.Protocol:
        made.append(asyncio.Protocol())
        return made[-1]

    async def main() -> None:
        transport, protocol = await asyncio.get_running_loop().create_connection(factory, "localhost", port)
        assert protocol is made[0]
        assert transport.get_extra_info("peername") == ("127.0.0.1", port)
        transport.close()

    uvloop.run(main())
    assert len(made) == 1
    assert [(event.peer, event.failure) for event in seen("connect")] == [
        (Peer("::1", port), "connection_refused"),
        (Peer("127.0.0.1", port), None),
    ]
    assert {event.fields["host"] for event in seen("connect")} == {"localhost"}


@pytest.mark.usefixtures("two_addresses", "events")
def test_equal_errors_are_raised_as_one_as_uvloop_does(closed_port: int) -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_connection(asyncio.Protocol, "localhost", closed_port)

    with pytest.raises(ConnectionRefusedError, match=r"^\[Errno \d+\] Connection refused$"):
        uvloop.run(main())


def test_a_failed_handshake_tries_no_further_address(
    two_addresses: list[str],
    any_server: Serve,
    server_context: Callable[..., ssl.SSLContext],
    authorities: SimpleNamespace,
    seen: Seen,
) -> None:
    port = any_server(server_context("localhost"), "::1")
    trust = ssl.create_default_context(cafile=authorities.foreign)

    async def main() -> None:
        await asyncio.get_running_loop().create_connection(asyncio.Protocol, "localhost", port, ssl=trust)

    with pytest.raises(ssl.SSLCertVerificationError):
        uvloop.run(main())
    (connect,) = seen("connect")
    (handshake,) = seen("tls.handshake")
    assert (connect.peer, connect.failure) == (Peer("::1", port), None)
    assert (handshake.conn, handshake.failure) == (connect.conn, "tls_unknown_authority")
    assert connect.t <= handshake.t0


def test_a_literal_address_is_no_host(serve: Serve, seen: Seen) -> None:
    port = serve(lambda connection: None, "::1")

    async def main() -> None:
        _, writer = await asyncio.open_connection("::1", port)
        writer.close()

    uvloop.run(main())
    (connect,) = seen("connect")
    assert connect.fields == {"via": "uvloop", "net.family": "inet6"}
    assert seen("dns") == []


def test_a_socket_that_the_program_has_connected_is_one_attempt(serve: Serve, seen: Seen) -> None:
    port = serve(lambda connection: None)

    async def main() -> None:
        client = socket.create_connection(("127.0.0.1", port))
        _, writer = await asyncio.open_connection(sock=client)
        writer.close()

    uvloop.run(main())
    assert [event.fields["via"] for event in seen("connect")] == ["socket"]


@pytest.mark.usefixtures("events")
def test_wrong_arguments_are_wrong_still(closed_port: int) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(asyncio.Protocol, "127.0.0.1", closed_port, server_hostname="x")

    with pytest.raises(ValueError, match="server_hostname is only meaningful with ssl"):
        uvloop.run(main())
