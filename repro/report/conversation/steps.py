"""A trace as the steps of a conversation: who says what to whom, without what a reader need not know.

The messages that make one step of Postgres's protocol (Parse, Bind, Describe, Execute, Sync and their
answers) are one statement and one answer; a login is one step; statements of the probe's own are left out.
Where an address is spoken to on several connections, each of them is a speaker of its own: which statement
went where is what tells a transaction that is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from repro.events import Peer
from repro.report.conversation.session import Session
from repro.report.escape import one_line

Line = Mapping[str, Any]

MOST_OF_A_TEXT = 70

RESOLVER = "resolver"
PROBE = "probe"
NO_ANSWER = "no answer was seen"

_SPEAKS = ("http.", "pg.", "redis.", "ws.")
"""How the names of the events begin that say something on a connection."""


@dataclass(frozen=True, slots=True)
class Server:
    """Whom a probe speaks to.

    Args:
        address: as ``127.0.0.1:5432``.
        connection: which of the trace's connections, from 1; None where the address alone says it.
        backend: the process of Postgres that serves this connection, where the trace tells it.
    """

    address: str
    connection: int | None = None
    backend: int | None = None


Speaker = Server | str
"""A server, or `PROBE`, or `RESOLVER`; empty for nobody."""


@dataclass(frozen=True, slots=True)
class _State:
    """The state of a session, which is told with the answer before it."""

    sender: Server
    words: str


@dataclass(frozen=True, slots=True)
class Step:
    """One message, or something to note.

    Args:
        sender: who says it; empty for a note.
        receiver: to whom.
        text: what is said, on one line.
        failed: whether it went wrong: it is a refusal, an error, an end.
        is_answer: whether it answers the step before it.
        is_question: whether an answer to it has to come.
        is_opaque: whether what it says was not seen.
        times: how often in a row.
    """

    sender: Speaker
    receiver: Speaker
    text: str
    failed: bool = False
    is_answer: bool = False
    is_question: bool = False
    is_opaque: bool = False
    times: int = 1


def steps(lines: Iterable[Line], *, since: float = 0.0) -> list[Step]:
    """The steps of a trace, in order; what is said many times in a row is one step.

    Args:
        lines: of one probe's trace, its head included or not.
        since: seconds from the run's start; of what was before, only what later lines refer to is known.
    """
    kept = [line for line in lines if line["op"] != "visibility"]
    conversation = _Conversation(kept)
    heard = ((line, list(conversation.heard(line))) for line in _in_order(kept))
    told = [step for line, found in heard if line["t0"] >= since for step in found]
    return _joined(_with_silences(_with_states(told)))


def _with_states(told: Iterable[Step | _State]) -> list[Step]:
    """The states of sessions as part of the answers that they came with."""
    found: list[Step] = []
    for step in told:
        if isinstance(step, Step):
            found.append(step)
        elif found and found[-1].is_answer and found[-1].sender == step.sender:
            found[-1] = replace(found[-1], text=f"{found[-1].text} ({step.words})")
    return found


def _with_silences(told: Sequence[Step]) -> list[Step]:
    """After a connection's last question, where it was answered by nothing and others were spoken to."""
    last = {
        server: place
        for place, step in enumerate(told)
        for server in (step.sender, step.receiver)
        if isinstance(server, Server) and server.connection is not None
    }
    silent = {place for place in last.values() if told[place].is_question and place < len(told) - 1}
    found: list[Step] = []
    for place, step in enumerate(told):
        found.append(step)
        if place in silent:
            found.append(Step(step.receiver, PROBE, NO_ANSWER, failed=True, is_answer=True))
    return found


def _opaque_joined(told: Iterable[Step]) -> Iterator[Step]:
    """Messages in a row of which only that they were is known: as many as each speaker sent to each."""
    for is_opaque, group in groupby(told, lambda step: step.is_opaque):
        if is_opaque:
            counts = Counter(group)
            yield from (replace(step, times=count) for step, count in counts.items())
        else:
            yield from group


def _joined(told: Iterable[Step]) -> list[Step]:
    """Equal steps in a row as one, and equal pairs of a question and its answer."""
    found: list[Step] = []
    for step in _opaque_joined(told):
        found.append(step)
        for length in (1, 2):
            last, before = found[-length:], found[-2 * length : -length]
            if length == 2 and last[0].is_answer:
                continue
            if len(before) == length and [replace(each, times=1) for each in before] == last:
                del found[-length:]
                found[-length:] = [replace(each, times=each.times + 1) for each in before]
    return found


def _in_order(lines: Sequence[Line]) -> Iterator[Line]:
    """The lines by their begin, a connection's messages after its connect: Node queues them before."""
    connected: set[_Key | None] = {None}
    waiting: dict[_Key | None, list[Line]] = {}
    connects = {_key(line) for line in lines if line["op"] == "connect"}
    for line in sorted(lines, key=lambda each: (each["t0"], each["seq"])):
        conn = _key(line)
        if line["op"] == "connect":
            yield line
            connected.add(conn)
            held = waiting.pop(conn, [])
            yield from (each for each in held if each["op"].startswith("tls."))
            waiting[conn] = [each for each in held if not each["op"].startswith("tls.")]
        elif line["op"] == "dns" or conn in connected or conn not in connects:
            if not line["op"].startswith("tls."):
                yield from waiting.pop(conn, [])
            yield line
        else:
            waiting.setdefault(conn, []).append(line)


