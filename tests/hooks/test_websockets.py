from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvloop
import websockets.asyncio.client
import websockets.exceptions
import websockets.sync.client
from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as serve_websockets

from repro.events import Event

Seen = Callable[[str], list[Event]]


def visit(url: str, **options: Any) -> None:
    with websockets.sync.client.connect(url, proxy=None, **options) as connection:
        connection.send("close")
        for _ in connection:
            pass


async def visit_async(url: str, **options: Any) -> None:
    async with websockets.asyncio.client.connect(url, proxy=None, **options) as connection:
        await connection.send("close")
        async for _ in connection:
            pass


WAYS: dict[str, Callable[..., None]] = {
    "sync": visit,
    "asyncio": lambda url, **options: asyncio.run(visit_async(url, **options)),
    "uvloop": lambda url, **options: uvloop.run(visit_async(url, **options)),
}
every_way = pytest.mark.parametrize("go", WAYS.values(), ids=WAYS)


@pytest.fixture
def closing() -> Iterator[Callable[[int], int]]:
    """Starts a WebSocket server that closes with the code given once it is spoken to; gives its port."""
    running = []

    def start(code: int) -> int:
        def handle(connection: ServerConnection) -> None:
            connection.recv()
            connection.close(code, "secret")

        server = serve_websockets(handle, "127.0.0.1", 0)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        return int(server.socket.getsockname()[1])

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()


@every_way
def test_an_upgrade_and_its_end_bear_the_number_of_the_connection(
    go: Callable[..., None], closing: Callable[[int], int], seen: Seen, events: list[Event]
) -> None:
    port = closing(1000)
    go(f"ws://127.0.0.1:{port}/v2?address=secret")
    (connect,) = seen("connect")
    (upgrade,) = seen("http.upgrade")
    (close,) = seen("ws.close")
    assert upgrade.failure is None
    assert upgrade.fields == {
        "host": "127.0.0.1",
        "http.method": "GET",
        "http.path": "/v2",
        "http.status": 101,
    }
    assert close.failure is None
    assert close.fields == {"ws.close_code": 1000}
    assert connect.conn == upgrade.conn == close.conn
    assert upgrade.peer == close.peer == connect.peer
    assert "secret" not in repr(events)


@every_way
def test_an_end_that_is_an_error_is_one(
    go: Callable[..., None], closing: Callable[[int], int], seen: Seen
) -> None:
    port = closing(1011)
    with pytest.raises(websockets.exceptions.ConnectionClosedError):
        go(f"ws://127.0.0.1:{port}/")
    (close,) = seen("ws.close")
    assert (close.failure, close.fields["ws.close_code"]) == ("ws_closed", 1011)


@every_way
def test_a_refusal_has_its_status_and_no_end(
    go: Callable[..., None], any_server: Callable[..., int], seen: Seen
) -> None:
    port = any_server()
    with pytest.raises(websockets.exceptions.InvalidStatus):
        go(f"ws://127.0.0.1:{port}/")
    (upgrade,) = seen("http.upgrade")
    assert (upgrade.failure, upgrade.fields["http.status"]) == ("ws_handshake", 503)
    assert seen("ws.close") == []


@every_way
@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"", "eof"),
        (b"SSH-2.0-x\r\n\r\n", "protocol_mismatch"),
        (b"HTTP/1.1 101 Yes\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "ws_handshake"),
    ],
)
def test_an_answer_that_is_no_upgrade_is_named(
    go: Callable[..., None], answer: bytes, failure: str, serve: Callable[..., int], seen: Seen
) -> None:
    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    port = serve(handle)
    with pytest.raises(websockets.exceptions.InvalidHandshake):
        go(f"ws://127.0.0.1:{port}/")
    (upgrade,) = seen("http.upgrade")
    assert upgrade.failure == failure
    assert seen("ws.close") == []


@every_way
def test_silence_is_a_timeout(go: Callable[..., None], serve: Callable[..., int], seen: Seen) -> None:
    port = serve(lambda connection: [connection.recv(65536), connection.recv(65536)])
    with pytest.raises(TimeoutError):
        go(f"ws://127.0.0.1:{port}/", open_timeout=0.3)
    (upgrade,) = seen("http.upgrade")
    assert (upgrade.failure, upgrade.fields["http.status"]) == ("timeout", None)
