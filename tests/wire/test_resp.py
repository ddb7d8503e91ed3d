"""RESP: command words and types of replies."""

from __future__ import annotations

import pytest

from repro.wire import RespDecoder
from tests.wire.streams import decode, resp_command


@pytest.mark.parametrize(
    ("sent", "command", "argc"),
    [
        (resp_command("lpush", "k", "v"), "LPUSH", 3),
        (resp_command("CLIENT", "setinfo", "lib-name", "x"), "CLIENT SETINFO", 4),
        (resp_command("CLIENT", "password"), "CLIENT …", 2),
        (resp_command("AUTH", "user", "password"), "AUTH", None),
        (resp_command("HELLO", "3"), "HELLO", None),
        (resp_command("JSON.SET", "k"), "JSON.SET", 2),
        (resp_command("hunter2"), "…", 1),
        (b"PING\r\n", "PING", 1),
        (b"set k 'a b'\r\n", "SET", None),
        (b"\r\n*0\r\n*-1\r\n*1\r\n$4\r\nQUIT\r\n", "QUIT", 1),
    ],
)
def test_commands(sent: bytes, command: str, argc: int | None) -> None:
    (message,) = decode(RespDecoder(), [("client", sent)])

    assert message.op == "redis.cmd"
    assert message.fields["redis.cmd"] == command
    assert message.fields.get("redis.argc") == argc


@pytest.mark.parametrize(
    ("sent", "kind", "error", "failure"),
    [
        (b"+OK\r\n", "simple", None, None),
        (b"-NOPERM no key\r\n", "error", "NOPERM", "redis_error"),
        (b"-NOAUTH x\r\n", "error", "NOAUTH", "auth_failed"),
        (b"-My own text\r\n", "error", "other", "redis_error"),
        (b"!11\r\nWRONGPASS x\r\n", "error", "WRONGPASS", "auth_failed"),
        (b":-12\r\n", "integer", None, None),
        (b"$0\r\n\r\n", "bulk", None, None),
        (b"$-1\r\n", "null", None, None),
        (b"*-1\r\n", "null", None, None),
        (b"*0\r\n", "array", None, None),
        (b"*2\r\n*1\r\n$1\r\na\r\n-ERR x\r\n", "array", "ERR", None),
        (b"%1\r\n+a\r\n~1\r\n,1.5\r\n", "map", None, None),
        (b">1\r\n#t\r\n", "push", None, None),
        (b"|1\r\n+a\r\n|1\r\n+b\r\n:1\r\n:2\r\n(123\r\n", "bignum", None, None),
        (b"=5\r\ntxt:a\r\n", "verbatim", None, None),
        (b"_\r\n", "null", None, None),
        (b"*?\r\n%?\r\n+a\r\n:1\r\n.\r\n$?\r\n;1\r\na\r\n;0\r\n.\r\n", "array", None, None),
        (b"*1\r\n" * 5000 + b":1\r\n", "array", None, None),
    ],
)
def test_replies(sent: bytes, kind: str, error: str | None, failure: str | None) -> None:
    (first, second) = decode(RespDecoder(), [("server", sent + b"+OK\r\n")])

    assert first.fields["redis.reply_type"] == kind
    assert first.fields.get("redis.error") == error
    assert first.failure == failure
    assert first.length == len(sent)
    assert second.fields == {"redis.reply_type": "simple"}


@pytest.mark.parametrize(
    ("sender", "sent"),
    [
        ("server", b"HTTP/1.1 400 Bad Request\r\n"),
        ("server", b"$3\r\nabcd\r\n"),
        ("server", b"*x\r\n"),
        ("server", b".\r\n"),
        ("server", b"*?\r\n" * 100),
        ("client", b"GET / HTTP/1.1\r\n"),
        ("client", b"\x16\x03\x01\0\n"),
        ("client", b"*1\r\n:1\r\n"),
    ],
)
def test_another_protocol_is_said_once(sender: str, sent: bytes) -> None:
    messages = decode(RespDecoder(), [(sender, sent), ("client", b"PING\r\n"), ("server", b"+PONG\r\n")])  # type: ignore[list-item]

    (message,) = messages
    assert message.failure == "protocol_mismatch"


def test_a_reply_that_is_cut_off() -> None:
    (message,) = decode(RespDecoder(), [("server", b"$100\r\nabc")])

    assert (message.failure, message.length) == ("eof", 9)
