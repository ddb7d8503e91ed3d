"""Real programs through the tap: their messages are read, and they notice nothing but a longer way."""

from __future__ import annotations

import shutil
import socket
import sys
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from repro.events import Event
from repro.lab.process import Lab
from repro.trace.tap import Tap
from repro.trace.tap.termination import Termination
from tests.trace.kernel.conftest import Watched, python, watched

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel is not Linux")

QUERY = "SELECT 'planted secret', 42"


def tapped(argv: list[str], *, termination: Termination | None = None) -> Watched:
    messages: list[tuple[int, Event]] = []
    tap = Tap(lambda process, event: messages.append((process, event)), termination=termination)
    if termination is not None:
        argv = ["env", *(f"{name}={value}" for name, value in termination.environment().items()), *argv]
    seen = watched(argv, detour=tap.detour)
    tap.close()
    seen.events += messages
    return seen


def names(seen: Watched) -> list[str]:
    return [str(event.fields["pg.name"]) for _, event in seen.events if event.op == "pg.msg"]


@pytest.fixture
def psql(lab: Lab) -> Callable[..., list[str]]:
    """Makes a command that asks the lab's database."""
    if shutil.which("psql") is None:
        pytest.skip("psql is not installed")

    def make(**parameters: str) -> list[str]:
        parts = urlsplit(lab.environment["DATABASE_URL"])
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return ["psql", "-X", "-At", "-c", QUERY, parts._replace(query=query).geturl()]

    return make


def test_messages_of_a_plain_connection_are_read_without_values(psql: Callable[..., list[str]]) -> None:
    seen = tapped(psql(sslmode="disable"))
    assert seen.output == "planted secret|42\n"
    assert {"StartupMessage", "AuthenticationSASL", "Query", "RowDescription", "DataRow"} <= set(names(seen))
    (query,) = [event.fields["pg.sql"] for _, event in seen.events if event.fields.get("pg.name") == "Query"]
    assert query == "SELECT ?, ?"
    assert "planted" not in repr(seen.events)
    (connect,) = seen.connects
    assert (connect.failure, connect.fields["observer"]) == (None, "tap")


def test_a_tls_connection_is_left_closed_and_its_hello_is_read(psql: Callable[..., list[str]]) -> None:
    seen = tapped(psql(sslmode="require"))
    assert seen.output == "planted secret|42\n"
    assert names(seen) == ["SSLRequest", "SSLResponse"]
    assert {"tls.client_hello", "tls.server_hello"} <= {event.op for _, event in seen.events}


def test_inside_tls_with_a_certificate_of_its_own(psql: Callable[..., list[str]], lab: Lab) -> None:
    """libpq's channel binding is switched off for it, else the server refuses the login with 28000."""
    for parameters in ({"sslmode": "require"}, {"sslmode": "verify-full", "sslrootcert": "ROOT"}):
        termination = Termination({"SSL_CERT_FILE": lab.environment["SSL_CERT_FILE"]})
        try:
            root = termination.environment()["SSL_CERT_FILE"]
            given = {name: root if value == "ROOT" else value for name, value in parameters.items()}
            seen = tapped(psql(**given), termination=termination)
        finally:
            termination.close()
        assert seen.output == "planted secret|42\n"
        assert {"SSLRequest", "StartupMessage", "Query", "DataRow", "ReadyForQuery"} <= set(names(seen))
        (handshake,) = [event for _, event in seen.events if event.op == "tls.handshake"]
        assert handshake.fields["tls.version"] == "TLSv1.3"
        assert handshake.fields["tls.issuer"].startswith("trustme"), "the server's own, not the tap's"
        assert "planted" not in repr(seen.events)


def test_a_server_that_ends_in_the_handshake_is_said_to_have_done_so() -> None:
    def hang_up(server: socket.socket) -> None:
        with server.accept()[0] as connection:
            connection.recv(65536)

    code = "import socket, ssl, sys\nend = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
    code += "try: ssl.create_default_context().wrap_socket(end, server_hostname='x.invalid')\n"
    code += "except OSError: pass"
    termination = Termination({})
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=hang_up, args=(server,))
        thread.start()
        try:
            seen = tapped([*python(code), str(server.getsockname()[1])], termination=termination)
        finally:
            termination.close()
            thread.join()
    (handshake,) = [event for _, event in seen.events if event.op == "tls.handshake"]
    assert (handshake.failure, handshake.fields["tls.sni"]) == ("eof", "x.invalid")
    assert "tls.issuer" not in handshake.fields


