"""The WebSocket tunnel: with a real client through the lab, and in this process where failures are made."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from repro.lab.neon import messages
from repro.lab.neon.app import create_app
from repro.lab.neon.authentication import Authentication
from repro.lab.neon.limits import Limits
from repro.lab.neon.messages import Message, MessageBuffer
from repro.lab.process import Lab
from repro.persistence.drivers.shared_tls import SharedConnection

Database = psycopg.Connection[Any]
Open = Callable[..., "Wire"]
ENOUGH = 1 << 30

SHARED: dict[str, Any] = {"create_connection": SharedConnection}
"""Without it a connection over TLS hangs now and then; see there."""


class Wire:
    """A Postgres client by hand, over a WebSocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.buffer = MessageBuffer(limit=ENOUGH)

    def send(self, *parts: bytes) -> None:
        self.socket.send(b"".join(parts))

    def message(self) -> Message:
        while (message := self.buffer.message()) is None:
            data = self.socket.recv(timeout=30)
            assert isinstance(data, bytes)
            self.buffer.feed(data)
        return message

    def until(self, kind: bytes) -> list[Message]:
        received = [self.message()]
        while received[-1].kind != kind:
            received.append(self.message())
        return received

    def query(self, sql: str) -> list[Message]:
        self.send(messages.query(sql.encode()))
        return self.until(b"Z")


class Login:
    """Startup packet and password message for the lab's Postgres."""

    def __init__(self, lab: Lab) -> None:
        url = urlsplit(lab.environment["DATABASE_URL"])
        assert url.username is not None
        assert url.password is not None
        self.user, self.password = unquote(url.username), unquote(url.password)
        self.database = url.path[1:]
        self.startup = messages.startup({"user": self.user, "database": self.database})
        self.message = password_message(self.password)


def password_message(password: str) -> bytes:
    return messages.build(b"p", password.encode() + b"\0")


def auth(code: int) -> Message:
    return Message(b"R", struct.pack("!i", code))


@pytest.fixture(scope="session")
def login(lab: Lab) -> Login:
    return Login(lab)


@pytest.fixture
def opened(lab: Lab, trusting: ssl.SSLContext) -> Iterator[Open]:
    """Opens tunnels, by default as the drivers do, and closes them at the end."""
    with ExitStack() as stack:

        def open_wire(path: str = "/v2", **options: Any) -> Wire:
            host = lab.environment["NEON_WS_PROXY"].removesuffix("/v2")
            options = {"ssl": trusting, "proxy": None, "max_size": None, **SHARED, **options}
            return Wire(stack.enter_context(connect(f"wss://{host}{path}", **options)))

        yield open_wire


@pytest.fixture
def wire(opened: Open, login: Login) -> Wire:
    """A tunnel that is logged in."""
    wire = opened()
    wire.send(login.startup, login.message)
    wire.until(b"Z")
    return wire


def test_everything_in_one_frame(opened: Open, login: Login) -> None:
    wire = opened()
    wire.send(login.startup, login.message, messages.query(b"select 42"))
    assert wire.message() == auth(3)
    assert wire.message() == auth(0)
    first = wire.until(b"Z")
    assert [message.kind for message in first if message.kind not in {b"S"}] == [b"K", b"Z"]
    assert b"42" in b"".join(message.payload for message in wire.until(b"Z"))


def test_one_byte_a_frame(opened: Open, login: Login) -> None:
    wire = opened("/any/path?address=ignored:1")
    for byte in login.startup + login.message + messages.query(b"select 42"):
        wire.send(bytes([byte]))
    wire.until(b"Z")
    assert b"42" in b"".join(message.payload for message in wire.until(b"Z"))


def test_encryption_inside_is_declined(opened: Open, login: Login) -> None:
    wire = opened()
    for code in (messages.GSS_REQUEST, messages.SSL_REQUEST):
        wire.send(struct.pack("!iI", 8, code))
        assert wire.socket.recv(timeout=30) == b"N"
    wire.send(login.startup)
    assert wire.message() == auth(3)


def test_no_subprotocol_and_no_compression_so_that_the_messages_can_be_seen(opened: Open) -> None:
    socket = opened().socket  # whose client offers permessage-deflate
    assert socket.subprotocol is None
    assert socket.response is not None
    assert "Sec-WebSocket-Extensions" not in socket.response.headers


