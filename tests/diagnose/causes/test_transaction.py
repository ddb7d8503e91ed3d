"""Transactions that are none, are refused, or are ended by somebody else; and what is nearly that."""

from __future__ import annotations

from typing import Any

import pytest

from repro.diagnose.controls import done_right
from repro.diagnose.view import View
from repro.document import Outcome
from tests.diagnose.causes.test_commit_ambiguity import asked, done, found, message, ready
from tests.diagnose.test_engine import connect, outcome


def failing(operation: str, failure: str = "sql_error", name: str = "app.own", **error: Any) -> Outcome:
    """A probe of a third party's that failed."""
    return outcome(name, operation=operation, failure=failure, **error)


def refused(sqlstate: str) -> dict[str, Any]:
    """An ErrorResponse."""
    return message("server", "ErrorResponse", sqlstate=sqlstate)


@pytest.mark.parametrize(
    ("sqlstate", "operation", "cause"),
    [
        ("25P02", "insert", "tx-aborted-25p02"),
        ("25P03", "insert", "tx-idle-in-transaction"),
        ("57P01", "insert", "tx-admin-terminate"),
        ("57P01", "commit", "tx-admin-terminate"),
        ("40001", "commit", "tx-serialization"),
        ("40P01", "insert", None),
        ("25006", "insert", "tx-read-only"),
        ("25001", "begin", None),
        ("55P03", "insert", "tx-lock-wait"),
        ("57014", "insert", None),
        ("42501", "insert", "tx-insufficient-privilege"),
        ("42P01", "insert", None),
        ("23505", "commit", "tx-deferred-at-commit"),
        ("23505", "insert", None),
    ],
)
def test_a_refusal_by_its_sqlstate(sqlstate: str, operation: str, cause: str | None) -> None:
    assert found(failing(operation, sqlstate=sqlstate)) == {cause: ["app.own"]}


BEGUN = asked("BEGIN", done("BEGIN"), ready("T"))
WRITTEN = asked("INSERT INTO t", done("INSERT 0 1"), ready("T"))
FAILED = asked("SELECT 1 / 0", refused("22012"), ready("E"))
GOODBYE = [message("client", "Terminate")]
COMMITTED = asked("commit;", done("COMMIT"), ready("I"))


@pytest.mark.parametrize(
    ("events", "cause"),
    [
        ([*BEGUN, *WRITTEN, *GOODBYE], "tx-forgot-commit"),
        ([*BEGUN, *WRITTEN, *asked("ROLLBACK", done("ROLLBACK"), ready("I"))], "tx-forgot-commit"),
        ([*BEGUN, *WRITTEN], None),
        ([*BEGUN, *WRITTEN, *COMMITTED, *GOODBYE], None),
        ([*BEGUN, *WRITTEN, *FAILED, *asked("ROLLBACK", done("ROLLBACK"), ready("I")), *GOODBYE], None),
        ([*BEGUN, *WRITTEN, *asked("COMMIT"), *GOODBYE], None),
        ([*BEGUN, *WRITTEN, *FAILED, *asked("COMMIT", done("ROLLBACK"), ready("I"))], "tx-commit-of-aborted"),
        ([], None),
    ],
)
def test_a_loss_without_an_error(events: list[dict[str, Any]], cause: str | None) -> None:
    assert found(failing("read_back", "not_atomic"), events=events) == {cause: ["app.own"]}


