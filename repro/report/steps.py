"""A trace as the steps of a conversation: who says what to whom, without what a reader need not know.

The messages that make one step of Postgres's protocol (Parse, Bind, Describe, Execute, Sync and their
answers) are one statement and one answer; a login is one step; statements of the probe's own are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from repro.events import Peer
from repro.report.escape import one_line

Line = Mapping[str, Any]

MOST_OF_A_TEXT = 70

RESOLVER = "resolver"
PROBE = "probe"

_OBSERVES = ("SELECT pg_backend_pid()", "SELECT current_setting(")
"""How the statements begin that the probe puts between those of the transaction."""

_LOGIN = frozenset({"StartupMessage", "PasswordMessage", "SASLInitialResponse"})


@dataclass(frozen=True, slots=True)
class Step:
    """One message, or something to note.

    Args:
        sender: `PROBE`, `RESOLVER`, or an address as ``127.0.0.1:5432``; empty for a note.
        receiver: the same.
        text: what is said, on one line.
        failed: whether it went wrong: it is a refusal, an error, an end.
        is_answer: whether it answers the step before it.
        times: how often in a row.
    """

    sender: str
    receiver: str
    text: str
    failed: bool = False
    is_answer: bool = False
    times: int = 1


def steps(lines: Iterable[Line]) -> list[Step]:
    """The steps of a trace, in order; what is said many times in a row is one step.

    Args:
        lines: of one probe's trace, its head included or not.
    """
    kept = [line for line in lines if line["op"] != "visibility"]
    conversation = _Conversation(kept)
    return _joined(step for line in _in_order(kept) for step in conversation.heard(line))


def _joined(told: Iterable[Step]) -> list[Step]:
    """Equal steps in a row as one, and equal pairs of a question and its answer."""
    found: list[Step] = []
    for step in told:
        found.append(step)
        for length in (1, 2):
            last, before = found[-length:], found[-2 * length : -length]
            if len(before) == length and [replace(each, times=1) for each in before] == last:
                del found[-length:]
                found[-length:] = [replace(each, times=each.times + 1) for each in before]
    return found


def _in_order(lines: Sequence[Line]) -> Iterator[Line]:
    """The lines by their begin, a connection's messages after its connect: Node queues them before."""
    connected: set[Any] = {None}
    waiting: dict[Any, list[Line]] = {}
    connects = {line["conn"] for line in lines if line["op"] == "connect"}
    for line in sorted(lines, key=lambda each: (each["t0"], each["seq"])):
        conn = line["conn"]
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
        self._peers = {line["conn"]: _address(line) for line in lines if line.get("peer") is not None}
        self._sees_inside = any(line["op"] == "pg.msg" for line in lines)
        self._has_outer = any(line["op"] == "pg.msg" and line["conn"] in self._peers for line in lines)
        self._postgres: dict[Any, _Postgres] = {}

    def heard(self, line: Line) -> Iterator[Step]:
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

    def _peer(self, line: Line) -> str:
        return self._peers.get(line["conn"]) or "an unknown address"

    def _sent(self, line: Line, text: str, *, failed: bool = False, is_answer: bool = False) -> Step:
        """A step from whoever sent the event."""
        ends = (self._peer(line), PROBE) if line.get("sender") == "server" else (PROBE, self._peer(line))
        return Step(*ends, _short(text), failed=failed, is_answer=is_answer)

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
            yield self._sent(line, f"{line.get('http.method', '')} {line.get('http.path', '')}")
        elif line["op"] == "http.response":
            status = line.get("http.status")
            bad = isinstance(status, int) and status >= 400
            yield self._sent(line, f"{status}", failed=bad, is_answer=True)
            if bad:
                return
        yield from self._failed(line)

    def _message(self, line: Line) -> Iterator[Step]:
        if line["conn"] not in self._peers and self._has_outer:
            return  # psycopg inside of a tunnel; what goes through the tunnel is told
        talk = self._postgres.setdefault(line["conn"], _Postgres())
        for text, failed in talk.heard(line):
            yield self._sent(line, text, failed=failed, is_answer=line.get("sender") == "server")
        yield from self._failed(line)

    def _redis(self, line: Line) -> Iterator[Step]:
        if line["op"] == "redis.cmd":
            yield self._sent(line, str(line.get("redis.cmd")))
        else:
            kind = str(line.get("redis.reply_type"))
            yield self._sent(line, kind, failed=kind == "error", is_answer=True)
        yield from self._failed(line)

    def _frame(self, line: Line) -> Iterator[Step]:
        if line["op"] == "ws.close":
            yield self._sent(line, f"WebSocket close {line.get('ws.close_code') or ''}")
        elif not self._sees_inside:
            yield self._sent(line, f"WebSocket {line.get('ws.opcode', 'message')}")
        yield from self._failed(line)

    def _note(self, line: Line) -> Iterator[Step]:
        yield Step("", "", _short(str(line.get("text", "")), 2 * MOST_OF_A_TEXT))

    def _other(self, line: Line) -> Iterator[Step]:
        yield from self._failed(line)


class _Postgres:
    """The statements and answers of one connection, and its login, out of its messages."""

    def __init__(self) -> None:
        self._prepared: dict[str, str] = {}
        self._bound: str | None = None
        self._observing = False
        self._logging_in = False

    def heard(self, line: Line) -> Iterator[tuple[str, bool]]:
        """What one message tells, and whether that is a failure."""
        name = str(line.get("pg.name"))
        if line.get("sender") == "client":
            yield from ((text, False) for text in self._asked(name, line))
        else:
            yield from self._answered(name, line)

    def _asked(self, name: str, line: Line) -> Iterator[str]:
        sql = one_line(str(line.get("pg.sql") or ""))
        if name in _LOGIN and not self._logging_in:
            self._logging_in = True
            yield "log in"
        elif name == "Query":
            yield from self._statement(sql)
        elif name == "Parse":
            self._bound = self._prepared[str(line.get("pg.statement") or "")] = sql
        elif name == "Bind":
            self._bound = self._prepared.get(str(line.get("pg.statement") or ""), self._bound)
        elif name == "Execute":
            yield from self._statement(self._bound or "a prepared statement")

    def _statement(self, sql: str) -> Iterator[str]:
        self._observing = sql.startswith(_OBSERVES)
        if not self._observing:
            yield sql.replace('"', "")

    def _answered(self, name: str, line: Line) -> Iterator[tuple[str, bool]]:
        if name == "ErrorResponse":
            yield f"{line.get('pg.sqlstate') or ''} {one_line(str(line.get('pg.message') or 'error'))}", True
        elif name == "AuthenticationOk" and self._logging_in:
            yield "logged in", False
        elif name == "CommandComplete" and not self._observing:
            yield str(line.get("pg.tag")), False


def _address(line: Line) -> str:
    return str(Peer(line["peer"]["address"], line["peer"]["port"]))


def _short(text: str, most: int = MOST_OF_A_TEXT) -> str:
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"
