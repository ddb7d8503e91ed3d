"""Finds out which protocol is spoken, from what the client says first."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal

from repro.wire.duplex import HOLD, Duplex
from repro.wire.http import METHODS, HttpDecoder
from repro.wire.inbox import Ended, Inbox, Reading
from repro.wire.message import Sender
from repro.wire.postgres import PostgresDecoder
from repro.wire.postgres_names import CANCEL_REQUEST, GSSENC_REQUEST, SSL_REQUEST, STARTUP_LONGEST
from repro.wire.resp import RespDecoder
from repro.wire.tls import TlsDecoder

Protocol = Literal["tls", "postgres", "http", "redis"]

_DECODERS: Final[dict[Protocol, Callable[[], Duplex]]] = {
    "tls": TlsDecoder,
    "postgres": PostgresDecoder,
    "http": HttpDecoder,
    "redis": RespDecoder,
}
_HINTS: Final[dict[int, Protocol]] = {
    443: "tls",
    5432: "postgres",
    5433: "postgres",
    6432: "postgres",
    6379: "redis",
    6380: "redis",
    80: "http",
    8080: "http",
}
_LINE: Final = 4096
_REQUEST: Final = re.compile(rb"[A-Z]{3,7} \S+ HTTP/\d\.\d\r?\n")
_PREFACE: Final = b"PRI * HTTP/2.0\r\n"
_METHOD: Final = re.compile(rb"(?:" + b"|".join(sorted(m.encode() for m in METHODS)) + rb") [/*h]")
_INLINE: Final = re.compile(
    rb"(?i)(?:PING|AUTH|HELLO|INFO|QUIT|ECHO|GET|SET|DEL|EXISTS|SELECT|COMMAND|CLIENT|CONFIG|MULTI|EXEC|SUBSCRIBE"
    rb"|LPUSH|RPUSH|MONITOR|INCR)(?: [^\x00-\x1f]*)?\r?\n"
)
_PRINTED: Final = re.compile(rb"[A-Za-z][\x20-\x7e]*\r?\n")


class Conversation(Duplex):
    """Takes a connection of any protocol; of an unknown one it says nothing.

    What the server says first is kept until the client has spoken, up to a bound.

    Args:
        port_hint: the port dialled; it decides where the bytes alone do not: a line that may be an inline
            command of Redis, or a client that ended within its first bytes.
    """

    def __init__(self, port_hint: int | None = None) -> None:
        super().__init__()
        self._hint = _HINTS.get(port_hint) if port_hint is not None else None
        self._protocol: Protocol | None = None

    @property
    def protocol(self) -> Protocol | None:
        """What is spoken; None as long as that is not known, and for ever if it is no known one."""
        return self._protocol

    def _read(self, sender: Sender) -> Reading[None]:
        return self._read_client() if sender == "client" else self._hold_server()

    def _read_client(self) -> Reading[None]:
        inbox = self._inboxes["client"]
        try:
            protocol = yield from _recognise(inbox, self._hint)
        except Ended:
            protocol = self._hint if inbox.unread else None
        if protocol is None:
            self._silence()
            return
        self._protocol = protocol
        self._succeed(_DECODERS[protocol](), "client")

    def _hold_server(self) -> Reading[None]:
        while self._inboxes["server"].unread <= HOLD:
            yield
        self._silence()


def _recognise(inbox: Inbox, hint: Protocol | None) -> Reading[Protocol | None]:
    """The protocol of the client's first bytes, which are left unread."""
    first = yield from inbox.peek(1)
    if first == b"\x16":
        return "tls" if (yield from inbox.peek(2))[1] == 3 else None
    if first == b"\0":
        return "postgres" if _is_startup((yield from inbox.peek(8))) else None
    if first == b"*":
        return "redis" if re.fullmatch(rb"\*[-\d]", (yield from inbox.peek(2))) else None
    if not first.isalpha():
        return None
    return _protocol_of_line((yield from _first_line(inbox)), hint)


def _is_startup(opening: bytes) -> bool:
    length, code = int.from_bytes(opening[:4], "big"), int.from_bytes(opening[4:], "big")
    return 8 <= length <= STARTUP_LONGEST and (
        code >> 16 == 3 or code in {SSL_REQUEST, GSSENC_REQUEST, CANCEL_REQUEST}
    )


def _first_line(inbox: Inbox) -> Reading[bytes]:
    """The first line with its end, or the first bytes of a long one, left unread."""
    count = 1
    while True:
        yield from inbox.peek(count)
        line = inbox.data[inbox.pos : inbox.pos + _LINE]
        end = line.find(b"\n")
        if end >= 0:
            return line[: end + 1]
        if len(line) >= _LINE:
            return line
        count = inbox.unread + 1


def _protocol_of_line(line: bytes, hint: Protocol | None) -> Protocol | None:
    """The protocol of a client's first line of text."""
    if _REQUEST.fullmatch(line) or line == _PREFACE or (not line.endswith(b"\n") and _METHOD.match(line)):
        return "http"
    if _INLINE.fullmatch(line) or (hint == "redis" and _PRINTED.fullmatch(line)):
        return "redis"
    return None
