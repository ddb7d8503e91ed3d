"""From what a run saw to its findings: each failing probe is explained once, by a cause or by none."""

from __future__ import annotations

from collections.abc import Sequence

from repro.diagnose import undiagnosed
from repro.diagnose.cause import Cause
from repro.diagnose.causes import BY_ID, CAUSES
from repro.diagnose.view import View
from repro.document import Finding, Outcome, RuledOut


def findings(view: View) -> list[Finding]:
    """The causes that the evidence supports, those that explain most probes first; then what has none."""
    explained: set[str] = set()
    found: list[Finding] = []
    for cause in CAUSES:
        members = [each for each in cause.suspects(view) if each["name"] not in explained]
        if members:
            explained.update(each["name"] for each in members)
            found.append(_finding(cause, members, view))
    found.sort(key=lambda finding: -len(finding["probes"]))
    rest = [outcome for outcome in view.outcomes if outcome["name"] not in explained]
    return [*found, *undiagnosed.findings(rest, view.events)]


def _finding(cause: Cause, members: Sequence[Outcome], view: View) -> Finding:
    error = members[0]["error"]
    assert error is not None  # noqa: S101 - only a probe that failed is suspected
    return {
        "cause": cause.id,
        "layer": cause.layer,
        "operation": error["operation"],
        "failure": error["failure"],
        "title": cause.title,
        "probes": [each["name"] for each in members],
        "proof": "untested",
        "summary": cause.summary,
        "evidence": view.evidence(members, *cause.ops),
        "experiment": None,
        "ruled_out": _ruled_out(cause),
        "fix": list(cause.fix),
        "links": list(cause.links),
    }


def _ruled_out(cause: Cause) -> list[RuledOut]:
    return [{"cause": other, "because": because} for other, because in cause.apart.items() if other in BY_ID]