def at(seconds: float, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events at a moment."""
    return [{**each, "t": seconds} for each in events]


WORKED = at(1.0, asked("SELECT 1", done("SELECT 1"), ready("I")))
TOLD = message("server", "ErrorResponse", sqlstate="57P01")


@pytest.mark.parametrize(
    ("events", "error", "cause"),
    [
        ([*WORKED, *at(9.0, asked("BEGIN"))], {"failure": "eof"}, "tx-stale-pooled-connection"),
        (
            [*WORKED, *at(9.0, asked("BEGIN", TOLD))],
            {"failure": "sql_error", "sqlstate": "57P01"},
            "tx-stale-pooled-connection",
        ),
        ([*WORKED, TOLD], {"failure": "eof"}, "tx-stale-pooled-connection"),
        ([*WORKED, *at(1.1, asked("BEGIN"))], {"failure": "eof"}, None),
        (at(9.0, asked("BEGIN")), {"failure": "eof"}, None),
        ([*WORKED, *at(9.0, asked("BEGIN"))], {"failure": "timeout"}, None),
        (
            [*WORKED, *BEGUN, *at(9.0, asked("INSERT", TOLD))],
            {"failure": "sql_error", "sqlstate": "57P01"},
            "tx-admin-terminate",
        ),
        ([*BEGUN, message("server", "ErrorResponse", sqlstate="25P03")], {"failure": "eof"},
         "tx-idle-in-transaction"),
        ([*BEGUN, TOLD], {"failure": "eof"}, "tx-admin-terminate"),
    ],
)  # fmt: skip
def test_an_end_by_when_it_came(
    events: list[dict[str, Any]], error: dict[str, Any], cause: str | None
) -> None:
    assert found(failing("insert", **error), events=events) == {cause: ["app.own"]}


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("cannot perform operation: another operation is in progress", "tx-concurrent-use"),
        ("got Future <Future pending> attached to a different loop", "cfg-cross-event-loop"),
        ("QueuePool limit of size 5 overflow 10 reached, connection timed out", "tx-client-pool-exhausted"),
        ("Error: No transactions support in neon-http driver", "tx-http-not-interactive"),
        ("couldn't get a connection after 30.00 sec", None),
    ],
)
def test_a_refusal_by_the_client(message: str, cause: str | None) -> None:
    assert found(failing("begin", "unsupported", message=message)) == {cause: ["app.own"]}


def test_a_pool_that_could_not_connect_is_not_empty() -> None:
    empty = failing("begin", "pool_exhausted", message="couldn't get a connection after 30.00 sec")
    open_ones = [connect(5432), ready("I")]
    assert found(empty, events=open_ones) == {"tx-client-pool-exhausted": ["app.own"]}
    assert found(empty, events=[connect(5432, "ETIMEDOUT"), ready("I")]) == {None: ["app.own"]}
    accepted_only = [*open_ones, connect(5432)]
    assert found(empty, events=accepted_only) == {None: ["app.own"]}


def test_statements_over_http_one_by_one_are_told_from_a_batch() -> None:
    apart = failing("atomicity", "not_atomic", transport="http")
    stage = {"name": "begin", "status": "pass", "t0": 0.0, "t": 0.0, "failure": None, "detail": {}}
    apart["stages"] = [stage]  # type: ignore[list-item]
    assert found(apart) == {"tx-http-not-interactive": ["app.own"]}
    apart["stages"] = [{**stage, "detail": {"sent_with": "commit"}}]  # type: ignore[typeddict-item]
    assert found(apart) == {None: ["app.own"]}


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ({"message": "Failed query: rollback params:"}, "tx-drizzle-rollback-masks"),
        ({"message": "Failed query: rollback params:", "sqlstate": "57P01"}, "tx-admin-terminate"),
    ],
)
def test_a_rollback_that_hides_the_error(error: dict[str, Any], cause: str) -> None:
    masked = failing("commit", "sql_error" if "sqlstate" in error else "eof", **error)
    masked["applied"] = "unknown"
    assert found(masked) == {cause: ["app.own"]}


def test_the_comparison_is_with_the_same_library() -> None:
    own, its = failing("read_back", "not_atomic"), failing("read_back", name="tcp.psycopg")
    view = View([own], {})
    for each in (own, its):
        each["driver"] = {"name": "psycopg", "version": "3"}
    change = done_right(view, own)
    assert change is not None
    assert change.probe == "tcp.psycopg"
    assert done_right(view, its) is None
    own["driver"] = {"name": "unheard-of", "version": None}
    assert done_right(view, own) is None
