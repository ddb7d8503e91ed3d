"""WebSocket frames: RFC 6455, 5 (https://www.rfc-editor.org/rfc/rfc6455); RFC 7692 for compressed ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from repro.wire.duplex import Duplex
from repro.wire.inbox import PIECE, Ended, Inbox, Reading
from repro.wire.message import Message, Sender

_CONTINUATION: Final = 0
_BINARY: Final = 2
_CLOSE: Final = 8
_OPCODES: Final = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
_NO_STATUS: Final = 1005
_REGULAR: Final = frozenset({1000, 1001, _NO_STATUS})

Sink = Callable[[Sender, bytes], list[Message]]
"""Takes the binary data of one side as it arrives, and gives the messages in it."""

SinkEnd = Callable[[Sender], list[Message]]
"""Takes that one side has ended."""


class WebsocketDecoder(Duplex):
    """Gives ``ws.frame`` when a frame begins (then what the sink finds in it), and ``ws.close``.

    Args:
        sink: takes the payload of binary messages, unmasked, in pieces; compressed ones are left out.
        sink_end: is told when a side has closed or ended.
    """

    def __init__(self, sink: Sink | None = None, sink_end: SinkEnd | None = None) -> None:
        super().__init__()
        self._sink = sink
        self._sink_end = sink_end

    def _read(self, sender: Sender) -> Reading[None]:
        inbox = self._inboxes[sender]
        start = inbox.offset
        to_sink = False
        try:
            while True:
                start = inbox.offset
                first, second = yield from inbox.exactly(2)
                length = yield from _length(inbox, second & 0x7F)
                opcode = first & 0x0F
                if not _is_valid(first, second, length):
                    why = "no WebSocket frame"
                    self._mismatch("ws.frame", sender, {"ws.why": why})
                    return
                key = (yield from inbox.exactly(4)) if second & 0x80 else b""
                fields: dict[str, Any] = {
                    "ws.opcode": _OPCODES[opcode],
                    "ws.fin": bool(first & 0x80),
                    "ws.len": length,
                    "ws.masked": bool(key),
                    "ws.deflate": bool(first & 0x40),
                }
                if opcode == _CLOSE:
                    code = _unmask((yield from inbox.exactly(length)), key, 0)[:2]
                    self._close(sender, inbox.offset - start, fields, code)
                    break
                self._say("ws.frame", sender, inbox.offset - start + length, fields)
                if opcode <= _BINARY and opcode != _CONTINUATION:
                    to_sink = opcode == _BINARY and not first & 0x40
                yield from self._payload(sender, length, key, wanted=to_sink and opcode <= _BINARY)
        except Ended:
            if self._arrived_since(sender, start):
                self._cut(sender, start)
        if self._sink_end is not None:
            self._out += self._sink_end(sender)

    def _payload(self, sender: Sender, length: int, key: bytes, *, wanted: bool) -> Reading[None]:
        """Reads a payload and hands it on as it arrives."""
        inbox = self._inboxes[sender]
        if self._sink is None or not wanted:
            yield from inbox.skip(length)
            return
        done = 0
        while done < length:
            yield from inbox.peek(1)
            piece = yield from inbox.exactly(min(length - done, inbox.unread, PIECE))
            self._out += self._sink(sender, _unmask(piece, key, done))
            done += len(piece)

    def _close(self, sender: Sender, length: int, fields: dict[str, Any], code: bytes) -> None:
        number = int.from_bytes(code, "big") if len(code) == 2 else _NO_STATUS
        fields["ws.close_code"] = number
        self._say("ws.close", sender, length, fields, None if number in _REGULAR else "ws_closed")

    def _cut(self, sender: Sender, start: int) -> None:
        """Tells of a frame that ended amid itself, which was told of already if its header was whole."""
        self._say("ws.frame", sender, self._arrived_since(sender, start), {"ws.truncated": True}, "eof")


def _length(inbox: Inbox, short: int) -> Reading[int]:
    """The length of the payload: 7 bits, or the 2 or 8 bytes that follow them."""
    if short < 126:
        return short
    return int.from_bytes((yield from inbox.exactly(2 if short == 126 else 8)), "big")


def _is_valid(first: int, second: int, length: int) -> bool:
    """Whether RFC 6455, 5.2 and 5.5 allow this header."""
    opcode = first & 0x0F
    if opcode not in _OPCODES or first & 0x30 or length >> 63:
        return False
    return opcode < _CLOSE or (second & 0x7F < 126 and first & 0xC0 == 0x80)


def _unmask(data: bytes, key: bytes, offset: int) -> bytes:
    """The data without its mask (RFC 6455, 5.3); ``offset`` is where in the payload it begins."""
    if not key or not data:
        return data
    turn = offset % 4
    count = len(data)
    mask = ((key[turn:] + key[:turn]) * (count // 4 + 1))[:count]
    return (int.from_bytes(data, "little") ^ int.from_bytes(mask, "little")).to_bytes(count, "little")