def test_ping_is_answered_while_a_query_runs(wire: Wire) -> None:
    wire.send(messages.query(b"select pg_sleep(600)"))
    assert wire.socket.ping().wait(30)


def test_wrong_password_is_postgres_own_error(opened: Open, login: Login) -> None:
    wire = opened()
    wire.send(login.startup, password_message("wrong"), messages.query(b"select 1"))
    fields = messages.error_fields(wire.until(b"E")[-1].payload)
    assert (fields["C"], fields["S"]) == ("28P01", "FATAL")
    assert closing(wire) == (1000, "TCP connection is closed")


def test_an_awkward_password(awkward: tuple[dict[str, str], str]) -> None:
    environment, password = awkward
    url = urlsplit(environment["DATABASE_URL"])
    context = ssl.create_default_context(cafile=environment["SSL_CERT_FILE"])
    with connect(f"wss://{environment['NEON_WS_PROXY']}", ssl=context, proxy=None, **SHARED) as opened:
        wire = Wire(opened)
        wire.send(messages.startup({"user": str(url.username), "database": url.path[1:]}))
        wire.send(password_message(password))
        assert wire.until(b"Z")[0] == auth(3)


def test_a_refusal_before_the_password(opened: Open) -> None:
    wire = opened()
    wire.send(messages.startup({"database": "x"}))
    assert messages.error_fields(wire.message().payload)["C"] == "28000"
    assert closing(wire) == (1000, "TCP connection is closed")


@pytest.mark.parametrize("password", ["", "\udcff"])
def test_odd_passwords_are_just_wrong(opened: Open, login: Login, password: str) -> None:
    wire = opened()
    wire.send(login.startup, messages.build(b"p", password.encode("utf-8", "surrogateescape") + b"\0"))
    assert messages.error_fields(wire.until(b"E")[-1].payload)["C"] == "28P01"


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"GET / HTTP/1.1\r\n", "invalid length of startup packet"),
        (b"", "expected password response, got message type 81"),
    ],
)
def test_what_is_no_login_is_a_protocol_violation(opened: Open, login: Login, sent: bytes, text: str) -> None:
    wire = opened()
    wire.send(sent or login.startup + messages.query(b"select 1"))
    fields = messages.error_fields(wire.until(b"E")[-1].payload)
    assert (fields["C"], fields["M"]) == ("08P01", text)
    assert closing(wire)[0] == 1000


def test_text_is_a_protocol_error(opened: Open, wire: Wire) -> None:
    for each in (wire, opened(), opened("/v2/pipe")):
        each.socket.send("select 1")
        assert closing(each) == (1002, "unexpected text message in the websocket")


def test_postgres_closes(wire: Wire, database: Database) -> None:
    pid = backend(wire)
    database.execute("select pg_terminate_backend(%s)", [pid])
    assert messages.error_fields(wire.until(b"E")[-1].payload)["C"] == "57P01"
    assert closing(wire) == (1000, "TCP connection is closed")


def test_terminate_ends_the_tunnel(wire: Wire) -> None:
    wire.send(messages.TERMINATE)
    assert closing(wire) == (1000, "TCP connection is closed")


def test_a_client_that_leaves_stops_its_query(wire: Wire, database: Database, eventually: Any) -> None:
    pid = backend(wire)
    wire.send(messages.query(b"select pg_sleep(600)"))
    assert eventually(lambda: state(database, pid) == "active")
    wire.socket.socket.shutdown(socket.SHUT_RDWR)
    assert eventually(lambda: state(database, pid) is None)


def test_cancel_request_in_a_tunnel_of_its_own(
    opened: Open, login: Login, database: Database, eventually: Any
) -> None:
    wire = opened()
    wire.send(login.startup, login.message)
    key = next(message.payload for message in wire.until(b"Z") if message.kind == b"K")
    wire.send(messages.query(b"select pg_sleep(600)"))
    assert eventually(lambda: state(database, struct.unpack("!i", key[:4])[0]) == "active")
    other = opened()
    other.send(messages.cancel_request(key))
    assert closing(other) == (1000, "TCP connection is closed")
    assert messages.error_fields(wire.until(b"Z")[-2].payload)["C"] == "57014"


