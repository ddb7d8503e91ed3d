"""Postgres's protocol with the standard library alone: the control of every comparison.

Where this one passes and a driver fails on the same URL, the fault is not the server's.
"""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Mapping

from repro.persistence.drivers import raw_protocol as protocol
from repro.persistence.drivers.interactive import InteractiveDriver
from repro.persistence.drivers.raw_connect import Tls, open_stream
from repro.persistence.drivers.raw_protocol import Message, RawPostgresError, RawProtocolError
from repro.persistence.drivers.scram import ScramClient, ScramError
from repro.persistence.dsn import Url, parse_url
from repro.persistence.endpoints import postgres_hosts
from repro.persistence.settings import Timeouts
from repro.persistence.steps import Execute, Rows, Value
from repro.persistence.text_format import from_text, to_text

__all__ = ["RawDriver", "RawPostgresError", "RawProtocolError", "ScramError", "connect"]

_MECHANISM = "SCRAM-SHA-256"


def connect(
    url: str,
    *,
    timeouts: Timeouts = Timeouts(),  # noqa: B008 - it is frozen
    environ: Mapping[str, str] = os.environ,
) -> RawDriver:
    """Connect and log in.

    Args:
        url: ``postgresql://…``; of its parameters ``sslmode``, ``sslrootcert``, ``application_name``,
            ``host``, ``port``, ``user``, ``password`` and ``dbname`` are followed.
        timeouts: for each address, for the login, and for each whole answer.
        environ: where libpq's variables are looked up, for what the URL leaves out.

    Raises:
        OSError: if no address accepts (an ExceptionGroup of them for several), or TLS fails.
        EOFError: if the server ends the connection.
        RawPostgresError: if the server refuses.
        RawProtocolError: if it speaks something else.
        ScramError: if it does not know the password itself.
        ValueError: if the URL cannot be used.
    """
    parts = parse_url(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError("invalid connection option: the URL's scheme is neither postgresql nor postgres")
    find = _Finder(parts, environ)
    tls = Tls(find("sslmode", "prefer"), find("sslrootcert", "") or None)
    stream = open_stream(postgres_hosts(parts, environ), tls, connect_s=timeouts.connect_s)
    return RawDriver(_logged_in(_Connection(stream, timeouts.close_s), find, timeouts), timeouts.statement_s)


class _Finder:
    """Looks a parameter up as libpq does: the URL's query, the URL itself, the environment."""

    _VARIABLES = {  # noqa: RUF012 - a constant
        "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "user": "PGUSER", "password": "PGPASSWORD",
        "dbname": "PGDATABASE", "application_name": "PGAPPNAME",
    }  # fmt: skip

    def __init__(self, url: Url, environ: Mapping[str, str]) -> None:
        written = {"user": url.user, "password": url.password, "dbname": url.path}
        self._sources = [url.query, {name: value for name, value in written.items() if value}]
        self._environ = environ

    def __call__(self, name: str, default: str) -> str:
        for source in self._sources:
            if name in source:
                return source[name]
        return self._environ.get(self._VARIABLES[name], default)


class _Connection:
    """Messages over a stream.

    Args:
        stream: connected; it is closed with this.
        close_s: seconds for the goodbye.
    """

    def __init__(self, stream: socket.socket, close_s: float) -> None:
        self._stream = stream
        self._close_s = close_s
        self._deadline = 0.0
        self._inbox = protocol.Inbox()
        self._waiting: list[Message] = []

        self.ready = False
        """Whether the last answer was read to its end."""

    def limit(self, seconds: float) -> None:
        """Give all that follows, up to the next call, so many seconds together."""
        self._deadline = time.monotonic() + seconds

    def send(self, data: bytes) -> None:
        self.ready = False
        self._stream.settimeout(self._left_s())
        self._stream.sendall(data)

    def receive(self) -> Message:
        """The next message of an answer; notices and settings come at any time and are skipped."""
        while True:
            while not self._waiting:
                self._stream.settimeout(self._left_s())
                data = self._stream.recv(65536)
                if not data:
                    raise EOFError("server closed the connection unexpectedly")
                self._inbox.feed(data)
                self._waiting = [each for each in self._inbox.messages() if each.kind not in "NSA"]
            message = self._waiting.pop(0)
            self.ready = message.kind == "Z"
            return message

    def _left_s(self) -> float:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        return left_s

    @property
    def closed(self) -> bool:
        """Whether the stream was closed on this side."""
        return self._stream.fileno() == -1

    def abort(self) -> None:
        """Close the stream without a word."""
        self._stream.close()

    def close(self) -> None:
        try:
            self._stream.settimeout(self._close_s)
            self._stream.sendall(protocol.TERMINATE)
        except OSError:
            pass  # it has ended already
        finally:
            self._stream.close()


def _logged_in(connection: _Connection, find: _Finder, timeouts: Timeouts) -> _Connection:
    connection.limit(timeouts.connect_s)
    try:
        _log_in(connection, find)
    except BaseException:
        connection.close()
        raise
    return connection


def _log_in(connection: _Connection, find: _Finder) -> None:
    user = find("user", "") or getpass.getuser()
    parameters = {"user": user, "database": find("dbname", user), "client_encoding": "UTF8"}
    connection.send(protocol.startup(parameters | {"application_name": find("application_name", "raw")}))
    _authenticate(connection, user, find("password", ""))
    _until_ready(connection)


def _authenticate(connection: _Connection, user: str, secret: str) -> None:
    while True:
        code, data = protocol.authentication(_expect(connection, "R"))
        match code:
            case 0:
                return
            case 3:
                connection.send(protocol.password(_required(secret).encode()))
            case 5:
                connection.send(protocol.password(protocol.md5_digest(user, _required(secret), data)))
            case 10:
                _scram(connection, _required(secret), protocol.mechanisms(data))
            case _:
                raise RawProtocolError(f"authentication failed: method {code} is not spoken here")


def _required(secret: str) -> str:
    if not secret:
        raise ValueError("no password supplied, and the server asks for one")
    return secret


def _scram(connection: _Connection, secret: str, offered: list[str]) -> None:
    if _MECHANISM not in offered:
        raise RawProtocolError("authentication failed: the server offers no mechanism that is spoken here")
    client = ScramClient("", secret)
    connection.send(protocol.sasl_initial(_MECHANISM, client.first_message()))
    challenge = _sasl_data(connection, 11)
    connection.send(protocol.sasl_response(client.final_message(challenge)))
    client.verify(_sasl_data(connection, 12))


def _sasl_data(connection: _Connection, expected: int) -> bytes:
    code, data = protocol.authentication(_expect(connection, "R"))
    if code != expected:
        raise RawProtocolError(f"expected authentication request {expected} from the server, and got {code}")
    return data


def _expect(connection: _Connection, kind: str) -> bytes:
    message = connection.receive()
    if message.kind == "E":
        raise protocol.error_of(message.body)
    if message.kind != kind:
        raise RawProtocolError(f"expected message {kind} from the server, and got {message.kind}")
    return message.body


def _until_ready(connection: _Connection) -> _Answer:
    """Read an answer to its end. The server's error is raised when it is ready again."""
    answer = _Answer()
    while True:
        message = connection.receive()
        if message.kind == "Z":
            break
        answer.take(message)
        if answer.error is not None and answer.error.severity in {"FATAL", "PANIC"}:
            break  # it ends the connection and says no more
    if answer.error is not None:
        raise answer.error
    return answer


class _Answer:
    """What a statement is answered with."""

    def __init__(self) -> None:
        self.rows: list[tuple[Value, ...]] = []
        self.tag = ""
        self.error: RawPostgresError | None = None
        self._types: list[int] = []

    def take(self, message: Message) -> None:
        match message.kind:
            case "T":
                self._types = protocol.column_types(message.body)
            case "D":
                self.rows.append(self._row(message.body))
            case "C":
                self.tag = protocol.command_tag(message.body)
            case "E":
                self.error = protocol.error_of(message.body)

    def _row(self, body: bytes) -> tuple[Value, ...]:
        values = protocol.row_values(body)
        if len(values) != len(self._types):
            raise RawProtocolError("a row has not as many columns as were described")
        return tuple(from_text(value, oid) for value, oid in zip(values, self._types, strict=True))


class RawDriver(InteractiveDriver):
    """Runs transactions on one connection.

    Args:
        connection: logged in; it is closed with the driver.
        statement_s: seconds for a whole answer.
    """

    def __init__(self, connection: _Connection, statement_s: float) -> None:
        super().__init__()
        self._connection = connection
        self._statement_s = statement_s

    def _begin(self) -> None:
        self._ask(protocol.query("BEGIN ISOLATION LEVEL READ COMMITTED"))

    def _execute(self, step: Execute) -> Rows:
        if not step.params:
            return Rows(self._ask(protocol.query(step.sql)).rows)
        return Rows(
            self._ask(protocol.extended_query(step.sql, [to_text(each) for each in step.params])).rows
        )

    def _commit(self) -> None:
        tag = self._ask(protocol.query("COMMIT")).tag
        if tag != "COMMIT":  # what the server answers where it has rolled back
            raise RawPostgresError({"V": "ERROR", "C": "25P02", "M": f"COMMIT was answered with {tag}"})

    def _rollback(self) -> None:
        self._ask(protocol.query("ROLLBACK"))

    def _ask(self, data: bytes) -> _Answer:
        self._connection.limit(self._statement_s)
        self._connection.send(data)
        return _until_ready(self._connection)

    def _answered(self, _error: BaseException, /) -> bool:
        return self._connection.ready

    def _is_closed(self) -> bool:
        return self._connection.closed

    def _terminate(self) -> None:
        self._connection.abort()

    def close(self) -> None:
        """Give back the connection. Safe to repeat."""
        self._connection.close()
