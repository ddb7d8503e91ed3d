"""Which protocol is spoken."""

from __future__ import annotations

import pytest

from repro.wire import Conversation
from tests.wire.streams import SSL_REQUEST, decode, hello, pg, pg_error, resp_command, startup


@pytest.mark.parametrize(
    ("first", "hint", "protocol"),
    [
        (SSL_REQUEST, None, "postgres"),
        (startup("user", "a"), 6379, "postgres"),
        (hello(), 5432, "tls"),
        (b"GET /x HTTP/1.1\r\n", 6379, "http"),
        (b"GET /" + b"x" * 5000, None, "http"),
        (b"PRI * HTTP/2.0\r\n", None, "http"),
        (resp_command("PING"), 443, "redis"),
        (b"PING\r\n", None, "redis"),
        (b"get k\r\n", None, "redis"),
        (b"whatever k\r\n", 6379, "redis"),
        (b"whatever k\r\n", None, None),
        (b"\0\0", 5432, "postgres"),
        (b"\0\0", None, None),
        (b"SSH-2.0-x\r\n", None, None),
        (b"\x16\x05", None, None),
        (bytes(8), None, None),
        (b"*x", None, None),
        (b"", 5432, None),
    ],
)
def test_the_first_bytes_tell(first: bytes, hint: int | None, protocol: str | None) -> None:
    conversation = Conversation(hint)

    messages = decode(conversation, [("client", first)])

    assert conversation.protocol == protocol
    assert bool(messages) == (protocol is not None)


def test_an_unknown_one_is_silent() -> None:
    messages = decode(
        Conversation(), [("server", b"220 smtp\r\n"), ("client", b"EHLO x\r\n"), ("server", b"250\r\n")]
    )

    assert messages == []


def test_a_server_that_speaks_first_is_heard_when_the_client_has_spoken() -> None:
    conversation = Conversation()

    assert conversation.feed("server", pg_error(S="FATAL", C="53300") + pg(b"Z", b"I")) == []
    messages = conversation.feed("client", startup("user", "a"))

    assert [message.fields["pg.name"] for message in messages] == [
        "ErrorResponse",
        "ReadyForQuery",
        "StartupMessage",
    ]


def test_a_server_that_never_stops_is_given_up() -> None:
    conversation = Conversation()
    conversation.feed("server", bytes(100_000))

    assert conversation.buffered == 0
    assert conversation.feed("client", startup("user", "a")) == []
