"""The packets of lookups. Source: RFC 1035, 4.1."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

from repro.trace.formats import fields
from repro.trace.formats.conversation import Packet, comment_of
from repro.trace.formats.ends import resolver
from repro.trace.formats.fields import Address, Line
from repro.trace.formats.packets import TYPES, dns, udp

_MOST_ANSWERS = 500
"""Addresses of one response: more would not fit its datagram."""


def lookups(lines: Sequence[Line]) -> Iterator[Packet]:
    """Queries and responses. ``dns`` is a lookup by the program, ``dns.query`` a question that was sent."""
    asked: dict[str, list[str]] = {}
    for line in lines:
        name = fields.text(line, "dns.name")
        if name is not None and fields.operation(line) == "dns.query":
            kind = _kinds(line)[0]
            asked.setdefault(name, []).append(kind)
            yield from _query(line, name, kind)
    for line in lines:
        name = fields.text(line, "dns.name")
        if name is not None and fields.operation(line) == "dns":
            for kind in asked.get(name) or _kinds(line):
                if name not in asked:
                    yield from _query(line, name, kind)
                yield from _response(line, name, kind)


def _query(line: Line, name: str, kind: str) -> Iterator[Packet]:
    client, server, invented = resolver(line)
    data = dns(_identity(name, kind), name, TYPES[kind], None)
    if data is not None:
        comment = comment_of(line, "query", invented)
        yield Packet(fields.seconds(line, "t0"), udp(client, server, data), comment)


def _response(line: Line, name: str, kind: str) -> Iterator[Packet]:
    """The response, where one was seen."""
    client, server, invented = resolver(line)
    rcode = _rcode(line)
    answers = [address for address in _answers(line) if kind == "ANY" or _kind(address) == kind]
    data = None if rcode is None else dns(_identity(name, kind), name, TYPES[kind], answers, rcode)
    if data is not None:
        ended = max(fields.seconds(line, "t0"), fields.seconds(line, "t"))
        yield Packet(ended, udp(server, client, data), comment_of(line, "response", invented))


def _identity(name: str, kind: str) -> int:
    """Ties a response to its query: no source tells the real number."""
    return zlib.crc32(f"{kind} {name}".encode("utf-8", "replace")) & 0xFFFF


def _kinds(line: Line) -> list[str]:
    """The types asked for: as told, or those of the answers (``getaddrinfo`` does not tell)."""
    asked = (fields.text(line, "dns.type") or "").upper()
    if asked in TYPES:
        return [asked]
    return sorted({_kind(address) for address in _answers(line)}) or ["A"]


def _answers(line: Line) -> list[Address]:
    found = (fields.literal(answer) for answer in fields.texts(line, "dns.answers")[:_MOST_ANSWERS])
    return [address for address in found if address is not None]


def _kind(address: Address) -> str:
    return "AAAA" if address.version == 6 else "A"


def _rcode(line: Line) -> int | None:
    """The response's code (RFC 1035, 4.1.1); None where no response was seen."""
    told = fields.whole(line, "dns.rcode")
    failed = fields.failure(line)
    if fields.hidden(line) or fields.given_up(line) or fields.unresolved(line):
        return None
    if told is not None:
        return told & 0x0F
    return 0 if failed is None else 3 if failed == "dns_nxdomain" else 2
