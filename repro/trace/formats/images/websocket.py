"""Frames of WebSocket. Source: RFC 6455, 5.2 (layout), 5.3 (masking), 7.4.1 (codes); RFC 7692."""

from __future__ import annotations

import struct

from repro.trace.formats.fields import Line, operation, sender, text, whole
from repro.trace.formats.images.filling import exactly, filler

_OPCODES = {
    "continuation": 0, "cont": 0, "text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10,
}  # fmt: skip
_NEVER_SENT = frozenset({1005, 1006, 1015})
"""Codes that stand for a close without one: they are never in a frame."""

_HEADERS = (2, 4, 10)
"""Bytes of a header, by how its length is written, without the mask."""


def image(line: Line, room: int | None, payload: bytes = b"") -> bytes:
    """The frame of a ``ws.frame`` or ``ws.close`` line.

    A client's frame is masked, with a key of zeros: masking by it changes nothing.

    Args:
        line: the trace line.
        room: bytes of the whole frame; None for what ``ws.len`` says.
        payload: what the frame carried, as far as that is known; filler follows.
    """
    opcode = _opcode(line)
    mask_bytes = _mask_bytes(line)
    header, count = _shape(line, room, mask_bytes)
    content = _closing(line) if opcode == 8 else payload
    fin = 0x00 if line.get("ws.fin") is False else 0x80
    compressed = 0x40 if line.get("ws.deflate") is True else 0x00  # RFC 7692, 6
    first = fin | compressed | opcode
    mask = 0x80 if mask_bytes else 0
    if header == 2:
        head = struct.pack(">BB", first, mask | count)
    elif header == 4:
        head = struct.pack(">BBH", first, mask | 126, count)
    else:
        head = struct.pack(">BBQ", first, mask | 127, count)
    return head + bytes(mask_bytes) + (exactly(content, count) if content else filler(count))


def payload_bytes(line: Line) -> int:
    """Bytes of payload that the frame's image has room for."""
    return _shape(line, whole(line, "len"), _mask_bytes(line))[1]


def is_control(line: Line) -> bool:
    """Whether the frame is a close, a ping or a pong: those stand between the frames of a message."""
    return _opcode(line) >= 8


def begins_binary(line: Line) -> bool | None:
    """Whether a binary message that can be read begins here; None where one goes on."""
    opcode = _opcode(line)
    return None if opcode == 0 else opcode == 2 and line.get("ws.deflate") is not True


def _mask_bytes(line: Line) -> int:
    """Bytes of the masking key; clients have one, where nothing else is told."""
    masked = line.get("ws.masked")
    return 4 if masked is True or (masked is not False and sender(line) == "client") else 0


def _opcode(line: Line) -> int:
    if operation(line) == "ws.close":
        return 8
    number = whole(line, "ws.opcode")
    if number is not None:
        return number & 0x0F
    return _OPCODES.get((text(line, "ws.opcode") or "").casefold(), 2)


def _closing(line: Line) -> bytes:
    code = whole(line, "ws.close_code")
    return b"" if code is None or code in _NEVER_SENT else struct.pack(">H", code & 0xFFFF)


def _shape(line: Line, room: int | None, mask: int) -> tuple[int, int]:
    """Bytes of the header and of the payload: those that the line says, where they fit its length."""
    said = whole(line, "ws.len")
    if room is None:
        count = said if said is not None else len(_closing(line)) if _opcode(line) == 8 else 0
        return _shortest(count), count
    if said is not None and room - mask - said in _HEADERS and _shortest(said) <= room - mask - said:
        return room - mask - said, said
    for header in _HEADERS:
        count = room - mask - header
        if count < {2: 126, 4: 1 << 16, 10: 1 << 63}[header]:
            return header, max(0, count)
    return 10, 0


def _shortest(count: int) -> int:
    return 2 if count < 126 else 4 if count < 1 << 16 else 10