def test_much_data_both_ways_at_once(wire: Wire) -> None:
    size = 8 << 20
    query = messages.query(f"select length('{'x' * size}'), repeat('y', {size})".encode())
    chunk = 1 << 16
    parts = [query[start : start + chunk] for start in range(0, len(query), chunk)] * 3

    def send() -> None:
        for part in parts:
            wire.send(part)

    sender = threading.Thread(target=send)
    sender.start()
    for _ in range(3):
        row = next(message for message in wire.until(b"Z") if message.kind == b"D")
        assert row.payload == b"\0\2\0\0\0\x07" + b"%d" % size + struct.pack("!i", size) + b"y" * size
    sender.join(30)
    assert not sender.is_alive()


def test_a_frame_of_many_megabytes(wire: Wire) -> None:
    size = 12 << 20
    (row,) = [m for m in wire.query(f"select length('{'x' * size}')") if m.kind == b"D"]
    assert row.payload.endswith(b"%d" % size)


def test_pipe_lets_the_client_log_in_by_itself(opened: Open, login: Login) -> None:
    wire, authentication = opened("/v2/pipe"), Authentication(login.user, login.password)
    wire.send(login.startup)
    while not authentication.done:
        answer = authentication.answer(wire.message().payload)
        if answer:
            wire.send(answer)
    wire.until(b"Z")
    assert b"42" in b"".join(message.payload for message in wire.query("select 42"))


def test_pipe_shows_why_a_pipelined_password_breaks_scram(opened: Open, login: Login) -> None:
    wire = opened("/v2/pipe")
    wire.send(login.startup, login.message, messages.query(b"select 1"))
    assert wire.message().payload[:4] == struct.pack("!i", 10)
    assert messages.error_fields(wire.message().payload)["C"] == "08P01"
    assert closing(wire) == (1000, "TCP connection is closed")


class Socket:
    """The server's side of a WebSocket, played by the test."""

    def __init__(self, *frames: Any) -> None:
        self.inbox = [{"type": "websocket.connect"}, *frames]
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        if not self.inbox:
            await asyncio.Event().wait()
        return self.inbox.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def serve(self, path: str, postgres: tuple[str, int], limits: Limits | None = None) -> list[Any]:
        app: Any = create_app(postgres=postgres, limits=limits)
        scope = {"type": "websocket", "path": path, "root_path": "", "headers": [], "query_string": b""}
        asyncio.run(asyncio.wait_for(app(scope, self.receive, self.send), 60))
        return self.sent


def frame(data: bytes) -> dict[str, Any]:
    return {"type": "websocket.receive", "bytes": data}


@pytest.mark.parametrize("path", ["/v2", "/v2/pipe"])
def test_postgres_cannot_be_reached(path: str) -> None:
    with socket.socket() as bound:  # bound and not listening: nobody else can take the port, and it refuses
        bound.bind(("127.0.0.1", 0))
        sent = Socket(frame(messages.startup({"user": "u"}))).serve(path, bound.getsockname())
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert (sent[1]["code"], sent[1]["reason"]) == (1011, "cannot connect to Postgres")


def test_a_login_that_never_comes(postgres: tuple[str, int]) -> None:
    _, error, close = Socket().serve("/v2", postgres, Limits(login_s=0.05))
    assert messages.error_fields(error["bytes"][5:])["C"] == "57014"
    assert close["code"] == 1000


def test_a_client_that_left_is_sent_nothing(postgres: tuple[str, int]) -> None:
    sent = Socket({"type": "websocket.disconnect", "code": 1006}).serve("/v2", postgres)
    assert [message["type"] for message in sent] == ["websocket.accept"]


def test_a_broken_send_ends_the_tunnel(postgres: tuple[str, int], login: Login) -> None:
    class Broken(Socket):
        async def send(self, message: Any) -> None:
            if message["type"] == "websocket.send":
                raise OSError("the connection is lost")
            await super().send(message)

    sent = Broken(frame(login.startup + login.message)).serve("/v2", postgres)
    assert [message["type"] for message in sent] == ["websocket.accept"]


def closing(wire: Wire) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as caught:
        deque(iter(lambda: wire.socket.recv(timeout=30), None), maxlen=0)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


def backend(wire: Wire) -> int:
    (row,) = [message for message in wire.query("select pg_backend_pid()") if message.kind == b"D"]
    return int(row.payload[6:])


def state(database: Database, pid: int) -> str | None:
    row = database.execute("select state from pg_stat_activity where pid = %s", [pid]).fetchone()
    return None if row is None else row[0]
