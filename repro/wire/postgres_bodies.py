"""What is shown of the body of each Postgres message.

https://www.postgresql.org/docs/current/protocol-message-formats.html and, for errors,
https://www.postgresql.org/docs/current/protocol-error-fields.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from repro.wire.message import HIDDEN
from repro.wire.postgres_names import (
    ANSWERS,
    AUTHENTICATIONS,
    MECHANISMS,
    SHOWN_PARAMETERS,
    STARTUP_PARAMETERS,
)
from repro.wire.sql import redact_message, redact_sql, shown_name

Fields = dict[str, Any]


@dataclass(slots=True)
class Session:
    """What earlier messages say about later ones.

    Args:
        requested: the server's last request for authentication: it says what a client's ``p`` is.
        backslashes: whether a backslash escapes in plain strings, which the server reports.
    """

    requested: int = 0
    backslashes: bool = False


Body = Callable[[Session, bytes, Fields], str | None]
"""Adds to the fields what a body says, and returns its failure."""

_TAG: Final = re.compile(r"[A-Z][A-Z ]{0,40}(?: \d{1,20}){0,2}")
_SQLSTATE: Final = re.compile(r"[0-9A-Z]{5}")
_SEVERITIES: Final = frozenset(
    {"ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "DEBUG", "INFO", "LOG", "DEBUG1", "DEBUG2", "DEBUG3"}
)
_PARAMETER: Final = re.compile(r"[A-Za-z_][\w.]{0,62}")
_PARAMETER_VALUE: Final = re.compile(r"[\w .,:/+()~-]{0,80}")
_RAISED: Final = "exec_stmt_raise"
"""The server's routine behind RAISE: the message is an application's own text, made of any values."""


def _text(body: bytes, start: int) -> tuple[str, int]:
    """A string up to its zero byte (or to the end, where the body was cut), and where the next begins."""
    end = body.find(b"\0", start)
    if end < 0:
        end = len(body)
    return body[start:end].decode("utf-8", "replace"), end + 1


def _number(body: bytes, start: int, size: int) -> int | None:
    """An unsigned number, if the body is long enough."""
    digits = body[start : start + size]
    return int.from_bytes(digits, "big") if len(digits) == size else None


def _put_number(fields: Fields, name: str, body: bytes, start: int, size: int) -> None:
    number = _number(body, start, size)
    if number is not None:
        fields[name] = number


def _query(session: Session, body: bytes, fields: Fields) -> None:
    fields["pg.sql"] = redact_sql(_text(body, 0)[0], backslashes=session.backslashes)


def _parse(session: Session, body: bytes, fields: Fields) -> None:
    statement, at = _text(body, 0)
    sql, at = _text(body, at)
    fields["pg.statement"] = shown_name(statement)
    fields["pg.sql"] = redact_sql(sql, backslashes=session.backslashes)
    _put_number(fields, "pg.params", body, at, 2)


def _bind(_: Session, body: bytes, fields: Fields) -> None:
    portal, at = _text(body, 0)
    statement, at = _text(body, at)
    fields["pg.portal"] = shown_name(portal)
    fields["pg.statement"] = shown_name(statement)
    formats = _number(body, at, 2)
    if formats is not None:
        _put_number(fields, "pg.params", body, at + 2 + 2 * formats, 2)


def _describe_or_close(_: Session, body: bytes, fields: Fields) -> None:
    name = "pg.portal" if body[:1] == b"P" else "pg.statement"
    fields[name] = shown_name(_text(body, 1)[0])


def _execute(_: Session, body: bytes, fields: Fields) -> None:
    fields["pg.portal"] = shown_name(_text(body, 0)[0])


def _password(session: Session, body: bytes, fields: Fields) -> None:
    name = ANSWERS.get(session.requested)
    if name is None:
        return
    fields["pg.name"] = name
    if name == "SASLInitialResponse":
        fields["pg.mechanisms"] = [_mechanism(_text(body, 0)[0])]


def _mechanism(name: str) -> str:
    return name if name in MECHANISMS else HIDDEN


def _authentication(session: Session, body: bytes, fields: Fields) -> None:
    code = _number(body, 0, 4)
    if code is None:
        return
    session.requested = code
    name = AUTHENTICATIONS.get(code)
    if name is None:
        fields["pg.auth"] = str(code)
        return
    fields["pg.name"] = f"Authentication{name}"
    fields["pg.auth"] = name
    if name == "SASL":
        offered = body[4:].split(b"\0")
        fields["pg.mechanisms"] = [_mechanism(each.decode("ascii", "replace")) for each in offered if each][
            :8
        ]


def _key_data(_: Session, body: bytes, fields: Fields) -> None:
    _put_number(fields, "pg.pid", body, 0, 4)


def _notification(_: Session, body: bytes, fields: Fields) -> None:
    _put_number(fields, "pg.pid", body, 0, 4)


def _command_complete(_: Session, body: bytes, fields: Fields) -> None:
    tag = _text(body, 0)[0]
    fields["pg.tag"] = tag if _TAG.fullmatch(tag) else HIDDEN


def _ready(_: Session, body: bytes, fields: Fields) -> None:
    status = body[:1].decode("ascii", "replace")
    if status and status in "ITE":
        fields["pg.status"] = status


def _columns(_: Session, body: bytes, fields: Fields) -> None:
    _put_number(fields, "pg.columns", body, 0, 2)


def _copy_columns(_: Session, body: bytes, fields: Fields) -> None:
    _put_number(fields, "pg.columns", body, 1, 2)


def _parameters(_: Session, body: bytes, fields: Fields) -> None:
    _put_number(fields, "pg.params", body, 0, 2)


def _parameter_status(session: Session, body: bytes, fields: Fields) -> None:
    name, at = _text(body, 0)
    value, _ = _text(body, at)
    fields["pg.parameter"] = name if _PARAMETER.fullmatch(name) else HIDDEN
    if name in SHOWN_PARAMETERS and _PARAMETER_VALUE.fullmatch(value):
        fields["pg.parameter_value"] = value
    if name == "standard_conforming_strings":
        session.backslashes = value == "off"


def _negotiate(_: Session, body: bytes, fields: Fields) -> None:
    _put_number(fields, "pg.minor", body, 0, 4)


def _notice(_: Session, body: bytes, fields: Fields) -> None:
    said: dict[int, str] = {}
    at = 0
    while at < len(body) and body[at]:
        said[body[at]], at = _text(body, at + 1)
    severity = said.get(ord("V"), said.get(ord("S"), ""))
    sqlstate = said.get(ord("C"), "")
    fields["pg.severity"] = severity if severity in _SEVERITIES else HIDDEN
    if _SQLSTATE.fullmatch(sqlstate):
        fields["pg.sqlstate"] = sqlstate
    fields["pg.message"] = _message(said, sqlstate, cut="pg.truncated" in fields)
    if ord("n") in said:
        fields["pg.constraint"] = shown_name(said[ord("n")])


def _message(said: dict[int, str], sqlstate: str, *, cut: bool) -> str:
    """The message without values; nothing of a text that the application made (or may have made, if cut)."""
    if cut or sqlstate == "P0001" or said.get(ord("R")) == _RAISED:
        return HIDDEN
    return redact_message(said.get(ord("M"), ""))


def _error(session: Session, body: bytes, fields: Fields) -> str:
    _notice(session, body, fields)
    return "auth_failed" if fields.get("pg.sqlstate", "").startswith("28") else "sql_error"


FRONTEND_BODIES: Final[dict[str, Body]] = {
    "B": _bind,
    "C": _describe_or_close,
    "D": _describe_or_close,
    "E": _execute,
    "P": _parse,
    "Q": _query,
    "p": _password,
}

BACKEND_BODIES: Final[dict[str, Body]] = {
    "A": _notification,
    "C": _command_complete,
    "E": _error,
    "G": _copy_columns,
    "H": _copy_columns,
    "W": _copy_columns,
    "K": _key_data,
    "N": _notice,
    "R": _authentication,
    "S": _parameter_status,
    "T": _columns,
    "Z": _ready,
    "t": _parameters,
    "v": _negotiate,
}


def startup(body: bytes, fields: Fields) -> None:
    """Adds the names of the parameters that a StartupMessage gives, from what follows its version."""
    names = []
    at = 0
    while at < len(body) and body[at]:
        name, at = _text(body, at)
        _, at = _text(body, at)
        if name != "application_name":
            names.append(name if name in STARTUP_PARAMETERS else HIDDEN)
    fields["pg.parameters"] = sorted(set(names))
