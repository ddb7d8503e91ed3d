"""Bodies of Postgres' messages, by their names. Source: as in `repro.trace.formats.images.postgres`.

Each takes the line and the room for the body in bytes (None for the shortest one), and may give another
length where the room does not fit: the image as a whole is cut or filled up then.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from repro.trace.formats.fields import Line, text, texts, whole
from repro.trace.formats.images.filling import exactly, filler, utf8

Body = Callable[[Line, int | None], bytes]

_AUTHENTICATIONS = {
    "ok": 0, "kerberosv5": 2, "cleartextpassword": 3, "md5password": 5, "gss": 7, "gsscontinue": 8,
    "sspi": 9, "sasl": 10, "saslcontinue": 11, "saslfinal": 12,
}  # fmt: skip
_SASL = 10
_COLUMN_BYTES = 18
"""Of a column in RowDescription after its name: table, number, type, size, modifier, format."""

_MOST_COLUMNS = 1664
"""As many as Postgres allows in a target list (MaxTupleAttributeNumber)."""


def filled(_line: Line, room: int | None) -> bytes:
    """Filler."""
    return filler(room or 0)


def parameters(line: Line, room: int | None) -> list[bytes]:
    """The parameters of a StartupMessage in their order, as many as there is room for; values are hidden."""
    params = line.get("pg.params")
    if not isinstance(params, Mapping):
        params = dict.fromkeys(texts(line, "pg.parameters"), " ") or {"user": " "}
    pairs = [utf8(str(name)) + b"\0" + utf8(str(value)) + b"\0" for name, value in params.items() if name]
    while room is not None and pairs and sum(map(len, pairs)) > room:
        pairs.pop()
    return pairs


def authentication(line: Line, room: int | None) -> bytes:
    """The request's number; for SASL the mechanisms, for the others filler."""
    code = _authentication_code(line)
    content = struct.pack(">I", code)
    if code == _SASL:
        content += b"".join(utf8(each) + b"\0" for each in texts(line, "pg.mechanisms")) + b"\0"
    return content if room is None else exactly(content, room, b"\0" if code == _SASL else b"x")


def _authentication_code(line: Line) -> int:
    told = text(line, "pg.auth") or (text(line, "pg.name") or "").removeprefix("Authentication")
    if told.isascii() and told.isdecimal() and len(told) < 10:
        return int(told)
    return _AUTHENTICATIONS.get(
        told.casefold().removeprefix("authentication"), whole(line, "pg.auth") or 0
    ) & (0xFFFFFFFF)


def _nothing(_line: Line, room: int | None) -> bytes:
    return bytes(room or 0)


def _string(words: bytes, room: int | None, fill: bytes = b" ") -> bytes:
    """A C string, its text cut or filled up so that it takes ``room`` bytes with its end."""
    if room is None:
        return words + b"\0"
    return exactly(words, max(0, room - 1), fill) + b"\0"


def _named(line: Line, name: str) -> bytes:
    return utf8(text(line, name) or "")


def _query(line: Line, room: int | None) -> bytes:
    return _string(_named(line, "pg.sql"), room)


def _parse(line: Line, room: int | None) -> bytes:
    """The statement's name, the statement, and as many types of parameters as there are, all of them zero."""
    name, sql = _named(line, "pg.statement"), _named(line, "pg.sql")
    count = min(whole(line, "pg.params") or 0, 0xFFFF)
    if room is None:
        count = 0
    elif len(name) + len(sql) + 4 + 4 * count > room:
        name, count = b"", 0
    types = struct.pack(">H", count) + bytes(4 * count)
    return name + b"\0" + _string(sql, None if room is None else room - len(name) - 1 - len(types)) + types


def _bind(line: Line, room: int | None) -> bytes:
    """As many values as are known to be there, the last one filled up; without values a longer name."""
    portal, name = _named(line, "pg.portal"), _named(line, "pg.statement")
    count = min(whole(line, "pg.params") or 0, 0xFFFF)
    if room is None or len(portal) + len(name) + 8 + 4 * count > room:
        portal, name = b"", b""
    if room is not None and 8 + 4 * count > room:
        count = 0
    spare = 0 if room is None else max(0, room - len(portal) - len(name) - 8 - 4 * count)
    values = b""
    if count:
        values = bytes(4) * (count - 1) + struct.pack(">I", spare) + filler(spare)
    else:
        name += filler(spare)
    return portal + b"\0" + name + b"\0" + struct.pack(">HH", 0, count) + values + bytes(2)


def _described(line: Line, room: int | None) -> bytes:
    """A portal or a statement, by its name."""
    kind = "pg.portal" if "pg.portal" in line else "pg.statement"
    letter = b"P" if kind == "pg.portal" else b"S"
    return letter + _string(_named(line, kind), None if room is None else room - 1, b"x")


def _execute(line: Line, room: int | None) -> bytes:
    """A portal, and no limit of rows."""
    return _string(_named(line, "pg.portal"), None if room is None else room - 4, b"x") + bytes(4)


def _secret(_line: Line, room: int | None) -> bytes:
    return _string(b"", room, b"x")


def _first_sasl(line: Line, room: int | None) -> bytes:
    """The mechanism, and filler for what it says first."""
    mechanism = utf8(next(iter(texts(line, "pg.mechanisms")), "SCRAM-SHA-256")) + b"\0"
    spare = 0 if room is None else max(0, room - len(mechanism) - 4)
    return mechanism + struct.pack(">I", spare) + filler(spare)


