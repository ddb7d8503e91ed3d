"""Messages of Postgres' protocol 3, from their names.

Source: PostgreSQL documentation, "Message Formats" (protocol-message-formats): one byte of type, four of
length that count themselves and the body; StartupMessage and the requests before it have no type byte.
"""

from __future__ import annotations

import struct

from repro.trace.formats.fields import Line, sender, text, whole
from repro.trace.formats.images.filling import exactly, utf8
from repro.trace.formats.images.postgres_bodies import BODIES, authentication, filled, parameters

_FRONTEND = {
    "Bind": b"B", "Close": b"C", "CopyData": b"d", "CopyDone": b"c", "CopyFail": b"f", "Describe": b"D",
    "Execute": b"E", "Flush": b"H", "FunctionCall": b"F", "Parse": b"P", "Query": b"Q", "Sync": b"S",
    "Terminate": b"X", "PasswordMessage": b"p", "SASLInitialResponse": b"p", "SASLResponse": b"p",
    "GSSResponse": b"p",
}  # fmt: skip
_BACKEND = {
    "Authentication": b"R", "BackendKeyData": b"K", "BindComplete": b"2", "CloseComplete": b"3",
    "CommandComplete": b"C", "CopyData": b"d", "CopyDone": b"c", "CopyInResponse": b"G",
    "CopyOutResponse": b"H", "CopyBothResponse": b"W", "DataRow": b"D", "EmptyQueryResponse": b"I",
    "ErrorResponse": b"E", "FunctionCallResponse": b"V", "NegotiateProtocolVersion": b"v", "NoData": b"n",
    "NoticeResponse": b"N", "NotificationResponse": b"A", "ParameterDescription": b"t",
    "ParameterStatus": b"S", "ParseComplete": b"1", "PortalSuspended": b"s", "ReadyForQuery": b"Z",
    "RowDescription": b"T",
}  # fmt: skip
_REQUESTS = {"SSLRequest": 80877103, "GSSENCRequest": 80877104, "CancelRequest": 80877102}
_ANSWERS = frozenset({"SSLResponse", "GSSENCResponse"})
_LONGEST = 1 << 24

NEGOTIATION = _ANSWERS | {"SSLRequest", "GSSENCRequest"}
"""What is said in the clear about encryption, before it."""


def image(line: Line, room: int | None) -> bytes:
    """The message of a ``pg.msg`` line; of an unknown name a CopyData.

    Args:
        line: the trace line. ``pg.len`` is the length field of a message that was cut off amid itself.
        room: bytes of the message; None for the shortest one.
    """
    name = text(line, "pg.name") or ""
    if name in _ANSWERS:
        return utf8(text(line, "pg.status") or "S")[:1]
    if name == "StartupMessage":
        return _startup(line, room)
    if name in _REQUESTS:
        return _request(line, name, room)
    if room is not None and line.get("failure") == "eof":
        room = max(room, min((whole(line, "pg.len") or 0) + 1, _LONGEST))
    kind = _types(line).get(name) or (b"R" if name.startswith("Authentication") else b"d")
    body = BODIES.get(name) or (authentication if kind == b"R" else filled)
    content = body(line, None if room is None else max(0, room - 5))
    return kind + struct.pack(">I", len(content) + 4) + content


def _types(line: Line) -> dict[str, bytes]:
    direction = text(line, "pg.dir") or ("F" if sender(line) == "client" else "B")
    return _FRONTEND if direction == "F" else _BACKEND


def _startup(line: Line, room: int | None) -> bytes:
    """Version, then names and values, then an empty name; the last value is filled up with blanks."""
    major, _, minor = (text(line, "pg.version") or "3.0").partition(".")
    version = (int(major) & 0xFFFF) << 16 | (int(minor) & 0xFFFF) if _is_version(major, minor) else 3 << 16
    pairs = b"".join(parameters(line, None if room is None else room - 9))
    if room is not None and pairs:
        pairs = exactly(pairs[:-1], max(0, room - 10), b" ") + b"\0"
    length = 9 + len(pairs) if room is None else room
    return exactly(struct.pack(">II", length & 0xFFFFFFFF, version) + pairs + b"\0", length, b"\0")


def _is_version(major: str, minor: str) -> bool:
    return all(each.isascii() and each.isdecimal() and len(each) < 6 for each in (major, minor))


def _request(line: Line, name: str, room: int | None) -> bytes:
    process = struct.pack(">I", (whole(line, "pg.pid") or 0) & 0xFFFFFFFF) if name == "CancelRequest" else b""
    length = 8 + 2 * len(process) if room is None else room
    return exactly(struct.pack(">II", length & 0xFFFFFFFF, _REQUESTS[name]) + process, length, b"\0")
