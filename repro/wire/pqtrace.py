"""What libpq writes with ``PQtrace``: one line a message, also inside TLS. Sans I/O.

Each line has the local time, the direction, the length and the name of a message, then its fields. Texts
stand between quotes without any escape, and may hold line ends. Format: libpq's ``fe-trace.c``;
https://www.postgresql.org/docs/current/libpq-control.html#LIBPQ-PQTRACE
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from repro.wire.message import HIDDEN, Message
from repro.wire.sql import redact_message, redact_sql

_RECORD = re.compile(
    r"^(?P<day>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.(?P<micros>\d{6})\t(?P<dir>[FB])\t(?P<length>\d+)\t"
    r"(?P<name>\w+)(?P<rest>.*?)(?=^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\t[FB]\t\d+\t|\Z)",
    re.MULTILINE | re.DOTALL,
)
_QUERY = re.compile(r'\s*"(?P<sql>.*)"\s*\Z', re.DOTALL)
_PARSE = re.compile(r'\s*"(?P<statement>[^"]*)" "(?P<sql>.*)" \d+(?: \d+)*\s*\Z', re.DOTALL)
_FIELD = re.compile(r'(?P<kind>[A-Za-z]) "(?P<text>[^"]*)"')
_SHOWN = {"S": "pg.severity", "V": "pg.severity", "C": "pg.sqlstate", "n": "pg.constraint"}
_NUMBER = re.compile(r"\s*(?P<number>\d+)")
_COUNTED = {"RowDescription": "pg.columns", "DataRow": "pg.columns", "ParameterDescription": "pg.params"}
_TAG = re.compile(r'"(?P<tag>[A-Z][A-Z ]{1,40}(?: \d+){0,2})"')
_OWN_WORDS = re.compile(r'C "P0001"|R "exec_stmt_raise"')
"""RAISE: the application's own words, which may hold anything."""

_FAILING = frozenset({"ERROR", "FATAL", "PANIC"})


@dataclass(frozen=True, slots=True)
class Traced:
    """A message and when it passed, in seconds of the wall clock."""

    at: float
    message: Message


def traced(text: str) -> Iterator[Traced]:
    """The messages of a trace that ends with a whole line."""
    for record in _RECORD.finditer(text):
        moment = _moment(record)
        if moment is not None:
            yield Traced(moment, _message(record))


def _moment(record: re.Match[str]) -> float | None:
    """Seconds of the wall clock; None for no time at all: a line of a statement that looks like a record."""
    try:
        return time.mktime(time.strptime(record["day"], "%Y-%m-%d %H:%M:%S")) + int(record["micros"]) / 1e6
    except (ValueError, OverflowError):
        return None


def _message(record: re.Match[str]) -> Message:
    name, rest = record["name"], record["rest"]
    fields: dict[str, Any] = {"pg.dir": record["dir"], "pg.name": name, "pg.len": int(record["length"])}
    fields |= _fields(name, rest)
    return Message(
        "pg.msg",
        "client" if record["dir"] == "F" else "server",
        int(record["length"]) + 1,  # the type byte is not counted by the protocol
        _failure(name, fields),
        fields,
    )


def _fields(name: str, rest: str) -> dict[str, Any]:
    if name == "Query":
        match = _QUERY.match(rest)
        return {"pg.sql": _redacted(match["sql"])} if match else {}
    if name == "Parse":
        match = _PARSE.match(rest)
        return {"pg.sql": _redacted(match["sql"])} if match else {}
    if name == "CommandComplete":
        tag = _TAG.fullmatch(rest.strip())
        return {"pg.tag": tag["tag"] if tag else HIDDEN}
    if name == "ReadyForQuery":
        return {"pg.status": rest.strip()[:1]}
    if name in {"ErrorResponse", "NoticeResponse"}:
        return _error(rest)
    counted = _NUMBER.match(rest) if name in _COUNTED else None
    return {_COUNTED[name]: int(counted["number"])} if counted else {}


def _redacted(sql: str) -> str:
    """A statement without its literals, whichever way a backslash is read: the setting is not known here."""
    one, other = redact_sql(sql), redact_sql(sql, backslashes=True)
    return one if one == other else HIDDEN


def _error(rest: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    own_words = _OWN_WORDS.search(rest) is not None
    for match in _FIELD.finditer(rest):
        if match["kind"] in _SHOWN:
            found[_SHOWN[match["kind"]]] = match["text"][:64]
        elif match["kind"] == "M":
            found["pg.message"] = HIDDEN if own_words else redact_message(match["text"])
    return found


def _failure(name: str, fields: dict[str, Any]) -> str | None:
    if name != "ErrorResponse" or fields.get("pg.severity") not in _FAILING:
        return None
    return "auth_failed" if str(fields.get("pg.sqlstate")).startswith("28") else "sql_error"
