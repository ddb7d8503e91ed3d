"""The packets of one TCP connection, from its events: handshake, data, end. Source: RFC 9293, 3.5 and 3.6."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from repro.trace.formats import fields
from repro.trace.formats.fields import Line
from repro.trace.formats.messages import told
from repro.trace.formats.packets import ACK, FIN, MOST_OF_A_SEGMENT, PSH, RST, SYN, End, tcp
from repro.trace.formats.streams import Written

_REJECTED = frozenset({"connection_refused", "connection_reset"})
"""What a server says with RST."""

_FIRST = {"client": 1000, "server": 2000}
"""Initial sequence numbers: any will do."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of the file.

    Args:
        time_s: seconds since the run's start.
        data: from the IP header on.
        comment: which event it was made of, and what it does not show.
    """

    time_s: float
    data: bytes
    comment: str


class Conversation:
    """Both ends of one connection and how far each has got.

    Args:
        client: its end.
        server: its end.
        invented: which of these no source saw, in words.
    """

    def __init__(self, client: End, server: End, invented: str) -> None:
        self._ends = {"client": client, "server": server}
        self._invented = invented
        self._next = dict(_FIRST)
        self._connected = False
        self._closed: set[str] = set()
        self._now_s = 0.0

    def connect(self, line: Line) -> Iterator[Packet]:
        """A handshake, a rejected one, or one that nobody answered."""
        begun, ended = fields.seconds(line, "t0"), fields.seconds(line, "t")
        failed = fields.failure(line)
        seen = not fields.hidden(line)
        if self._connected and failed is None and seen:
            return  # another source tells of the same connection
        answer = failed in _REJECTED or (failed is None and seen)
        words = "" if seen else "what it came to was not seen"
        yield self._packet("client", begun, SYN, line, words if answer or words else "no answer was seen")
        self._next["client"] += 1
        if failed is None and seen:
            yield self._packet("server", ended, SYN | ACK, line)
            self._next["server"] += 1
            yield self._packet("client", ended, ACK, line)
            self._connected = True
        elif answer:
            yield self._packet("server", ended, RST | ACK, line, number=0)

    def data(self, written: Written) -> Iterator[Packet]:
        """One message, in as many segments as it takes."""
        end = fields.sender(written.line)
        if end is None:
            return
        moment = fields.seconds(written.line, "t")
        self._connected = True
        for at in range(0, len(written.data), MOST_OF_A_SEGMENT):
            part = written.data[at : at + MOST_OF_A_SEGMENT]
            note = ", ".join(filter(None, (written.note, "continued" if at else "")))
            yield self._packet(end, moment, PSH | ACK, written.line, note, data=part)
            self._next[end] += len(part)

    def close(self, line: Line) -> Iterator[Packet]:
        """FIN and its ACK, or RST; nothing where there was no connection, or this end has said so before."""
        failed = fields.failure(line)
        closing = fields.sender(line) or ("client" if failed is None else "server")
        other = "server" if closing == "client" else "client"
        if not self._connected or closing in self._closed:
            return
        self._closed.add(closing)
        moment = fields.seconds(line, "t")
        if failed == "connection_reset":
            yield self._packet(closing, moment, RST | ACK, line)
            return
        yield self._packet(closing, moment, FIN | ACK, line)
        self._next[closing] += 1
        yield self._packet(other, moment, ACK, line)

    def _packet(
        self,
        end: str,
        moment_s: float,
        flags: int,
        line: Line,
        note: str = "",
        *,
        data: bytes = b"",
        number: int | None = None,
    ) -> Packet:
        """A packet of one end, no earlier than the one before."""
        other = "server" if end == "client" else "client"
        self._now_s = max(self._now_s, moment_s)
        built = tcp(
            self._ends[end],
            self._ends[other],
            seq=self._next[end] if number is None else number,
            ack=self._next[other] if flags & ACK else 0,
            flags=flags,
            data=data,
        )
        return Packet(self._now_s, built, comment_of(line, note, self._invented))


def comment_of(line: Line, *notes: str) -> str:
    """Which event it is of, who saw it, what it says and what is to be known."""
    number = fields.whole(line, "seq")
    seen = f"event {'?' if number is None else number} ({fields.source(line)})"
    failed = fields.reason(line)
    op, words = fields.operation(line), told(line)
    parts = [op if words == op else f"{op}: {words}", failed and f"failed: {failed}", *notes]
    return "; ".join((seen, *(part for part in parts if part)))
