"""A trace as a pcapng file, for Wireshark: packets rebuilt from what was decoded and redacted.

Source of the layout: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html, 3.1 (blocks),
3.5 (options), 4.1 (section header), 4.2 (interface description), 4.3 (enhanced packet).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

from repro.trace.formats import fields
from repro.trace.formats.conversation import Conversation, Packet
from repro.trace.formats.ends import Ends
from repro.trace.formats.fields import Line
from repro.trace.formats.lookups import lookups
from repro.trace.formats.printable import printable, shortened
from repro.trace.formats.streams import Written, written

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_COMMENT, _USER_APPLICATION, _NAME, _RESOLUTION = 1, 4, 2, 9
_RAW_IP = 101  # LINKTYPE_RAW, https://www.tcpdump.org/linktypes.html
_MICROSECONDS = 6
_MOST_OF_A_COMMENT = 1000

WARNING = (
    "Rebuilt from decoded and redacted messages: these packets are not the bytes that were sent. Lengths, "
    "order, names of messages, statements without literals and results are as seen; all other contents are "
    "filler. Each packet's comment names the event it was made of."
)


def pcapng(lines: Iterable[Line], *, wall_offset_s: float) -> Iterator[bytes]:
    """The blocks of the file, one after another.

    Args:
        lines: the trace, in its order, its head included or not.
        wall_offset_s: what is added to the lines' times to make them seconds since 1970 (UTC).
    """
    yield _section()
    yield _interface()
    known = list(lines)
    packets = [packet for each in (lookups(known), _conversations(known)) for packet in each]
    # The sort is stable, and each connection's packets are in the order of time already.
    for packet in sorted(packets, key=lambda packet: packet.time_s):
        yield _packet(packet, wall_offset_s)


def _conversations(lines: Sequence[Line]) -> Iterator[Packet]:
    ends = Ends()
    for number, group in _connections(lines):
        for part in _attempts(group):
            yield from _conversation(part, Conversation(*ends.of(part, number)))


def _connections(lines: Sequence[Line]) -> Iterator[tuple[int, list[Line]]]:
    """The lines of each connection, and its number.

    Without a number an attempt is a connection by itself, and the messages of one peer are one connection.
    """
    groups: dict[object, list[Line]] = {}
    for at, line in enumerate(lines):
        op = fields.operation(line)
        key: object = fields.connection(line)
        if key is None and op == "connect":
            key = ("attempt", at)
        elif key is None and fields.sender(line) is not None:
            key = ("peer", fields.whole(line, "pid"), fields.peer(line))
        if key is not None and not op.startswith("dns"):
            groups.setdefault(key, []).append(line)
    for group in groups.values():
        number = fields.whole(group[0], "conn")
        yield (fields.whole(group[0], "seq") or 0) if number is None else number, group


def _attempts(lines: list[Line]) -> Iterator[list[Line]]:
    """Each attempt that failed by itself; then the one that succeeded with all that was said on it."""
    kept = []
    for line in lines:
        if fields.operation(line) == "connect" and (fields.failure(line) or fields.hidden(line)):
            yield [line]
        else:
            kept.append(line)
    if any(_makes_packets(line) for line in kept):
        yield kept


def _makes_packets(line: Line) -> bool:
    return fields.operation(line) in {"connect", "close"} or fields.sender(line) is not None


def _conversation(lines: list[Line], conversation: Conversation) -> Iterator[Packet]:
    """The packets of one connection: connects first, whatever source told of them late."""
    messages = {id(each.line): each for each in written(lines)}
    for line in sorted(lines, key=_moment):
        op = fields.operation(line)
        message: Written | None = messages.get(id(line))
        if op == "connect":
            yield from conversation.connect(line)
        elif op == "close":
            yield from conversation.close(line)
        elif message is not None:
            yield from conversation.data(message)


def _moment(line: Line) -> tuple[bool, float]:
    return fields.operation(line) != "connect", fields.seconds(line, "t")


def _section() -> bytes:
    options = _option(_COMMENT, WARNING) + _option(_USER_APPLICATION, "txrepro")
    unknown_length = 0xFFFFFFFFFFFFFFFF
    return _block(_SECTION, struct.pack("<IHHQ", 0x1A2B3C4D, 1, 0, unknown_length) + options + bytes(4))


def _interface() -> bytes:
    resolution = struct.pack("<HHB3x", _RESOLUTION, 1, _MICROSECONDS)
    options = _option(_NAME, "rebuilt") + resolution + bytes(4)
    return _block(_INTERFACE, struct.pack("<HHI", _RAW_IP, 0, 0) + options)


def _packet(packet: Packet, wall_offset_s: float) -> bytes:
    stamp = _microseconds(wall_offset_s) + _microseconds(packet.time_s)
    stamp = min(max(stamp, 0), 0xFFFFFFFFFFFFFFFF)
    length = len(packet.data)
    head = struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, length, length)
    comment = _option(_COMMENT, shortened(printable(packet.comment), _MOST_OF_A_COMMENT))
    return _block(_PACKET, head + _padded(packet.data) + comment + bytes(4))


def _microseconds(moment_s: float) -> int:
    return round(moment_s * 1_000_000)


def _option(code: int, words: str) -> bytes:
    value = words.encode("utf-8", "replace")
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _block(kind: int, body: bytes) -> bytes:
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
