"""The matrix: every probe against every stage, a glance to see where they part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repro.document import FAILING, STAGES, Outcome, StageName, StageStatus
from repro.report.escape import cell

MARKS: Mapping[StageStatus, str] = {
    "pass": "✓",
    "fail": "**✗**",
    "skip": "·",
    "not_applicable": "n/a",
    "running": "…",
}

LEGEND = "✓ passed, **✗** failed here, · not reached, n/a does not apply here, blank: no part of this probe"

HEADINGS: Mapping[StageName, str] = {"authenticate": "auth", "read_back": "read back", "atomicity": "atomic"}
"""Shorter words for the columns with long names."""

RESULTS = {
    "pass": "passed",
    "fail": "**failed**",
    "skip": "skipped",
    "timeout": "**timed out**",
    "crash": "**crashed**",
}


def render(outcomes: Sequence[Outcome]) -> str:
    """The matrix as a table, a row for each probe; stages that no probe has are left out."""
    columns = [
        stage for stage in STAGES if any(stage == each["name"] for o in outcomes for each in o["stages"])
    ]
    head = ["probe", "result", "time", *(HEADINGS.get(stage, stage) for stage in columns)]
    rule = ["---", "---", "--:", *(":-:" for _ in columns)]
    rows = [_row(outcome, columns) for outcome in outcomes]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def _row(outcome: Outcome, columns: Sequence[StageName]) -> list[str]:
    marks = {stage["name"]: MARKS[stage["status"]] for stage in outcome["stages"]}
    time = "" if outcome["status"] == "skip" else f"{outcome['duration_ms']:,.0f} ms"
    return [
        cell(outcome["name"]),
        RESULTS[outcome["status"]],
        time,
        *(marks.get(name, "") for name in columns),
    ]


def tally(outcomes: Sequence[Outcome]) -> str:
    """How many probes came to what, in words: ``8 passed, 2 failed, 1 skipped``."""
    words = {"passed": {"pass"}, "failed": FAILING, "skipped": {"skip"}}
    counts = {word: sum(each["status"] in statuses for each in outcomes) for word, statuses in words.items()}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "none ran"
