"""Faults of the queue over Upstash REST, and their look-alikes; and a push that went over both transports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.causes import BY_ID
from repro.diagnose.view import View
from repro.document import Outcome
from repro.observe.peers import Speaker
from tests.diagnose.test_engine import outcome

ADDRESS = "127.0.0.1:8079"
PAGE = "HTTP status 502, no JSON result: <html>"


def rest(
    failure: str, message: str = "", operation: str = "push", name: str = "push.upstash-rest"
) -> Outcome:
    return outcome(
        name,
        protocol="https",
        transport="http",
        failure=failure,
        operation=operation,
        message=message,
        address=ADDRESS,
    )


def found(failing: Outcome, lines: Sequence[dict[str, Any]] = (), peer: Speaker | None = None) -> str | None:
    peers = {} if peer is None else {peer.address: peer}
    (finding,) = engine.findings(View([failing], {failing["name"]: list(lines)}, {}, peers=peers))
    return finding["cause"]


def request(length: int = 90) -> dict[str, Any]:
    return {
        "seq": 1,
        "op": "http.request",
        "failure": None,
        "http.method": "POST",
        "http.path": "/",
        "len": length,
    }


def command(name: str = "RPUSH", conn: int = 1) -> dict[str, Any]:
    return {
        "seq": 1,
        "op": "redis.cmd",
        "failure": None,
        "redis.cmd": name,
        "redis.argc": 4,
        "len": 80,
        "conn": conn,
    }


@pytest.mark.parametrize(
    ("failing", "cause"),
    [
        (rest("auth_failed", "WRONGPASS invalid or missing auth token"), "up-401"),
        (rest("redis_error", "NOPERM this user has no permissions to run the 'eval' command"),
         "up-readonly-token"),
        (rest("redis_error", "ERR max daily request limit exceeded. Limit: 1, Usage: 2."), "up-daily-limit"),
        (rest("redis_error", "ERR max request size exceeded. Limit: 1 bytes, Actual: 2"), "up-size"),
        (rest("redis_error", "ERR Command is not available: 'EVAL'"), "up-unsupported-command"),
        (rest("redis_error", "ERR value is not an integer"), None),
        (rest("http_status", PAGE), "up-html-or-closed"),
        (rest("auth_failed", "HTTP status 403, no JSON result: <html>"), "up-html-or-closed"),
        (rest("http_status", "rate"), None),
        (rest("http_status", PAGE, "commit", "http.neon"), None),
    ],
)  # fmt: skip
def test_a_refusal_is_told_by_its_words(failing: Outcome, cause: str | None) -> None:
    assert found(failing) == cause


@pytest.mark.parametrize(
    ("protocol", "cause"),
    [("redis", "up-html-or-closed"), ("closes", "up-html-or-closed"), ("http", None), ("tls", None)],
)
def test_who_ends_the_connection_is_asked(protocol: str, cause: str | None) -> None:
    assert found(rest("eof"), peer=Speaker(ADDRESS, protocol)) == cause


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        ([request(), request()], "up-retry-duplicates"),
        ([request(), request(40)], None),
        ([request()], None),
        ([command(), request()], "ob-fallback-duplicate"),
        ([], None),
    ],
)
def test_a_push_that_arrived_twice(lines: list[dict[str, Any]], cause: str | None) -> None:
    assert found(rest("duplicate_effect", operation="read_back"), lines) == cause


@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("specimen.rest-worker", "specimen.tcp-worker"),
        ("push.upstash-rest", "push.upstash-rest"),
        ("specimen.upstash-py-retries", None),
    ],
)
def test_a_command_that_rest_lacks_is_asked_over_tcp(name: str, control: str | None) -> None:
    failing = rest("redis_error", "ERR Command is not available: 'BLPOP'", "read_back", name)
    change = BY_ID["up-unsupported-command"].change(View([failing], {}, {}), failing)
    assert (change and change.probe) == control
