"""A session of Postgres as its statements and their answers, out of its messages.

The messages: https://www.postgresql.org/docs/current/protocol-flow.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from repro.report.escape import one_line

Line = Mapping[str, Any]

_OBSERVES = ("SELECT pg_backend_pid()", "SELECT current_setting(", "SELECT pid::text, xact_start")
"""How the statements begin that the probe puts between those of the transaction."""

_OWN_SCHEMA = re.compile(r"\btxrepro_\w+\.")
"""The schema that a run makes for itself: no part of what the statement says."""

_STATES = {"I": "idle", "T": "in a transaction", "E": "in a failed transaction"}
"""What ReadyForQuery tells (https://www.postgresql.org/docs/current/protocol-message-formats.html)."""

_LOGIN = frozenset({"StartupMessage", "PasswordMessage", "SASLInitialResponse"})


class Session:
    """The statements and answers of one connection, and its login, out of its messages in order."""

    def __init__(self) -> None:
        self._prepared: dict[str, str] = {}
        self._bound: str | None = None
        self._observing = False
        self._logging_in = False
        self._status = "I"

    def asked(self, line: Line) -> Iterator[str]:
        """What one message of the client asks."""
        name = str(line.get("pg.name"))
        sql = one_line(str(line.get("pg.sql") or ""))
        if name in _LOGIN and not self._logging_in:
            self._logging_in = True
            yield "log in"
        elif name == "Query":
            yield from self._statement(sql)
        elif name == "Parse":
            self._bound = self._prepared[str(line.get("pg.statement") or "")] = sql
        elif name == "Bind":
            self._bound = self._prepared.get(str(line.get("pg.statement") or ""), self._bound)
        elif name == "Execute":
            yield from self._statement(self._bound or "a prepared statement")

    def _statement(self, sql: str) -> Iterator[str]:
        self._observing = sql.startswith(_OBSERVES)
        if not self._observing:
            yield _OWN_SCHEMA.sub("", sql.replace('"', ""))

    def answered(self, line: Line) -> Iterator[tuple[str, bool]]:
        """What one message of the server answers, and whether that is a failure."""
        name = str(line.get("pg.name"))
        if name == "ErrorResponse":
            text = one_line(str(line.get("pg.message") or "error"))
            yield f"{line.get('pg.sqlstate') or ''} {text}".lstrip(), True
        elif name == "AuthenticationOk" and self._logging_in:
            yield "logged in", False
        elif name == "CommandComplete" and not self._observing:
            yield str(line.get("pg.tag")), False

    def state(self, line: Line) -> Iterator[str]:
        """What the session's state has become; nothing where it is what it was."""
        status = str(line.get("pg.status"))
        if line.get("pg.name") == "ReadyForQuery" and status in _STATES and status != self._status:
            self._status = status
            yield _STATES[status]
