"""Messages of the Postgres protocol, as both sides of the gateway need them: framing and building, no I/O.

Layouts: https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

PROTOCOL_3 = 3 << 16
CANCEL_REQUEST = 1234 << 16 | 5678
SSL_REQUEST = 1234 << 16 | 5679
GSS_REQUEST = 1234 << 16 | 5680

MAX_STARTUP = 10_000
"""Bytes of a startup packet; the server's own limit (``MAX_STARTUP_PACKET_LENGTH``)."""


class ProtocolViolation(Exception):  # noqa: N818 - named as SQLSTATE 08P01 is
    """The bytes are no Postgres message, or one that is longer than allowed."""


class MessageTooLarge(ProtocolViolation):
    """A message is longer than the reader's limit.

    Args:
        kind: the message's type byte.
    """

    def __init__(self, kind: bytes) -> None:
        super().__init__("message is too large")
        self.kind = kind


class Message(NamedTuple):
    """One typed message: its type byte, and the payload after the length."""

    kind: bytes
    payload: bytes

    @property
    def raw(self) -> bytes:
        """The message as it stands on the wire."""
        return build(self.kind, self.payload)


class StartupPacket(NamedTuple):
    """The first thing a client sends: a protocol version, or a request code in its place.

    Args:
        code: ``PROTOCOL_3`` or later minors, or one of the request codes above.
        raw: the whole packet, to be forwarded as it is.
    """

    code: int
    raw: bytes

    @property
    def parameters(self) -> dict[str, str]:
        """User, database and settings, of a packet that really is a startup message."""
        words = self.raw[8:].split(b"\0")
        texts = [word.decode("utf-8", "replace") for word in words]
        pairs = zip(texts[::2], texts[1::2], strict=False)
        return {name: value for name, value in pairs if name}


class MessageBuffer:
    """Cuts a byte stream into packets and messages, however it is chunked.

    Args:
        limit: largest message, in bytes, its length word included.
    """

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes as they arrived."""
        self._data += data

    def drain(self) -> bytes:
        """Everything not yet taken as a message; the buffer is empty afterwards."""
        rest = bytes(self._data)
        self._data.clear()
        return rest

    def startup(self) -> StartupPacket | None:
        """The next untyped packet, or None until it is complete.

        Raises:
            ProtocolViolation: its length is impossible.
        """
        if len(self._data) < 8:
            return None
        length, code = struct.unpack_from("!iI", self._data)
        if not 8 <= length <= MAX_STARTUP:
            raise ProtocolViolation("invalid length of startup packet")
        if len(self._data) < length:
            return None
        return StartupPacket(code, self._take(length))

    def message(self) -> Message | None:
        """The next typed message, or None until it is complete.

        Raises:
            ProtocolViolation: its length is impossible.
            MessageTooLarge: it is longer than the limit.
        """
        if len(self._data) < 5:
            return None
        kind, length = bytes(self._data[:1]), struct.unpack_from("!i", self._data, 1)[0]
        if length < 4:
            raise ProtocolViolation("invalid message length")
        if length > self.limit:
            raise MessageTooLarge(kind)
        if len(self._data) < 1 + length:
            return None
        return Message(kind, self._take(1 + length)[5:])

    def _take(self, size: int) -> bytes:
        taken = bytes(self._data[:size])
        del self._data[:size]
        return taken


def build(kind: bytes, payload: bytes = b"") -> bytes:
    """One typed message on the wire."""
    return kind + struct.pack("!i", len(payload) + 4) + payload


def startup(parameters: Mapping[str, str]) -> bytes:
    """A startup message of protocol 3.0; no name or value may hold a NUL."""
    words = [word.encode() + b"\0" for pair in parameters.items() for word in pair]
    body = struct.pack("!I", PROTOCOL_3) + b"".join(words) + b"\0"
    return struct.pack("!i", len(body) + 4) + body


def cancel_request(key: bytes) -> bytes:
    """A request to cancel what the backend with this key (the payload of BackendKeyData) runs."""
    return struct.pack("!iI", 8 + len(key), CANCEL_REQUEST) + key


def query(sql: bytes) -> bytes:
    """A simple query."""
    return build(b"Q", sql + b"\0")


def extended_query(sql: bytes, params: Sequence[bytes | None]) -> bytes:
    """Parse, Bind, Describe, Execute, Sync: text parameters of unstated types, text results."""
    values = b"".join(
        struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value for value in params
    )
    bind = b"\0\0" + struct.pack("!hH", 0, len(params)) + values + struct.pack("!h", 0)
    return b"".join(
        (
            build(b"P", b"\0" + sql + b"\0" + struct.pack("!h", 0)),
            build(b"B", bind),
            build(b"D", b"P\0"),
            build(b"E", b"\0" + struct.pack("!i", 0)),
            build(b"S"),
        )
    )


def fatal_error(code: str, message: str) -> bytes:
    """An ErrorResponse of severity FATAL, as the server sends one before it closes."""
    fields = (("S", "FATAL"), ("V", "FATAL"), ("C", code), ("M", message))
    return build(b"E", b"".join(f"{name}{value}\0".encode() for name, value in fields) + b"\0")


def error_fields(payload: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse by their letter, such as ``C`` for the SQLSTATE."""
    fields = [field for field in payload.split(b"\0") if field]
    return {field[:1].decode("latin-1"): field[1:].decode("utf-8", "replace") for field in fields}


TERMINATE = build(b"X")
CLEARTEXT_PASSWORD_REQUEST = build(b"R", struct.pack("!i", 3))
