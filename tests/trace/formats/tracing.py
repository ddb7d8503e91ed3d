"""Trace lines to make formats of: one connection's whole life, and lines of any content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from repro.events import Event, Peer

PID = 4711
SERVER = Peer("127.0.0.1", 5999)


class Trace:
    """Lines of a trace, one after another, a millisecond apart."""

    def __init__(self, *, conn: int | None = 1, peer: Peer | None = SERVER) -> None:
        self.lines: list[dict[str, Any]] = []
        self._conn = conn
        self._peer = peer

    def add(
        self,
        op: str,
        *,
        took: float = 0.0,
        src: str = "tap",
        failure: str | None = None,
        errno: str | None = None,
        conn: int | None = None,
        peer: Peer | None = None,
        pid: int = PID,
        **fields: Any,
    ) -> Trace:
        """A line; in names of fields two underscores stand for the dot."""
        at = 0.001 * (len(self.lines) + 1)
        named = {name.replace("__", "."): value for name, value in fields.items()}
        event = Event(op, at, at + took, src, conn or self._conn, peer or self._peer, failure, errno, named)
        self.lines.append(event.as_json(seq=len(self.lines) + 1, pid=pid, origin=0.0))
        return self

    def client(self, op: str, length: int, **fields: Any) -> Trace:
        return self.add(op, sender="client", len=length, **fields)

    def server(self, op: str, length: int, **fields: Any) -> Trace:
        return self.add(op, sender="server", len=length, **fields)

    def postgres(self, direction: str, name: str, length: int, **fields: Any) -> Trace:
        sender = "client" if direction == "F" else "server"
        said = {f"pg__{key}": value for key, value in fields.items()}
        return self.add(
            "pg.msg",
            sender=sender,
            len=length,
            pg__dir=direction,
            pg__name=name,
            pg__len=length - 1,
            **said,
        )


def postgres_transaction() -> list[dict[str, Any]]:
    """A login with SCRAM, a transaction with a prepared statement, and an error that breaks it."""
    trace = Trace().add("connect", took=0.0002, src="kernel", seen_by=["kernel", "hook"])
    trace.postgres("F", "SSLRequest", 8).postgres("B", "SSLResponse", 1, status="N")
    trace.postgres("F", "StartupMessage", 41, params={"user": "app", "database": "jobs"})
    trace.postgres("B", "Authentication", 24, auth="SASL", mechanisms=["SCRAM-SHA-256"])
    trace.postgres("F", "SASLInitialResponse", 55, mechanisms=["SCRAM-SHA-256"])
    trace.postgres("B", "Authentication", 93, auth="SASLContinue")
    trace.postgres("F", "SASLResponse", 109)
    trace.postgres("B", "Authentication", 55, auth="SASLFinal")
    trace.postgres("B", "Authentication", 9, auth="Ok")
    trace.postgres("B", "ParameterStatus", 27, params={"server_version": "17.1"})
    trace.postgres("B", "BackendKeyData", 13).postgres("B", "ReadyForQuery", 6, status="I")
    trace.postgres("F", "Query", 11, sql="BEGIN").postgres("B", "CommandComplete", 11, tag="BEGIN")
    trace.postgres("B", "ReadyForQuery", 6, status="T")
    trace.postgres("F", "Parse", 70, sql="INSERT INTO jobs (id) VALUES ($1)").postgres("F", "Describe", 7)
    trace.postgres("F", "Bind", 34, params=1).postgres("F", "Execute", 10).postgres("F", "Sync", 5)
    trace.postgres("B", "ParseComplete", 5).postgres("B", "RowDescription", 53, columns=2)
    trace.postgres("B", "BindComplete", 5).postgres("B", "DataRow", 30, columns=2)
    trace.postgres("B", "CommandComplete", 15, tag="INSERT 0 1").postgres("B", "ReadyForQuery", 6, status="T")
    trace.postgres("F", "Query", 60, sql="INSERT INTO jobs (id) VALUES (?)")
    trace.postgres(
        "B",
        "ErrorResponse",
        180,
        severity="ERROR",
        sqlstate="23505",
        message="duplicate key value violates unique constraint",
    )
    trace.postgres("B", "ReadyForQuery", 6, status="E")
    trace.postgres("F", "Query", 14, sql="ROLLBACK").postgres("B", "CommandComplete", 14, tag="ROLLBACK")
    trace.postgres("B", "ReadyForQuery", 6, status="I").postgres("F", "Terminate", 5)
    return trace.add("close").lines


_TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["127.0.0.1", "::1", "fe80::1%lo", "localhost", "Parse", "Query", "StartupMessage", "DataRow", "Bind",
         "ErrorResponse", "SASL", "binary", "close", "array", "map", "verbatim", "*", "TLSv1.3", "h2", "GET",
         "\x1b[2J", "\u202egnp", "content-length", "upgrade", "timeout", "connection_refused", "ECONNREFUSED"]
    ),
)  # fmt: skip
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 70_000), st.floats(), _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_TEXTS, inner, max_size=4)),
    max_leaves=6,
)
OPS = (
    "dns", "dns.query", "connect", "tls.handshake", "tls.client_hello", "tls.server_hello", "tls.alert",
    "http.request", "http.response", "http.upgrade", "ws.frame", "ws.close", "pg.msg", "redis.cmd",
    "redis.reply", "close", "note", "visibility", "pool.acquire",
)  # fmt: skip
_FIELDS = (
    "dns.name", "dns.answers", "dns.type", "dns.error", "tls.sni", "tls.alpn", "tls.versions", "tls.version",
    "tls.cipher", "tls.alert", "http.method", "http.path", "http.headers", "http.status", "ws.opcode",
    "ws.len", "ws.fin", "ws.close_code", "pg.dir", "pg.name", "pg.len", "pg.sql", "pg.tag", "pg.status",
    "pg.sqlstate", "pg.severity", "pg.message", "pg.params", "pg.columns", "pg.auth", "pg.mechanisms",
    "pg.version", "pg.parameters", "pg.parameter", "pg.parameter_value", "pg.statement", "pg.portal",
    "pg.pid", "pg.minor", "pg.constraint", "http.body", "ws.masked", "ws.truncated", "tls.level", "tls.retry",
    "redis.cmd", "redis.argc", "redis.reply_type", "redis.error", "local", "host",
    "seen_by", "claimed", "confirmed", "connect.result", "note", "sources", "cannot_see",
)  # fmt: skip
_PEERS = st.one_of(
    st.none(),
    st.fixed_dictionaries({"address": _TEXTS, "port": st.one_of(st.none(), st.integers(0, 65535))}),
)


@st.composite
def any_line(draw: st.DrawFn) -> Mapping[str, Any]:
    """A line with the common fields of a trace line, and any values in the others."""
    line: dict[str, Any] = {
        "seq": draw(st.integers(0, 100_000)),
        "t0": draw(st.floats(-1, 1e6)),
        "t": draw(st.floats(-1, 1e6)),
        "src": draw(st.sampled_from(["hook", "kernel", "tap", "server"])),
        "op": draw(st.sampled_from(OPS)),
        "conn": draw(st.one_of(st.none(), st.integers(0, 3))),
        "pid": draw(st.one_of(st.none(), st.integers(1, 3))),
        "peer": draw(_PEERS),
        "failure": draw(st.one_of(st.none(), _TEXTS)),
        "errno": draw(st.one_of(st.none(), _TEXTS)),
    }
    line |= draw(st.dictionaries(st.sampled_from(_FIELDS), _VALUES, max_size=12))
    if draw(st.booleans()):
        line["sender"] = draw(st.sampled_from(["client", "server"]))
        line["len"] = draw(st.integers(0, 200_000))
    return line
