"""Every client of the probes, against a closed port and against servers that refuse it, also over TLS."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx
import psycopg
import pytest
import redis
import redis.asyncio
import redis.backoff
import redis.retry
import sqlalchemy
import sqlalchemy.ext.asyncio
import uvloop
import websockets.asyncio.client
import websockets.sync.client

from repro.events import Event

# asyncpg does not wait until its loop has closed what it gives up: so it is without the hooks too
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

Seen = Callable[[str], list[Event]]
NO_RETRY: dict[str, Any] = {"retry": redis.retry.Retry(redis.backoff.NoBackoff(), 0), "retry_on_error": []}


@dataclass(frozen=True)
class Target:
    """Where a client is to go: the port on ``localhost``, and whom it trusts; None is no TLS."""

    port: int
    ca: str | None = None

    @property
    def context(self) -> ssl.SSLContext | None:
        return None if self.ca is None else ssl.create_default_context(cafile=self.ca)

    @property
    def libpq(self) -> str:
        tls = "sslmode=disable" if self.ca is None else f"sslmode=verify-full&sslrootcert={self.ca}"
        return f"postgresql://u:secret@localhost:{self.port}/d?{tls}&connect_timeout=10"

    def url(self, scheme: str) -> str:
        return f"{scheme}{'s' if self.ca else ''}://localhost:{self.port}/v2?address=secret"


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


def psycopg_sync(target: Target) -> None:
    psycopg.connect(target.libpq)


async def psycopg_async(target: Target) -> None:
    await psycopg.AsyncConnection.connect(target.libpq)


async def asyncpg_client(target: Target) -> None:
    await asyncpg.connect(
        host="localhost", port=target.port, user="u", password="secret", ssl=target.context or False
    )


def sqlalchemy_psycopg(target: Target) -> None:
    engine = sqlalchemy.create_engine(target.libpq.replace("postgresql:", "postgresql+psycopg:"))
    engine.connect()


async def sqlalchemy_asyncpg(target: Target) -> None:
    engine = sqlalchemy.ext.asyncio.create_async_engine(
        f"postgresql+asyncpg://u:secret@localhost:{target.port}/d",
        connect_args={"ssl": target.context or False},
    )
    async with engine.connect():
        pass


def httpx_sync(target: Target) -> None:
    with httpx.Client(verify=target.context or True, trust_env=False) as client:
        client.get(target.url("http"), headers={"Authorization": "secret"}).raise_for_status()


async def httpx_async(target: Target) -> None:
    async with httpx.AsyncClient(verify=target.context or True, trust_env=False) as client:
        answer = await client.get(target.url("http"), headers={"Authorization": "secret"})
        answer.raise_for_status()


def websockets_sync(target: Target) -> None:
    with websockets.sync.client.connect(target.url("ws"), ssl=target.context, proxy=None):
        pass


async def websockets_asyncio(target: Target) -> None:
    async with websockets.asyncio.client.connect(target.url("ws"), ssl=target.context, proxy=None):
        pass


def redis_sync(target: Target) -> None:
    with redis.Redis(
        port=target.port, ssl=target.ca is not None, ssl_ca_certs=target.ca, **NO_RETRY
    ) as client:
        client.ping()


async def redis_asyncio(target: Target) -> None:
    options: dict[str, Any] = {"ssl": True, "ssl_ca_certs": target.ca} if target.ca else {}
    no_retry = redis.asyncio.retry.Retry(redis.backoff.NoBackoff(), 0)
    async with redis.asyncio.Redis(port=target.port, retry=no_retry, **options) as client:
        await client.ping()


@dataclass(frozen=True)
class Client:
    """A client, and the loop that it runs on: None, asyncio or uvloop."""

    connect: Callable[[Target], Any]
    run: Callable[[Coroutine[Any, Any, None]], None] | None = None

    def __call__(self, target: Target) -> None:
        if self.run is None:
            self.connect(target)
        else:
            self.run(self.connect(target))


CLIENTS = {
    "psycopg": Client(psycopg_sync),
    "psycopg-async": Client(psycopg_async, run),
    "asyncpg": Client(asyncpg_client, run),
    "asyncpg-uvloop": Client(asyncpg_client, uvloop.run),
    "sqlalchemy-psycopg": Client(sqlalchemy_psycopg),
    "sqlalchemy-asyncpg": Client(sqlalchemy_asyncpg, run),
    "httpx": Client(httpx_sync),
    "httpx-async": Client(httpx_async, run),
    "httpx-uvloop": Client(httpx_async, uvloop.run),
    "websockets": Client(websockets_sync),
    "websockets-asyncio": Client(websockets_asyncio, run),
    "websockets-uvloop": Client(websockets_asyncio, uvloop.run),
    "redis": Client(redis_sync),
    "redis-asyncio": Client(redis_asyncio, run),
}
IN_PYTHON = [name for name in CLIENTS if "psycopg" not in name]

every_client = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
every_client_in_python = pytest.mark.parametrize(
    "client", [CLIENTS[name] for name in IN_PYTHON], ids=IN_PYTHON
)


def addresses_of_localhost() -> list[str]:
    found = socket.getaddrinfo("localhost", 1, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def fails(client: Client, target: Target) -> BaseException:
    """The client's error: it always has one here."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each driver has its own; the events are what counts
        client(target)
    error = caught.value
    if client.run is not None:
        gc.collect()  # so that what was left behind is found in its own test
    return error


