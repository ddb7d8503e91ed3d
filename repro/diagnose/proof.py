"""Proves a cause by experiment: the failing probe again, unchanged and with one thing changed.

*Confirmed* is said only where the unchanged probe failed alike every time and the changed one passed every
time; *refuted* where the changed one still failed in the same way every time. All else is *untested*, with
its counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from repro.diagnose.cause import Change
from repro.diagnose.causes import BY_ID
from repro.diagnose.undiagnosed import identity
from repro.diagnose.view import View
from repro.document import FAILING, Counts, Finding, Outcome, ProofStatus

RUNS = 3
"""Repetitions of each side."""

Repeat = Callable[[str, Change | None], Outcome | None]
"""Runs a probe by its name, with something changed or as it was; None where there is no time for it."""


def proved(finding: Finding, view: View, repeat: Repeat) -> Finding:
    """The finding, with its experiment where its cause has a safe one."""
    cause = None if finding["cause"] is None else BY_ID.get(finding["cause"])
    outcomes = {outcome["name"]: outcome for outcome in view.outcomes}
    failing = outcomes[finding["probes"][0]]
    change = None if cause is None else cause.change(view, failing)
    if change is None:
        return finding
    before, after = _repeated(change, failing, repeat)
    if not before or not after:
        return finding
    return {
        **finding,
        "proof": _verdict(failing, before, after),
        "experiment": {
            "change": change.words,
            "baseline": _counts(before),
            "changed": _counts(after),
            "command": change.command,
        },
    }


def _repeated(change: Change, failing: Outcome, repeat: Repeat) -> tuple[list[Outcome], list[Outcome]]:
    before: list[Outcome] = []
    after: list[Outcome] = []
    for _ in range(RUNS):
        for name, changed, into in ((failing["name"], None, before), (change.probe, change, after)):
            outcome = repeat(name, changed)
            if outcome is None or outcome["status"] == "skip":
                return [], []
            into.append(outcome)
    return before, after


def _verdict(failing: Outcome, before: Sequence[Outcome], after: Sequence[Outcome]) -> ProofStatus:
    alike = all(each["status"] in FAILING and identity(each) == identity(failing) for each in before)
    if alike and all(each["status"] == "pass" for each in after):
        return "confirmed"
    same_way = all(each["status"] in FAILING and _fails_alike(each, failing) for each in after)
    return "refuted" if alike and same_way else "untested"


def _fails_alike(one: Outcome, other: Outcome) -> bool:
    """In the same way, wherever it was."""
    a, b = identity(one), identity(other)
    return (a.failure, a.sqlstate) == (b.failure, b.sqlstate)


def _counts(outcomes: Sequence[Outcome]) -> Counts:
    return {"runs": len(outcomes), "failed": sum(each["status"] in FAILING for each in outcomes)}
