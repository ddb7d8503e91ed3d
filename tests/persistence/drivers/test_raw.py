"""How the raw driver connects and logs in: to the lab's server, or a scripted one for what that has not."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest
import trustme

from repro.persistence.drivers import raw
from repro.persistence.drivers import raw_protocol as protocol
from repro.persistence.drivers.raw import RawPostgresError, RawProtocolError
from repro.persistence.settings import Settings, Timeouts
from repro.persistence.steps import Execute
from repro.persistence.transaction import single

IN_TLS = Execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")


def with_query(settings: Settings, query: str) -> str:
    return f"{settings.require_database()}?{query}"


@pytest.mark.parametrize("mode", ["prefer", "allow", "require", "verify-ca", "verify-full"])
def test_tls_as_the_url_says(settings: Settings, lab_ca: str, mode: str) -> None:
    url = with_query(settings, f"sslmode={mode}" + (f"&sslrootcert={lab_ca}" if "verify" in mode else ""))
    with closing(raw.connect(url)) as driver:
        assert driver.run(single(IN_TLS))[0] == (True,)


@pytest.fixture
def lab_ca(settings: Settings) -> str:
    return os.environ["SSL_CERT_FILE"]


@pytest.fixture
def other_ca(tmp_path: object) -> str:
    path = f"{tmp_path}/ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return path


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_another_authority_is_not_trusted(settings: Settings, other_ca: str, mode: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        raw.connect(with_query(settings, f"sslmode={mode}&sslrootcert={other_ca}"))


def test_the_environment_fills_what_the_url_leaves_out(settings: Settings, other_ca: str) -> None:
    environ = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": other_ca}
    with pytest.raises(ssl.SSLCertVerificationError):
        raw.connect(settings.require_database(), environ=environ)


def test_a_wrong_password_is_refused_by_the_server(settings: Settings) -> None:
    with pytest.raises(RawPostgresError, match="password authentication failed") as caught:
        raw.connect(settings.require_database().replace("@", "x@"))
    assert (caught.value.sqlstate, caught.value.severity) == ("28P01", "FATAL")


def test_every_address_is_tried_and_every_failure_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ExceptionGroup) as caught:
        raw.connect(f"postgresql://u:p@127.0.0.1:{port},127.0.0.1:{port}/db")
    assert [type(error) for error in caught.value.exceptions] == [ConnectionRefusedError] * 2
    with pytest.raises(ConnectionRefusedError):
        raw.connect(f"postgresql://u:p@127.0.0.1:{port}/db")


def test_the_second_host_answers_where_the_first_does_not(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = settings.require_database().replace("localhost", f"127.0.0.1:{port},localhost")
    with closing(raw.connect(url)) as driver:
        assert driver.run(single(Execute("SELECT 1")))[0] == (1,)


@pytest.mark.parametrize("url", ["redis://localhost/0", "postgresql://localhost/db?sslmode=sometimes"])
def test_a_url_that_cannot_be_used(url: str) -> None:
    with pytest.raises(ValueError, match="invalid"):
        raw.connect(url)


Talk = Callable[[socket.socket], None]
READY = b"R\0\0\0\x08\0\0\0\0" + b"N\0\0\0\6x\0" + b"Z\0\0\0\5I"


@pytest.fixture
def scripted() -> Iterator[Callable[[Talk], str]]:
    """Starts a server that carries out a script with its first client, and gives its URL."""
    threads: list[threading.Thread] = []

    def start(talk: Talk) -> str:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            with listener, listener.accept()[0] as stream:
                talk(stream)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return f"postgresql://user:pass%20word@127.0.0.1:{listener.getsockname()[1]}/db"

    yield start
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def startup_of(stream: socket.socket) -> bytes:
    (length,) = struct.unpack("!i", stream.recv(4, socket.MSG_WAITALL))
    return stream.recv(length - 4, socket.MSG_WAITALL)


def message_of(stream: socket.socket) -> bytes:
    _, length = struct.unpack("!Bi", stream.recv(5, socket.MSG_WAITALL))
    return stream.recv(length - 4, socket.MSG_WAITALL)


def until_closed(stream: socket.socket) -> None:
    while stream.recv(4096):
        pass


def asking(request: bytes, expected: bytes) -> Talk:
    def talk(stream: socket.socket) -> None:
        startup_of(stream)
        stream.sendall(b"R" + struct.pack("!i", len(request) + 4) + request)
        stream.sendall(READY if message_of(stream) == expected else refusal())
        until_closed(stream)

    return talk


def refusal() -> bytes:
    body = b"SFATAL\0C28P01\0Mwrong\0\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (struct.pack("!i", 3), b"pass word\0"),
        (struct.pack("!i", 5) + b"salt", protocol.md5_digest("user", "pass word", b"salt") + b"\0"),
    ],
    ids=["cleartext", "md5"],
)
def test_passwords_in_clear_and_as_md5(
    scripted: Callable[[Talk], str], request_: bytes, answer: bytes
) -> None:
    raw.connect(scripted(asking(request_, answer)) + "?sslmode=disable").close()


def trusting(stream: socket.socket) -> None:
    assert b"user\0user\0database\0db\0" in startup_of(stream)
    stream.sendall(READY)
    until_closed(stream)


def test_trust(scripted: Callable[[Talk], str]) -> None:
    raw.connect(scripted(trusting) + "?sslmode=disable").close()


def test_a_server_without_tls_is_taken_unless_tls_is_required(scripted: Callable[[Talk], str]) -> None:
    def without_tls(stream: socket.socket) -> None:
        assert stream.recv(8, socket.MSG_WAITALL) == protocol.SSL_REQUEST
        stream.sendall(b"N")
        trusting(stream)

    raw.connect(scripted(without_tls)).close()


def answering(data: bytes) -> Talk:
    def talk(stream: socket.socket) -> None:
        stream.recv(8, socket.MSG_WAITALL)
        stream.sendall(data)

    return talk


@pytest.mark.parametrize(
    ("talk", "query", "error", "message"),
    [
        (answering(b"N"), "sslmode=require", RawProtocolError, "does not support SSL"),
        (answering(b"H"), "sslmode=require", RawProtocolError, "invalid response to SSL negotiation"),
        (answering(b""), "sslmode=prefer", EOFError, "SSLRequest"),
        (asking(struct.pack("!i", 7), b""), "sslmode=disable", RawProtocolError, "method 7"),
        (
            asking(struct.pack("!i", 10) + b"OTHER\0\0", b""),
            "sslmode=disable",
            RawProtocolError,
            "no mechanism",
        ),
        (asking(struct.pack("!i", 3), b"other"), "sslmode=disable", RawPostgresError, "FATAL: wrong"),
    ],
)
def test_servers_that_cannot_be_used(
    scripted: Callable[[Talk], str], talk: Talk, query: str, error: type[Exception], message: str
) -> None:
    hang_up_too = quiet(talk)
    with pytest.raises(error, match=message):
        raw.connect(f"{scripted(hang_up_too)}?{query}")


def quiet(talk: Talk) -> Talk:
    def talking(stream: socket.socket) -> None:
        with suppress(OSError, struct.error):  # the client leaves early, as it should
            talk(stream)

    return talking


def test_a_silent_server_is_given_up(scripted: Callable[[Talk], str]) -> None:
    with pytest.raises(TimeoutError):
        raw.connect(scripted(quiet(until_closed)), timeouts=Timeouts(connect_s=0.1))
