from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from repro.document import EXIT_CODES, Finding, Outcome, RunDocument, verdict_of
from repro.document.assembly import iso, settled


def skipped(outcome: Outcome) -> Outcome:
    return {**outcome, "status": "skip", "reason": "not set"}


def test_all_agree_is_a_pass(passed: Outcome) -> None:
    assert verdict_of([passed, skipped(passed)]) == "pass"


@pytest.mark.parametrize("status", ["fail", "timeout", "crash"])
def test_one_failing_probe_outweighs_everything(passed: Outcome, refused: Outcome, status: str) -> None:
    failing: Outcome = {**refused, "status": status}  # type: ignore[typeddict-item]

    assert verdict_of([passed, failing], interrupted=True) == "fail"


def test_a_finding_is_a_failure_whatever_the_probes_say(passed: Outcome, finding: Finding) -> None:
    assert verdict_of([passed], [finding]) == "fail"


def test_nothing_tested_is_never_a_pass(passed: Outcome) -> None:
    assert verdict_of([]) == "inconclusive"
    assert verdict_of([skipped(passed)]) == "inconclusive"


def test_an_interrupted_run_is_no_pass(passed: Outcome) -> None:
    assert verdict_of([passed], interrupted=True) == "inconclusive"


def test_each_verdict_has_its_exit_code() -> None:
    assert EXIT_CODES == {"pass": 0, "fail": 1, "inconclusive": 3}


def test_a_documents_head(document: RunDocument) -> None:
    assert document["schema"] == "txrepro/run/1"
    assert document["started_at"] == "2026-01-31T23:59:59.500Z"
    assert document["duration_s"] == 2.123
    assert document["tool"] == {"name": "txrepro", "version": "0.1.0"}
    assert document["verdict"] == "fail"
    assert document["transaction"] == {"statements": ["BEGIN", "COMMIT"], "effect": "commit"}


def test_a_moment_is_told_in_utc() -> None:
    moment = datetime(2026, 2, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))

    assert iso(moment) == "2026-01-31T23:00:00.000Z"


def test_a_stage_that_was_cut_short_has_failed(refused: Outcome) -> None:
    refused["stages"][0] |= {"status": "running", "failure": None}

    assert settled(refused)["stages"][0]["failure"] == "connection_refused"
    assert settled(refused)["stages"][0]["status"] == "fail"
