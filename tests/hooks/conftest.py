"""Loopback servers in threads, certificates, and the hooks with a list behind them."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme

from repro.events import Event
from repro.hooks import install

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
FATAL = b"SFATAL\0VFATAL\0C28P01\0Mno entry\0\0"

Handler = Callable[[socket.socket], None]


@pytest.fixture
def events() -> Iterator[list[Event]]:
    """Everything that the hooks tell while the test runs."""
    told: list[Event] = []
    uninstall = install(told.append)
    yield told
    uninstall()


@pytest.fixture
def seen(events: list[Event]) -> Callable[[str], list[Event]]:
    """The events of one kind, so far."""
    return lambda op: [event for event in events if event.op == op]


@pytest.fixture
def closed_port() -> int:
    """A port on which nothing listens, at ``127.0.0.1`` and at ``::1``."""
    with socket.socket() as one, socket.socket(socket.AF_INET6) as other:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        other.bind(("::1", port))
    return port


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Starts a server on loopback; gives its port. Each connection is handled in a thread, and closed."""
    with ExitStack() as stack:

        def start(handler: Handler, address: str = "127.0.0.1") -> int:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            listener = stack.enter_context(socket.create_server((address, 0), family=family))
            thread = threading.Thread(target=_accept, args=(listener, handler))
            thread.start()
            stack.callback(thread.join)
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            return int(listener.getsockname()[1])

        yield start


def _accept(listener: socket.socket, handler: Handler) -> None:
    threads = []
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.settimeout(10)
            threads.append(threading.Thread(target=_handle, args=(connection, handler)))
            threads[-1].start()
    for thread in threads:
        thread.join()


def _handle(connection: socket.socket, handler: Handler) -> None:
    with connection, suppress(OSError):
        handler(connection)


@pytest.fixture(scope="session")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Two authorities: the servers' own, and a foreign one. ``ca`` and ``foreign`` are their files."""
    folder = tmp_path_factory.mktemp("authorities")
    found = SimpleNamespace(issuer=trustme.CA(), ca=folder / "ca.pem", foreign=folder / "foreign.pem")
    found.issuer.cert_pem.write_to_path(str(found.ca))
    trustme.CA().cert_pem.write_to_path(str(found.foreign))
    return found


@pytest.fixture
def server_context(authorities: SimpleNamespace) -> Callable[..., ssl.SSLContext]:
    """A server's TLS context, with a certificate for the names given, expired or not."""

    def make(*names: str, expired: bool = False) -> ssl.SSLContext:
        past = dt.datetime(2001, 1, 1, tzinfo=dt.UTC) if expired else None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        authorities.issuer.issue_cert(*names, not_after=past).configure_cert(context)
        return context

    return make


@pytest.fixture
def any_server(serve: Callable[..., int]) -> Callable[..., int]:
    """Starts a server that says no to each client in its own protocol: Postgres, RESP, HTTP, WebSocket."""

    def start(context: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> int:
        return serve(lambda connection: _refuse(connection, context), address)

    return start


def _refuse(connection: socket.socket, context: ssl.SSLContext | None) -> None:
    first = connection.recv(8, socket.MSG_PEEK)
    if first == SSL_REQUEST:
        connection.recv(8)
        connection.sendall(b"S" if context else b"N")
    if context is None:
        _say_no(connection)
        return
    with context.wrap_socket(connection, server_side=True) as tls:
        _say_no(tls)


def _say_no(connection: socket.socket) -> None:
    request = connection.recv(65536)
    if request.startswith((b"GET ", b"POST ")):
        connection.sendall(b"HTTP/1.1 503 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
    elif request.startswith(b"*"):
        connection.sendall(b"-ERR no\r\n" * 8)
    elif request:
        connection.sendall(b"E" + (len(FATAL) + 4).to_bytes(4, "big") + FATAL)
    while connection.recv(65536):
        pass


@pytest.fixture
def two_addresses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Makes ``localhost`` two addresses, on any machine. To be asked for before the hooks."""
    uvloop = pytest.importorskip("uvloop")
    answers = ["::1", "127.0.0.1"]
    families = [socket.AF_INET6, socket.AF_INET]
    original = socket.getaddrinfo

    def found(port: object) -> list[tuple[object, ...]]:
        addresses = [("::1", int(str(port)), 0, 0), ("127.0.0.1", int(str(port)))]
        return [
            (family, socket.SOCK_STREAM, 6, "", address)
            for family, address in zip(families, addresses, strict=True)
        ]

    def getaddrinfo(host: object, port: object, *args: object, **options: object) -> object:
        if host in {"localhost", b"localhost"}:
            return found(port)
        return original(host, port, *args, **options)  # type: ignore[arg-type]

    async def loop_getaddrinfo(loop: object, host: object, port: object, **options: object) -> object:
        return getaddrinfo(host, port, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(uvloop.Loop, "getaddrinfo", loop_getaddrinfo)
    return answers


@pytest.fixture
def unix_path(tmp_path: Path) -> Path:
    """Where a Unix socket may stand."""
    return tmp_path / "s"
