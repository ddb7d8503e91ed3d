"""What the SQL endpoint answers when it does not answer 200.

The bodies are those of ``sql_over_http.rs``: one shape with every field, null where Postgres said nothing,
positions and lines as strings. The client turns a 400 into ``NeonDbError`` and any other status into text.
"""

from __future__ import annotations

from collections.abc import Mapping

from repro.lab.neon import messages

_FIELDS = {
    "code": "C",
    "detail": "D",
    "hint": "H",
    "position": "P",
    "internalPosition": "p",
    "internalQuery": "q",
    "severity": "S",
    "where": "W",
    "table": "t",
    "column": "c",
    "schema": "s",
    "dataType": "d",
    "constraint": "n",
    "file": "F",
    "line": "L",
    "routine": "R",
}
"""Field of the body by field letter of an ErrorResponse."""

_OVERLOADED = ("53", "57")
"""SQLSTATE classes of a refused login that are the server's trouble, not the client's: 500 instead of 400."""


class SqlEndpointError(Exception):
    """An answer of the SQL endpoint that is not 200.

    Args:
        status: of the HTTP response.
        body: its JSON object.
    """

    def __init__(self, status: int, body: Mapping[str, str | None]) -> None:
        super().__init__(body["message"])
        self.status = status
        self.body = body


def own_error(status: int, message: str) -> SqlEndpointError:
    """An error of the gateway itself: ``code`` and ``severity`` are empty, the rest null."""
    empty: dict[str, str | None] = dict.fromkeys(_FIELDS)
    return SqlEndpointError(status, {"message": message} | empty | {"code": "", "severity": ""})


def database_error(response: messages.Message) -> SqlEndpointError:
    """An error that Postgres reported while it ran a query."""
    return SqlEndpointError(400, _body(response))


def login_error(response: messages.Message) -> SqlEndpointError:
    """A login that Postgres refused: 400, a wrong password (28P01) too, and 500 where it has no room."""
    body = _body(response)
    return SqlEndpointError(500 if (body["code"] or "").startswith(_OVERLOADED) else 400, body)


def cancelled_error() -> SqlEndpointError:
    """The query took longer than the gateway allows, and was cancelled."""
    message = "Query cancelled, connection was terminated"
    return SqlEndpointError(400, {"message": message, "code": "08P01"})


def too_large(limit: int) -> SqlEndpointError:
    """The response would be longer than the limit, in bytes: 507, Insufficient Storage."""
    return own_error(507, f"response is too large (max is {limit} bytes)")


def _body(response: messages.Message) -> dict[str, str | None]:
    fields = messages.error_fields(response.payload)
    rest = {name: fields.get(letter) for name, letter in _FIELDS.items()}
    return {"message": fields.get("M", "")} | rest
