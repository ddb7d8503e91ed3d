"""Real failures through real drivers: the stage, the failure, and whether anything was applied."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from repro.document import Outcome
from repro.lab.faults.servers import (
    Handler,
    answering,
    fatal,
    hanging_up,
    losing_the_commit,
    serving,
    silent,
)
from repro.lab.process import Lab
from repro.observe.catalog import matching
from repro.observe.plan import Plan
from repro.observe.progress import Silent
from repro.observe.run import observe

URL = "postgresql://u:p@127.0.0.1:{}/x?sslmode=disable"
TOO_MANY = '{"error": "ERR max daily request limit exceeded"}'


def run(
    names: str, variables: Mapping[str, str], *, commit: bool = False, deadline_s: float = 40.0
) -> Sequence[Outcome]:
    entries = matching(names.split(","))
    plan = Plan("run-1", "env", variables=variables, entries=entries, commit=commit, deadline_s=deadline_s)
    return observe(plan, Silent()).outcomes


def seen(outcome: Outcome) -> tuple[Any, ...]:
    error = outcome["error"]
    return (outcome["status"], error and error["operation"], error and error["failure"], outcome["applied"])


def is_whole(outcome: Outcome) -> bool:
    """One stage failed, and it is the error's; cleaning up after it may fail as well."""
    statuses = [stage["status"] for stage in outcome["stages"]]
    names = [stage["name"] for stage in outcome["stages"] if stage["status"] == "fail"]
    failed = [name for name in names if name != "cleanup"]
    assert outcome["error"] is not None
    return failed == [outcome["error"]["operation"]] and "running" not in statuses


@pytest.mark.parametrize(
    ("probe", "handler", "found"),
    [
        ("tcp.raw", hanging_up, ("fail", "authenticate", "eof", "no")),
        ("tcp.psycopg", hanging_up, ("fail", "authenticate", "eof", "no")),
        ("ws.neon", hanging_up, ("fail", "upgrade", "eof", "no")),
        ("http.neon", answering("200 OK", "<html>"), ("fail", "commit", "protocol_mismatch", "unknown")),
        ("http.neon", answering("302 Found", ""), ("fail", "commit", "http_status", "no")),
        ("http.neon", answering("429 Too Many", TOO_MANY), ("fail", "commit", "http_status", "no")),
        ("http.neon", answering("502 Bad", "<html>"), ("fail", "commit", "http_status", "unknown")),
        ("ws.neon", answering("403 No", "<html>"), ("fail", "upgrade", "ws_handshake", "no")),
        (
            "push.upstash-rest",
            answering("200 OK", "<html>"),
            ("fail", "push", "protocol_mismatch", "unknown"),
        ),
        ("push.upstash-rest", answering("401 No", TOO_MANY), ("fail", "authenticate", "auth_failed", "no")),
        ("push.upstash-rest", answering("400 No", TOO_MANY), ("fail", "push", "redis_error", "no")),
        ("push.upstash-rest", answering("500 No", "<html>"), ("fail", "push", "http_status", "unknown")),
        ("push.redis-tcp", hanging_up, ("fail", "authenticate", "eof", "no")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_server_that_misbehaves(probe: str, handler: Handler, found: tuple[str, ...]) -> None:
    with serving(handler) as port:
        variables = {
            "DATABASE_URL": URL.format(port),
            "NEON_FETCH_ENDPOINT": f"http://127.0.0.1:{port}/sql",
            "NEON_WS_PROXY": f"ws://127.0.0.1:{port}/v2",
            "UPSTASH_REDIS_URL": f"redis://:longpassword@127.0.0.1:{port}",
            "UPSTASH_REDIS_REST_URL": f"http://127.0.0.1:{port}",
            "UPSTASH_REDIS_REST_TOKEN": "longtoken",
        }
        (outcome,) = run(probe, variables)

    assert seen(outcome) == found
    assert is_whole(outcome)


def test_a_black_hole_ends_within_the_deadline() -> None:
    with serving(silent) as port:
        (outcome,) = run("tcp.raw", {"DATABASE_URL": URL.format(port)})

    assert seen(outcome) == ("fail", "authenticate", "timeout", "no")
    assert is_whole(outcome)


def test_a_probe_that_is_ended_tells_what_it_saw() -> None:
    with serving(silent) as port:
        (outcome,) = run("tcp.asyncpg", {"DATABASE_URL": URL.format(port)}, deadline_s=4.0)

    assert seen(outcome) == ("timeout", "authenticate", "timeout", "no")
    assert is_whole(outcome)
    assert {stage["name"]: stage["status"] for stage in outcome["stages"]}["connect"] == "pass"
    assert outcome["duration_ms"] > 0


@pytest.mark.parametrize(
    ("reply", "failure"), [(b"", "eof"), (fatal("57P01", "going down"), "sql_error")], ids=["cut", "fatal"]
)
@pytest.mark.parametrize("probe", ["tcp.raw", "tcp.psycopg", "tcp.asyncpg", "orm.sqlalchemy-psycopg"])
def test_a_lost_commit_is_unknown_and_leaves_nothing(
    lab: Lab, probe: str, reply: bytes, failure: str
) -> None:
    url = lab.environment["DATABASE_URL"]
    port = urlsplit(url).port
    assert port is not None
    with ExitStack() as stack:
        relay = stack.enter_context(serving(losing_the_commit(port, reply)))
        lossy = re.sub(r"localhost:\d+", f"127.0.0.1:{relay}", url) + "?sslmode=disable"
        (outcome,) = run(probe, {"DATABASE_URL": lossy}, commit=True)
        left = schemas(url)
        for schema in left:
            drop(url, schema)

    assert seen(outcome) == ("fail", "commit", failure, "unknown")
    notes = " ".join(outcome["notes"])
    assert [schema for schema in left if schema not in notes] == [], "left behind, and nobody says so"


def schemas(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'txrepro%'").fetchall()
    return [row[0] for row in rows]


def drop(url: str, schema: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP SCHEMA "{schema}" CASCADE')


def test_a_read_only_role_fails_alike_everywhere(own_lab: Lab) -> None:
    environment = own_lab.environment
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("ALTER ROLE CURRENT_USER SET default_transaction_read_only = on")
    try:
        outcomes = run("tcp.*,orm.*,http.neon,ws.neon", environment)
    finally:
        with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER ROLE CURRENT_USER RESET default_transaction_read_only")

    assert {seen(outcome) for outcome in outcomes} == {("fail", "insert", "sql_error", "no")}
    assert all(map(is_whole, outcomes))


def test_a_wrong_database_fails_alike_everywhere(lab: Lab) -> None:
    environment = {**lab.environment, "DATABASE_URL": lab.environment["DATABASE_URL"] + "nope"}

    outcomes = run("tcp.*,orm.*,http.neon,ws.neon", environment)

    assert {seen(outcome) for outcome in outcomes} == {("fail", "authenticate", "sql_error", "no")}
    assert all(map(is_whole, outcomes))
