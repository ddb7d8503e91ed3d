"""Reads pcapng and packets back, independently of what wrote them."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    kind: int
    body: bytes


@dataclass(frozen=True)
class Segment:
    """One TCP segment or UDP datagram of a file."""

    microseconds: int
    comment: str
    protocol: int
    source: tuple[str, int]
    target: tuple[str, int]
    seq: int
    ack: int
    flags: int
    data: bytes


def blocks(data: bytes) -> Iterator[Block]:
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        assert length % 4 == 0
        assert struct.unpack_from("<I", data, at + length - 4)[0] == length
        yield Block(kind, data[at + 8 : at + length - 4])
        at += length
    assert at == len(data)


def options(body: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at < len(body):
        code, length = struct.unpack_from("<HH", body, at)
        if code == 0:
            assert at + 4 == len(body)
            break
        found[code] = body[at + 4 : at + 4 + length]
        at += 4 + length + -length % 4
    return found


def segments(data: bytes) -> list[Segment]:
    return [_segment(block.body) for block in blocks(data) if block.kind == 6]


def _segment(body: bytes) -> Segment:
    interface, high, low, captured, length = struct.unpack_from("<IIIII", body)
    assert interface == 0
    assert captured == length
    packet = body[20 : 20 + captured]
    comment = options(body[20 + captured + -captured % 4 :])[1].decode()
    source, target, protocol, content = _ip(packet)
    if protocol == 17:
        ports = struct.unpack_from(">HH", content)
        numbers, rest = (0, 0, 0), content[8:]
        assert struct.unpack_from(">H", content, 4)[0] == len(content)
    else:
        first, second, seq, ack, offset, flags = struct.unpack_from(">HHIIBB", content)
        ports, numbers, rest = (first, second), (seq, ack, flags), content[(offset >> 4) * 4 :]
    ends = ((source, ports[0]), (target, ports[1]))
    return Segment(high << 32 | low, comment, protocol, *ends, *numbers, rest)


def _ip(packet: bytes) -> tuple[str, str, int, bytes]:
    if packet[0] >> 4 == 4:
        assert _sum(packet[:20]) == 0xFFFF
        assert struct.unpack_from(">H", packet, 2)[0] == len(packet)
        source, target, protocol, content = packet[12:16], packet[16:20], packet[9], packet[20:]
        pseudo = source + target + struct.pack(">BBH", 0, protocol, len(content))
    else:
        source, target, protocol, content = packet[8:24], packet[24:40], packet[6], packet[40:]
        assert struct.unpack_from(">H", packet, 4)[0] == len(content)
        pseudo = source + target + struct.pack(">II", len(content), protocol)
    assert _sum(pseudo + content) == 0xFFFF
    return str(ipaddress.ip_address(source)), str(ipaddress.ip_address(target)), protocol, content


def _sum(data: bytes) -> int:
    """The sum that RFC 1071 describes, word by word; 0xFFFF where a checksum is right."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
