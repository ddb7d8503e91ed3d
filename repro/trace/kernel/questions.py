"""Which names a resolver asks for, in the packets it sends. Sans I/O.

Layout of a DNS message: RFC 1035, section 4.1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_HEADER = struct.Struct(">HHHHHH")
_TYPES = {1: "A", 5: "CNAME", 28: "AAAA", 33: "SRV", 65: "HTTPS"}
_MAX_NAME = 255
_RESPONSE = 0x8000


@dataclass(frozen=True, slots=True)
class Question:
    """A name and the type of record that is asked for, such as ``AAAA``."""

    name: str
    kind: str


def question_in(packet: bytes) -> Question | None:
    """The question of a query; None for what is no query."""
    if len(packet) < _HEADER.size:
        return None
    _, flags, questions, answers, _, _ = _HEADER.unpack_from(packet)
    if flags & _RESPONSE or questions != 1 or answers:
        return None
    labels, at = _labels(packet, _HEADER.size)
    if labels is None or len(packet) < at + 4:
        return None
    kind, _ = struct.unpack_from(">HH", packet, at)
    return Question(".".join(labels), _TYPES.get(kind, str(kind)))


def _labels(packet: bytes, at: int) -> tuple[list[str] | None, int]:
    labels: list[str] = []
    end = min(len(packet), at + _MAX_NAME)
    while at < end:
        length = packet[at]
        at += 1
        if length == 0:
            return labels, at
        if length > 63 or at + length > end:  # a pointer stands in no question
            return None, at
        labels.append(packet[at : at + length].decode("ascii", "backslashreplace"))
        at += length
    return None, at
