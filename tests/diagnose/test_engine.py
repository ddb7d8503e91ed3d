"""Causes by their evidence, and what is nearly it and is not: wrong and confident is the worst outcome."""

from __future__ import annotations

from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.causes import BY_ID, CAUSES
from repro.diagnose.view import View
from repro.document import LAYERS, Outcome
from repro.observe.peers import Speaker

URL = {"DATABASE_URL": "postgresql://u:p@localhost:5432/d"}


def outcome(name: str, *, port: int = 5432, protocol: str = "postgresql", **error: Any) -> Outcome:
    chain = [{"type": error.pop("type", "Error"), "message": error.pop("message", ""), "code": None}]
    transport = {"https": "http", "wss": "websocket"}.get(protocol, "tcp")
    found: dict[str, Any] = {
        "name": name,
        "status": "fail" if error else "pass",
        "transport": error.pop("transport", transport),
        "predicted": [
            {"url": "", "host": error.pop("host", "localhost"), "port": port, "protocol": protocol}
        ],
        "atomicity": {"status": "held", "backends": [], "xids": [], "detail": {}},
        "stages": [],
        "error": None,
    }
    if error:
        found["error"] = {
            "operation": "connect",
            "sqlstate": None,
            "errno": None,
            "address": None,
            "chain": chain,
            "type": chain[0]["type"],
            "message": chain[0]["message"],
            **error,
        }
    return found  # type: ignore[return-value]


def connect(port: int, errno: str | None = None, address: str = "127.0.0.1") -> dict[str, Any]:
    failure = "connection_refused" if errno == "ECONNREFUSED" else errno
    return {
        "seq": 1,
        "op": "connect",
        "peer": {"address": address, "port": port},
        "failure": failure,
        "errno": errno,
    }


def refused_login(sqlstate: str, failure: str = "auth_failed") -> Outcome:
    return outcome("tcp.raw", failure=failure, operation="authenticate", sqlstate=sqlstate)


def causes(outcomes: list[Outcome], events: dict[str, Any], variables: dict[str, str] | None = None) -> Any:
    found = engine.findings(View(outcomes, events, URL if variables is None else variables))
    return {finding["cause"]: finding["probes"] for finding in found}


REFUSED_443 = outcome("ws.neon", port=443, protocol="wss", failure="connection_refused")


def test_a_refused_443_beside_a_driver_that_got_through() -> None:
    events = {"ws.neon": [connect(443, "ECONNREFUSED")], "tcp.raw": [connect(5432)]}
    assert causes([outcome("tcp.raw"), REFUSED_443], events) == {"sl-localhost-443": ["ws.neon"]}


def test_nobody_gets_through_is_another_cause() -> None:
    raw = outcome("tcp.raw", failure="connection_refused")
    events = {"ws.neon": [connect(443, "ECONNREFUSED")], "tcp.raw": [connect(5432, "ECONNREFUSED")]}
    assert causes([raw, REFUSED_443], events) == {"tcp-refused": ["tcp.raw", "ws.neon"]}


def test_a_url_that_names_443_was_not_misread() -> None:
    events = {"ws.neon": [connect(443, "ECONNREFUSED")], "tcp.raw": [connect(443)]}
    url = {"DATABASE_URL": "postgresql://u@localhost:443/d"}
    assert "sl-localhost-443" not in causes([outcome("tcp.raw", port=443), REFUSED_443], events, url)


def test_a_refusal_on_one_address_alone_is_not_nobody() -> None:
    raw = outcome("tcp.raw", failure="connection_refused")
    events = {"tcp.raw": [connect(5432, "ECONNREFUSED", "::1"), connect(5432, "EHOSTUNREACH")]}
    assert causes([raw], events) == {None: ["tcp.raw"]}


def test_a_port_that_another_probe_reached_is_not_empty() -> None:
    refused = outcome("tcp.asyncpg", failure="connection_refused")
    events = {"tcp.asyncpg": [connect(5432, "ECONNREFUSED")], "tcp.raw": [connect(5432)]}
    assert causes([outcome("tcp.raw"), refused], events) == {None: ["tcp.asyncpg"]}


@pytest.mark.parametrize(
    ("failing", "cause"),
    [
        (outcome("tcp.raw", failure="dns_nxdomain", operation="resolve"), "dns-nxdomain"),
        (outcome("tcp.raw", failure="dns_failure", operation="resolve"), None),
        (refused_login("28P01"), "auth-wrong-password"),
        (refused_login("28000"), None),
        (refused_login("3D000", "sql_error"), "cfg-wrong-database"),
        (outcome("tcp.raw", failure="tls_unknown_authority", operation="tls"), "tls-untrusted-ca"),
        (outcome("tcp.raw", failure="tls_protocol", operation="tls"), None),
        (outcome("push.redis-tcp", failure="auth_failed", message="WRONGPASS invalid"), "redis-wrongpass"),
        (outcome("push.redis-tcp", failure="auth_failed", message="NOAUTH Authentication"), "redis-noauth"),
        (outcome("push.upstash-rest", failure="auth_failed", transport="http"), "up-401"),
        (
            outcome("http.neon", failure="dns_nxdomain", operation="resolve", host="api.x", protocol="https"),
            "sl-derived-endpoint",
        ),
        (
            outcome("orm.sqlalchemy-asyncpg", failure="config_invalid",
                    message="connect() got an unexpected keyword argument 'sslmode'"),
            "cfg-sa-asyncpg-sslmode",
        ),
        (
            outcome("node.vercel", failure="config_invalid", type="VercelPostgresError",
                    message="VercelPostgresError - 'invalid_connection_string': x", protocol="wss", port=443),
            "cfg-vercel-pooled-check",
        ),
        (
            outcome("node.drizzle-vercel-sql", failure="not_atomic", operation="atomicity", protocol="wss"),
            "tx-drizzle-sql-proxy-split",
        ),
        (outcome("node.pg", failure="not_atomic", operation="atomicity"), None),
    ],
)  # fmt: skip
def test_each_by_its_own_evidence(failing: Outcome, cause: str | None) -> None:
    assert causes([failing], {}) == {cause: [failing["name"]]}


def test_a_cause_explains_each_probe_once_and_the_rest_is_undiagnosed() -> None:
    failing = [
        outcome("tcp.raw", failure="auth_failed", operation="authenticate", sqlstate="28P01"),
        outcome("tcp.psycopg", failure="auth_failed", operation="authenticate", sqlstate="28P01"),
        outcome("ws.neon", failure="ws_closed", operation="begin", protocol="wss", port=443),
    ]
    assert causes(failing, {}) == {"auth-wrong-password": ["tcp.raw", "tcp.psycopg"], None: ["ws.neon"]}


def test_every_cause_is_told_whole() -> None:
    assert len(BY_ID) == len(CAUSES)
    for cause in CAUSES:
        assert cause.layer in LAYERS
        assert cause.fix, cause.id
        assert cause.title[-1] != "."
        assert all(link.startswith("https://") for link in cause.links)


def test_who_answers_is_evidence_where_no_cause_is_known() -> None:
    failing = outcome("tcp.raw", failure="eof", operation="authenticate", address="127.0.0.1:3306")
    peers = {"127.0.0.1:3306": Speaker("127.0.0.1:3306", "mysql")}
    (finding,) = engine.findings(View([failing], {}, URL, peers=peers))
    assert finding["cause"] is None
    assert finding["evidence"][-1]["text"] == "asked afterwards, 127.0.0.1:3306 speaks MySQL"
