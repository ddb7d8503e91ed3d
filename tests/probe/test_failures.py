"""Which failure an exception is: facts before types, types before texts, the deepest link first."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from repro.events import FAILURES
from repro.probe.failures import Classified, classify, failure_of


class Server(Exception):  # noqa: N818 - a stand-in for a driver's
    def __init__(self, sqlstate: str) -> None:
        super().__init__("a server's error")
        self.sqlstate = sqlstate


class NeonError(Exception):
    def __init__(self, status: int, sqlstate: str | None = None) -> None:
        super().__init__("a gateway's error")
        self.status = status
        self.sqlstate = sqlstate


class UpstashError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__("a gateway's error")
        self.status = status


class UpstashRefusedError(UpstashError):
    pass


def certificate_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


def made(name: str, *args: object) -> Exception:
    """An exception of a driver's type, known by its name."""
    kind: type[Exception] = type(name, (Exception,), {})
    return kind(*args)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "connection_refused"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "connection_reset"),
        (BrokenPipeError(errno.EPIPE, "broken"), "connection_reset"),
        (OSError(errno.EHOSTUNREACH, "unreachable"), "host_unreachable"),
        (TimeoutError(), "timeout"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "dns_nxdomain"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "dns_failure"),
        (certificate_error(20), "tls_unknown_authority"),
        (certificate_error(10), "tls_expired"),
        (certificate_error(62), "tls_hostname_mismatch"),
        (ssl.SSLError(1, "wrong version number"), "tls_protocol"),
        (ssl.SSLEOFError(8, "EOF occurred"), "eof"),
        (Server("28P01"), "auth_failed"),
        (Server("23505"), "sql_error"),
        (Server("08006"), "eof"),
        (NeonError(400, "42P01"), "sql_error"),
        (NeonError(502), "http_status"),
        (UpstashError(401), "auth_failed"),
        (UpstashRefusedError(400), "redis_error"),
        (UpstashError(302), "http_status"),
        (UpstashError(200), "protocol_mismatch"),
        (made("InvalidStatus", "HTTP 403"), "ws_handshake"),
        (made("ConnectionClosedError", "no close frame"), "ws_closed"),
        (made("ReadTimeout"), "timeout"),
        (made("NoSuchModuleError", "postgres"), "config_invalid"),
        (
            made("OperationalError", "connection failed: Connection refused\n\tIs the server"),
            "connection_refused",
        ),
        (made("OperationalError", "server closed the connection unexpectedly"), "eof"),
        (made("OperationalError", 'FATAL:  database "nope" does not exist'), "sql_error"),
        (made("OperationalError", 'FATAL:  role "nobody" does not exist'), "auth_failed"),
        (made("OperationalError", "ERROR:  Endpoint ID is not specified."), "sql_error"),
        (made("OperationalError", "channel binding required, but SSL not in use"), "auth_failed"),
        (made("OperationalError", "channel binding is required, but server did not offer"), "auth_failed"),
        (
            made("DatabaseError", 'lost synchronization with server: got message type "H"'),
            "protocol_mismatch",
        ),
        (made("RawProtocolError", "expected message R from the server, and got J"), "protocol_mismatch"),
        (made("OperationalError", "received invalid response to SSL negotiation: H"), "protocol_mismatch"),
        (TypeError("connect() got an unexpected keyword argument 'sslmode'"), "config_invalid"),
        (Exception("This can now be called only as a tagged-template function"), "unsupported"),
        (EOFError(), "eof"),
        (made("RemoteProtocolError", "Receive buffer too long"), "protocol_mismatch"),
        (made("RemoteProtocolError", "Server disconnected without sending a response."), "eof"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_failure_is_recognised(error: BaseException, failure: str) -> None:
    assert failure in FAILURES
    assert failure_of(error) == failure


def test_the_deepest_link_decides() -> None:
    outer = TimeoutError("Failed query: begin")
    outer.__cause__ = ConnectionRefusedError(errno.ECONNREFUSED, "refused")

    assert failure_of(outer) == "connection_refused"


def test_what_nobody_knows_is_called_unknown() -> None:
    assert (
        failure_of(made("Surprise", "it said 'its own words' twice"))
        == "unknown_failure: Surprise it said … twice"
    )


def test_a_timeout_of_ours_is_no_server_that_hung_up() -> None:
    error = TimeoutError("no answer within 10 s; the connection was ended")
    error.__cause__ = made("OperationalError", "server closed the connection unexpectedly")

    assert failure_of(error) == "timeout"


def test_the_sqlstate_is_of_the_link_that_decided() -> None:
    error = Server("08003")
    error.__cause__ = Server("57P01")

    assert classify(error) == Classified("sql_error", "57P01")