def _error(line: Line, room: int | None) -> bytes:
    """Severity, code, message and constraint; the place in the server's source (``F``) is filler."""
    severity = utf8(text(line, "pg.severity") or "ERROR")
    head = b"S" + severity + b"\0V" + severity + b"\0"
    code, constraint = _named(line, "pg.sqlstate"), _named(line, "pg.constraint")
    head += b"C" + code + b"\0" if code else b""
    tail = b"n" + constraint + b"\0" if constraint else b""
    message = _named(line, "pg.message")
    if room is None:
        return head + b"M" + message + b"\0" + tail + b"\0"
    message = message[: max(0, room - len(head) - len(tail) - 3)]
    spare = room - len(head) - len(message) - len(tail) - 3
    if spare < 2:
        return head + b"M" + message + b" " * spare + b"\0" + tail + b"\0"
    return head + b"M" + message + b"\0" + tail + b"F" + filler(spare - 2) + b"\0\0"


def _ready(line: Line, _room: int | None) -> bytes:
    return utf8(text(line, "pg.status") or "I")[:1]


def _complete(line: Line, room: int | None) -> bytes:
    return _string(_named(line, "pg.tag"), room)


def _parameter(line: Line, room: int | None) -> bytes:
    """Name and value; a value that is not shown is filler."""
    params = line.get("pg.params")
    if isinstance(params, Mapping) and params:
        name, value = (utf8(str(each)) for each in next(iter(params.items())))
    else:
        name, value = _named(line, "pg.parameter") or b"x", _named(line, "pg.parameter_value")
    fill = b" " if value else b"x"
    return name + b"\0" + _string(value, None if room is None else room - len(name) - 1, fill)


def _columns(line: Line) -> list[bytes] | None:
    """The names of columns, empty where only their number is known; None where nothing is."""
    count = whole(line, "pg.columns")
    if count is not None:
        return [b""] * min(count, _MOST_COLUMNS)
    return [utf8(name) for name in texts(line, "pg.columns")] or None


def _row_description(line: Line, room: int | None) -> bytes:
    """The columns, the last name filled up; none and filler where they do not fit."""
    columns = _columns(line) or []
    natural = 2 + sum(len(name) + 1 + _COLUMN_BYTES for name in columns)
    if room is not None and (natural > room or not columns):
        return bytes(2) + filler(room - 2)
    if columns and room is not None:
        columns[-1] += filler(room - natural)
    return struct.pack(">H", len(columns)) + b"".join(name + bytes(1 + _COLUMN_BYTES) for name in columns)


def _row(line: Line, room: int | None) -> bytes:
    """So many empty values, the last one of filler; one value where their number is not known."""
    columns = _columns(line)
    count = len(columns) if columns is not None else 1
    if room is None or room < 2 + 4 * count or not count:
        return bytes(2) + filler((room or 0) - 2)
    spare = room - 2 - 4 * count
    return struct.pack(">H", count) + bytes(4) * (count - 1) + struct.pack(">I", spare) + filler(spare)


def _copying(_line: Line, room: int | None) -> bytes:
    """Text format, and a format for each column."""
    count = max(0, ((room or 3) - 3) // 2)
    return b"\0" + struct.pack(">H", min(count, 0xFFFF)) + bytes(2 * count)


def _types_of_parameters(_line: Line, room: int | None) -> bytes:
    count = max(0, ((room or 2) - 2) // 4)
    return struct.pack(">H", min(count, 0xFFFF)) + bytes(4 * count)


def _process(line: Line) -> bytes:
    return struct.pack(">I", (whole(line, "pg.pid") or 0) & 0xFFFFFFFF)


def _key_data(line: Line, room: int | None) -> bytes:
    """The process, and zeros for the key."""
    return exactly(_process(line), 8 if room is None else room, b"\0")


def _notification(line: Line, room: int | None) -> bytes:
    """The process, no channel, and filler."""
    return _process(line) + b"\0" + _string(b"", None if room is None else room - 5, b"x")


def _negotiate(line: Line, room: int | None) -> bytes:
    minor = struct.pack(">I", (whole(line, "pg.minor") or 0) & 0xFFFFFFFF)
    return exactly(minor, 8 if room is None else room, b"\0")


def _result(_line: Line, room: int | None) -> bytes:
    spare = max(0, (room or 4) - 4)
    return struct.pack(">I", spare) + filler(spare)


BODIES: dict[str, Body] = {
    "Query": _query, "Parse": _parse, "Bind": _bind, "Close": _described, "Describe": _described,
    "Execute": _execute, "PasswordMessage": _secret, "CopyFail": _secret, "SASLInitialResponse": _first_sasl,
    "FunctionCall": _nothing, "Authentication": authentication, "ErrorResponse": _error,
    "NoticeResponse": _error, "ReadyForQuery": _ready, "CommandComplete": _complete,
    "ParameterStatus": _parameter, "RowDescription": _row_description, "DataRow": _row,
    "CopyInResponse": _copying, "CopyOutResponse": _copying, "CopyBothResponse": _copying,
    "ParameterDescription": _types_of_parameters, "NotificationResponse": _notification,
    "FunctionCallResponse": _result, "BackendKeyData": _key_data, "NegotiateProtocolVersion": _negotiate,
}  # fmt: skip
