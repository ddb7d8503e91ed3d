"""The body and headers of a ``POST /sql``, judged and taken apart without I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from repro.lab.neon.errors import SqlEndpointError, own_error
from repro.lab.neon.messages import extended_query
from repro.lab.neon.values import parameter_text

_ISOLATION = {
    "ReadUncommitted": "READ UNCOMMITTED",
    "ReadCommitted": "READ COMMITTED",
    "RepeatableRead": "REPEATABLE READ",
    "Serializable": "SERIALIZABLE",
}
_MAX_PARAMS = 0x7FFF
"""Parameters of one query; the wire counts them in a signed 16-bit word."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a request.

    Args:
        message: the bytes that run it, up to and including Sync.
        array_mode: rows as arrays; None takes the request's default.
    """

    message: bytes
    array_mode: bool | None


@dataclass(frozen=True, slots=True)
class Payload:
    """The queries of a request.

    Args:
        queries: in the order in which they run.
        is_batch: they are one transaction, and the answer is a list even of one.
    """

    queries: list[Query]
    is_batch: bool


@dataclass(frozen=True, slots=True)
class Options:
    """What the ``Neon-*`` headers ask for; anything but exactly ``true`` is false."""

    raw_text: bool
    array_mode: bool
    isolation: str | None
    read_only: bool
    deferrable: bool

    @property
    def begin(self) -> bytes:
        """The statement that opens a batch's transaction."""
        words = ["BEGIN"]
        if self.isolation:
            words.append(f"ISOLATION LEVEL {_ISOLATION[self.isolation]}")
        if self.read_only:
            words.append("READ ONLY")
        if self.deferrable:
            words.append("DEFERRABLE")
        return " ".join(words).encode()

    @property
    def echoed(self) -> dict[str, str]:
        """The batch options that a batch's response repeats as headers."""
        headers = {"Neon-Batch-Isolation-Level": self.isolation} if self.isolation else {}
        if self.read_only:
            headers["Neon-Batch-Read-Only"] = "true"
        if self.deferrable:
            headers["Neon-Batch-Deferrable"] = "true"
        return headers


def parse_options(headers: Mapping[str, str]) -> Options:
    """Read the options from headers, whose lookup ignores case.

    Raises:
        SqlEndpointError: 400, the isolation level is none.
    """
    isolation = headers.get("neon-batch-isolation-level")
    if isolation is not None and isolation not in _ISOLATION:
        raise own_error(400, "invalid isolation level")
    return Options(
        raw_text=headers.get("neon-raw-text-output") == "true",
        array_mode=headers.get("neon-array-mode") == "true",
        isolation=isolation,
        read_only=headers.get("neon-batch-read-only") == "true",
        deferrable=headers.get("neon-batch-deferrable") == "true",
    )


def parse_payload(body: bytes) -> Payload:
    """Read the body: ``{"query": …, "params": […]}`` or ``{"queries": [{…}, …]}``, whatever its content type.

    Raises:
        SqlEndpointError: 400, it is neither.
    """
    try:
        document = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _unreadable(str(error)) from error
    match document:
        case {"query": str()}:
            return Payload([_query(document)], is_batch=False)
        case {"queries": list(queries)}:
            return Payload([_query(query) for query in queries], is_batch=True)
    raise _no_variant()


def _query(document: object) -> Query:
    if not isinstance(document, dict):
        raise _no_variant()
    sql, params, array_mode = document.get("query"), document.get("params", []), document.get("arrayMode")
    if not (isinstance(sql, str) and isinstance(params, list) and isinstance(array_mode, bool | None)):
        raise _no_variant()
    if "\0" in sql or len(params) > _MAX_PARAMS:
        raise own_error(400, "error encoding message to server")
    return Query(_message(sql, params), array_mode)


def _message(sql: str, params: list[object]) -> bytes:
    texts = [parameter_text(param) for param in params]
    try:
        return extended_query(sql.encode(), [None if text is None else text.encode() for text in texts])
    except UnicodeEncodeError as error:
        raise _unreadable("lone surrogate in a string") from error


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _no_variant() -> SqlEndpointError:
    return _unreadable("data did not match any variant of untagged enum Payload")


def _unreadable(reason: str) -> SqlEndpointError:
    return own_error(400, f"could not parse the HTTP request body: {reason}")
