"""Which messages of a connection make its stream of bytes, and with what bytes.

Messages are seen at several depths: a frame of WebSocket, and the message of Postgres within it; records of
TLS, and what was said inside. A stream can show one depth only. It shows the inside of TLS where that was
decoded, for it says more, and the frames of WebSocket with the images of the messages they carried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from repro.trace.formats.fields import Line, operation, sender, text, whole
from repro.trace.formats.image import image
from repro.trace.formats.images import postgres, tls, websocket

_OUTSIDE = frozenset({"tls.client_hello", "tls.server_hello", "tls.alert", "tls.record", "tls.handshake"})
_FRAMES = frozenset({"ws.frame", "ws.close"})
_HELLOS = frozenset({"tls.client_hello", "tls.server_hello"})


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes that one end sent.

    Args:
        line: the message's trace line.
        data: its image.
        note: what the reader must know of it besides; empty for nothing.
    """

    line: Line
    data: bytes
    note: str = ""


@dataclass(slots=True)
class _Carried:
    """The bytes that travelled inside one end's frames, and whether its message is a binary one."""

    data: bytearray = field(default_factory=bytearray)
    binary: bool = False

    def taken(self, count: int) -> bytes:
        """The next bytes, no more than there are."""
        head = bytes(self.data[:count])
        del self.data[:count]
        return head


def written(lines: Sequence[Line]) -> Iterator[Written]:
    """The messages of one connection that make its stream, with their bytes, in their order.

    Args:
        lines: all lines of the connection; those without a sender tell of the connection, and give no bytes.
    """
    messages = [line for line in lines if sender(line) is not None]
    decrypted = _decrypted(lines)
    framed = any(operation(line) in _FRAMES for line in messages)
    carried = _carried(messages) if framed else {}
    note = "travelled inside TLS" if decrypted else ""
    for line in messages:
        hidden = (decrypted and _is_encryption(line)) or (framed and _is_carried(line))
        if hidden or line.get("ws.truncated") is True:  # a frame that was cut has been told of before
            continue
        data = image(line, _payload(line, carried))
        yield Written(line, tls.records(data) if operation(line) in _HELLOS else data, note)


def _decrypted(lines: Sequence[Line]) -> bool:
    """Whether there was TLS, and messages inside it are known."""
    encrypted = any(operation(line) in _OUTSIDE for line in lines)
    return encrypted and any(sender(line) is not None and not _is_encryption(line) for line in lines)


def _is_encryption(line: Line) -> bool:
    names = postgres.NEGOTIATION | {"TLSBytes"}
    return operation(line) in _OUTSIDE or (operation(line) == "pg.msg" and text(line, "pg.name") in names)


def _is_carried(line: Line) -> bool:
    return operation(line) in {"pg.msg", "redis.cmd", "redis.reply"}


def _carried(messages: Sequence[Line]) -> dict[str, _Carried]:
    ends = {"client": _Carried(), "server": _Carried()}
    for line in messages:
        end = sender(line)
        if end is not None and _is_carried(line):
            ends[end].data += image(line)
    return ends


def _payload(line: Line, carried: dict[str, _Carried]) -> bytes:
    """What a frame carried: messages are in binary ones only."""
    end = sender(line)
    if end not in carried or operation(line) != "ws.frame" or websocket.is_control(line):
        return b""
    begins = websocket.begins_binary(line)
    if begins is not None:
        carried[end].binary = begins
    if not carried[end].binary:
        return b""
    count = websocket.payload_bytes(line) if whole(line, "len") is not None else whole(line, "ws.len") or 0
    return carried[end].taken(count)
