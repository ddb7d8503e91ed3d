"""Faults of the way to the server, and their look-alikes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.causes import BY_ID
from repro.diagnose.view import View
from repro.document import Outcome
from repro.observe.peers import Speaker
from tests.diagnose.test_engine import URL, connect, outcome

V4, V6 = "127.0.0.1:5432", "[::1]:5432"


def failing(
    failure: str, operation: str = "authenticate", name: str = "tcp.psycopg", **error: Any
) -> Outcome:
    return outcome(name, failure=failure, operation=operation, **{"address": V4, **error})


def found(
    outcomes: Sequence[Outcome],
    events: dict[str, Any] | None = None,
    peers: Sequence[Speaker] = (),
    variables: dict[str, str] | None = None,
) -> dict[str | None, list[str]]:
    by_address = {each.address: each for each in peers}
    view = View(outcomes, events or {}, variables or URL, peers=by_address)
    return {each["cause"]: each["probes"] for each in engine.findings(view)}


@pytest.mark.parametrize(
    ("protocol", "cause"),
    [
        ("http", "tcp-port-is-http"),
        ("ssh", "tcp-port-is-ssh"),
        ("redis", "tcp-port-is-redis"),
        ("tls", "tcp-pg-client-to-tls-port"),
        ("closes", "tcp-accept-then-close"),
        ("postgres", None),
        ("silent", None),
        ("smtp", None),
    ],
)
def test_who_answered_is_named(protocol: str, cause: str | None) -> None:
    assert found([failing("eof")], peers=[Speaker(V4, protocol)]) == {cause: ["tcp.psycopg"]}


@pytest.mark.parametrize(
    "other",
    [
        failing("auth_failed"),
        failing("sql_error", sqlstate="42601"),
        failing("eof", address=None),
        failing("eof", name="push.redis-tcp"),
    ],
)
def test_who_answers_there_is_no_matter_for_another_failure(other: Outcome) -> None:
    assert "tcp-port-is-http" not in found([other], peers=[Speaker(V4, "http")])


def test_a_connection_that_ends_in_the_middle_of_the_work_was_not_refused_by_a_proxy() -> None:
    assert found([failing("eof", "insert")], peers=[Speaker(V4, "closes")]) == {None: ["tcp.psycopg"]}


def test_nobody_answers_a_syn() -> None:
    silence = failing("timeout", "connect")
    assert found([silence], peers=[Speaker(V4, "unreachable")]) == {"tcp-syn-blackhole": ["tcp.psycopg"]}
    assert found([silence], peers=[Speaker(V4, "silent")]) == {None: ["tcp.psycopg"]}
    assert found([silence]) == {None: ["tcp.psycopg"]}


@pytest.mark.parametrize("attempt", [connect(5432), connect(5432, "ECONNREFUSED", "::1")])
def test_whoever_accepts_or_refuses_is_no_black_hole(attempt: Any) -> None:
    peers = [Speaker(V4, "unreachable")]
    assert found([failing("timeout", "connect")], {"tcp.psycopg": [attempt]}, peers) == {
        None: ["tcp.psycopg"]
    }


@pytest.mark.parametrize(
    ("other", "cause"),
    [
        (Speaker(V4, "postgres"), "tcp-localhost-v6-refused"),
        (Speaker(V4, "closes"), "tcp-localhost-v6-refused"),
        (Speaker(V4, "ssh"), "tcp-refused"),
        (Speaker(V4, "redis"), "tcp-refused"),
        (Speaker(V4, "refuses"), "tcp-refused"),
        (Speaker(V4, "unreachable"), "tcp-refused"),
    ],
)
def test_refused_on_one_family(other: Speaker, cause: str) -> None:
    refused = failing("connection_refused", "connect", address=V6)
    events = {"tcp.psycopg": [connect(5432, "ECONNREFUSED", "::1")]}
    assert found([refused], events, [other]) == {cause: ["tcp.psycopg"]}


def test_the_experiment_writes_the_other_address() -> None:
    refused = failing("connection_refused", "connect", address=V6)
    view = View([refused], {}, URL, peers={V4: Speaker(V4, "postgres")})
    change = BY_ID["tcp-localhost-v6-refused"].change(view, refused)
    assert change is not None
    assert change.variables == {"DATABASE_URL": "postgresql://u:p@127.0.0.1:5432/d"}
    assert "u:p" not in change.command


PASSING = outcome("tcp.psycopg")
REFUSED_LOGIN = failing("auth_failed", name="tcp.asyncpg", sqlstate="28P01", address=V6)


@pytest.mark.parametrize(
    ("events", "cause"),
    [
        ({"tcp.psycopg": [connect(5432)]}, "tcp-other-server-on-v6"),
        ({"tcp.psycopg": [connect(5432), connect(5432, None, "::1")]}, None),
        ({"tcp.psycopg": [connect(5433)]}, "auth-wrong-password"),
        ({"tcp.psycopg": [connect(5432, "ECONNREFUSED")]}, "auth-wrong-password"),
        ({}, "auth-wrong-password"),
    ],
)
def test_drivers_part_by_family(events: dict[str, Any], cause: str | None) -> None:
    assert list(found([PASSING, REFUSED_LOGIN], events)) == [cause]


@pytest.mark.parametrize(
    ("error", "asked_for", "cause"),
    [
        ({"sqlstate": "28000", "message": 'no pg_hba.conf entry for host "::1"'}, "SASL", "auth-pg-hba-ip"),
        ({"sqlstate": "28000", "message": 'Ident authentication failed for user "u"'}, "SASL", None),
        ({"sqlstate": "28000", "message": 'role "u" does not exist'}, "SASL", "tcp-other-server-on-v6"),
        ({"sqlstate": "28P01"}, "SASL", "tcp-other-server-on-v6"),
        ({"sqlstate": "28P01"}, "Ok", "auth-wrong-password"),
    ],
)
def test_one_server_with_other_rules_for_each_family_is_not_two(
    error: dict[str, Any], asked_for: str, cause: str | None
) -> None:
    names = dict.fromkeys((f"Authentication{asked_for}", "AuthenticationOk"))
    messages = [{"seq": 2, "op": "pg.msg", "pg.name": name, "failure": None} for name in names]
    refused = failing("auth_failed", name="tcp.asyncpg", address=V6, **error)
    assert list(found([PASSING, refused], {"tcp.psycopg": [connect(5432), *messages]})) == [cause]


@pytest.mark.parametrize("protocol", ["http", "closes"])
def test_where_another_driver_got_its_transaction_there_is_a_database(protocol: str) -> None:
    lost = failing("eof", name="tcp.asyncpg")
    peers = [Speaker(V4, protocol)]
    assert list(found([PASSING, lost], {"tcp.psycopg": [connect(5432)]}, peers)) == [None]


def test_one_name_with_two_addresses_elsewhere_is_not_localhost() -> None:
    refused = failing("auth_failed", name="tcp.asyncpg", sqlstate="28P01", address=V6, host="db.test")
    events = {"tcp.psycopg": [connect(5432)]}
    assert list(found([PASSING, refused], events)) == ["auth-wrong-password"]
