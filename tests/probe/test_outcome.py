"""From what a probe saw to its outcome: every stage has an end, and `applied` is never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from repro.probe.outcome import applied, ended
from repro.probe.recorder import StageRecord

EXPECTED = ("resolve", "connect", "begin", "insert", "commit", "cleanup")


def stage(name: str, status: str = "pass") -> StageRecord:
    return {"name": name, "status": status, "t0": 1.0, "t": 2.0, "failure": None, "detail": {}}


def stages(*names: str, running: str | None = None) -> dict[str, StageRecord]:
    found = {name: stage(name) for name in names}
    return found if running is None else {**found, running: stage(running, "running")}


def error(
    operation: str, failure: str = "eof", *, sqlstate: str | None = None, code: str | None = None
) -> dict[str, Any]:
    chain = [{"type": "Error", "message": "", "code": code}]
    return {"operation": operation, "failure": failure, "sqlstate": sqlstate, "chain": chain}


def test_what_passed_stays_and_what_never_began_does_not_apply() -> None:
    found = ended(stages("connect", "begin", "insert", "commit"), EXPECTED, None, 9.0)

    assert [each["status"] for each in found] == ["not_applicable", *["pass"] * 4, "not_applicable"]


def test_after_the_failing_stage_everything_is_skipped() -> None:
    found = ended(stages("resolve", "connect", "begin", running="insert"), EXPECTED, error("insert"), 9.0)

    assert [(each["name"], each["status"]) for each in found[3:]] == [
        ("insert", "fail"),
        ("commit", "skip"),
        ("cleanup", "skip"),
    ]
    assert found[3]["failure"] == "eof"
    assert found[3]["t"] == 9.0


def test_a_cleanup_that_was_made_is_kept() -> None:
    found = ended(stages("connect", "cleanup", running="begin"), EXPECTED, error("begin"), 9.0)

    assert found[-1]["status"] == "pass"


@pytest.mark.parametrize(
    ("known", "failed", "answer"),
    [
        (stages("commit"), None, "yes"),
        (stages("commit"), error("atomicity", "not_atomic"), "yes"),
        (stages("begin", running="insert"), error("insert"), "no"),
        (stages("insert", running="commit"), error("commit", "eof"), "unknown"),
        (stages("insert", running="commit"), error("commit", "timeout"), "unknown"),
        (stages("insert", running="commit"), error("commit", "sql_error", sqlstate="40001"), "no"),
        (stages("insert", running="commit"), error("commit", "sql_error", sqlstate="57P01"), "unknown"),
        (stages("insert", running="commit"), error("commit", "sql_error"), "unknown"),
        (stages("insert", running="commit"), error("commit", "http_status", code="HTTP 429"), "no"),
        (stages("insert", running="commit"), error("commit", "http_status", code="HTTP 502"), "unknown"),
        (
            stages("insert", running="commit"),
            error("commit", "protocol_mismatch", code="HTTP 200"),
            "unknown",
        ),
        (stages("insert", running="commit"), error("connect", "connection_refused"), "no"),
        ({}, error("connect"), "no"),
    ],
)
def test_whether_it_was_applied(
    known: dict[str, StageRecord], failed: dict[str, Any] | None, answer: str
) -> None:
    assert applied(known, failed, "commit") == answer
