"""What can be chosen after a run."""

from __future__ import annotations

import pytest

from repro.report.deciding import candidates
from tests.report.conftest import DATABASE, Run, outcome, stages


def test_every_probe_and_every_fix_can_be_named(origin: Run) -> None:
    origin.document["findings"][0] |= {"cause": "sl-localhost-443", "fix": ["Take pg.", "Run a proxy."]}
    names = candidates.names(origin.document)
    assert names[:2] == ["tcp.raw", "tcp.psycopg"]
    assert names[-2:] == ["fix-1", "fix-2"]


def test_what_is_not_diagnosed_has_no_fix(origin: Run) -> None:
    origin.document["findings"][0] |= {"cause": None, "fix": ["Guess."]}
    assert candidates.fixes(origin.document) == []


def test_of_very_many_fixes_the_first_can_be_chosen(origin: Run) -> None:
    origin.document["findings"][0] |= {"cause": "x", "fix": ["again"] * 500}
    assert len(candidates.fixes(origin.document)) == candidates.MOST_FIXES


@pytest.mark.parametrize(
    ("name", "protocol", "needed"),
    [
        ("tcp.psycopg", "postgresql", "a way to the database's port"),
        ("http.neon", "https", "an endpoint for SQL over HTTP"),
        ("ws.neon", "wss", "a gateway for WebSockets"),
        ("push.redis-tcp", "rediss", "a way to the queue's port"),
        ("push.upstash-rest", "https", "the REST endpoint, and its token"),
        ("tcp.psycopg", "gopher", ""),
    ],
)
def test_what_a_driver_needs_is_told_by_its_protocol(name: str, protocol: str, needed: str) -> None:
    found = outcome(name, "tcp", ("x", "1"), 1)
    found["predicted"][0]["protocol"] = protocol
    assert candidates.needs(found) == needed


def test_without_a_prediction_nothing_is_needed() -> None:
    assert candidates.needs(outcome("tcp.psycopg", "tcp", ("x", "1"), 1, predicted=[])) == ""


def test_a_first_transaction_waits_from_the_first_attempt_to_the_answer_to_begin() -> None:
    found = outcome("tcp.psycopg", "tcp", ("x", "1"), 1)
    by_name = {each["name"]: each for each in found["stages"]}
    by_name["connect"] |= {"t0": 0.100, "t": 0.900}
    by_name["begin"] |= {"t0": 0.090, "t": 0.125}
    assert candidates.ms_to_begin(found) == pytest.approx(25.0)


@pytest.mark.parametrize("failing", ["connect", "begin"])
def test_a_stage_that_failed_has_no_time(failing: str) -> None:
    found = outcome("tcp.psycopg", "tcp", ("x", "1"), 1, stages=stages(DATABASE, failing, "eof"))  # type: ignore[arg-type]
    assert candidates.ms_to_begin(found) is None


@pytest.mark.parametrize(
    ("detail", "gaps"),
    [
        ({}, []),
        ({"at_once": {"two": {"split": 0}}, "rolled_back_twin": {"rows_left": 0}}, []),
        ({"at_once": {"not_applicable": "each transaction is one request"}}, []),
        ({"at_once": {"not_checked": "too far"}}, ["whether transactions at once stay apart (too far)"]),
        ({"rolled_back_twin": {"not_checked": "why"}}, ["whether a rollback leaves nothing (why)"]),
        ({"at_once": "not a mapping"}, []),
    ],
)
def test_what_was_not_checked_is_told_with_its_reason(detail: dict[str, object], gaps: list[str]) -> None:
    found = outcome("tcp.psycopg", "tcp", ("x", "1"), 1)
    found["atomicity"]["detail"] = detail
    assert list(candidates.unchecked(found)) == gaps
