"""Where the foreign hosts and users of a run are found."""

from __future__ import annotations

from typing import Any

import pytest

from repro.observe.names import met

LINE: dict[str, Any] = {"op": "dns", "peer": None}


def told(text: str, variables: dict[str, str] | None = None, **more: Any) -> str:
    found = met(variables or {}, more.get("environ", {}), more.get("outcomes", ()), more.get("events", {}))
    return found.replaced(text, lambda kind, name: f"<{kind} {name}>")


@pytest.mark.parametrize(
    ("variables", "environ"),
    [
        ({"DATABASE_URL": "postgresql://u:p@a.acme.io,b.acme.io:6543/d"}, {}),
        ({"DATABASE_URL": "postgresql:///d?host=a.acme.io,b.acme.io"}, {}),
        ({"UPSTASH_REDIS_URL": "rediss://:p@a.acme.io"}, {"HTTPS_PROXY": "b.acme.io:3128"}),
        ({"UPSTASH_REDIS_REST_URL": "https://a.acme.io"}, {"PGHOST": "b.acme.io"}),
        ({"NEON_WS_PROXY": "a.acme.io:80/v2"}, {"NEON_FETCH_ENDPOINT": "http://b.acme.io/sql"}),
    ],
)
def test_the_hosts_of_every_setting(variables: dict[str, str], environ: dict[str, str]) -> None:
    assert told("a.acme.io b.acme.io", variables, environ=environ) == "<host a.acme.io> <host b.acme.io>"


@pytest.mark.parametrize(
    "line",
    [
        {"dns.name": "db.acme.io"},
        {"tls.sni": "db.acme.io"},
        {"tls.issuer": "db.acme.io"},
        {"host": "db.acme.io"},
        {"dns.name": None, "host": 3, "dns.answers": None, "tls.sni": "db.acme.io"},
    ],
)
def test_the_names_that_a_trace_tells(line: dict[str, Any]) -> None:
    assert told("db.acme.io", events={"tcp.raw": [{**LINE, **line}]}) == "<host db.acme.io>"


def test_the_addresses_that_a_trace_tells() -> None:
    lines = [
        {**LINE, "dns.answers": ["8.8.8.8", "2600::1"]},
        {**LINE, "peer": {"address": "9.9.9.9", "port": 5432}},
    ]
    assert told("8.8.8.8 2600::1 9.9.9.9 127.0.0.1", events={"x": lines}) == (
        "<ipv4 8.8.8.8> <ipv6 2600::1> <ipv4 9.9.9.9> 127.0.0.1"
    )


def test_the_hosts_that_a_driver_was_to_dial() -> None:
    outcomes = [{"error": None, "predicted": [{"host": "api.acme.io"}, {"host": "localhost"}]}]
    assert told("api.acme.io localhost", outcomes=outcomes) == "<host api.acme.io> localhost"


@pytest.mark.parametrize(
    ("variables", "environ"),
    [
        ({"DATABASE_URL": "postgresql://sarah:p@localhost/d"}, {}),
        ({"POSTGRES_URL": "postgresql://localhost/d?user=sarah"}, {}),
        ({}, {"PGUSER": "sarah"}),
    ],
)
def test_the_users(variables: dict[str, str], environ: dict[str, str]) -> None:
    assert told("for sarah", variables, environ=environ) == "for <user sarah>"


def test_a_url_that_cannot_be_read_has_none() -> None:
    assert not met({"DATABASE_URL": "postgresql://[", "POSTGRES_URL": ""}, {}, [], {})
    assert not met({"DATABASE_URL": "postgresql://a.test,b.test:1,c.test/d?port=1,2"}, {}, [], {})


def test_the_address_at_which_a_probe_failed() -> None:
    failed: Any = {"predicted": [], "error": {"address": "8.8.4.4:5432"}}
    assert told("8.8.4.4, port 5432", outcomes=[failed]) == "<ipv4 8.8.4.4>, port 5432"
