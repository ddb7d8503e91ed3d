"""Payloads of WebSocket messages (RFC 6455) over plain ``ws://``, without permessage-deflate."""

from __future__ import annotations

from repro.lab.faults.triggers.anywhere import not_empty
from repro.lab.faults.triggers.stream import Reading, Stream, Unintelligible
from repro.lab.faults.triggers.trigger import Side, Trigger

HELD = 1 << 16
"""Bytes of payload up to which a frame is held back until all of it is known."""

_FINAL = 0x80
_COMPRESSED = 0x40
_OPCODE = 0x0F
_CONTROL = 0x08
_MASKED = 0x80
_LENGTH = 0x7F
_EXTENDED = {126: 2, 127: 8}


class WebSocketPayload(Trigger):
    """A message whose payload holds some bytes, in one frame or across several.

    It begins with the frame that completes these bytes, and ends with the message. A frame of more than
    `HELD` bytes is not held back; there it begins with the last of these bytes. What permessage-deflate has
    compressed is not searched: the client must not offer it.

    Args:
        side: who sends it.
        contains: what is looked for; not empty.

    Raises:
        ValueError: it is empty.
    """

    def __init__(self, side: Side, contains: bytes) -> None:
        super().__init__(side)
        self._contains = not_empty(contains)
        self._recent = b""
        self._compressed = False
        self._found = False

    def _client(self, stream: Stream) -> Reading[None]:
        if self.side == "client":
            yield from _skip_head(stream)
            yield from self._frames(stream)

    def _server(self, stream: Stream) -> Reading[None]:
        if self.side == "server":
            if not (yield from stream.matches(b"HTTP/1.1 101")):
                raise Unintelligible("the server does not upgrade")
            yield from _skip_head(stream)
            yield from self._frames(stream)

    def _frames(self, stream: Stream) -> Reading[None]:
        while True:
            at = stream.suspect()
            first, second = yield from stream.exactly(2)
            size = second & _LENGTH
            if size in _EXTENDED:
                size = int.from_bytes((yield from stream.exactly(_EXTENDED[size])), "big")
            mask = (yield from stream.exactly(4)) if second & _MASKED else b""
            if first & _CONTROL:  # may stand between the frames of a message
                stream.clear()
                yield from stream.skip(size)
                continue
            if first & _OPCODE:
                self._message_begins(compressed=bool(first & _COMPRESSED))
            yield from self._payload(stream, at, size, mask)
            if first & _FINAL and self._found:
                self._found = False
                self._ends(stream.position)

    def _message_begins(self, *, compressed: bool) -> None:
        self._recent, self._compressed, self._found = b"", compressed, False

    def _payload(self, stream: Stream, at: int, size: int, mask: bytes) -> Reading[None]:
        """Search one frame's payload, to its end or until the bytes are found; then read the rest of it."""
        if size > HELD:
            stream.clear()
        read = 0
        while read < size and not (self._found or self._compressed):
            piece = yield from stream.some(size - read)
            plain = self._recent + unmasked(piece, mask, read)
            read += len(piece)
            index = plain.find(self._contains)
            if index >= 0:
                end = stream.position - (len(plain) - index - len(self._contains))
                self._found = True
                self._begins(at if size <= HELD else end - 1)
            self._recent = plain[max(0, len(plain) - len(self._contains) + 1) :]
        stream.clear()
        yield from stream.skip(size - read)


def unmasked(data: bytes, mask: bytes, offset: int) -> bytes:
    """A part of a frame's payload in clear.

    Args:
        data: as it was sent.
        mask: four bytes, or none where the payload is not masked.
        offset: how much of the payload comes before.
    """
    if not mask:
        return data
    start = offset % len(mask)
    key = (mask[start:] + mask[:start]) * (len(data) // len(mask) + 1)
    mixed = int.from_bytes(data, "little") ^ int.from_bytes(key[: len(data)], "little")
    return mixed.to_bytes(len(data), "little")


def _skip_head(stream: Stream) -> Reading[None]:
    while (yield from stream.line(2)):
        pass
