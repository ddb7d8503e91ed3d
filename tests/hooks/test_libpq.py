from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from repro.events import Event, Peer
from repro.hooks import install

Seen = Callable[[str], list[Event]]
TARGET = "host: 'db.test', port: '5432', hostaddr: '192.0.2.1'"
PREFIX = 'connection failed: connection to server at "192.0.2.1", port 5432 failed: '

logger = logging.getLogger("psycopg")


def attempt(text: str | None, target: str = TARGET) -> None:
    """What psycopg logs of one attempt."""
    logger.debug("connection attempt: %s", target)
    if text is None:
        logger.debug("connection succeeded: %s", target)
    else:
        logger.debug("connection failed: %s: %s", target, text)


def test_a_success_names_the_address_and_the_host(seen: Seen) -> None:
    attempt(None)
    (event,) = seen("connect")
    assert event.peer == Peer("192.0.2.1", 5432)
    assert event.failure is None
    assert event.fields == {"via": "libpq", "net.family": "inet", "host": "db.test"}


@pytest.mark.parametrize(
    ("text", "failure", "errno"),
    [
        (PREFIX + "Connection refused\n\tIs the server running?", "connection_refused", "ECONNREFUSED"),
        (PREFIX + "Connection timed out", "timeout", "ETIMEDOUT"),
        (PREFIX + "No route to host", "host_unreachable", "EHOSTUNREACH"),
        (PREFIX + "Network is unreachable", "host_unreachable", "ENETUNREACH"),
        (PREFIX + "Cannot assign requested address", "host_unreachable", "EADDRNOTAVAIL"),
        ("connection timeout expired", "timeout", None),
        ('odd  thing about "me"\n', "unknown_failure: odd thing about …", None),
    ],
)  # fmt: skip
def test_a_failed_connect_is_told_by_its_text(text: str, failure: str, errno: str | None, seen: Seen) -> None:
    attempt(text)
    (event,) = seen("connect")
    assert (event.failure, event.errno) == (failure, errno)


def test_what_is_not_of_connect_was_said_later(seen: Seen) -> None:
    attempt(PREFIX + "GSSAPI continuation error: No credentials were supplied")
    (event,) = seen("connect")
    assert event.failure is None


def test_a_failed_connect_in_another_language_has_failed(seen: Seen) -> None:
    attempt(PREFIX + "Verbindungsaufbau abgelehnt\n\tIs the server running on that host?")
    (event,) = seen("connect")
    assert event.failure is not None


@pytest.mark.parametrize(
    ("text", "op", "failure"),
    [
        (PREFIX + "SSL error: certificate verify failed: self-signed certificate in chain",
         "tls.handshake", "tls_unknown_authority"),
        (PREFIX + "SSL error: verify failed: certificate has expired", "tls.handshake", "tls_expired"),
        (PREFIX + "SSL error: certificate verify failed", "tls.handshake", "tls_protocol"),
        (PREFIX + 'server certificate for "other" does not match host name "db.test"',
         "tls.handshake", "tls_hostname_mismatch"),
        (PREFIX + "server does not support SSL, but SSL was required", "tls.handshake", "tls_protocol"),
        (PREFIX + "SSL error: wrong version number", "tls.handshake", "tls_protocol"),
        (PREFIX + "received invalid response to SSL negotiation: H", "close", "protocol_mismatch"),
        (PREFIX + "server closed the connection unexpectedly\n\tThis probably means", "close", "eof"),
        (PREFIX + "could not receive data: Connection reset by peer", "close", "connection_reset"),
    ],
)  # fmt: skip
def test_what_fails_later_had_connected(text: str, op: str, failure: str, seen: Seen) -> None:
    attempt(text)
    (connect,) = seen("connect")
    (later,) = seen(op)
    assert connect.failure is None
    assert later.failure == failure
    assert (later.conn, later.peer) == (connect.conn, connect.peer)


@pytest.mark.parametrize(
    "text",
    [
        PREFIX + 'FATAL:  password authentication failed for user "u"',
        PREFIX + "fe_sendauth: no password supplied",
        PREFIX + "FATAL:  no pg_hba.conf entry for host, no encryption; SSL off",
    ],
)
def test_what_the_server_says_is_a_connection_that_works(text: str, events: list[Event]) -> None:
    attempt(text)
    assert [(event.op, event.failure) for event in events] == [("connect", None)]


def test_each_attempt_has_its_own_number_and_family(seen: Seen) -> None:
    attempt(PREFIX + "Connection refused", "host: 'db.test', port: 5432, hostaddr: '2001:db8::1'")
    attempt(None)
    first, second = seen("connect")
    assert first.peer == Peer("2001:db8::1", 5432)
    assert first.fields["net.family"] == "inet6"
    assert first.conn != second.conn


def test_defaults_are_those_of_libpq(monkeypatch: pytest.MonkeyPatch, seen: Seen) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    attempt(None, "host: '/run/folder', port: None, hostaddr: None")
    attempt(None, "host: '192.0.2.1', port: None, hostaddr: '192.0.2.1'")
    assert [event.peer for event in seen("connect")] == [
        Peer("/run/folder/.s.PGSQL.6543"),
        Peer("192.0.2.1", 6543),
    ]


def test_a_cancelled_attempt_is_told_when_the_next_one_begins(seen: Seen) -> None:
    logger.debug("connection attempt: %s", TARGET)
    attempt(None)
    assert [event.failure for event in seen("connect")] == ["unknown_failure: abandoned", None]


def test_an_ignored_peer_gives_no_event() -> None:
    told: list[Event] = []
    uninstall = install(told.append, ignore=lambda peer: peer.address.startswith("/run/inner/"))
    attempt(PREFIX + "SSL error: none", "host: '/run/inner', port: '1', hostaddr: None")
    uninstall()
    assert told == []


@pytest.mark.usefixtures("events")
def test_other_records_are_let_be(seen: Seen) -> None:
    logger.debug("connection polled: %s", object())
    logger.debug("connection attempt: nonsense")
    assert seen("connect") == []


class Keeper(logging.Handler):
    """Keeps the messages that a program's own handler gets."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture
def root() -> Iterator[Keeper]:
    """A handler of the program at the root of its loggers."""
    keeper = Keeper()
    logging.getLogger().addHandler(keeper)
    yield keeper
    logging.getLogger().removeHandler(keeper)


@pytest.fixture
def level() -> Iterator[Callable[[int], None]]:
    """Sets the level of psycopg's logger for one test."""
    before = logger.level
    yield logger.setLevel
    logger.setLevel(before)


def test_the_programs_own_log_is_what_it_was(
    root: Keeper, level: Callable[[int], None], events: list[Event]
) -> None:
    level(logging.WARNING)
    attempt(None)
    logger.warning("a warning of psycopg's")
    logging.getLogger("psycopg.pool").debug("a detail of the pool's")
    assert root.messages == ["a warning of psycopg's"]
    assert len(events) == 1
    assert logger.propagate
    assert logger.handlers == []
    assert logger.level == logging.WARNING


def test_a_program_that_asks_for_the_details_gets_them(
    root: Keeper, level: Callable[[int], None], events: list[Event]
) -> None:
    level(logging.DEBUG)
    attempt(None)
    assert len(root.messages) == 2
    assert len(events) == 1


def test_a_disabled_log_hides_nothing_from_us(root: Keeper, events: list[Event]) -> None:
    logging.disable(logging.CRITICAL)
    try:
        attempt(None)
    finally:
        logging.disable(logging.NOTSET)
    assert root.messages == []
    assert len(events) == 1