@every_client
def test_a_closed_port_is_refused_at_every_address_of_localhost(
    client: Client, closed_port: int, seen: Seen, events: list[Event]
) -> None:
    expected = addresses_of_localhost()
    events.clear()
    fails(client, Target(closed_port))
    assert [event.fields["dns.answers"] for event in seen("dns")] == [expected]
    assert sorted(str(event.peer) for event in seen("connect")) == sorted(
        f"[{address}]:{closed_port}" if ":" in address else f"{address}:{closed_port}" for address in expected
    )
    assert {(event.failure, event.errno) for event in seen("connect")} == {
        ("connection_refused", "ECONNREFUSED")
    }


@every_client
def test_two_addresses_are_two_attempts(
    two_addresses: list[str], client: Client, closed_port: int, seen: Seen
) -> None:
    fails(client, Target(closed_port))
    (lookup,) = seen("dns")
    attempts = seen("connect")
    assert lookup.fields["dns.name"] == "localhost"
    assert lookup.fields["dns.port"] == closed_port
    assert lookup.fields["dns.answers"] == two_addresses
    assert sorted((event.peer.address, event.fields["net.family"]) for event in attempts if event.peer) == [
        ("127.0.0.1", "inet"),
        ("::1", "inet6"),
    ]
    assert {event.errno for event in attempts} == {"ECONNREFUSED"}
    assert len({event.conn for event in attempts}) == 2
    assert all(event.t0 <= event.t for event in attempts)


@every_client
def test_the_address_that_answers_is_told_apart_from_the_one_that_does_not(
    two_addresses: list[str], client: Client, any_server: Callable[..., int], seen: Seen
) -> None:
    port = any_server()
    fails(client, Target(port))
    failures = {event.peer.address: event.failure for event in seen("connect") if event.peer}
    assert failures == {"::1": "connection_refused", "127.0.0.1": None}


@every_client_in_python
def test_a_handshake_that_succeeds_has_its_facts(
    client: Client,
    any_server: Callable[..., int],
    server_context: Any,
    authorities: SimpleNamespace,
    seen: Seen,
) -> None:
    port = any_server(server_context("localhost"))
    fails(client, Target(port, str(authorities.ca)))
    (connect,) = seen("connect")
    (handshake,) = seen("tls.handshake")
    assert connect.failure is None
    assert handshake.failure is None
    assert handshake.conn == connect.conn
    assert str(handshake.peer) == f"127.0.0.1:{port}"
    assert handshake.fields["tls.version"] == "TLSv1.3"
    assert handshake.fields["tls.cipher"].startswith("TLS_")
    assert handshake.fields["tls.sni"] == "localhost"
    assert connect.t <= handshake.t


