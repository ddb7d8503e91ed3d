"""A trace as text that reads from top to bottom, one event a line, in the manner of strace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from repro.events import Peer
from repro.trace.formats import fields
from repro.trace.formats.fields import Line
from repro.trace.formats.messages import told
from repro.trace.formats.printable import printable, shortened

MOST_OF_A_LINE = 300
"""Characters of one line; a lookup may have hundreds of answers."""

KERNEL = frozenset({"kernel", "strace", "notif", "seccomp"})
"""Sources that see what a process asks of the kernel."""

_LASTS = frozenset({"dns", "connect", "tls.handshake"})
"""Operations that take a while; the others are there at once."""

_WIDTH = 44


def timeline(lines: Iterable[Line]) -> Iterator[str]:
    """The trace as readable lines, without their ends.

    Args:
        lines: the trace, its head (``visibility``) included or not. The process is told where there is more
            than one, and so is the connection.
    """
    known = list(lines)
    several_processes = len({fields.whole(line, "pid") for line in known} - {None}) > 1
    several_connections = len({opened(line) for line in known} - {None}) > 1
    for line in known:
        yield line_of(line, pid=several_processes, conn=several_connections)


def line_of(event: Mapping[str, Any], *, pid: bool = False, conn: bool = False) -> str:
    """One event as a line that cannot drive a terminal.

    Args:
        event: the trace line; its times in seconds since the run's start.
        pid: tell the process.
        conn: tell the connection.
    """
    op = fields.operation(event)
    if op == "visibility":
        return shortened(_head(event), MOST_OF_A_LINE)
    start = f"{fields.seconds(event, 't0'):9.3f} s  {_who(event, pid=pid, conn=conn)}"
    body = _message(event) if fields.sender(event) else _step(event, op)
    return shortened((start + body).rstrip(), MOST_OF_A_LINE)


def opened(event: Line) -> fields.Connection | None:
    """The connection that the line belongs to; None for an attempt that failed: nothing comes after it."""
    failed_attempt = fields.operation(event) == "connect" and fields.failure(event) is not None
    return None if failed_attempt else fields.connection(event)


def witnesses(event: Line) -> str:
    """What is to be said of who saw an attempt, and who should have; nothing where all agree.

    A merged attempt has ``claimed`` false where no hook reported what the kernel saw, and ``confirmed`` false
    where the kernel did not see what a hook reported. Without either mark there was nobody else to see it.
    """
    if fields.operation(event) != "connect":
        return ""
    if event.get("claimed") is False:
        return "no hook saw it"
    return "the kernel did not see it" if event.get("confirmed") is False else ""


def outcome(event: Line) -> str:
    """What a step came to, in words or as its errno; nothing where nothing is to be said."""
    if fields.unresolved(event):
        return "no answer yet"
    if fields.given_up(event):
        return f"no answer, given up after {_lasted_s(event):.2f} s"
    if fields.hidden(event):
        return "result not visible" if fields.operation(event) == "connect" else ""
    failed = fields.reason(event)
    if failed is not None:
        return printable(failed)
    return "connected" if fields.operation(event) == "connect" else ""


def _step(event: Line, op: str) -> str:
    what = _dialled(event) if op == "connect" else _with_peer(event, op)
    took = f"{_lasted_s(event) * 1000:.1f} ms" if op in _LASTS else ""
    said = (f"{outcome(event):<18}", f"{took:>10}", f"[{_origin(event)}]", witnesses(event), _more(event))
    return "  ".join(filter(None, (f"{what:<{_WIDTH}}", *said)))


def _message(event: Line) -> str:
    arrow = "->" if fields.sender(event) == "client" else "<-"
    length = fields.whole(event, "len")
    failed = fields.failure(event)
    parts = (
        f"{arrow} {told(event)}",
        None if length is None else f"{length} B",
        failed and printable(failed),
    )
    return "  ".join(filter(None, parts))


def _dialled(event: Line) -> str:
    host = fields.text(event, "host")
    named = f" ({printable(host)})" if host else ""
    return f"connect {_end(fields.peer(event))}{named}"


def _with_peer(event: Line, op: str) -> str:
    peer = fields.peer(event)
    return told(event) if peer is None or op.startswith("dns") else f"{told(event)} {_end(peer)}"


def _end(peer: Peer | None) -> str:
    return "somewhere unknown" if peer is None else printable(peer)


def _more(event: Line) -> str:
    times = fields.whole(event, "connects") or 1
    again = f"dialled {times} times" if times > 1 else ""
    return "; ".join(filter(None, (again, "through the tap" if event.get("observer") == "tap" else "")))


def _origin(event: Line) -> str:
    source = fields.source(event)
    return "kernel" if source in KERNEL else printable(source)


def _lasted_s(event: Line) -> float:
    return max(0.0, fields.seconds(event, "t") - fields.seconds(event, "t0"))


def _who(event: Line, *, pid: bool, conn: bool) -> str:
    process = fields.whole(event, "pid")
    number = fields.whole(event, "conn")
    first = f"{'' if process is None else process:>7} " if pid else ""
    second = f"{'' if number is None else f'#{number}':>4} " if conn else ""
    return first + second + (" " if first or second else "")


def _head(event: Line) -> str:
    sources = ", ".join(fields.texts(event, "sources")) or "nobody"
    blind = "; ".join(fields.texts(event, "cannot_see")) or "nothing known"
    origin = fields.text(event, "wall_clock_origin") or "unknown"
    return printable(f"# seen by: {sources}; not visible: {blind}; 0 is {origin}")
