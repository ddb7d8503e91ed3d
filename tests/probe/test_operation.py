"""At which stage a probe failed: named by its error, under way, or the first not passed."""

from __future__ import annotations

import pytest

from repro.events import Event, Peer
from repro.probe import network
from repro.probe.operation import operation_of
from repro.probe.recorder import StageRecord

REFUSED = Event("connect", 1.0, 1.1, peer=Peer("127.0.0.1", 443), failure="connection_refused")
CONNECTED = Event("connect", 1.1, 1.2, peer=Peer("::1", 443))
SHAKEN = Event("tls.handshake", 1.2, 1.4, fields={"tls.version": "TLSv1.3"})
STALLED = Event("tls.handshake", 1.2, 6.2, failure="timeout")
UPGRADED = Event("http.upgrade", 1.4, 1.5, fields={"http.status": 101})
REJECTED = Event("http.upgrade", 1.4, 1.5, failure="ws_handshake", fields={"http.status": 403})

AFTER = ("begin", "insert", "commit", "read_back", "atomicity", "cleanup")


def stages(*passed: str, running: str | None = None) -> dict[str, StageRecord]:
    def stage(name: str, status: str) -> StageRecord:
        return {"name": name, "status": status, "t0": 0.0, "t": 0.0, "failure": None, "detail": {}}

    found = {name: stage(name, "pass") for name in passed}
    return found if running is None else {**found, running: stage(running, "running")}


@pytest.mark.parametrize(
    ("transport", "failure", "sqlstate", "passed", "running", "events", "operation"),
    [
        ("tcp", "dns_nxdomain", None, (), None, [], "resolve"),
        ("tcp", "connection_refused", None, (), None, [REFUSED], "connect"),
        ("tcp", "timeout", None, (), None, [REFUSED], "connect"),
        ("tcp", "timeout", None, (), None, [], "connect"),
        ("tcp", "config_invalid", None, (), None, [], "connect"),
        ("tcp", "tls_expired", None, (), None, [CONNECTED], "tls"),
        ("tcp", "eof", None, (), None, [CONNECTED], "authenticate"),
        ("tcp", "auth_failed", "28P01", (), None, [CONNECTED], "authenticate"),
        ("tcp", "sql_error", "3D000", (), None, [CONNECTED], "authenticate"),
        ("tcp", "sql_error", "25006", ("authenticate", "begin"), None, [CONNECTED], "insert"),
        ("tcp", "sql_error", "23505", ("authenticate", "begin"), "insert", [CONNECTED], "insert"),
        ("tcp", "eof", None, ("authenticate", "begin", "insert"), "commit", [CONNECTED], "commit"),
        ("tcp", "connection_refused", None, ("authenticate",), "begin", [CONNECTED, REFUSED], "begin"),
        ("websocket", "ws_handshake", None, (), None, [CONNECTED, SHAKEN, REJECTED], "upgrade"),
        ("websocket", "eof", None, (), None, [CONNECTED, SHAKEN], "upgrade"),
        ("websocket", "eof", None, (), None, [CONNECTED, SHAKEN, UPGRADED], "authenticate"),
        ("http", "connection_refused", None, (), "commit", [REFUSED], "connect"),
        ("http", "config_invalid", None, (), "commit", [], "connect"),
        ("http", "auth_failed", "28P01", (), "commit", [CONNECTED, SHAKEN], "authenticate"),
        ("http", "sql_error", "3D000", (), "commit", [CONNECTED, SHAKEN], "authenticate"),
        ("http", "sql_error", "42P01", (), "commit", [CONNECTED, SHAKEN], "insert"),
        ("http", "sql_error", "40001", (), "commit", [CONNECTED, SHAKEN], "commit"),
        ("http", "timeout", None, (), "commit", [CONNECTED, STALLED], "tls"),
        ("http", "timeout", None, (), "commit", [CONNECTED, STALLED, SHAKEN], "commit"),
        ("http", "timeout", None, (), "commit", [CONNECTED], "commit"),
        ("http", "http_status", None, (), "commit", [CONNECTED, SHAKEN], "commit"),
    ],
)
def test_the_operation(
    transport: str,
    failure: str,
    sqlstate: str | None,
    passed: tuple[str, ...],
    running: str | None,
    events: list[Event],
    operation: str,
) -> None:
    expected = (*network.STAGES_OF_TRANSPORT[transport], *AFTER)

    found = operation_of(
        failure,
        sqlstate,
        running=running,
        stages=stages(*passed, running=running),
        expected=expected,
        events=events,
        batch=transport == "http",
    )

    assert found == operation
    assert found in expected
