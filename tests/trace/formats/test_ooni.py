from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.events import Peer
from repro.trace.formats.ooni import failure_of, netevents
from tests.trace.formats.tracing import Trace, any_line


@pytest.mark.parametrize(
    ("failure", "detail", "told"),
    [
        ("connection_refused", {"errno": "ECONNREFUSED"}, "connection_refused"),
        ("timeout", {}, "generic_timeout_error"),
        ("eof", {}, "eof_error"),
        ("dns_nxdomain", {}, "dns_nxdomain_error"),
        ("dns_failure", {"dns.error": "EAI_AGAIN"}, "dns_temporary_failure"),
        ("tls_unknown_authority", {}, "ssl_unknown_authority"),
        ("tls_hostname_mismatch", {}, "ssl_invalid_hostname"),
        ("tls_expired", {}, "ssl_invalid_certificate"),
        ("host_unreachable", {"errno": "ENETUNREACH"}, "network_unreachable"),
        ("auth_failed", {}, "unknown_failure: auth_failed"),
        ("unknown_failure: abandoned", {}, "unknown_failure: abandoned"),
        (None, {}, None),
    ],
)
def test_failures_in_the_words_of_df_007(
    failure: str | None, detail: Mapping[str, str], told: str | None
) -> None:
    assert failure_of({"op": "connect", "failure": failure, **detail}) == told


def test_a_refused_connect_after_a_lookup() -> None:
    trace = Trace(conn=None, peer=None).add("dns", took=0.0004, dns__name="localhost", dns__answers=["::1"])
    refused: dict[str, Any] = {"failure": "connection_refused", "errno": "ECONNREFUSED"}
    trace.add("connect", peer=Peer("::1", 5432), conn=3, took=0.0002, **refused)

    keys = netevents(trace.lines)

    assert [event["operation"] for event in keys["network_events"]] == [
        "resolve_start",
        "resolve_done",
        "connect",
    ]
    assert keys["network_events"][2]["address"] == "[::1]:5432"
    assert keys["queries"][0]["answers"] == [{"answer_type": "AAAA", "ipv6": "::1", "ttl": None}]
    assert keys["tcp_connect"] == [
        {
            "ip": "::1",
            "port": 5432,
            "status": {"failure": "connection_refused", "success": False},
            "t0": 0.002,
            "t": 0.0022,
            "tags": ["tap"],
            "transaction_id": 3,
        }
    ]


def test_messages_are_reads_and_writes_and_count_once() -> None:
    trace = Trace().client("ws.frame", 40, ws__len=34, ws__opcode="binary")
    trace.postgres("F", "Query", 34, sql="BEGIN").server("ws.frame", 13, ws__len=11)
    trace.postgres("B", "CommandComplete", 11, tag="BEGIN")

    moved = [(each["operation"], each["num_bytes"]) for each in netevents(trace.lines)["network_events"]]

    assert moved == [("write", 40), ("read", 13)]


def test_a_handshake() -> None:
    trace = Trace().add("tls.handshake", failure="tls_unknown_authority", tls__sni="db.example")

    (handshake,) = netevents(trace.lines)["tls_handshakes"]

    assert handshake["failure"] == "ssl_unknown_authority"
    assert handshake["server_name"] == "db.example"


def test_what_was_not_seen_is_not_called_a_success() -> None:
    trace = Trace().add("connect", src="kernel", connect__result="not visible")

    (dial,) = netevents(trace.lines)["tcp_connect"]

    assert dial["status"]["success"] is None


@given(st.lists(any_line(), max_size=4))
def test_any_trace_becomes_the_four_keys(lines: list[Mapping[str, Any]]) -> None:
    keys = netevents(lines)

    assert set(keys) == {"network_events", "queries", "tcp_connect", "tls_handshakes"}
    json.dumps(keys, allow_nan=False)
