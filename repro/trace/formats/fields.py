"""What a trace line says, by type. A line is foreign data: a field of another type counts as not there."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from repro.events import Peer

Line = Mapping[str, Any]
"""One line of a trace (``txrepro/event/1``), as `repro.events.Event.as_json` makes it."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Connection = tuple[Any, Any]
"""What tells connections apart: the process and its number there."""

_UNKNOWN = "unknown_failure: "
_GIVEN_UP = ("abandoned", "given up")
_UNRESOLVED = "unresolved"


def text(line: Line, name: str) -> str | None:
    """The field where it is a text that is not empty."""
    value = line.get(name)
    return value if isinstance(value, str) and value else None


def whole(line: Line, name: str) -> int | None:
    """The field where it is a whole number, zero or more."""
    value = line.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def seconds(line: Line, name: str) -> float:
    """The field as seconds; 0 where it is no finite number."""
    value = line.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    try:
        return float(value) if math.isfinite(value) else 0.0
    except OverflowError:
        return 0.0


def texts(line: Line, name: str) -> list[str]:
    """The texts of a field that is a list of them, or the names of a mapping, or one text."""
    value = line.get(name)
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, Sequence | Mapping) and not isinstance(value, bytes):
        return [each for each in value if isinstance(each, str) and each]
    return []


def operation(line: Line) -> str:
    """What happened, such as ``pg.msg``."""
    return text(line, "op") or "note"


def source(line: Line) -> str:
    """Who saw it, such as ``hook``."""
    return text(line, "src") or "unknown"


def peer(line: Line) -> Peer | None:
    """The far end: its literal address or its path, and its port."""
    return _end(line.get("peer"))


def local(line: Line) -> Peer | None:
    """The near end, where a source saw it."""
    return _end(line.get("local"))


def _end(value: Any) -> Peer | None:
    if not isinstance(value, Mapping):
        return None
    address, port = text(value, "address"), whole(value, "port")
    if address is None or (port is not None and port > 0xFFFF):
        return None
    return Peer(address, port)


def literal(address: str) -> Address | None:
    """The address of figures, without its scope; None for a name or a path."""
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None


def connection(line: Line) -> Connection | None:
    """Which connection the line belongs to; None for none."""
    number = whole(line, "conn")
    return None if number is None else (whole(line, "pid"), number)


def sender(line: Line) -> Literal["client", "server"] | None:
    """Who sent the message; None for a line that is no message."""
    value = line.get("sender")
    if value == "client":
        return "client"
    return "server" if value == "server" else None


def failure(line: Line) -> str | None:
    """The class of the failure, or None where it succeeded."""
    return text(line, "failure")


def errno(line: Line) -> str | None:
    """The symbolic number, such as ``ECONNREFUSED``."""
    return text(line, "errno")


def framed(lines: Iterable[Line]) -> set[Connection]:
    """The connections with WebSocket frames: their Postgres messages travelled inside those."""
    found = (connection(line) for line in lines if operation(line) in {"ws.frame", "ws.close"})
    return {each for each in found if each is not None}


def given_up(line: Line) -> bool:
    """Whether the program stopped waiting for the step, before or after a time limit, and nobody answered.

    A connect that failed with ``ETIMEDOUT`` had no answer either: there it is the kernel that gave up.
    """
    failed = failure(line) or ""
    if failed == "timeout":
        return operation(line) == "connect" or errno(line) is None
    return failed.removeprefix(_UNKNOWN).startswith(_GIVEN_UP)


def unresolved(line: Line) -> bool:
    """Whether the step was still under way when the watching ended."""
    return (failure(line) or "").removeprefix(_UNKNOWN).startswith(_UNRESOLVED)


def hidden(line: Line) -> bool:
    """Whether the step was seen, and not what it came to."""
    if operation(line) == "dns":
        return failure(line) is None and "dns.answers" not in line
    return text(line, "connect.result") is not None


def reason(line: Line) -> str | None:
    """The failure in a few words: its errno, its class, or for an unknown one what was said."""
    failed = failure(line)
    return None if failed is None else errno(line) or failed.removeprefix(_UNKNOWN) or failed
