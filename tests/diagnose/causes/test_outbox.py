"""The database and the queue, written one after the other, by the order of what a program did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.causes import BY_ID
from repro.diagnose.view import View
from repro.document import Outcome
from tests.diagnose.test_engine import URL, outcome

QUEUE = {**URL, "UPSTASH_REDIS_URL": "redis://default:p@localhost:6379"}
Lines = list[dict[str, Any]]


def line(op: str, t: float, port: int, **fields: Any) -> dict[str, Any]:
    peer = {"address": "127.0.0.1", "port": port}
    return {
        "seq": int(t * 10),
        "op": op,
        "t0": t,
        "t": t,
        "conn": port,
        "peer": peer,
        "failure": None,
        **fields,
    }


def message(t: float, sender: str, name: str, fields: dict[str, Any], conn: int = 5432) -> dict[str, Any]:
    return {**line("pg.msg", t, 5432, sender=sender, **{"pg.name": name, **fields}), "conn": conn}


def asked(t: float, sql: str, tag: str, after: str = "T", *, conn: int = 5432) -> Lines:
    """A statement and its answer, all of it a moment later."""
    return [
        message(t, "client", "Query", {"pg.sql": sql}, conn),
        message(t + 0.1, "server", "CommandComplete", {"pg.tag": tag}, conn),
        message(t + 0.1, "server", "ReadyForQuery", {"pg.status": after}, conn),
    ]


def refused(t: float, after: str = "E") -> Lines:
    """A statement that the server refuses."""
    return [
        message(t, "client", "Query", {"pg.sql": "SELECT 1 / 0"}),
        message(t + 0.1, "server", "ErrorResponse", {"pg.sqlstate": "22012"}),
        message(t + 0.1, "server", "ReadyForQuery", {"pg.status": after}),
    ]


def begun(t: float, conn: int = 5432) -> Lines:
    return asked(t, "BEGIN", "BEGIN", conn=conn)


def insert(t: float, after: str = "T") -> Lines:
    return asked(t, "INSERT INTO jobs", "INSERT 0 3", after)


def commit(t: float, tag: str = "COMMIT") -> Lines:
    return asked(t, "COMMIT", tag, "I")


def rollback(t: float) -> Lines:
    return asked(t, "ROLLBACK", "ROLLBACK", "I")


def unanswered_commit(t: float) -> Lines:
    return [message(t, "client", "Query", {"pg.sql": "COMMIT"})]


def gone(t: float) -> Lines:
    """The client says goodbye."""
    return [message(t, "client", "Terminate", {})]


def push(t: float) -> Lines:
    return [line("redis.cmd", t, 6379, **{"redis.cmd": "RPUSH"})]


def reply(t: float, error: str | None = None) -> Lines:
    return [line("redis.reply", t, 6379, **{"redis.error": error})]


def pushed(t: float) -> Lines:
    return push(t) + reply(t + 0.1)


def no_queue(t: float, port: int = 6379) -> Lines:
    return [{**line("connect", t, port), "failure": "connection_refused", "errno": "ECONNREFUSED"}]


WROTE = begun(1) + insert(2)
ROLLED_BACK = outcome("tcp.app", failure="sql_error", operation="commit", sqlstate="22012")
COUNTED = outcome("tcp.app", failure="not_atomic", operation="read_back")
LOST = outcome("tcp.app", failure="connection_refused", operation="commit")
REFUSED = outcome("tcp.app", failure="redis_error", operation="commit")


def found(failing: Outcome, lines: Sequence[dict[str, Any]]) -> str | None:
    (finding,) = engine.findings(View([failing], {failing["name"]: lines}, QUEUE))
    return finding["cause"]


@pytest.mark.parametrize("failing", [ROLLED_BACK, COUNTED])
@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (WROTE + pushed(3) + refused(4) + rollback(5), "ob-push-before-commit"),
        (begun(1) + pushed(2) + insert(3) + refused(4) + rollback(5), "ob-push-before-commit"),
        # the push was refused, or nobody knows
        (WROTE + push(3) + reply(3.1, "READONLY") + refused(4) + rollback(5), None),
        (WROTE + push(3) + refused(4) + rollback(5), None),
        # it says that the transaction has failed, as a job for somebody may
        (WROTE + refused(3) + pushed(4) + rollback(5), None),
        (WROTE + refused(3) + rollback(4) + pushed(5), None),
        # what was written is there
        (WROTE + pushed(3) + commit(4) + refused(5, "I"), None),
        (insert(1, "I") + pushed(2) + refused(3, "I"), None),
        # nothing was written
        (begun(1) + pushed(2) + refused(3) + rollback(4), None),
        # the answer to COMMIT was lost
        (WROTE + pushed(3) + unanswered_commit(4), None),
        (WROTE + refused(3) + rollback(4), None),
    ],
)
def test_a_push_inside_a_transaction_that_failed(failing: Outcome, lines: Lines, cause: str | None) -> None:
    assert found(failing, lines) == cause


def test_a_process_numbers_its_connections_for_itself() -> None:
    elsewhere = [{**each, "pid": 2} for each in reply(3.5)]
    assert found(COUNTED, WROTE + push(3) + elsewhere + refused(4) + rollback(5)) is None
    other = [{**each, "pid": 2} for each in commit(3.5)]
    assert found(COUNTED, WROTE + pushed(3) + other + refused(4) + rollback(5)) == "ob-push-before-commit"


def test_a_commit_that_rolled_back_is_the_deeper_cause_where_nobody_was_told() -> None:
    lines = WROTE + pushed(3) + refused(4) + commit(5, "ROLLBACK")
    assert found(COUNTED, lines) == "tx-commit-of-aborted"
    assert found(ROLLED_BACK, lines) == "ob-push-before-commit"


@pytest.mark.parametrize(
    ("failing", "lines", "cause"),
    [
        (LOST, WROTE + commit(3) + no_queue(4), "ob-commit-then-push-lost"),
        (COUNTED, WROTE + commit(3) + no_queue(4) + begun(5, 2), "ob-commit-then-push-lost"),
        (LOST, WROTE + commit(3) + push(4), "ob-commit-then-push-lost"),
        (REFUSED, WROTE + commit(3) + push(4) + reply(5, "READONLY"), "ob-commit-then-push-lost"),
        (LOST, insert(1, "I") + no_queue(2), "ob-commit-then-push-lost"),
        # a relay has asked the database what is pending
        (LOST, WROTE + commit(3) + asked(4, "UPDATE outbox", "UPDATE 1", "I") + gone(4.5), None),
        (LOST, [*WROTE, *commit(3), *asked(4, "SELECT", "SELECT 1", "I"), *no_queue(5)], None),
        # before COMMIT, at another port, or with success in the end
        (LOST, WROTE + no_queue(2.5) + commit(3), None),
        (LOST, WROTE + commit(3) + no_queue(4, 5433), None),
        (LOST, WROTE + commit(3) + no_queue(4) + pushed(5), None),
        # nothing was committed, or nobody knows
        (LOST, WROTE + commit(3, "ROLLBACK") + no_queue(4), None),
        (LOST, WROTE + unanswered_commit(3) + no_queue(4), None),
        (LOST, begun(1) + asked(2, "SELECT 1", "SELECT 1") + commit(3) + no_queue(4), None),
        (LOST, no_queue(4), None),
    ],
)
def test_a_push_that_was_lost_after_commit(failing: Outcome, lines: Lines, cause: str | None) -> None:
    assert found(failing, lines) == cause


@pytest.mark.parametrize(
    ("cause", "specimen", "control"),
    [
        ("ob-push-before-commit", "specimen.push-before-commit", "specimen.outbox-rolled-back"),
        ("ob-commit-then-push-lost", "specimen.commit-then-push", "specimen.outbox-committed"),
    ],
)
def test_the_control_is_the_production_outbox(cause: str, specimen: str, control: str) -> None:
    change = BY_ID[cause].change(View([], {}, QUEUE), {**COUNTED, "name": specimen})
    assert change is not None
    assert change.probe == control


@pytest.mark.parametrize("cause", ["ob-push-before-commit", "ob-commit-then-push-lost"])
def test_what_an_application_pushed_is_not_pushed_again(cause: str) -> None:
    assert BY_ID[cause].change(View([], {}, QUEUE), COUNTED) is None
