"""Faults of the queue over Redis TCP, and their look-alikes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.causes import BY_ID
from repro.diagnose.view import View
from repro.document import Outcome
from repro.observe.peers import Speaker
from tests.diagnose.test_engine import connect, outcome

ADDRESS = "127.0.0.1:6379"
REDIS = {"UPSTASH_REDIS_URL": "redis://default:p@localhost:6379"}
NO_PASSWORD = {"UPSTASH_REDIS_URL": "redis://default@localhost:6379"}


def push(failure: str, message: str = "", operation: str = "push", **error: Any) -> Outcome:
    return outcome(
        "push.redis-tcp",
        port=6379,
        protocol="redis",
        failure=failure,
        operation=operation,
        message=message,
        **{"address": ADDRESS, **error},
    )


def reply(error: str | None = None, kind: str = "error") -> dict[str, Any]:
    return {"seq": 2, "op": "redis.reply", "failure": None, "redis.error": error, "redis.reply_type": kind}


def found(
    failing: Outcome,
    lines: Sequence[dict[str, Any]] = (),
    peer: Speaker | None = None,
    variables: dict[str, str] | None = None,
) -> str | None:
    peers = {} if peer is None else {peer.address: peer}
    view = View([failing], {failing["name"]: list(lines)}, variables or REDIS, peers=peers)
    (finding,) = engine.findings(view)
    return finding["cause"]


@pytest.mark.parametrize(
    ("failing", "code", "cause"),
    [
        (push("redis_error", "You can't write against a read only replica."), "READONLY",
         "redis-readonly-replica"),
        (push("redis_error", "command not allowed when used memory > 'maxmemory'."), "OOM", "redis-oom"),
        (push("redis_error", "MISCONF Redis is configured to save RDB snapshots"), "MISCONF",
         "redis-misconf"),
        (push("redis_error", "Redis is loading the dataset in memory"), "LOADING", "redis-loading"),
        (push("redis_error", "Link with MASTER is down"), "MASTERDOWN", "redis-loading"),
        (push("redis_error", "WRONGTYPE Operation against a key"), "WRONGTYPE", "redis-wrongtype"),
        (push("auth_failed", "this user has no permissions to run the 'eval' command"), "NOPERM",
         "redis-noperm"),
        (push("auth_failed", "Authentication required."), "NOAUTH", "redis-noauth"),
        (push("redis_error", "Protocol error: unauthenticated multibulk length"), "ERR", "redis-noauth"),
        (push("auth_failed", "invalid username-password pair or user is disabled."), "WRONGPASS",
         "redis-wrongpass"),
        (push("redis_error", "max number of clients reached"), "ERR", "redis-max-clients"),
        (push("redis_error", "value is not an integer or out of range"), "ERR", None),
        (push("redis_error", "BUSY Redis is busy running a script"), "BUSY", None),
    ],
)  # fmt: skip
def test_a_refusal_is_told_by_its_code(failing: Outcome, code: str, cause: str | None) -> None:
    assert found(failing, [reply(code)]) == cause


@pytest.mark.parametrize(("variables", "cause"), [(REDIS, "redis-wrongpass"), (NO_PASSWORD, "redis-noauth")])
def test_an_empty_password_is_none(variables: dict[str, str], cause: str) -> None:
    refused = push("auth_failed", "invalid username-password pair or user is disabled.")
    assert found(refused, [reply("WRONGPASS")], variables=variables) == cause


def test_a_password_that_another_client_was_let_in_with_is_not_wrong() -> None:
    refused = push("auth_failed", "WRONGPASS invalid username-password pair or user is disabled.")
    passing = outcome("node.ioredis", port=6379, protocol="redis")
    view = View([passing, refused], {"node.ioredis": [connect(6379)]}, REDIS)
    assert engine.findings(view)[0]["cause"] is None


def test_a_command_shows_no_parameter_that_may_be_secret() -> None:
    failing = push("redis_error", "unknown command 'HELLO'")
    failing["driver"] = {"name": "redis", "version": "8"}
    url = {"UPSTASH_REDIS_URL": "redis://localhost:6379?db=1&ssl_password=secret"}
    change = BY_ID["vr-redispy8-resp3"].change(View([failing], {}, url), failing)
    assert change is not None
    assert change.variables["UPSTASH_REDIS_URL"].endswith("?db=1&ssl_password=secret&protocol=2")
    assert "secret" not in change.command


def command(name: str) -> dict[str, Any]:
    return {"seq": 1, "op": "redis.cmd", "failure": None, "redis.cmd": name}


@pytest.mark.parametrize(
    ("variables", "commands", "cause"),
    [
        (REDIS, ["HELLO"], "vr-redispy8-resp3"),
        (NO_PASSWORD, ["HELLO"], "redis-noauth"),
        (REDIS, ["HELLO", "EVAL"], "redis-noauth"),
        (REDIS, [], "redis-noauth"),
    ],
)
def test_a_password_within_hello_is_not_read_by_a_server_without_hello(
    variables: dict[str, str], commands: list[str], cause: str
) -> None:
    refused = push("auth_failed", "Authentication required.", "authenticate")
    assert found(refused, [*map(command, commands), reply("NOAUTH")], variables=variables) == cause


TURNED_AWAY = Speaker(ADDRESS, "redis", first=True, error="ERR max number of clients reached")
PROTECTED = Speaker(ADDRESS, "redis", first=True, error="DENIED Redis is running in protected mode")


@pytest.mark.parametrize(
    ("peer", "lines", "cause"),
    [
        (TURNED_AWAY, [reply("ERR")], "redis-max-clients"),
        (TURNED_AWAY, [], "redis-max-clients"),
        (TURNED_AWAY, [reply(None, "simple"), reply("ERR")], None),
        (PROTECTED, [reply("ERR")], None),
        (None, [reply("ERR")], None),
    ],
)
def test_a_server_that_is_full(peer: Speaker | None, lines: list[Any], cause: str | None) -> None:
    assert found(push("eof", "Connection is closed.", "authenticate"), lines, peer) == cause


@pytest.mark.parametrize(
    ("protocol", "cause"),
    [
        ("tls", "redis-plain-to-tls"),
        ("postgres", "redis-talks-to-other-server"),
        ("http", "redis-talks-to-other-server"),
        ("redis", None),
        ("closes", None),
    ],
)
def test_who_answered_is_named(protocol: str, cause: str | None) -> None:
    assert found(push("eof", operation="authenticate"), peer=Speaker(ADDRESS, protocol)) == cause


def test_a_queue_that_answered_once_does_not_want_tls() -> None:
    lines = [reply(None, "simple")]
    assert found(push("eof"), lines, Speaker(ADDRESS, "tls")) is None


def test_the_experiment_dials_with_tls() -> None:
    failing = push("eof", operation="authenticate")
    change = BY_ID["redis-plain-to-tls"].change(View([failing], {}, REDIS), failing)
    assert change is not None
    assert change.variables == {"UPSTASH_REDIS_URL": "rediss://default:p@localhost:6379"}
    assert "default:p" not in change.command


@pytest.mark.parametrize(
    ("driver", "address", "unverified"),
    [("redis", ADDRESS, True), ("redis", "203.0.113.7:6379", False), ("ioredis", ADDRESS, False)],
)
def test_a_certificate_is_left_unverified_on_this_machine_only(
    driver: str, address: str, unverified: bool
) -> None:
    refused = push("tls_expired", operation="tls", address=address)
    refused["driver"] = {"name": driver, "version": None}
    change = BY_ID["redis-tls-trust"].change(View([refused], {}, REDIS), refused)
    assert change is not None
    assert change.in_the_lab is not unverified
    url = f"{REDIS['UPSTASH_REDIS_URL']}?ssl_cert_reqs=none"
    assert change.variables == ({"UPSTASH_REDIS_URL": url} if unverified else {})


def sent(conn: int, name: str = "RPUSH", size: int = 207) -> dict[str, Any]:
    return {"seq": conn, "op": "redis.cmd", "conn": conn, "failure": None, "redis.cmd": name, "len": size}


OVER_REST = {"seq": 3, "op": "http.request", "failure": None}


@pytest.mark.parametrize(
    ("driver", "lines", "cause"),
    [
        ("redis", [sent(1), sent(2)], "redis-pyretry-duplicates"),
        ("ioredis", [sent(1), sent(2)], "redis-ioredis-resend"),
        ("redis", [sent(1), sent(1)], None),
        ("redis", [sent(1), sent(2, size=210)], None),
        ("redis", [sent(1, "LRANGE"), sent(2, "LRANGE")], None),
        ("redis", [sent(1), sent(2), OVER_REST], None),
        ("upstash-redis", [sent(1), sent(2)], None),
    ],
)
def test_a_push_that_was_sent_again(driver: str, lines: list[Any], cause: str | None) -> None:
    twice = push("duplicate_effect", operation="read_back")
    twice["driver"] = {"name": driver, "version": None}
    retried = {"redis-pyretry-duplicates", "redis-ioredis-resend"}
    assert (found(twice, lines) if found(twice, lines) in retried else None) == cause


def test_no_push_of_an_application_is_repeated_for_proof() -> None:
    twice = push("duplicate_effect", operation="read_back")
    cause = BY_ID["redis-pyretry-duplicates"]
    assert cause.change(View([twice], {}, REDIS), twice) is None
    twice["name"] = "specimen.redis-py-retries"
    change = cause.change(View([twice], {}, REDIS), twice)
    assert change is not None
    assert change.probe == "specimen.redis-py-marked"
