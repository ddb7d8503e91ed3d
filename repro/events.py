"""One event: a low-level thing that happened at a time.

It is all that hooks and decoders know of the rest. Needs the standard library only, because it is
loaded inside every probe's process, whatever versions that process pins.
"""

from __future__ import annotations

import errno as errno_module
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

EVENT_SCHEMA = "txrepro/event/1"

FAILURES = frozenset(
    {
        "connection_refused",
        "connection_reset",
        "eof",
        "timeout",
        "dns_nxdomain",
        "dns_failure",
        "host_unreachable",
        "tls_unknown_authority",
        "tls_hostname_mismatch",
        "tls_expired",
        "tls_protocol",
        "http_status",
        "ws_handshake",
        "ws_closed",
        "protocol_mismatch",
        "auth_failed",
        "sql_error",
        "redis_error",
        "config_invalid",
        "unsupported",
        "not_atomic",
        "duplicate_effect",
        "pool_exhausted",
        "driver_crash",
    }
)
"""The closed vocabulary of failures. Anything else is ``unknown_failure: <scrubbed text>``."""

_FAILURE_OF_ERRNO = {
    "ECONNREFUSED": "connection_refused",
    "ECONNRESET": "connection_reset",
    "ECONNABORTED": "connection_reset",
    "EPIPE": "connection_reset",
    "ETIMEDOUT": "timeout",
    "EHOSTUNREACH": "host_unreachable",
    "ENETUNREACH": "host_unreachable",
    "EHOSTDOWN": "host_unreachable",
    "ENETDOWN": "host_unreachable",
    "EADDRNOTAVAIL": "host_unreachable",
}


def errno_name(number: int | None) -> str | None:
    """The symbolic name of an errno: the number differs between systems (111 on Linux is 61 on macOS)."""
    if not number:
        return None
    return errno_module.errorcode.get(number, f"E{number}")


def failure_of_errno(name: str) -> str:
    """The failure class of a symbolic errno, such as ``connection_refused`` for ``ECONNREFUSED``."""
    return _FAILURE_OF_ERRNO.get(name, f"unknown_failure: {name}")


@dataclass(frozen=True, slots=True)
class Peer:
    """The far end of a connection: a literal address (or a path, for a Unix socket) and its port."""

    address: str
    port: int | None = None

    def __str__(self) -> str:
        if self.port is None:
            return self.address
        bare = ":" in self.address and not self.address.startswith("[")  # in brackets is a token of redaction
        host = f"[{self.address}]" if bare else self.address
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Event:
    """One low-level thing that happened.

    Args:
        op: what happened: ``dns``, ``connect``, ``tls.handshake``, ``http.request``, ``http.response``,
            ``http.upgrade``, ``ws.close``, ``close``, ``note``.
        t0: start, in seconds of the monotonic clock.
        t: end, in seconds of the monotonic clock.
        src: which source saw it, such as ``hook``.
        conn: a number that is the same for all events of one connection in one process.
        peer: the address and port dialled or spoken to.
        failure: one of `FAILURES`, or ``unknown_failure: …``; None when it succeeded.
        errno: the symbolic name, such as ``ECONNREFUSED``.
        fields: the fields of this kind of event, with dotted names such as ``dns.answers`` and
        ``tls.version``.
    """

    op: str
    t0: float
    t: float
    src: str = "hook"
    conn: int | None = None
    peer: Peer | None = None
    failure: str | None = None
    errno: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self, *, seq: int, pid: int, origin: float) -> dict[str, Any]:
        """The event as a trace line (``txrepro/event/1``), its times in seconds since ``origin``."""
        line: dict[str, Any] = {
            "seq": seq,
            "t0": round(self.t0 - origin, 6),
            "t": round(self.t - origin, 6),
            "src": self.src,
            "op": self.op,
            "conn": self.conn,
            "pid": pid,
            "peer": None if self.peer is None else {"address": self.peer.address, "port": self.peer.port},
            "failure": self.failure,
            "errno": self.errno,
        }
        line.update(self.fields)
        return line

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Event:
        """The event of a trace line, its times as they stand there.

        Raises:
            KeyError, TypeError: the line is no trace line.
        """
        peer = line.get("peer")
        return cls(
            op=line["op"],
            t0=line["t0"],
            t=line["t"],
            src=line.get("src", "hook"),
            conn=line.get("conn"),
            peer=None if peer is None else Peer(peer["address"], peer["port"]),
            failure=line.get("failure"),
            errno=line.get("errno"),
            fields={name: value for name, value in line.items() if name not in _COMMON},
        )


_COMMON = frozenset({"seq", "t0", "t", "src", "op", "conn", "pid", "peer", "failure", "errno"})

Emit = Callable[[Event], None]
"""What a source of events is given to hand them on."""
