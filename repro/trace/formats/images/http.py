"""Requests and responses of HTTP/1.1: the first line, the names of headers, and filler.

Source: RFC 9112; RFC 6455, 4.1 for the upgrade to WebSocket.
"""

from __future__ import annotations

import re
from http import HTTPStatus

from repro.trace.formats.fields import Line, operation, sender, text, texts, whole
from repro.trace.formats.images.filling import filler, numbered, utf8

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
"""Headers that say where the body ends: replaced by one that is true of this image."""

_UPGRADE = (b"upgrade", b"connection")
_VALUES = {b"upgrade": b"websocket", b"content-encoding": b"identity"}
"""Values without which the message would mean something else; they are words of the protocol."""


def image(line: Line, room: int | None) -> bytes:
    """The message of an ``http.request``, ``http.response`` or ``http.upgrade`` line.

    Its body has the bytes that ``http.body`` says, or else what is left of the room; the header says so in
    either case, even where the real one was chunked. What is still left is a header of filler.
    """
    upgrade = operation(line) == "http.upgrade"
    request = operation(line) == "http.request" or (upgrade and sender(line) == "client")
    headers = _headers(line, upgrade=upgrade)
    first = _request_line(line, headers, room) if request else _status_line(line, upgrade=upgrade)
    head = first + b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    if not _has_body(line, request=request, upgrade=upgrade):
        return _without_body(head, room)
    body = whole(line, "http.body")
    if body is not None and room is not None:
        whole_head = head + b"content-length: %d\r\n" % body
        if len(whole_head) + 2 + body <= room:
            return _without_body(whole_head, room - body) + filler(body)
    with_body = numbered(head + b"content-length: ", b"\r\n\r\n", len(head) + 21 if room is None else room)
    return _without_body(head, room) if with_body is None else with_body


def _request_line(line: Line, headers: list[tuple[bytes, bytes]], room: int | None) -> bytes:
    """The method and the path, which is cut where redaction made it longer than it was."""
    method = b"".join(utf8(text(line, "http.method") or "GET").split())
    path = b"%20".join(utf8(text(line, "http.path") or "/").split()) or b"/"
    rest = sum(len(name) + len(value) + 4 for name, value in headers) + len(method) + 13
    if room is not None:
        path = path[: max(1, room - rest)]
    return method + b" " + path + b" HTTP/1.1\r\n"


def _status_line(line: Line, *, upgrade: bool) -> bytes:
    status = _status(line, upgrade=upgrade)
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "x"
    return b"HTTP/1.1 %03d %s\r\n" % (status, utf8(reason))


def _status(line: Line, *, upgrade: bool) -> int:
    status = whole(line, "http.status")
    return status if status is not None and status <= 999 else (101 if upgrade else 200)


def _headers(line: Line, *, upgrade: bool) -> list[tuple[bytes, bytes]]:
    """The headers that were there, by name; an upgrade has those that make it one."""
    names = [utf8(name).lower() for name in texts(line, "http.headers")]
    names = [name for name in names if _NAME.fullmatch(name) and name not in _FRAMING]
    if upgrade:
        names += [name for name in _UPGRADE if name not in names]
    turning = b"upgrade" in names
    return [(name, _value(name, turning=turning)) for name in names]


def _value(name: bytes, *, turning: bool) -> bytes:
    if name == b"connection":
        return b"Upgrade" if turning else b"keep-alive"
    return _VALUES.get(name, b"x")


def _has_body(line: Line, *, request: bool, upgrade: bool) -> bool:
    """RFC 9112, 6.3: no body for 1xx, 204 and 304; a request has one only where a header says so."""
    if request:
        names = {name.casefold() for name in texts(line, "http.headers")}
        told = bool(names & {"content-length", "transfer-encoding"})
        return told or (text(line, "http.method") or "GET").upper() in {"POST", "PUT", "PATCH"}
    status = _status(line, upgrade=upgrade)
    return status >= 200 and status not in {204, 304}


def _without_body(head: bytes, room: int | None) -> bytes:
    """The head and its end; what is left of the room is a header of filler."""
    spare = 0 if room is None else room - len(head) - 2
    if spare <= 0:
        return head + b"\r\n"
    if spare < 5:  # no room for a header: blanks after the last value, which parsers strip
        return head[:-2] + b" " * spare + b"\r\n\r\n"
    return head + b"x: " + filler(spare - 5) + b"\r\n\r\n"
