from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.trace.formats.image import LARGEST, image
from tests.trace.formats.tracing import Trace, any_line, postgres_transaction

UNTYPED = frozenset({"SSLRequest", "SSLResponse", "StartupMessage"})


def made(op: str, sender: str, length: int, **fields: Any) -> bytes:
    (line,) = Trace().add(op, sender=sender, len=length, **fields).lines
    return image(line)


@given(any_line())
def test_the_length_is_exact(line: Mapping[str, Any]) -> None:
    built = image(line)

    assert len(built) == (line["len"] if "sender" in line else 0)


@given(any_line())
def test_a_line_without_a_length_has_the_shortest_image(line: Mapping[str, Any]) -> None:
    image({key: value for key, value in line.items() if key != "len"})


def test_no_image_is_larger_than_the_largest() -> None:
    assert len(made("pg.msg", "server", 1 << 40, pg__name="CopyData")) == LARGEST


def test_every_message_of_a_postgres_connection_says_its_own_length() -> None:
    for line in postgres_transaction():
        if line["op"] == "pg.msg" and line["pg.name"] not in UNTYPED:
            built = image(line)
            assert struct.unpack_from(">I", built, 1)[0] == line["len"] - 1, line["pg.name"]


def test_a_statement_is_filled_up_with_blanks() -> None:
    assert made("pg.msg", "client", 16, pg__name="Query", pg__sql="SELECT ?") == b"Q\0\0\0\x0fSELECT ?  \0"


def test_a_statement_that_redaction_made_longer_is_cut() -> None:
    assert made("pg.msg", "client", 12, pg__name="Query", pg__sql="SELECT ?") == b"Q\0\0\0\x0bSELECT\0"


def test_an_error_keeps_what_it_says() -> None:
    said = {"pg__severity": "ERROR", "pg__sqlstate": "23505", "pg__message": "no"}
    built = made("pg.msg", "server", 40, pg__name="ErrorResponse", **said)

    assert built[5:].split(b"\0") == [b"SERROR", b"VERROR", b"C23505", b"Mno", b"F" + b"x" * 7, b"", b""]


def test_a_startup_message_holds_its_parameters() -> None:
    built = made("pg.msg", "client", 23, pg__name="StartupMessage", pg__params={"user": "app"})

    assert built == struct.pack(">II", 23, 3 << 16) + b"user\0app     \0\0"[-15:]


def test_a_command_parses_at_every_length() -> None:
    for length in range(25, 300):
        words = parsed(made("redis.cmd", "client", length, redis__cmd="SET", redis__argc=3))

        assert words[0] == b"SET"
        assert len(words) == 3


def parsed(data: bytes) -> list[bytes]:
    """The bulk strings of an array, to its very end."""
    head, _, rest = data.partition(b"\r\n")
    words = []
    for _ in range(int(head[1:])):
        size, _, rest = rest.partition(b"\r\n")
        words.append(rest[: int(size[1:])])
        assert rest[int(size[1:]) :][:2] == b"\r\n"
        rest = rest[int(size[1:]) + 2 :]
    assert rest == b""
    return words


def test_an_error_of_redis_keeps_its_code() -> None:
    built = made("redis.reply", "server", 20, redis__reply_type="error", redis__error="WRONGTYPE")

    assert built == b"-WRONGTYPE xxxxxxx\r\n"


def test_a_command_that_has_no_room_for_an_array_was_inline() -> None:
    assert made("redis.cmd", "client", 6, redis__cmd="PING", redis__argc=1) == b"PING\r\n"


@pytest.mark.parametrize("headers", [["host", "content-length"], ["host"]])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_says_where_its_body_ends(method: str, headers: list[str]) -> None:
    said = {"http__method": method, "http__path": "/sql", "http__headers": headers}
    for length in range(90, 300):
        head, _, body = made("http.request", "client", length, **said).partition(b"\r\n\r\n")
        names = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])

        assert head.startswith(f"{method} /sql HTTP/1.1\r\n".encode())
        assert len(body) == int(names.get(b"content-length", b"0"))


@pytest.mark.parametrize("length", [2, 6, 100, 127, 128, 129, 130, 131, 132, 500, 65_539, 65_544, 70_000])
@pytest.mark.parametrize("sender", ["client", "server"])
def test_a_frame_says_its_own_length(sender: str, length: int) -> None:
    built = made("ws.frame", sender, length, ws__opcode="BINARY")
    mask = 4 if sender == "client" else 0
    if length < 2 + mask:
        return
    count, header = built[1] & 0x7F, 2
    if count == 126:
        count, header = struct.unpack_from(">H", built, 2)[0], 4
    elif count == 127:
        count, header = struct.unpack_from(">Q", built, 2)[0], 10

    assert built[0] == 0x82
    assert header + mask + count == length


@given(st.integers(200, 60_000), st.sampled_from(["tls.client_hello", "tls.server_hello"]))
def test_a_hello_says_its_own_length(length: int, op: str) -> None:
    told = {"tls__sni": "db.example", "tls__alpn": ["h2"], "tls__version": "TLSv1.3"}
    built = made(op, "client", length, **told)

    assert built[0] == (1 if op == "tls.client_hello" else 2)
    assert int.from_bytes(built[1:4], "big") == length - 4


@given(st.integers(6, 70_000))
def test_opaque_records_say_their_own_lengths(length: int) -> None:
    built = made("tls.record", "client", length)
    at = 0
    while at + 5 <= len(built):
        at += 5 + struct.unpack_from(">H", built, at + 3)[0]

    assert len(built) - at < 6


def test_an_alert_by_its_name() -> None:
    assert made("tls.alert", "client", 7, tls__alert="unknown_ca") == bytes.fromhex("15 0303 0002 02 30")