def test_a_required_channel_binding_is_never_broken(psql: Callable[..., list[str]]) -> None:
    termination = Termination({"PGCHANNELBINDING": "require"})
    try:
        command = ["env", "PGCHANNELBINDING=require", *psql(sslmode="require")]
        seen = tapped(command, termination=termination)
    finally:
        termination.close()
    assert seen.output == "planted secret|42\n"
    notes = [str(event.fields["text"]) for _, event in seen.events if event.op == "note"]
    assert any("PGCHANNELBINDING=require" in note for note in notes)


def test_a_refusal_is_the_program_s_own_and_never_the_tap_s() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        seen = tapped(python(f"import socket; print(socket.socket().connect_ex(('127.0.0.1', {port})))"))
    assert seen.output == "111\n"
    assert seen.attempts == [(f"127.0.0.1:{port}", "connection_refused", "ECONNREFUSED")]
    assert "observer" not in seen.connects[0].fields


@pytest.mark.parametrize("blocking", [True, False])
def test_bytes_and_ends_pass_unchanged(*, blocking: bool) -> None:
    """A megabyte each way, over a half-closed connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        got = bytearray()

        def serve() -> None:
            stream, _ = server.accept()
            while data := stream.recv(65536):
                got.extend(data)
            stream.sendall(bytes(got)[::-1])
            stream.close()

        thread = threading.Thread(target=serve)
        thread.start()
        dial = f"socket.create_connection(('127.0.0.1', {port}), {'None' if blocking else 30})"
        code = (
            f"import socket\ns = {dial}\ndata = bytes(range(256)) * 4096\ns.sendall(data)\n"
            "s.shutdown(socket.SHUT_WR)\nback = b''\n"
            "while chunk := s.recv(65536): back += chunk\n"
            "print(back == data[::-1])\n"
        )
        seen = tapped(python(code))
        thread.join()
    assert seen.output == "True\n"
    (closed,) = [event for _, event in seen.events if event.op == "close"]
    assert (closed.fields["bytes.sent"], closed.fields["bytes.received"]) == (1 << 20, 1 << 20)


def test_a_reset_stays_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            stream, _ = server.accept()
            stream.recv(1)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            stream.close()

        thread = threading.Thread(target=serve)
        thread.start()
        code = (
            f"import socket\ns = socket.create_connection(('127.0.0.1', {port}))\ns.send(b'x')\n"
            "try: s.recv(1)\nexcept OSError as error: print(error.errno)\n"
        )
        seen = tapped(python(code))
        thread.join()
    assert seen.output == "104\n"


def test_both_directions_flow_at_once() -> None:
    """A client that writes while much is said to it, as libpq's pipeline and Redis's do."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            stream, _ = server.accept()
            while data := stream.recv(65536):
                stream.sendall(data * 10)
            stream.close()

        thread = threading.Thread(target=serve)
        thread.start()
        code = (
            "import socket, threading\n"
            f"s = socket.create_connection(('127.0.0.1', {port}))\n"
            "def write():\n s.sendall(bytes(3 << 20)); s.shutdown(socket.SHUT_WR)\n"
            "threading.Thread(target=write).start()\ncount = 0\n"
            "while data := s.recv(65536): count += len(data)\nprint(count)\n"
        )
        seen = tapped(python(code))
        thread.join()
    assert seen.output == f"{30 << 20}\n"


def test_what_was_said_last_arrives_after_the_program_has_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        got: list[int] = []

        def serve() -> None:
            stream, _ = server.accept()
            got.append(sum(len(data) for data in iter(lambda: stream.recv(4096), b"")))
            stream.close()

        thread = threading.Thread(target=serve)
        thread.start()
        dial = f"socket.create_connection(('127.0.0.1', {port}))"
        tapped(python(f"import os, socket\ns = {dial}\ns.sendall(bytes(8 << 20))\nos._exit(0)\n"))
        thread.join()
    assert got == [8 << 20]


def test_a_server_that_speaks_first_is_not_kept_waiting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            stream, _ = server.accept()
            stream.sendall(b"220 hello\r\n")
            stream.close()

        thread = threading.Thread(target=serve)
        thread.start()
        termination = Termination({})
        try:
            dial = f"socket.create_connection(('127.0.0.1', {port}), 5)"
            seen = tapped(python(f"import socket\nprint({dial}.recv(100))"), termination=termination)
        finally:
            termination.close()
        thread.join()
    assert seen.output == "b'220 hello\\r\\n'\n"
