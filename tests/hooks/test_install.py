from __future__ import annotations

import asyncio
import asyncio.sslproto
import logging
import socket
import ssl
import subprocess
import sys
from typing import Any

import anyio.streams.tls
import httpcore
import pytest
import uvloop
import websockets.asyncio.client
import websockets.sync.client

from repro.events import Event
from repro.hooks import install

OWNERS = (
    socket,
    socket.socket,
    ssl.SSLSocket,
    ssl.SSLObject,
    asyncio,
    asyncio.Timeout,
    asyncio.sslproto.SSLProtocol,
    uvloop.Loop,
    anyio.streams.tls.TLSStream,
    httpcore.HTTP11Connection,
    httpcore.AsyncHTTP11Connection,
    httpcore.HTTP2Connection,
    websockets.sync.client.ClientConnection,
    websockets.asyncio.client.ClientConnection,
    logging.getLogger("psycopg"),
)


def attributes() -> list[dict[str, int]]:
    """Which object stands behind each attribute of each owner. (A logger's cache is no attribute of ours.)"""
    return [{name: id(value) for name, value in vars(owner).items()} for owner in OWNERS]


def test_uninstall_puts_back_the_very_same_objects() -> None:
    before, finders = attributes(), list(sys.meta_path)
    uninstall = install(lambda event: None)
    changed = [new != old for new, old in zip(attributes(), before, strict=True)]
    may_stay = {httpcore.HTTP2Connection}  # it is watched only where h2 is installed
    if sys.version_info >= (3, 12):
        may_stay.add(asyncio)  # its wait_for is made of asyncio.Timeout
    assert [
        owner for owner, new in zip(OWNERS, changed, strict=True) if not new and owner not in may_stay
    ] == []
    uninstall()
    assert attributes() == before
    assert sys.meta_path == finders


def test_installing_twice_is_an_error_and_uninstalling_twice_is_none() -> None:
    uninstall = install(lambda event: None)
    with pytest.raises(RuntimeError, match="installed already"):
        install(lambda event: None)
    uninstall()
    uninstall()
    install(lambda event: None)()


def test_a_patch_of_somebody_else_over_ours_stays_and_ours_is_silent(closed_port: int) -> None:
    told: list[Event] = []
    uninstall = install(told.append)
    ours = socket.socket.connect

    def theirs(sock: socket.socket, address: Any) -> None:
        ours(sock, address)

    socket.socket.connect = theirs  # type: ignore[method-assign, assignment]
    try:
        uninstall()
        assert socket.socket.connect is theirs
        with socket.socket() as client, pytest.raises(ConnectionRefusedError):
            client.connect(("127.0.0.1", closed_port))
    finally:
        del socket.socket.connect
    assert told == []


def refused(port: int) -> None:
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(("127.0.0.1", port))


def test_an_emit_that_raises_harms_nobody_and_is_counted(closed_port: int) -> None:
    told: list[Event] = []
    broken = iter([True, True, False, False, False])

    def emit(event: Event) -> None:
        if next(broken):
            raise ValueError(event.op)
        told.append(event)

    uninstall = install(emit)
    refused(closed_port)
    refused(closed_port)
    uninstall()
    assert [(event.op, event.fields.get("events.lost")) for event in told] == [("connect", None), ("note", 1)]


def test_losses_that_could_not_be_told_are_told_at_the_end(
    closed_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def emit(event: Event) -> None:
        raise ValueError(event.op)

    uninstall = install(emit)
    refused(closed_port)
    uninstall()
    assert capsys.readouterr().err == "repro: 1 network events of this process were lost\n"


def test_what_emit_does_on_the_network_is_no_event(closed_port: int) -> None:
    told: list[Event] = []

    def emit(event: Event) -> None:
        told.append(event)
        refused(closed_port)

    uninstall = install(emit)
    refused(closed_port)
    uninstall()
    assert len(told) == 1


BEFORE_IMPORT = """
import sys
from repro.hooks import install
told = []
uninstall = install(told.append)
drivers = {{"asyncio", "uvloop", "httpx", "websockets", "asyncpg", "psycopg"}}
assert not drivers & set(sys.modules)
{client}
try:
    connect({port})
except Exception as error:
    assert not isinstance(error, (NameError, TypeError, AttributeError)), error
uninstall()
print([(event.op, event.failure) for event in told if "sender" not in event.fields])
"""

CLIENTS = {
    "psycopg": """
def connect(port):
    import psycopg
    psycopg.connect(f"host=127.0.0.1 port={port} user=u dbname=d sslmode=disable connect_timeout=10")
""",
    "asyncpg": """
def connect(port):
    import asyncio, asyncpg
    asyncio.run(asyncpg.connect(host="127.0.0.1", port=port, user="u", ssl=False))
""",
    "uvloop": """
def connect(port):
    import uvloop, asyncpg
    uvloop.run(asyncpg.connect(host="127.0.0.1", port=port, user="u", ssl=False))
""",
    "httpx": """
def connect(port):
    import httpx
    httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
""",
    "httpx-async": """
def connect(port):
    import asyncio, httpx
    async def main():
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get(f"http://127.0.0.1:{port}/")
    asyncio.run(main())
""",
    "websockets": """
def connect(port):
    from websockets.sync.client import connect
    with connect(f"ws://127.0.0.1:{port}/", proxy=None):
        pass
""",
    "websockets-asyncio": """
def connect(port):
    import asyncio
    from websockets.asyncio.client import connect
    async def main():
        async with connect(f"ws://127.0.0.1:{port}/", proxy=None):
            pass
    asyncio.run(main())
""",
}
HTTP = [("connect", None), ("http.request", None), ("http.response", "http_status")]
UPGRADE = [("connect", None), ("http.upgrade", "ws_handshake")]
EXPECTED: dict[str, list[tuple[str, str | None]]] = {
    "httpx": HTTP,
    "httpx-async": HTTP,
    "websockets": UPGRADE,
    "websockets-asyncio": UPGRADE,
}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_driver_that_is_imported_later_is_watched_too(name: str, any_server: Any) -> None:
    program = BEFORE_IMPORT.format(client=CLIENTS[name], port=any_server())
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == repr(EXPECTED.get(name, [("connect", None)])), done.stderr