class _Conversation:
    """What was said before on each connection, as far as it matters for what comes next.

    Args:
        lines: the whole trace.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self._peers = _servers(lines)
        self._sees_inside = any(line["op"] == "pg.msg" for line in lines)
        self._has_outer = any(line["op"] == "pg.msg" and _key(line) in self._peers for line in lines)
        self._postgres: dict[_Key | None, Session] = {}

    def heard(self, line: Line) -> Iterator[Step | _State]:
        """The steps that an event makes: none, one or two."""
        kind = line["op"].partition(".")[0]
        tell = {
            "dns": self._lookup,
            "connect": self._connect,
            "tls": self._tls,
            "http": self._http,
            "pg": self._message,
            "redis": self._redis,
            "ws": self._frame,
            "note": self._note,
        }.get(kind, self._other)
        return tell(line)

    def _peer(self, line: Line) -> Server:
        return self._peers.get(_key(line)) or Server("an unknown address")

    def _asked(self, line: Line, text: str) -> Step:
        return Step(PROBE, self._peer(line), _short(text), is_question=True)

    def _answered(self, line: Line, text: str, *, failed: bool = False) -> Step:
        return Step(self._peer(line), PROBE, _short(text), failed=failed, is_answer=True)

    def _sent(self, line: Line, text: str) -> Step:
        """A step from whoever sent the event."""
        peer = self._peer(line)
        if line.get("sender") == "server":
            return Step(peer, PROBE, _short(text))
        return Step(PROBE, peer, _short(text))

    def _failed(self, line: Line) -> Iterator[Step]:
        if line["failure"] is not None:
            how = line["errno"] or line["failure"]
            yield Step(self._peer(line), PROBE, _short(f"{line['op']}: {how}"), failed=True)

    def _lookup(self, line: Line) -> Iterator[Step]:
        yield Step(PROBE, RESOLVER, _short(line.get("dns.name") or "a name"))
        answers = ", ".join(map(str, line.get("dns.answers") or ())) or "no answer"
        failure = line["failure"]
        yield Step(RESOLVER, PROBE, _short(failure or answers), failed=failure is not None, is_answer=True)

    def _connect(self, line: Line) -> Iterator[Step]:
        how = line["errno"] or line["failure"]
        text = f"connect: {how}" if how else "connect"
        yield Step(PROBE, self._peer(line), _short(text), failed=line["failure"] is not None)

    def _tls(self, line: Line) -> Iterator[Step]:
        if line["op"] == "tls.handshake" and line["failure"] is None:
            yield Step(PROBE, self._peer(line), _short(f"TLS handshake {line.get('tls.version') or ''}"))
        elif line["op"] == "tls.handshake":
            yield from self._failed(line)

    def _http(self, line: Line) -> Iterator[Step]:
        if line["op"] == "http.request":
            yield self._asked(line, f"{line.get('http.method', '')} {line.get('http.path', '')}")
        elif line["op"] == "http.response":
            status = line.get("http.status")
            bad = isinstance(status, int) and status >= 400
            yield self._answered(line, f"{status}", failed=bad)
            if bad:
                return
        yield from self._failed(line)

    def _message(self, line: Line) -> Iterator[Step | _State]:
        if _key(line) not in self._peers and self._has_outer:
            return  # psycopg inside of a tunnel; what goes through the tunnel is told
        talk = self._postgres.setdefault(_key(line), Session())
        if line.get("sender") == "client":
            yield from (self._asked(line, text) for text in talk.asked(line))
        else:
            yield from (self._answered(line, text, failed=failed) for text, failed in talk.answered(line))
            yield from (_State(self._peer(line), state) for state in talk.state(line))
        yield from self._failed(line)

    def _redis(self, line: Line) -> Iterator[Step]:
        if line["op"] == "redis.cmd":
            yield self._asked(line, str(line.get("redis.cmd")))
        else:
            kind = str(line.get("redis.reply_type"))
            yield self._answered(line, kind, failed=kind == "error")
        yield from self._failed(line)

    def _frame(self, line: Line) -> Iterator[Step]:
        if line["op"] == "ws.close":
            yield self._sent(line, f"WebSocket close {line.get('ws.close_code') or ''}")
        elif not self._sees_inside:
            packed = ", compressed" if line.get("ws.deflate") else ""
            text = f"WebSocket {line.get('ws.opcode', 'message')}{packed}"
            yield replace(self._sent(line, text), is_opaque=True)
        yield from self._failed(line)

    def _note(self, line: Line) -> Iterator[Step]:
        yield Step("", "", _short(str(line.get("text", "")), 2 * MOST_OF_A_TEXT))

    def _other(self, line: Line) -> Iterator[Step]:
        yield from self._failed(line)


_Key = tuple[Any, int]
"""A connection: its process, and the number that it has there."""


def _key(line: Line) -> _Key | None:
    return None if line["conn"] is None else (line["pid"], line["conn"])


def _servers(lines: Sequence[Line]) -> dict[_Key | None, Server]:
    """Whom each connection leads to, with its number where its address is spoken to on several."""
    addresses = {key: _address(line) for line in lines if line.get("peer") and (key := _key(line))}
    speaking = {_key(line) for line in lines if line["op"].startswith(_SPEAKS)}
    spoken_to = [address for key, address in addresses.items() if key in speaking]
    backends = {_key(line): line.get("pg.pid") for line in lines if line.get("pg.name") == "BackendKeyData"}
    return {
        key: Server(address, number, backends.get(key))
        if key in speaking and spoken_to.count(address) > 1
        else Server(address)
        for number, (key, address) in enumerate(addresses.items(), start=1)
    }


def _address(line: Line) -> str:
    return str(Peer(line["peer"]["address"], line["peer"]["port"]))


def _short(text: str, most: int = MOST_OF_A_TEXT) -> str:
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"
