"""Postgres's frontend/backend protocol 3.0, without I/O: what the raw driver sends and what it is answered.

From "Frontend/Backend Protocol" of the Postgres manual, "Message Formats".
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PROTOCOL = 3 << 16
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
SYNC = b"S\0\0\0\4"
TERMINATE = b"X\0\0\0\4"

MAX_MESSAGE_BYTES = 1 << 30
"""Postgres itself makes no longer message."""


class RawProtocolError(Exception):
    """What came back is not what the protocol allows here."""


class RawPostgresError(Exception):
    """An ErrorResponse of the server.

    Args:
        fields: the fields of the message by their one-letter codes.
    """

    def __init__(self, fields: dict[str, str]) -> None:
        self.severity = fields.get("V") or fields.get("S") or "ERROR"
        self.sqlstate = fields.get("C")
        self.message = fields.get("M") or "no message"
        self.detail = fields.get("D")
        super().__init__(f"{self.severity}: {self.message}")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the server: its one-letter kind and its body."""

    kind: str
    body: bytes


class Inbox:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add what was received."""
        self._buffer += data

    def messages(self) -> Iterator[Message]:
        """Take out each message that is complete.

        Raises:
            RawProtocolError: if a length is impossible: the other end speaks something else.
        """
        while len(self._buffer) >= 5:
            kind, length = struct.unpack_from("!Bi", self._buffer)
            if not 4 <= length <= MAX_MESSAGE_BYTES or not chr(kind).isalnum():
                raise RawProtocolError("unexpected bytes: the server does not speak Postgres's protocol")
            if len(self._buffer) < 1 + length:
                return
            body = bytes(self._buffer[5 : 1 + length])
            del self._buffer[: 1 + length]
            yield Message(chr(kind), body)


def startup(parameters: dict[str, str]) -> bytes:
    """The first message: the protocol's version, the user, the database, settings."""
    pairs = b"".join(_cstring(name) + _cstring(value) for name, value in parameters.items())
    return struct.pack("!ii", 9 + len(pairs), PROTOCOL) + pairs + b"\0"


def query(sql: str) -> bytes:
    """A simple query: one message, its answer ends with ReadyForQuery."""
    return _message(b"Q", _cstring(sql))


def extended_query(sql: str, params: Sequence[str | None]) -> bytes:
    """Parse, Bind, Describe, Execute and Sync, all unnamed, parameters and results in text format."""
    values = b"".join(_value(each) for each in params)
    return b"".join(
        [
            _message(b"P", b"\0" + _cstring(sql) + struct.pack("!H", 0)),
            _message(b"B", b"\0\0" + struct.pack("!HH", 0, len(params)) + values + struct.pack("!H", 0)),
            _message(b"D", b"P\0"),
            _message(b"E", b"\0" + struct.pack("!i", 0)),
            SYNC,
        ]
    )


def password(text: bytes) -> bytes:
    """The answer to a request for a password, in clear or as an MD5 digest."""
    return _message(b"p", text + b"\0")


def md5_digest(user: str, secret: str, salt: bytes) -> bytes:
    """The answer to AuthenticationMD5Password: ``md5(md5(password + user) + salt)``."""
    inner = hashlib.md5((secret + user).encode(), usedforsecurity=False).hexdigest()
    return b"md5" + hashlib.md5(inner.encode() + salt, usedforsecurity=False).hexdigest().encode()


def sasl_initial(mechanism: str, data: bytes) -> bytes:
    """SASLInitialResponse."""
    return _message(b"p", _cstring(mechanism) + struct.pack("!i", len(data)) + data)


def sasl_response(data: bytes) -> bytes:
    """SASLResponse."""
    return _message(b"p", data)


def authentication(body: bytes) -> tuple[int, bytes]:
    """The code of an Authentication message (0 is "you are in"), and what follows it."""
    if len(body) < 4:
        raise RawProtocolError("an Authentication message without a code")
    return int(struct.unpack_from("!i", body)[0]), body[4:]


def mechanisms(data: bytes) -> list[str]:
    """The names in AuthenticationSASL."""
    return [name.decode("ascii", "replace") for name in data.split(b"\0") if name]


def error_of(body: bytes) -> RawPostgresError:
    """An ErrorResponse as an exception."""
    fields = [part.decode("utf-8", "replace") for part in body.split(b"\0") if part]
    return RawPostgresError({field[0]: field[1:] for field in fields})


def column_types(body: bytes) -> list[int]:
    """The OIDs of the columns' types in a RowDescription."""
    reader = _Reader(body)
    types = []
    for _ in range(reader.unsigned16()):
        reader.cstring()
        reader.skip(6)  # the table and the column
        types.append(reader.unsigned32())
        reader.skip(8)  # size, modifier, format
    return types


def row_values(body: bytes) -> list[str | None]:
    """The columns' texts in a DataRow."""
    reader = _Reader(body)
    return [reader.value() for _ in range(reader.unsigned16())]


def command_tag(body: bytes) -> str:
    """The tag of a CommandComplete, such as ``INSERT 0 3``."""
    return body.rstrip(b"\0").decode("utf-8", "replace")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise RawProtocolError("a message ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    skip = take

    def unsigned16(self) -> int:
        return int.from_bytes(self.take(2))

    def unsigned32(self) -> int:
        return int.from_bytes(self.take(4))

    def cstring(self) -> bytes:
        end = self._data.find(b"\0", self._at)
        if end < 0:
            raise RawProtocolError("a text does not end")
        return self.take(end + 1 - self._at)[:-1]

    def value(self) -> str | None:
        length = int.from_bytes(self.take(4), signed=True)
        if length < 0:
            return None
        try:
            return self.take(length).decode()
        except UnicodeDecodeError as error:
            raise RawProtocolError("a column's text is not UTF-8") from error


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _cstring(text: str) -> bytes:
    if "\0" in text:
        raise ValueError("a text holds a NUL character, which Postgres cannot store")
    return text.encode() + b"\0"


def _value(text: str | None) -> bytes:
    if text is None:
        return struct.pack("!i", -1)
    data = text.encode()
    return struct.pack("!i", len(data)) + data
