"""Findings for what failed and has no known cause."""

from __future__ import annotations

from typing import Any, cast

import pytest

from repro.diagnose.undiagnosed import WORDS, findings, in_words
from repro.document import Outcome
from repro.events import FAILURES


def outcome(name: str, status: str = "pass", *, transport: str = "tcp", **error: Any) -> Outcome:
    record = {
        "failure": "connection_refused",
        "operation": "connect",
        "type": "OSError",
        "message": "refused",
        "sqlstate": None,
        "errno": "ECONNREFUSED",
        "address": "127.0.0.1:443",
        "chain": [{"type": "OSError", "message": "refused", "code": "ECONNREFUSED"}],
        **error,
    }
    return cast(
        "Outcome",
        {
            "name": name,
            "status": status,
            "transport": transport,
            "predicted": [{"url": "x", "host": "db.test", "port": 1, "protocol": "postgresql"}],
            "error": None if status in {"pass", "skip"} else record,
            "applied": "unknown" if record["operation"] == "commit" else "no",
        },
    )


REFUSED = {"seq": 3, "op": "connect", "failure": "connection_refused", "errno": "ECONNREFUSED"}


def test_a_healthy_run_has_no_finding() -> None:
    assert findings([outcome("tcp.raw"), outcome("push.redis-tcp", "skip")], {}) == []


def test_probes_that_failed_alike_are_one_finding() -> None:
    lines = [{**REFUSED, "peer": {"address": "127.0.0.1", "port": 443}}]
    run = [outcome("tcp.psycopg"), outcome("http.neon", "fail"), outcome("ws.neon", "fail")]

    (finding,) = findings(run, {"ws.neon": lines})

    assert finding["probes"] == ["http.neon", "ws.neon"]
    assert (finding["cause"], finding["proof"], finding["layer"]) == (None, "untested", "tcp")
    assert finding["title"] == "connect: connection refused"
    assert finding["summary"] == (
        "Failed during connect, connection refused: http.neon at 127.0.0.1:443, ws.neon at 127.0.0.1:443."
        " On the same target these passed: tcp.psycopg."
    )
    assert finding["evidence"][1] == {
        "probe": "ws.neon",
        "seq": 3,
        "text": "connect 127.0.0.1:443 connection refused ECONNREFUSED",
    }
    assert finding["evidence"][0]["text"] == "refused"


def test_a_push_is_not_compared_with_the_database() -> None:
    run = [outcome("tcp.raw"), outcome("push.redis-tcp", "fail", address=None, operation="resolve")]

    (finding,) = findings(run, {})

    assert finding["summary"].endswith("push.redis-tcp for db.test.")


def test_independent_failures_are_findings_of_their_own() -> None:
    run = [
        outcome("http.neon", "fail"),
        outcome("ws.neon", "fail"),
        outcome("push.redis-tcp", "timeout", failure="timeout", operation="push"),
        outcome("tcp.raw", "fail", address="127.0.0.1:5432"),
    ]

    assert [finding["probes"] for finding in findings(run, {})] == [
        ["http.neon", "ws.neon"],
        ["push.redis-tcp"],
        ["tcp.raw"],
    ]


@pytest.mark.parametrize(
    ("name", "transport", "error", "layer"),
    [
        ("tcp.asyncpg", "tcp", {"operation": "resolve", "failure": "dns_nxdomain"}, "dns"),
        ("tcp.asyncpg", "tcp", {"operation": "tls", "failure": "tls_expired"}, "tls"),
        ("tcp.asyncpg", "tcp", {"operation": "authenticate", "failure": "auth_failed"}, "startup-auth"),
        ("tcp.asyncpg", "tcp", {"operation": "insert", "failure": "sql_error"}, "transaction"),
        ("tcp.asyncpg", "tcp", {"operation": "commit", "failure": "eof"}, "commit-ambiguity"),
        ("tcp.asyncpg", "tcp", {"operation": "connect", "failure": "config_invalid"}, "config"),
        ("http.neon", "http", {"operation": "insert", "failure": "http_status"}, "serverless-http"),
        ("ws.neon", "websocket", {"operation": "upgrade", "failure": "ws_handshake"}, "websocket"),
        ("push.redis-tcp", "tcp", {"operation": "push", "failure": "redis_error"}, "redis-tcp"),
        ("push.upstash-rest", "http", {"operation": "push", "failure": "http_status"}, "upstash-rest"),
        ("node.ioredis", "tcp", {"operation": "push", "failure": "redis_error"}, "redis-tcp"),
        ("node.upstash", "http", {"operation": "push", "failure": "redis_error"}, "upstash-rest"),
        ("node.neon-ws", "websocket", {"operation": "begin", "failure": "eof"}, "websocket"),
        ("node.drizzle-vercel-sql", "websocket", {"operation": "atomicity"}, "transaction"),
    ],
)
def test_the_layer(name: str, transport: str, error: dict[str, str], layer: str) -> None:
    (finding,) = findings([outcome(name, "fail", transport=transport, **error)], {})

    assert finding["layer"] == layer


def test_every_failure_of_the_vocabulary_has_words() -> None:
    assert set(WORDS) == FAILURES
    assert in_words("unknown_failure: Surprise") == "Surprise"


def test_a_connection_that_was_ended_is_one_failure_by_fin_or_by_reset() -> None:
    outcomes = [
        outcome("tcp.raw", "fail", failure="eof", operation="insert"),
        outcome("tcp.asyncpg", "fail", failure="connection_reset", operation="insert"),
    ]
    (finding,) = findings(outcomes, {})
    assert (finding["failure"], finding["probes"]) == ("eof", ["tcp.raw", "tcp.asyncpg"])


def test_what_the_server_refused_for_two_reasons_is_two_findings() -> None:
    def refused(name: str, sqlstate: str) -> Outcome:
        return outcome(name, "fail", failure="sql_error", operation="insert", sqlstate=sqlstate)

    run = [refused("tcp.raw", "23505"), refused("tcp.psycopg", "23505"), refused("tcp.asyncpg", "40001")]
    assert [each["probes"] for each in findings(run, {})] == [["tcp.raw", "tcp.psycopg"], ["tcp.asyncpg"]]


def test_a_driver_that_does_not_say_the_sqlstate_failed_like_the_others() -> None:
    def refused(name: str, sqlstate: str | None) -> Outcome:
        return outcome(name, "fail", failure="sql_error", operation="authenticate", sqlstate=sqlstate)

    run = [refused("tcp.psycopg", None), refused("tcp.raw", "53300"), refused("tcp.asyncpg", "53300")]
    (finding,) = findings(run, {})
    assert sorted(finding["probes"]) == ["tcp.asyncpg", "tcp.psycopg", "tcp.raw"]

    two = [refused("tcp.psycopg", None), refused("tcp.raw", "53300"), refused("tcp.asyncpg", "57P03")]
    assert len(findings(two, {})) == 3
