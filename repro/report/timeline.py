"""A trace as text: one event a line, in columns, for a thread that asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.document.excerpt import missing
from repro.events import Peer
from repro.report.counting import left_out
from repro.report.escape import brief

Line = Mapping[str, Any]

COMMON = frozenset({"seq", "t0", "t", "src", "op", "conn", "pid", "peer", "failure", "errno"})
"""The fields of every event; the others are those of its kind."""

MOST_OF_A_LINE = 300
"""Characters of one line; a lookup may have hundreds of answers."""

_TOLD_FIRST = (
    "host",
    "dns.name",
    "dns.answers",
    "http.method",
    "http.path",
    "http.status",
    "tls.version",
    "tls.verify",
)


def render(lines: Sequence[Line], *, most: int, fails_early: bool = False) -> str:
    """A trace as text.

    Args:
        lines: the trace, or an excerpt of it, its head included or not.
        most: lines to show; of a longer trace the first fifth and the end, which is where it failed.
        fails_early: whether the first lines tell, and the last ones clean up: then the end has the fifth.
    """
    shown = [line for line in lines if line["op"] != "visibility" or line.get("sources")]
    if not shown:
        return "# nothing was looked up, dialled or said"
    ends = shown if len(shown) <= 2 * most else [*shown[:most], *shown[len(shown) - most :]]
    unseen = missing(lines) + len(shown) - len(ends)
    head = most - most // 5 if fails_early else most // 5
    return "\n".join(excerpt(list(map(_line, ends)), most, unseen, head))


def excerpt(lines: Sequence[str], most: int, unseen: int = 0, head: int | None = None) -> list[str]:
    """The lines; of too many a fifth of the room from their head and the rest from their end.

    Args:
        lines: all of them, or their begin and their end.
        most: how many to show.
        unseen: how many are missing between that begin and that end.
        head: how many of them to show from the head, where it is not a fifth.
    """
    more = len(lines) + unseen - most
    if more <= 0:
        return list(lines)
    head = most // 5 if head is None else head
    tail = most - head
    return [*lines[:head], left_out(more, "line"), *lines[len(lines) - tail :]]


def _line(line: Line) -> str:
    return _head(line) if line["op"] == "visibility" else _event(line)


def _head(line: Line) -> str:
    sources = ", ".join(map(str, line.get("sources", ())))
    blind = "; ".join(map(str, line.get("cannot_see", ())))
    told = (
        f"# seen by: {sources}; not visible: {blind or 'nothing known'}; 0 is {line.get('wall_clock_origin')}"
    )
    return brief(told, MOST_OF_A_LINE)


def _event(line: Line) -> str:
    milliseconds = (line["t"] - line["t0"]) * 1000
    start = f"{line['t0']:+11.6f} s {milliseconds:9.3f} ms  {line['op']:<14}"
    told = " ".join(filter(None, (_whom(line), _fields(line), _how(line))))
    return brief(told, MOST_OF_A_LINE - len(start)).join((start, "")).rstrip()


def _whom(line: Line) -> str:
    peer = line.get("peer")
    return "" if peer is None else str(Peer(peer["address"], peer["port"]))


def _how(line: Line) -> str:
    if line.get("failure") is None:
        return ""
    errno = f" ({line['errno']})" if line.get("errno") else ""
    return f"FAILED {line['failure']}{errno}"


def _fields(line: Line) -> str:
    names = [name for name in _TOLD_FIRST if name in line]
    names += sorted(name for name in line if name not in COMMON and name not in _TOLD_FIRST)
    told: dict[str, str] = {}
    for name in names:
        if line[name] not in (None, "", []):
            told.setdefault(_short(name, str(line["op"])), _value(line[name]))
    return " ".join(f"{name}={value}" for name, value in told.items())


def _short(name: str, operation: str) -> str:
    """A field without its family: the length that a Postgres message states is that on the wire again."""
    return name.removeprefix(operation.partition(".")[0] + ".")


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_value, value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_value(each)}" for name, each in value.items()) + "}"
    return str(value)
