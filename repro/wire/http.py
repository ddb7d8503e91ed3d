"""HTTP/1.x, and what WebSocket makes of it.

RFC 9112 (https://www.rfc-editor.org/rfc/rfc9112; the length of a body: 6.3); RFC 6455, 4.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from repro.wire.duplex import HOLD, Duplex
from repro.wire.http_path import shown_path
from repro.wire.inbox import Ended, Inbox, Reading
from repro.wire.message import Sender
from repro.wire.postgres import PostgresDecoder
from repro.wire.websocket import WebsocketDecoder

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})

_LINE: Final = 4096
"""Bytes of a line of the head that are looked at."""

_PIPELINED: Final = 1000
"""Requests that may wait for their responses."""

_NAMES: Final = 100
"""Header names that are told of."""

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: .*)?", re.DOTALL)
_NAME: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_CHUNK: Final = re.compile(rb"0*([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
_LENGTH: Final = re.compile(rb"\d{1,18}")


class _Mismatch(Exception):  # noqa: N818 - no error: the bytes are of another protocol
    """This is no HTTP/1."""


@dataclass(slots=True)
class _Exchange:
    """What a request says about its response, and whether the connection goes on as HTTP after that."""

    method: str
    upgrade: bool
    answered: bool = False


@dataclass(slots=True)
class _Head:
    """The header fields of a request or a response, as far as the framing needs them."""

    names: set[str] = field(default_factory=set)
    length: int | None = None
    coded: bool = False
    chunked: bool = False
    upgrade: bytes = b""

    def add(self, line: bytes) -> None:
        """Takes one line of the head.

        Raises:
            _Mismatch: the length of the body is not clear.
        """
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(name):  # a folded line, or none of a header field
            return
        lower = name.decode("ascii").lower()
        if len(self.names) < _NAMES:
            self.names.add(lower)
        value = value.strip()
        if lower == "content-length":
            if not _LENGTH.fullmatch(value) or self.length not in {None, int(value)}:
                raise _Mismatch("a body of unclear length")
            self.length = int(value)
        elif lower == "transfer-encoding":
            self.coded = True
            self.chunked = value.lower().endswith(b"chunked")
        elif lower == "upgrade":
            self.upgrade = value.lower()


class HttpDecoder(Duplex):
    """Gives ``http.request`` and ``http.response``, each when its body (``http.body`` bytes) is complete.

    After a switch to WebSocket both directions go to a `WebsocketDecoder`, and what is in its binary messages
    to a `PostgresDecoder`. After any other switch nothing more is said.
    """

    def __init__(self) -> None:
        super().__init__()
        self._exchanges: deque[_Exchange] = deque()
        self._tunnelled: PostgresDecoder | None = None

    @property
    def buffered(self) -> int:
        """Bytes kept in memory, those of inner decoders included."""
        return super().buffered + (self._tunnelled.buffered if self._tunnelled is not None else 0)

    def _read(self, sender: Sender) -> Reading[None]:
        inbox = self._inboxes[sender]
        op = "http.request" if sender == "client" else "http.response"
        one = self._request if sender == "client" else self._response
        fields: dict[str, Any] = {}
        start = inbox.offset
        try:
            while sender in self._readers:
                start, fields = inbox.offset, {}
                yield from one(inbox, fields)
        except Ended:
            arrived = self._arrived_since(sender, start)
            if arrived:
                failure = _failure(fields) or "eof"
                self._say(op, sender, arrived, fields | {"http.truncated": True}, failure)
        except _Mismatch as mismatch:
            self._mismatch(op, sender, {"http.why": str(mismatch)})

    def _request(self, inbox: Inbox, fields: dict[str, Any]) -> Reading[None]:
        start = inbox.offset
        line = yield from inbox.line(_LINE)
        if not line:  # RFC 9112, 2.2: passed over
            return
        method, target = _request_line(line)
        fields["http.method"] = method
        fields["http.path"] = shown_path(target)
        head = yield from _head(inbox)
        fields["http.headers"] = sorted(head.names)
        exchange = _Exchange(method, upgrade=bool(head.upgrade) or method == "CONNECT")
        self._exchanges.append(exchange)
        if len(self._exchanges) > _PIPELINED:
            raise _Mismatch("requests without responses")
        if head.coded and not head.chunked:
            raise _Mismatch("a body of unclear length")
        fields["http.body"] = yield from _body(inbox, head)
        self._say("http.request", "client", inbox.offset - start, fields)
        while exchange.upgrade and not exchange.answered:  # what follows may be of another protocol
            if inbox.unread > HOLD:
                raise _Mismatch("a switch of protocols without an answer")
            yield

    def _response(self, inbox: Inbox, fields: dict[str, Any]) -> Reading[None]:
        start = inbox.offset
        line = yield from inbox.line(_LINE)
        status_line = _STATUS_LINE.fullmatch(line)
        if status_line is None:
            raise _Mismatch("no HTTP/1")
        status = int(status_line[2])
        fields["http.status"] = status
        head = yield from _head(inbox)
        fields["http.headers"] = sorted(head.names)
        exchange = self._exchange_of(status)
        switched = status == 101 or (exchange.method == "CONNECT" and 200 <= status < 300)
        if switched or status in {204, 304} or status < 200 or exchange.method == "HEAD":
            fields["http.body"] = 0
        elif head.length is None and not head.chunked:
            yield from self._until_end(inbox, fields, start)
            return
        else:
            fields["http.body"] = yield from _body(inbox, head)
        self._say("http.response", "server", inbox.offset - start, fields, _failure(fields))
        if switched:
            self._switch(head)
        elif status >= 200:
            exchange.answered = True
            self._wake("client")

    def _exchange_of(self, status: int) -> _Exchange:
        """The request that a response is for; one that is interim leaves it for the final one."""
        if not self._exchanges:
            return _Exchange("", upgrade=False)
        return self._exchanges[0] if status < 200 and status != 101 else self._exchanges.popleft()

    def _until_end(self, inbox: Inbox, fields: dict[str, Any], start: int) -> Reading[None]:
        """Reads a body that goes on until the server ends."""
        begin = inbox.offset
        while not inbox.ended:
            yield from inbox.skip(inbox.unread)
            yield
        yield from inbox.skip(inbox.unread)
        fields["http.body"] = inbox.offset - begin
        self._say("http.response", "server", inbox.offset - start, fields, _failure(fields))

    def _switch(self, head: _Head) -> None:
        """Leaves the rest to the protocol that was switched to."""
        if head.upgrade != b"websocket":
            self._silence()
            return
        tunnelled = self._tunnelled = PostgresDecoder()
        self._succeed(WebsocketDecoder(tunnelled.feed, tunnelled.end), "server")


def _request_line(line: bytes) -> tuple[str, str]:
    """Method and target of a request line, which may have been cut."""
    words = line.decode("latin-1").split(" ")
    if words[0] == "PRI":
        raise _Mismatch("HTTP/2")
    cut = len(line) >= _LINE
    if words[0] not in METHODS or not (cut or (len(words) == 3 and words[2] in {"HTTP/1.0", "HTTP/1.1"})):
        raise _Mismatch("no HTTP/1")
    return words[0], words[1] if len(words) > 1 else ""


def _head(inbox: Inbox) -> Reading[_Head]:
    head = _Head()
    while True:
        line = yield from inbox.line(_LINE)
        if not line:
            return head
        head.add(line)


def _body(inbox: Inbox, head: _Head) -> Reading[int]:
    """Passes over a body, and returns its bytes without the framing of chunks."""
    if not head.chunked:
        yield from inbox.skip(head.length or 0)
        return head.length or 0
    total = 0
    while True:
        size = _CHUNK.fullmatch((yield from inbox.line(_LINE)))
        if size is None:
            raise _Mismatch("no chunk of a body")
        count = int(size[1], 16)
        if count == 0:
            break
        total += count
        yield from inbox.skip(count)
        if (yield from inbox.line(2)):
            raise _Mismatch("no chunk of a body")
    while (yield from inbox.line(_LINE)):  # trailers
        pass
    return total


def _failure(fields: dict[str, Any]) -> str | None:
    return "http_status" if fields.get("http.status", 0) >= 400 else None