BAD_TLS = {
    "foreign": ("localhost", False, "foreign", "tls_unknown_authority"),
    "expired": ("localhost", True, "ca", "tls_expired"),
    "other-host": ("other.test", False, "ca", "tls_hostname_mismatch"),
}


@pytest.fixture(params=BAD_TLS)
def flawed(
    request: pytest.FixtureRequest,
    any_server: Callable[..., int],
    server_context: Callable[..., ssl.SSLContext],
    authorities: SimpleNamespace,
) -> tuple[Target, str]:
    """A server whose certificate has a flaw, and the failure that it is to be."""
    name, expired, trusted, failure = BAD_TLS[request.param]
    port = any_server(server_context(name, expired=expired))
    return Target(port, str(getattr(authorities, trusted))), failure


@pytest.mark.parametrize("name", CLIENTS)
def test_a_bad_certificate_is_named(name: str, flawed: tuple[Target, str], seen: Seen) -> None:
    target, failure = flawed
    fails(CLIENTS[name], target)
    (connect,) = seen("connect")
    (handshake,) = seen("tls.handshake")
    assert connect.failure is None
    assert handshake.conn == connect.conn
    if name in IN_PYTHON or failure == "tls_hostname_mismatch":
        assert handshake.failure == failure
    else:  # builds of libpq differ in whether they say why the verification failed
        assert handshake.failure in {failure, "tls_protocol"}
        assert handshake.fields["tls.reason"] == "CERTIFICATE_VERIFY_FAILED"


@every_client_in_python
def test_openssl_says_what_is_wrong_with_a_certificate(
    client: Client,
    any_server: Callable[..., int],
    server_context: Any,
    authorities: SimpleNamespace,
    seen: Seen,
) -> None:
    fails(client, Target(any_server(server_context("localhost")), str(authorities.foreign)))
    (handshake,) = seen("tls.handshake")
    assert handshake.fields["tls.verify_code"] == 20
    assert handshake.fields["tls.verify"] == "unable to get local issuer certificate"
    assert handshake.fields["tls.reason"] == "CERTIFICATE_VERIFY_FAILED"


@every_client_in_python
def test_a_server_without_tls_is_a_protocol_failure(
    client: Client, serve: Callable[..., int], authorities: SimpleNamespace, seen: Seen
) -> None:
    def answer_in_clear(connection: socket.socket) -> None:
        if connection.recv(8, socket.MSG_PEEK) == bytes.fromhex("0000000804d2162f"):
            connection.recv(8)
            connection.sendall(b"S")
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with suppress(TimeoutError):
            connection.recv(65536)

    fails(client, Target(serve(answer_in_clear), str(authorities.ca)))
    (handshake,) = seen("tls.handshake")
    assert handshake.failure == "tls_protocol"


@every_client_in_python
def test_a_server_that_hangs_up_in_the_handshake_is_an_end(
    client: Client, serve: Callable[..., int], authorities: SimpleNamespace, seen: Seen
) -> None:
    def hang_up(connection: socket.socket) -> None:
        if connection.recv(8, socket.MSG_PEEK) == bytes.fromhex("0000000804d2162f"):
            connection.recv(8)
            connection.sendall(b"S")
        connection.recv(65536)

    fails(client, Target(serve(hang_up), str(authorities.ca)))
    (connect,) = seen("connect")
    (handshake,) = seen("tls.handshake")
    assert connect.failure is None
    assert handshake.failure == "eof"
    assert handshake.conn == connect.conn


@every_client
def test_no_secret_of_the_target_is_told(
    client: Client, any_server: Callable[..., int], events: list[Event]
) -> None:
    fails(client, Target(any_server()))
    assert events
    assert "secret" not in repr(events)
