"""From what a run saw to its document, and what that comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from repro.document.shape import (
    FAILING,
    RUN_SCHEMA,
    Effect,
    Finding,
    Outcome,
    RunDocument,
    Stage,
    Verdict,
)

EXIT_CODES: Final[Mapping[Verdict, int]] = {"pass": 0, "fail": 1, "inconclusive": 3}
"""The exit code of a run's command for each verdict: all agree, a finding, could not test."""


def assemble(
    *,
    run_id: str,
    started_at: datetime,
    duration_s: float,
    tool_version: str,
    environment: Mapping[str, Any],
    target: Mapping[str, Any],
    statements: Sequence[str],
    effect: Effect,
    outcomes: Sequence[Outcome],
    findings: Sequence[Finding],
    interrupted: bool = False,
) -> RunDocument:
    """The document of a run.

    Args:
        run_id: the run's name.
        started_at: the wall clock at the run's start; must know its zone.
        duration_s: how long the run took, in seconds.
        tool_version: this program's version.
        environment: the facts of `repro.environment_facts.collect`, and what the lab adds to them.
        target: where the database and the queue are, already without secrets.
        statements: the SQL of the production transaction, in order.
        effect: whether the transaction was really committed.
        outcomes: one for each probe, in the order of the report.
        findings: the best supported first.
        interrupted: somebody stopped the run before its end.
    """
    return {
        "schema": RUN_SCHEMA,
        "run_id": run_id,
        "started_at": iso(started_at),
        "duration_s": round(duration_s, 3),
        "tool": {"name": "txrepro", "version": tool_version},
        "verdict": verdict_of(outcomes, findings, interrupted=interrupted),
        "environment": dict(environment),
        "target": dict(target),
        "transaction": {"statements": list(statements), "effect": effect},
        "probes": [settled(outcome) for outcome in outcomes],
        "findings": list(findings),
    }


def verdict_of(
    outcomes: Iterable[Outcome], findings: Iterable[Finding] = (), *, interrupted: bool = False
) -> Verdict:
    """What a run comes to: a failure outweighs everything, and nothing tested is never a pass."""
    statuses = [outcome["status"] for outcome in outcomes]
    if any(findings) or any(status in FAILING for status in statuses):
        return "fail"
    return "pass" if "pass" in statuses and not interrupted else "inconclusive"


def settled(outcome: Outcome) -> Outcome:
    """An outcome without a stage that is still running: one that was cut short has failed."""
    failure = outcome["error"]["failure"] if outcome["error"] is not None else "timeout"
    stages = [
        Stage({**stage, "status": "fail", "failure": failure}) if stage["status"] == "running" else stage
        for stage in outcome["stages"]
    ]
    return {**outcome, "stages": stages}


def iso(moment: datetime) -> str:
    """A moment in ISO 8601, in UTC, to the millisecond, as ``2026-01-31T23:59:59.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
