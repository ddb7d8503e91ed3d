"""The Postgres protocol, version 3, both directions, from the first byte.

https://www.postgresql.org/docs/current/protocol-flow.html and protocol-message-formats.html of the same book.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Final, Literal

from repro.wire.duplex import HOLD, Duplex
from repro.wire.inbox import Ended, Inbox, Reading
from repro.wire.message import Message, Sender
from repro.wire.postgres_bodies import BACKEND_BODIES, FRONTEND_BODIES, Body, Session, startup
from repro.wire.postgres_names import (
    BACKEND,
    CANCEL_REQUEST,
    FRONTEND,
    GSSENC_REQUEST,
    SSL_REQUEST,
    STARTUP_LONGEST,
)
from repro.wire.tls import TlsDecoder

KEEP: Final = 4096
"""Bytes of a body that are looked at; the rest is dropped as it arrives."""

_HEADER: Final = Struct(">BI").unpack_from
_OPENING: Final = Struct(">II").unpack
_READY: Final = ord("Z")
_SHARED: Final = 256
"""Messages that are made only once: those without content, by type and length, and ReadyForQuery."""

_Kind = tuple[str, int, Body | None]
_Next = Literal["startup", "messages", "nothing"]


def _kinds(names: dict[str, tuple[str, int]], bodies: dict[str, Body]) -> list[_Kind | None]:
    """Name, longest length and body of each type byte."""
    kinds: list[_Kind | None] = [None] * 256
    for letter, (name, longest) in names.items():
        kinds[ord(letter)] = (name, longest, bodies.get(letter))
    return kinds


_KINDS: Final[dict[Sender, list[_Kind | None]]] = {
    "client": _kinds(FRONTEND, FRONTEND_BODIES),
    "server": _kinds(BACKEND, BACKEND_BODIES),
}
_DIRECTION: Final[dict[Sender, str]] = {"client": "F", "server": "B"}


class PostgresDecoder(Duplex):
    """Gives ``pg.msg`` for every message, and leaves both directions to a `TlsDecoder` once they are TLS.

    ``pg.len`` is the message's own length field: without the type byte, unlike `Message.length`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._session = Session()
        self._asked: str | None = None
        self._shared: dict[tuple[str, int, int], Message] = {}

    def _read(self, sender: Sender) -> Reading[None]:
        return self._read_client() if sender == "client" else self._read_server()

    def _read_client(self) -> Reading[None]:
        inbox = self._inboxes["client"]
        start = inbox.offset
        following: _Next = "startup"
        try:
            while following == "startup":
                start = inbox.offset
                following = yield from self._startup(inbox)
        except Ended:
            self._cut("client", start, {})
            return
        if following == "messages":
            yield from self._messages("client")

    def _startup(self, inbox: Inbox) -> Reading[_Next]:
        """Reads one packet of the kind without a type byte."""
        first = yield from inbox.peek(1)
        if first == b"\x16":  # a TLS record: sslnegotiation=direct
            self._succeed(TlsDecoder(), "client")
            return "nothing"
        length, code = _OPENING((yield from inbox.peek(8)))
        if not 8 <= length <= STARTUP_LONGEST:
            self._give_up("client", _looks_like(inbox.data[inbox.pos : inbox.pos + 8]))
            return "nothing"
        body = (yield from inbox.prefix(8 + KEEP, length))[8:]
        if code in {SSL_REQUEST, GSSENC_REQUEST}:
            name = "SSLRequest" if code == SSL_REQUEST else "GSSENCRequest"
            self._tell("client", name, length, {})
            self._asked = name
            return (yield from self._wait_for_answer(inbox))
        if code == CANCEL_REQUEST:
            self._tell("client", "CancelRequest", length, {"pg.pid": int.from_bytes(body[:4], "big")})
            return "nothing"
        if code >> 16 != 3:
            self._give_up("client", "a startup packet of an unknown version")
            return "nothing"
        fields: dict[str, Any] = {"pg.version": f"3.{code & 0xFFFF}"}
        startup(body, fields)
        if length > 8 + KEEP:
            fields["pg.truncated"] = True
        self._tell("client", "StartupMessage", length, fields)
        return "messages"

    def _wait_for_answer(self, inbox: Inbox) -> Reading[_Next]:
        """Holds what an early client says until the server has answered."""
        while self._asked is not None:
            if inbox.unread > HOLD:
                self._give_up("client", "a request for encryption without an answer")
                return "nothing"
            yield
        return "startup"

    def _read_server(self) -> Reading[None]:
        inbox = self._inboxes["server"]
        try:
            following: _Next = "startup"
            while following == "startup":
                answer = yield from inbox.peek(1)
                following = self._answered(inbox, answer) if self._asked is not None else "messages"
        except Ended:
            return
        if following == "messages":
            yield from self._messages("server")

    def _answered(self, inbox: Inbox, answer: bytes) -> _Next:
        """Takes the one byte that answers SSLRequest or GSSENCRequest."""
        name = "SSLResponse" if self._asked == "SSLRequest" else "GSSENCResponse"
        accepted = b"S" if self._asked == "SSLRequest" else b"G"
        self._asked = None
        if answer == b"E":  # an ErrorResponse of a server that does not know the request
            return "messages"
        if answer not in {accepted, b"N"}:
            self._give_up("server", "HTTP" if answer == b"H" else "no answer to a request for encryption")
            return "nothing"
        inbox.pos += 1
        self._tell("server", name, 1, {"pg.status": answer.decode("ascii")})
        if answer == b"S":
            self._succeed(TlsDecoder(), "server")
            return "nothing"
        if answer == b"G":  # GSSAPI packets, all encrypted
            self._silence()
            return "nothing"
        self._wake("client")
        return "startup"

    def _messages(self, sender: Sender) -> Reading[None]:
        """Reads messages up to the end: those that are here in a row, long ones as they arrive."""
        inbox = self._inboxes[sender]
        while True:
            understood = self._whole_messages(sender, inbox)
            if not understood:
                return
            if inbox.unread >= 5:
                kind, length = _HEADER(inbox.data, inbox.pos)
                known = _KINDS[sender][kind]
                keep = KEEP if known is not None and known[2] is not None else 0
                if known is not None and length - 4 > keep:
                    if not (yield from self._big(sender, known, length, keep)):
                        return
                    continue
            if inbox.ended:
                self._cut(sender, inbox.offset, _header_fields(sender, inbox))
                return
            yield

    def _whole_messages(self, sender: Sender, inbox: Inbox) -> bool:
        """Tells of all the messages that are here as a whole; false if they are of another protocol."""
        data, pos = inbox.data, inbox.pos
        end = len(data)
        kinds, direction = _KINDS[sender], _DIRECTION[sender]
        shared, say = self._shared, self._out.append
        session = self._session
        while end - pos >= 5:
            kind, length = _HEADER(data, pos)
            known = kinds[kind]
            if known is None or length < 4 or length > known[1]:
                self._give_up(sender, _looks_like(data[pos : pos + 5]))
                return False
            after = pos + 1 + length
            if after > end:
                break
            name, _, read = known
            if read is None or (kind == _READY and length == 5):
                key = (direction, kind, length if read is None else data[pos + 5])
                message = shared.get(key)
                if message is None:
                    message = self._whole(sender, known, length, data[pos + 5 : min(after, pos + 5 + KEEP)])
                    if len(shared) < _SHARED:
                        shared[key] = message
                say(message)
            elif length <= KEEP:
                fields: dict[str, Any] = {"pg.dir": direction, "pg.name": name, "pg.len": length}
                failure = read(session, data[pos + 5 : after], fields)
                say(Message("pg.msg", sender, length + 1, failure, fields))
            else:
                say(self._whole(sender, known, length, data[pos + 5 : min(after, pos + 5 + KEEP)]))
            pos = after
        inbox.pos = pos
        return True

    def _big(self, sender: Sender, known: _Kind, length: int, keep: int) -> Reading[bool]:
        """Reads a message that is kept in part only; false if the side ended in it."""
        inbox = self._inboxes[sender]
        start = inbox.offset
        try:
            body = (yield from inbox.prefix(5 + keep, 1 + length))[5:]
        except Ended:
            self._cut(sender, start, {"pg.name": known[0], "pg.len": length})
            return False
        self._out.append(self._whole(sender, known, length, body))
        return True

    def _whole(self, sender: Sender, known: _Kind, length: int, body: bytes) -> Message:
        name, _, read = known
        fields: dict[str, Any] = {"pg.dir": _DIRECTION[sender], "pg.name": name, "pg.len": length}
        if read is None:
            return Message("pg.msg", sender, length + 1, None, fields)
        if length - 4 > KEEP:
            fields["pg.truncated"] = True
        return Message("pg.msg", sender, length + 1, read(self._session, body, fields), fields)

    def _tell(self, sender: Sender, name: str, length: int, fields: dict[str, Any]) -> None:
        """Tells of a message without a type byte."""
        common = {"pg.dir": _DIRECTION[sender], "pg.name": name, "pg.len": length}
        self._say("pg.msg", sender, length, common | fields)

    def _cut(self, sender: Sender, start: int, fields: dict[str, Any]) -> None:
        """Tells of a message that ended amid itself."""
        arrived = self._arrived_since(sender, start)
        if arrived:
            common = {"pg.dir": _DIRECTION[sender]}
            self._say("pg.msg", sender, arrived, common | fields | {"pg.truncated": True}, "eof")

    def _give_up(self, sender: Sender, why: str) -> None:
        self._mismatch("pg.msg", sender, {"pg.dir": _DIRECTION[sender], "pg.why": why})


def _header_fields(sender: Sender, inbox: Inbox) -> dict[str, Any]:
    """What the header of the next message says, if it is here."""
    if inbox.unread < 5:
        return {}
    kind, length = _HEADER(inbox.data, inbox.pos)
    known = _KINDS[sender][kind]
    return {} if known is None else {"pg.name": known[0], "pg.len": length}


def _looks_like(first: bytes) -> str:
    """What the bytes are that are no Postgres."""
    if first.startswith(
        (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"HTTP/", b"OPTIO", b"DELET", b"PATCH", b"CONNE")
    ):
        return "HTTP"
    if first[:2] in {b"\x16\x03", b"\x15\x03"}:
        return "TLS"
    return "no message of Postgres"
