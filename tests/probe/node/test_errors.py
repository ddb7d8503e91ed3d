"""Errors of JavaScript, judged like any other one: by the deepest link that says something."""

from __future__ import annotations

from typing import Any

import pytest

from repro.probe.chain import links, walk
from repro.probe.failures import classify
from repro.probe.node.errors import error_of


def link(kind: str, message: str = "", *below: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "message": message, "below": list(below), **more}


REFUSED = [
    link("Error", f"connect ECONNREFUSED {address}:443", code="ECONNREFUSED")
    for address in ("::1", "127.0.0.1")
]

ORIGIN = link(
    "DrizzleQueryError",
    "Failed query: begin\nparams: ",
    link("ErrorEvent", "", link("AggregateError", "", *REFUSED, code="ECONNREFUSED")),
)
"""The error of the original report: drizzle-orm 0.45.4 on @vercel/postgres 0.10.0."""


def test_the_origins_chain_goes_down_to_both_addresses() -> None:
    error = error_of(ORIGIN)
    assert [each["type"] for each in links(error)] == [
        *("DrizzleQueryError", "ErrorEvent", "AggregateError", "Error", "Error")
    ]
    assert links(error)[-1] == {
        "type": "Error",
        "message": "connect ECONNREFUSED 127.0.0.1:443",
        "code": "ECONNREFUSED",
    }
    assert classify(error).failure == "connection_refused"


@pytest.mark.parametrize(
    ("told", "failure"),
    [
        (link("Error", "getaddrinfo ENOTFOUND x", code="ENOTFOUND"), "dns_nxdomain"),
        (link("Error", "getaddrinfo EAI_AGAIN x", code="EAI_AGAIN"), "dns_failure"),
        (link("DatabaseError", "duplicate key", sqlstate="23505"), "sql_error"),
        (link("DatabaseError", "no password", sqlstate="28P01"), "auth_failed"),
        (link("ReplyError", "WRONGPASS invalid username-password pair"), "auth_failed"),
        (link("ReplyError", "ERR unknown command"), "redis_error"),
        (link("SimpleError", "READONLY You can't write against a read only replica."), "redis_error"),
        (link("Error", "Connection is closed."), "eof"),
        (link("Error", "Unexpected server response: 403"), "ws_handshake"),
        (link("Error", "Invalid Sec-WebSocket-Accept header"), "ws_handshake"),
        (link("Error", "SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string"), "auth_failed"),
        (link("UpstashError", "ERR value is not an integer"), "redis_error"),
        (link("VercelPostgresError", "VercelPostgresError - 'invalid_connection_string'"), "config_invalid"),
        (
            link("Error", "self-signed certificate", code="DEPTH_ZERO_SELF_SIGNED_CERT"),
            "tls_unknown_authority",
        ),
        (link("Error", "unable to verify the first certificate"), "tls_unknown_authority"),
        (link("Error", "Hostname/IP does not match certificate's altnames"), "tls_hostname_mismatch"),
        (link("NeonDbError", "Server error (HTTP status 502): x"), "http_status"),
    ],
)
def test_what_each_says(told: dict[str, Any], failure: str) -> None:
    assert classify(error_of(told)).failure == failure


def test_a_type_keeps_its_name_and_nothing_strange_breaks_it() -> None:
    assert type(error_of(link("ErrorEvent"))).__name__ == "ErrorEvent"
    assert str(error_of({})) == ""
    assert len(list(walk(error_of(link("A", "", link("B", "", link("C"))))))) == 3
