"""Packets of IP, TCP and UDP, with their checksums, and messages of DNS.

Source: RFC 791, RFC 8200 (IP), RFC 9293 (TCP), RFC 768 (UDP), RFC 1071 (checksum), RFC 1035 (DNS).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address

from repro.trace.formats.fields import Address

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

MOST_OF_A_SEGMENT = 0xFFFF - 20 - 20
"""Bytes of TCP payload in one IPv4 packet of the largest size."""

TYPES = {"A": 1, "CNAME": 5, "AAAA": 28, "SRV": 33, "HTTPS": 65, "ANY": 255}
_TCP, _UDP = 6, 17


@dataclass(frozen=True, slots=True)
class End:
    """One end of a packet: an address of figures and a port."""

    address: Address
    port: int


def tcp(source: End, target: End, *, seq: int, ack: int, flags: int, data: bytes = b"") -> bytes:
    """An IP packet with one segment.

    Args:
        source: who sends it, of the same family as ``target``.
        target: who gets it.
        seq: sequence number, modulo 2**32.
        ack: acknowledgment number, modulo 2**32.
        flags: of `FIN` and the others.
        data: at most `MOST_OF_A_SEGMENT` bytes.
    """
    numbers = (seq & 0xFFFFFFFF, ack & 0xFFFFFFFF)
    head = struct.pack(">HHIIBBHHH", source.port, target.port, *numbers, 5 << 4, flags, 0xFFFF, 0, 0)
    total = checksum(_pseudo(source, target, _TCP, len(head) + len(data)) + head + data)
    return _ip(source, target, _TCP, head[:16] + struct.pack(">HH", total, 0) + data)


def udp(source: End, target: End, data: bytes) -> bytes:
    """An IP packet with one datagram."""
    length = 8 + len(data)
    head = struct.pack(">HHHH", source.port, target.port, length, 0)
    total = checksum(_pseudo(source, target, _UDP, length) + head + data) or 0xFFFF  # 0 stands for none
    return _ip(source, target, _UDP, head[:6] + struct.pack(">H", total) + data)


def checksum(data: bytes) -> int:
    """The ones' complement of the ones' complement sum of 16-bit words (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    # 2**16 is 1 modulo 65535, so the number as a whole has the same remainder as the sum of its words.
    total = int.from_bytes(padded, "big") % 0xFFFF
    if not total and any(padded):
        total = 0xFFFF
    return ~total & 0xFFFF


def dns(
    identity: int, name: str, kind: int, answers: Sequence[Address] | None, rcode: int = 0
) -> bytes | None:
    """A query, or with ``answers`` (which may be none) a response.

    Args:
        identity: ties both together, 16 bits.
        name: asked for, without its final dot.
        kind: the type's number, such as 1 for A.
        answers: addresses of any family; their record's type follows it.
        rcode: 0 for no error, 3 for a name that does not exist.

    Returns:
        The message, or None for a text that is no name (RFC 1035, 2.3.4: 63 octets a label, 255 in all).
    """
    labels = [each.encode("utf-8", "replace") for each in name.rstrip(".").split(".")]
    encoded = b"".join(struct.pack(">B", len(each) & 0xFF) + each for each in labels) + b"\0"
    if not all(1 <= len(each) <= 63 for each in labels) or len(encoded) > 255:
        return None
    flags = 0x0100 if answers is None else 0x8180 | rcode & 0x0F
    records = b"".join(
        struct.pack(">HHHIH", 0xC00C, 28 if isinstance(each, IPv6Address) else 1, 1, 0, len(each.packed))
        + each.packed
        for each in answers or ()
    )
    head = struct.pack(">HHHHHH", identity & 0xFFFF, flags, 1, len(answers or ()), 0, 0)
    return head + encoded + struct.pack(">HH", kind, 1) + records


def _ip(source: End, target: End, protocol: int, data: bytes) -> bytes:
    addresses = source.address.packed + target.address.packed
    if isinstance(source.address, IPv6Address):
        return struct.pack(">IHBB", 6 << 28, len(data), protocol, 64) + addresses + data
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(data), 0, 0x4000, 64, protocol, 0)
    total = checksum(head + addresses)
    return head[:10] + struct.pack(">H", total) + addresses + data


def _pseudo(source: End, target: End, protocol: int, length: int) -> bytes:
    """What the checksum covers besides (RFC 9293, 3.1; RFC 8200, 8.1)."""
    addresses = source.address.packed + target.address.packed
    if isinstance(source.address, IPv6Address):
        return addresses + struct.pack(">II", length, protocol)
    return addresses + struct.pack(">BBH", 0, protocol, length)
