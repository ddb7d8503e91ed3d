"""Requests and answers of HTTP/1.1 (RFC 9112), in turns: a client that sends ahead is not understood."""

from __future__ import annotations

from typing import NamedTuple

from repro.lab.faults.triggers.stream import Reading, Stream, Unintelligible, number_of
from repro.lab.faults.triggers.trigger import Side, Trigger

_FIELD = 128
_CHUNK = 1 << 16
_STATUS_AT = len("HTTP/1.1 ")
_SWITCHING_PROTOCOLS = b"101"


class _Body(NamedTuple):
    """How a request goes on after its head: by length, in chunks, or as another protocol."""

    length: int
    chunked: bool
    upgrade: bool


class _Requests(Trigger):
    """Follows the client's requests.

    Args:
        side: who sends the thing that is named by the request.
        line: what the request line begins with, such as ``POST /sql``.
    """

    def __init__(self, side: Side, line: str) -> None:
        super().__init__(side)
        self._line = line.encode()

    def _client(self, stream: Stream) -> Reading[None]:
        while True:
            at = stream.suspect()
            yield from stream.peek(1)
            named = yield from stream.matches(self._line)
            if named:
                self._request_begins(at)
            stream.clear()
            if not (yield from stream.line(1)):  # an empty line before a request (RFC 9112, section 2.2)
                continue
            body = yield from _read_fields(stream)
            yield from _skip_body(stream, body)
            if named:
                self._request_ends(stream.position)
            if body.upgrade:
                return

    def _request_begins(self, at: int) -> None:
        """A request that is named begins."""

    def _request_ends(self, at: int) -> None:
        """It ends."""


class HttpRequest(_Requests):
    """A whole request of the client.

    Args:
        line: what the request line begins with, such as ``POST /sql``.
    """

    def __init__(self, line: str) -> None:
        super().__init__("client", line)

    def _request_begins(self, at: int) -> None:
        self._begins(at)

    def _request_ends(self, at: int) -> None:
        self._ends(at)


class HttpExchange(_Requests):
    """The head of the server's answer to a request; interim ones, such as ``100 Continue``, pass.

    Args:
        line: what the request line begins with, such as ``POST /sql``.
    """

    def __init__(self, line: str) -> None:
        super().__init__("server", line)
        self._asked = False

    def _request_begins(self, at: int) -> None:  # noqa: ARG002
        self._asked = True

    def _server(self, stream: Stream) -> Reading[None]:
        while True:
            yield from stream.peek(1)
            if not self._asked:
                yield from stream.some(_CHUNK)
                continue
            at = stream.suspect()
            named = not _is_interim((yield from stream.peek(_STATUS_AT + 3)))
            if named:
                self._asked = False
                self._begins(at)
            stream.clear()
            while (yield from stream.line(2)):
                pass
            if named:
                self._ends(stream.position)


def _is_interim(head: bytes) -> bool:
    """Whether a status line says that the answer is still to come.

    Raises:
        Unintelligible: it is no status line.
    """
    if not head.startswith(b"HTTP/1."):
        raise Unintelligible("an answer without a status")
    status = head[_STATUS_AT:]
    return status.startswith(b"1") and status != _SWITCHING_PROTOCOLS


def _read_fields(stream: Stream) -> Reading[_Body]:
    """Read a head's fields, and what they say of the body."""
    length, chunked, upgrade = 0, False, False
    while line := (yield from stream.line(_FIELD)):
        name, _, value = line.partition(b":")
        match name.lower(), value.strip().lower():
            case b"content-length", digits:
                length = number_of(digits)
            case b"transfer-encoding", codings:
                chunked = codings.endswith(b"chunked")
            case b"upgrade", _:
                upgrade = True
    return _Body(length, chunked, upgrade)


def _skip_body(stream: Stream, body: _Body) -> Reading[None]:
    if not body.chunked:
        yield from stream.skip(max(0, body.length))
        return
    while size := number_of((yield from stream.line(_FIELD)).partition(b";")[0], 16):
        yield from stream.skip(max(0, size) + 2)
    while (yield from stream.line(2)):  # trailers
        pass
