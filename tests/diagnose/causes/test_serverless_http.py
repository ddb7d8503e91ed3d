"""Faults of serverless drivers, and their look-alikes."""

from __future__ import annotations

from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.causes import BY_ID
from repro.diagnose.view import View
from repro.document import Outcome
from repro.observe.peers import Speaker
from tests.diagnose.test_engine import REFUSED_443, URL, connect, outcome

ADDRESS = "127.0.0.1:8080"


def http(failure: str, message: str = "", operation: str = "commit", **error: Any) -> Outcome:
    return outcome(
        "http.neon",
        protocol="https",
        transport="http",
        failure=failure,
        operation=operation,
        message=message,
        **{"address": ADDRESS, **error},
    )


def found(failing: Outcome, peer: Speaker | None = None) -> str | None:
    peers = {} if peer is None else {peer.address: peer}
    (finding,) = engine.findings(View([failing], {}, URL, peers=peers))
    return finding["cause"]


UNNAMED = http("dns_nxdomain", operation="resolve", host="api.example.test", address=None)


@pytest.mark.parametrize(
    ("outcomes", "variables", "derived"),
    [
        ([UNNAMED], URL, True),
        ([http("dns_failure", operation="resolve", host="api.example.test", address=None)], URL, False),
        ([UNNAMED], {**URL, "NEON_FETCH_ENDPOINT": "https://api.example.test/sql"}, False),
        ([outcome("tcp.raw", failure="dns_nxdomain", operation="resolve"), UNNAMED], URL, False),
        ([outcome("push.upstash-rest", transport="http", failure="dns_nxdomain", operation="resolve",
                  host="api.example.test")], URL, False),
    ],
)  # fmt: skip
def test_a_derived_name_alone_is_missing(
    outcomes: list[Outcome], variables: dict[str, str], *, derived: bool
) -> None:
    causes = [each["cause"] for each in engine.findings(View(outcomes, {}, variables))]
    assert ("sl-derived-endpoint" in causes) is derived


def test_a_url_with_several_hosts_has_several_ports() -> None:
    variables = {"DATABASE_URL": "postgresql://u:p@127.0.0.1:1,127.0.0.1:5432/d"}
    events = {"ws.neon": [connect(443, "ECONNREFUSED")], "tcp.raw": [connect(5432)]}
    view = View([outcome("tcp.raw"), REFUSED_443], events, variables)
    (finding,) = engine.findings(view)
    assert finding["cause"] == "sl-localhost-443"
    assert BY_ID["sl-localhost-443"].change(view, REFUSED_443) is None


def test_who_shook_hands_and_ended_the_connection_does_not_end_every_one() -> None:
    shaken = {"seq": 1, "op": "tls.handshake", "peer": None, "failure": None}
    peers = {ADDRESS: Speaker(ADDRESS, "closes")}
    view = View([http("eof")], {"http.neon": [shaken]}, URL, peers=peers)
    assert engine.findings(view)[0]["cause"] != "sl-fetch-dropped"


@pytest.mark.parametrize(
    ("failing", "cause"),
    [
        (http("http_status", 'Server error (HTTP status 429): {"message":"Too many connections attempts"}'),
         "sl-rate-limited"),
        (http("http_status", "Server error (HTTP status 429): slow down"), None),
        (http("http_status", "Server error (HTTP status 402): exceeded the compute time quota"), "sl-quota"),
        (outcome("tcp.raw", failure="sql_error", operation="authenticate", sqlstate="XX000",
                 message="Your project has exceeded the data transfer quota."), "sl-quota"),
        (outcome("tcp.raw", failure="sql_error", operation="authenticate", sqlstate="53300",
                 message="sorry, too many clients already"), "auth-too-many-connections"),
        (http("http_status", "Server error (HTTP status 500): oops"), None),
    ],
)  # fmt: skip
def test_what_the_proxy_says(failing: Outcome, cause: str | None) -> None:
    assert found(failing) == cause


@pytest.mark.parametrize(
    ("protocol", "cause"), [("closes", "sl-fetch-dropped"), ("refuses", None), ("http", None)]
)
def test_an_answer_that_did_not_come(protocol: str, cause: str | None) -> None:
    lost = http("eof", "Server disconnected without sending a response.")
    assert found(lost, Speaker(ADDRESS, protocol)) == cause


def test_a_driver_that_was_accepted_and_failed_later_reached_the_port_too() -> None:
    refused = outcome("tcp.raw", failure="sql_error", operation="insert", sqlstate="25006")
    events = {"ws.neon": [connect(443, "ECONNREFUSED")], "tcp.raw": [connect(5432)]}
    findings = engine.findings(View([refused, REFUSED_443], events, URL))
    assert {each["cause"]: each["probes"] for each in findings}["sl-localhost-443"] == ["ws.neon"]


def test_the_experiment_puts_a_gateway_before_the_same_database() -> None:
    change = BY_ID["sl-localhost-443"].change(View([REFUSED_443], {}, URL), REFUSED_443)
    assert change is not None
    assert change.gateway_before == ("localhost", 5432)


def test_a_password_is_not_carried_in_clear_to_another_machine() -> None:
    elsewhere = {"DATABASE_URL": "postgresql://u:p@db.test:5432/d"}
    assert BY_ID["sl-localhost-443"].change(View([REFUSED_443], {}, elsewhere), REFUSED_443) is None
