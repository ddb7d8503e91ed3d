"""The protocol's messages, without a server."""

from __future__ import annotations

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.persistence.drivers import raw_protocol as protocol
from repro.persistence.drivers.raw_protocol import Inbox, Message, RawProtocolError

MESSAGES = st.lists(st.builds(Message, st.sampled_from("RTDCZEN12"), st.binary(max_size=40)), max_size=8)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


def wire(messages: list[Message]) -> bytes:
    return b"".join(
        each.kind.encode() + struct.pack("!i", len(each.body) + 4) + each.body for each in messages
    )


@given(MESSAGES, st.data())
def test_messages_are_cut_alike_however_the_bytes_arrive(
    messages: list[Message], data: st.DataObject
) -> None:
    stream = wire(messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    inbox, found = Inbox(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        inbox.feed(stream[start:end])
        found += list(inbox.messages())
    assert found == messages


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 400 Bad Request\r\n", b"\x15\x03\x01\x00\x02", b"R\0\0\0\3", b"R\xff\xff\xff\xff"]
)
def test_what_is_not_the_protocol_is_an_error(data: bytes) -> None:
    inbox = Inbox()
    inbox.feed(data)
    with pytest.raises(RawProtocolError, match="does not speak"):
        list(inbox.messages())


@given(st.lists(st.none() | TEXTS, max_size=20))
def test_the_values_of_a_row_come_back(values: list[str | None]) -> None:
    encoded = [None if each is None else each.encode() for each in values]
    body = struct.pack("!H", len(values)) + b"".join(
        struct.pack("!i", -1) if each is None else struct.pack("!i", len(each)) + each for each in encoded
    )
    assert protocol.row_values(body) == values
    for end in range(len(body)):
        with pytest.raises(RawProtocolError):
            protocol.row_values(body[:end])


@given(st.lists(st.tuples(TEXTS, st.integers(0, 2**32 - 1)), max_size=10))
def test_the_types_of_columns_come_back(columns: list[tuple[str, int]]) -> None:
    body = struct.pack("!H", len(columns)) + b"".join(
        name.encode() + b"\0" + struct.pack("!iHIhih", 1, 1, oid, 4, -1, 0) for name, oid in columns
    )
    assert protocol.column_types(body) == [oid for _, oid in columns]


@given(st.binary())
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    for decode in (protocol.row_values, protocol.column_types, protocol.authentication):
        try:
            decode(body)
        except RawProtocolError:
            continue
    assert protocol.error_of(body).message
    assert isinstance(protocol.command_tag(body), str)
    assert isinstance(protocol.mechanisms(body), list)


@given(st.dictionaries(st.sampled_from("SVCMDH"), TEXTS, min_size=1))
def test_the_fields_of_an_error(fields: dict[str, str]) -> None:
    body = b"".join(code.encode() + text.encode() + b"\0" for code, text in fields.items()) + b"\0"
    error = protocol.error_of(body)
    assert error.sqlstate == fields.get("C")
    assert error.detail == fields.get("D")
    assert str(error) == f"{error.severity}: {fields.get('M') or 'no message'}"


def test_the_messages_of_the_client() -> None:
    assert protocol.startup({"user": "u"}) == b"\0\0\0\x10\0\3\0\0user\0u\0\0"
    assert protocol.query("BEGIN") == b"Q\0\0\0\nBEGIN\0"
    assert protocol.password(b"pw") == b"p\0\0\0\7pw\0"
    assert protocol.sasl_initial("M", b"data") == b"p\0\0\0\x0eM\0\0\0\0\4data"
    assert protocol.extended_query("S", ["v", None]) == b"".join(
        [
            b"P\0\0\0\x09\0S\0\0\0",
            b"B\0\0\0\x15\0\0\0\0\0\2\0\0\0\1v\xff\xff\xff\xff\0\0",
            b"D\0\0\0\6P\0",
            b"E\0\0\0\x09\0\0\0\0\0",
            b"S\0\0\0\4",
        ]
    )


def test_the_md5_digest_is_that_of_the_manual() -> None:
    inner = hashlib.md5(b"pwu").hexdigest().encode()
    assert (
        protocol.md5_digest("u", "pw", b"salt") == b"md5" + hashlib.md5(inner + b"salt").hexdigest().encode()
    )


@pytest.mark.parametrize("send", [lambda: protocol.query("a\0"), lambda: protocol.startup({"user": "a\0"})])
def test_a_nul_cannot_cut_a_message_short(send: object) -> None:
    with pytest.raises(ValueError, match="NUL"):
        send()  # type: ignore[operator]
