"""From what a run saw to its findings: each failing probe is explained once, by a cause or by none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repro.diagnose import patience, ruled_out, undiagnosed
from repro.diagnose.cause import Cause
from repro.diagnose.causes import BY_ID, CAUSES
from repro.diagnose.view import View
from repro.document import Finding, Outcome, RuledOut

Refuted = Mapping[str, str]
"""Causes that an experiment refuted, each with what it came to."""


def findings(view: View, refuted: Refuted | None = None) -> list[Finding]:
    """The causes that the evidence supports, those that explain most probes first; then what has none.

    Args:
        view: what the run saw.
        refuted: causes that are out of the question by now.
    """
    out = refuted or {}
    explained: set[str] = set()
    found: list[Finding] = []
    for cause in CAUSES:
        if cause.id in out:
            continue
        members = [each for each in cause.suspects(view) if each["name"] not in explained]
        if members:
            explained.update(each["name"] for each in members)
            found.append(_finding(cause, members, view, out))
    found.sort(key=lambda finding: -len(finding["probes"]))
    rest = [outcome for outcome in view.outcomes if outcome["name"] not in explained]
    unknown = undiagnosed.findings(rest, view.events)
    for finding in unknown:
        members = [outcome for outcome in rest if outcome["name"] in finding["probes"]]
        finding["evidence"] += [*view.spoken(members), *patience.beside(members)]
        finding["ruled_out"] = [*_by_experiment(out), *ruled_out.by_progress(members, view)]
    return [*found, *unknown]


def _finding(cause: Cause, members: Sequence[Outcome], view: View, refuted: Refuted) -> Finding:
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
        "evidence": [*view.evidence(members, *cause.ops), *patience.beside(members)],
        "experiment": None,
        "ruled_out": [*_by_experiment(refuted), *_ruled_out(cause, refuted)],
        "fix": list(cause.fix),
        "links": list(cause.links),
    }


def _ruled_out(cause: Cause, refuted: Refuted) -> list[RuledOut]:
    return [
        {"cause": other, "because": because}
        for other, because in cause.apart.items()
        if other in BY_ID and other not in refuted
    ]


def _by_experiment(refuted: Refuted) -> list[RuledOut]:
    return [{"cause": cause, "because": because} for cause, because in refuted.items()]
