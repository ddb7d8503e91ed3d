"""Postgres: names, fields, failures, encryption, and what is none of it."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from repro.wire import Message, PostgresDecoder
from tests.wire.streams import (
    GSSENC_REQUEST,
    SSL_REQUEST,
    Segment,
    bind,
    decode,
    pg,
    pg_error,
    postgres,
    postgres_tls,
    startup,
    tls,
)


def started(*segments: Segment) -> list[Message]:
    """The messages after a startup."""
    return decode(PostgresDecoder(), [("client", startup("user", "app")), *segments])[1:]


def fields(message: Message) -> dict[str, Any]:
    """The fields of its own kind."""
    common = {"pg.dir", "pg.name", "pg.len"}
    return {name: value for name, value in message.fields.items() if name not in common}


def names(messages: list[Message]) -> list[str]:
    return [f"{message.fields['pg.dir']} {message.fields.get('pg.name')}" for message in messages]


def test_a_whole_session() -> None:
    messages = decode(PostgresDecoder(), postgres("Xs3cr3t/Zebra"))

    assert names(messages) == [
        *(
            "F SSLRequest",
            "B SSLResponse",
            "F StartupMessage",
            "B AuthenticationSASL",
            "F SASLInitialResponse",
        ),
        *(
            "B AuthenticationSASLContinue",
            "F SASLResponse",
            "B AuthenticationSASLFinal",
            "B AuthenticationOk",
        ),
        *("B ParameterStatus", "B ParameterStatus", "B BackendKeyData", "B ReadyForQuery"),
        *("F Query", "B CommandComplete", "B ReadyForQuery"),
        *("F Parse", "F Bind", "F Describe", "F Execute", "F Sync"),
        *("B ParseComplete", "B BindComplete", "B RowDescription", "B DataRow", "B CommandComplete"),
        *("B NoticeResponse", "B ErrorResponse", "B NotificationResponse", "B ReadyForQuery"),
        *("F Query", "B CopyInResponse", "F CopyData", "F CopyFail", "F Terminate"),
    ]
    sent = sum(len(data) for _, data in postgres("Xs3cr3t/Zebra"))
    assert sum(message.length for message in messages) == sent
    assert {message.op for message in messages} == {"pg.msg"}


def test_what_a_startup_shows() -> None:
    (message,) = decode(
        PostgresDecoder(),
        [("client", startup("user", "u", "database", "d", "application_name", "a", "zz", "z"))],
    )

    assert fields(message) == {"pg.version": "3.0", "pg.parameters": ["database", "user", "…"]}


def test_what_statements_show() -> None:
    parse, bound, described, executed, error, ready = started(
        ("client", pg(b"P", b"s1\0SELECT $1, 'x'\0\0\0")),
        ("client", bind("s1", "a", "b") + pg(b"D", b"Ss1\0") + pg(b"E", b"p1\0" + bytes(4))),
        (
            "server",
            pg_error(S="ERREUR", V="ERROR", C="23505", M='constraint "k": 12', n="k") + pg(b"Z", b"E"),
        ),
    )

    assert fields(parse) == {"pg.statement": "s1", "pg.sql": "SELECT $1, ?", "pg.params": 0}
    assert fields(bound) == {"pg.portal": "", "pg.statement": "s1", "pg.params": 2}
    assert fields(described) == {"pg.statement": "s1"}
    assert fields(executed) == {"pg.portal": "p1"}
    assert fields(error) == {
        "pg.severity": "ERROR",
        "pg.sqlstate": "23505",
        "pg.message": 'constraint "k": ?',
        "pg.constraint": "k",
    }
    assert error.failure == "sql_error"
    assert fields(ready) == {"pg.status": "E"}


def test_a_failed_authentication_is_one() -> None:
    (error,) = started(("server", pg_error(S="FATAL", C="28P01", M='failed for user "app"')))

    assert error.failure == "auth_failed"
    assert error.fields["pg.message"] == "failed for user ?"


def test_what_an_application_raises_is_not_shown() -> None:
    (error,) = started(("server", pg_error(S="ERROR", C="P0001", M="no plain words")))
    (other,) = started(("server", pg_error(S="ERROR", C="22023", M="no plain words", R="exec_stmt_raise")))

    assert error.fields["pg.message"] == other.fields["pg.message"] == "…"


def test_server_settings_say_how_strings_are_read() -> None:
    off = pg(b"S", b"standard_conforming_strings\0off\0")
    messages = started(("server", off), ("client", pg(b"Q", b"SELECT 'a\\' secret', 1\0")))

    assert messages[0].fields["pg.parameter_value"] == "off"
    assert messages[1].fields["pg.sql"] == "SELECT ?, ?"


def test_a_parameter_without_a_known_name_has_no_value() -> None:
    (status,) = started(("server", pg(b"S", b"session_authorization\0app\0")))

    assert fields(status) == {"pg.parameter": "session_authorization"}


def test_a_big_statement_is_cut() -> None:
    (parse,) = started(("client", pg(b"Q", b"SELECT a, " + b"b, " * 9000 + b"c\0")))

    assert parse.fields["pg.truncated"] is True
    assert len(parse.fields["pg.sql"]) < 4100
    assert parse.length == 5 + 10 + 27000 + 2


@pytest.mark.parametrize("arrived", [1, 4, 5, 6, 40, 5000])
def test_a_message_that_is_cut_off(arrived: int) -> None:
    (message,) = started(("server", pg(b"D", bytes(9000))[:arrived]))

    assert message.failure == "eof"
    assert message.length == arrived
    assert message.fields["pg.truncated"] is True
    assert message.fields.get("pg.name") == ("DataRow" if arrived >= 5 else None)


def test_after_ssl_both_sides_are_tls() -> None:
    messages = decode(PostgresDecoder(), postgres_tls("Xs3cr3t/Zebra"))

    assert [message.op for message in messages][:4] == [
        "pg.msg",
        "pg.msg",
        "tls.client_hello",
        "tls.server_hello",
    ]


def test_direct_tls_is_tls() -> None:
    assert decode(PostgresDecoder(), tls("Xs3cr3t/Zebra"))[0].op == "tls.client_hello"


def test_an_early_client_is_read_after_the_answer() -> None:
    early = SSL_REQUEST + startup("user", "app") + pg(b"p", b"secret\0")

    messages = decode(PostgresDecoder(), [("client", early), ("server", b"N" + pg(b"R", bytes(4)))])

    assert names(messages) == [
        "F SSLRequest",
        "B SSLResponse",
        "F StartupMessage",
        "F PasswordMessage",
        "B AuthenticationOk",
    ]


def test_gss_is_asked_for_and_refused_then_ssl() -> None:
    messages = decode(
        PostgresDecoder(),
        [
            ("client", GSSENC_REQUEST),
            ("server", b"N"),
            ("client", SSL_REQUEST),
            ("server", b"N"),
            ("client", startup("user", "a")),
        ],
    )

    assert names(messages) == [
        "F GSSENCRequest",
        "B GSSENCResponse",
        "F SSLRequest",
        "B SSLResponse",
        "F StartupMessage",
    ]


def test_a_server_that_does_not_know_ssl() -> None:
    (_, error) = decode(
        PostgresDecoder(), [("client", SSL_REQUEST), ("server", pg_error(S="FATAL", C="0A000"))]
    )

    assert error.failure == "sql_error"


def test_a_cancel_request_never_shows_its_key() -> None:
    packet = struct.pack(">IIII", 16, 80877102, 42, 4242)

    (message,) = decode(PostgresDecoder(), [("client", packet)])

    assert fields(message) == {"pg.pid": 42}


@pytest.mark.parametrize(
    ("segments", "why"),
    [
        ([("client", b"GET / HTTP/1.1\r\n\r\n")], "HTTP"),
        ([("client", startup(code=131072))], "a startup packet of an unknown version"),
        ([("client", SSL_REQUEST), ("server", b"HTTP/1.1 400 Bad Request\r\n\r\n")], "HTTP"),
        ([("client", startup("user", "a")), ("server", b"HTTP/1.1 400 Bad Request\r\n\r\n")], "HTTP"),
        ([("client", startup("user", "a")), ("server", b"-ERR unknown\r\n")], "no message of Postgres"),
        ([("client", SSL_REQUEST + bytes(20_000))], "a request for encryption without an answer"),
    ],
)
def test_what_is_no_postgres_is_said_once(segments: list[Segment], why: str) -> None:
    messages = decode(PostgresDecoder(), [*segments, ("client", b"more"), ("server", b"more")])

    (mismatch,) = [message for message in messages if message.failure]
    assert mismatch is messages[-1]
    assert mismatch.failure == "protocol_mismatch"
    assert mismatch.fields["pg.why"] == why
