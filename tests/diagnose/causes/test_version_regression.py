"""What another version does otherwise, and its look-alikes."""

from __future__ import annotations

from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.causes import BY_ID
from repro.diagnose.view import View
from repro.document import Outcome
from tests.diagnose.test_engine import URL, connect, outcome

REQUIRE = {"DATABASE_URL": "postgresql://u:p@localhost:5432/d?sslmode=require"}
VERIFY = {"DATABASE_URL": "postgresql://u:p@localhost:5432/d?sslmode=verify-full"}
AS_LIBPQ = {"DATABASE_URL": f"{REQUIRE['DATABASE_URL']}&uselibpqcompat=true"}
PROXIED = {**URL, "NEON_WS_PROXY": "localhost:8443/v2"}


def found(
    outcomes: list[Outcome], events: dict[str, Any], variables: dict[str, str]
) -> dict[str | None, list[str]]:
    findings = engine.findings(View(outcomes, events, variables))
    return {each["cause"]: each["probes"] for each in findings}


COPIES = {
    "@neondatabase/serverless": "1.2.0",
    "@neondatabase/serverless in @vercel/postgres": "0.9.5",
}

REFUSED = outcome(
    "node.pg",
    failure="tls_unknown_authority",
    operation="tls",
    message="SELF_SIGNED_CERT_IN_CHAIN",
    address="127.0.0.1:5432",
)
TAKEN = outcome("tcp.psycopg")


@pytest.mark.parametrize(
    ("outcomes", "variables", "cause"),
    [
        ([TAKEN, REFUSED], REQUIRE, "vr-pg8-sslmode-require"),
        ([TAKEN, REFUSED], VERIFY, "tls-untrusted-ca"),
        ([TAKEN, REFUSED], AS_LIBPQ, "tls-untrusted-ca"),
        ([REFUSED], REQUIRE, "tls-untrusted-ca"),
        ([outcome("http.neon", protocol="https"), REFUSED], REQUIRE, "tls-untrusted-ca"),
    ],
)
def test_pg_alone_verifies(outcomes: list[Outcome], variables: dict[str, str], cause: str) -> None:
    assert found(outcomes, {}, variables) == {cause: ["node.pg"]}


def test_the_experiment_asks_for_what_libpq_does() -> None:
    change = BY_ID["vr-pg8-sslmode-require"].change(View([TAKEN, REFUSED], {}, REQUIRE), REFUSED)
    assert change is not None
    assert change.variables["DATABASE_URL"].endswith("?sslmode=require&uselibpqcompat=true")
    assert "u:p" not in change.command


def test_no_password_goes_to_another_machine_whose_certificate_nobody_verified() -> None:
    far = outcome("node.pg", failure="tls_unknown_authority", operation="tls", address="203.0.113.7:5432")
    view = View([TAKEN, far], {}, REQUIRE)
    assert [each["name"] for each in BY_ID["vr-pg8-sslmode-require"].suspects(view)] == ["node.pg"]
    assert BY_ID["vr-pg8-sslmode-require"].change(view, far) is None


@pytest.mark.parametrize(
    ("variables", "copies", "dialled", "cause"),
    [
        (PROXIED, COPIES, 443, "vr-duplicate-neon-package"),
        (PROXIED, {"@neondatabase/serverless": "1.2.0"}, 443, None),
        (PROXIED, COPIES, 8443, "tcp-refused"),
        (URL, COPIES, 443, None),
    ],
)
def test_a_setting_that_had_no_effect(
    variables: dict[str, str], copies: dict[str, str], dialled: int, cause: str | None
) -> None:
    refused = outcome("node.vercel", port=8443, protocol="wss", failure="connection_refused")
    refused["driver"] = {"name": "@vercel/postgres", "version": "0.10.0"}
    refused["versions"] = copies
    events = {"node.vercel": [connect(dialled, "ECONNREFUSED")]}
    assert found([refused], events, variables) == {cause: ["node.vercel"]}


def test_a_plain_call_of_neons_function() -> None:
    message = "This function can now be called only as a tagged-template function: sql`SELECT ${value}`"
    failing = outcome(
        "node.neon-http", protocol="https", failure="unsupported", operation="begin", message=message
    )
    assert found([failing], {}, URL) == {"vr-neon-1-tagged": ["node.neon-http"]}


def test_the_experiment_is_the_probe_that_gives_placeholders_and_never_that_probe_itself() -> None:
    called = outcome("specimen.node-neon-called", failure="unsupported")
    right = outcome("node.neon-http", failure="unsupported")
    for each in (called, right):
        each["driver"] = {"name": "@neondatabase/serverless", "version": "1.2.0"}
    cause = BY_ID["vr-neon-1-tagged"]
    change = cause.change(View([called], {}, URL), called)
    assert change is not None
    assert change.probe == "node.neon-http"
    assert cause.change(View([right], {}, URL), right) is None
