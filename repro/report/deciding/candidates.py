"""What can be chosen after a run: the drivers that were tried, and the fixes of what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from repro.diagnose.undiagnosed import is_push
from repro.document import Finding, Outcome, RunDocument, StageName

MOST_FIXES = 40

CONTROL = "tcp.raw"
"""The probe without a driver: nobody can take it."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One remedy of a finding.

    Args:
        name: what a person types to choose it, as ``fix-1``.
        text: what is to be done.
        finding: what it is against.
    """

    name: str
    text: str
    finding: Finding


def tried(document: RunDocument) -> list[Outcome]:
    """The probes that were not skipped."""
    return [each for each in document["probes"] if each["status"] != "skip"]


def fixes(document: RunDocument) -> list[Fix]:
    """The remedies of the findings whose cause is known, in their order; the first of very many."""
    found = (
        (text, each) for each in document["findings"] if each["cause"] is not None for text in each["fix"]
    )
    return [Fix(f"fix-{number}", *each) for number, each in enumerate(found, start=1)][:MOST_FIXES]


def names(document: RunDocument) -> list[str]:
    """What a person can choose by name: every probe, then every fix."""
    return [*(each["name"] for each in document["probes"]), *(each.name for each in fixes(document))]


def proposal(document: RunDocument, *, pushes: bool) -> list[Outcome]:
    """The drivers that the evidence speaks for: those of which least is open, the quickest first.

    They passed. For the database a driver has held its transactions together; the control is no driver.

    Args:
        document: the run.
        pushes: of the queue; else of the database.
    """
    fit = [each for each in document["probes"] if is_push(each) == pushes and is_fit(each)]
    return sorted(fit, key=lambda each: (len(list(unchecked(each))), _time(each), each["name"]))


def _time(outcome: Outcome) -> float:
    """Milliseconds to BEGIN, where there is one: after it drivers are checked to different ends."""
    begun = ms_to_begin(outcome)
    return outcome["duration_ms"] if begun is None else begun


def is_fit(outcome: Outcome) -> bool:
    """Whether a probe passed, and nothing that was checked of its transaction speaks against its driver."""
    atomic = is_push(outcome) or outcome["atomicity"]["status"] == "held"
    return outcome["status"] == "pass" and atomic and outcome["name"] != CONTROL


_CHECKS = {
    "rolled_back_twin": "whether a rollback leaves nothing",
    "at_once": "whether transactions at once stay apart",
}
"""The checks of a transaction beside its backend and its id, by their keys in the run document."""


def unchecked(outcome: Outcome) -> Iterator[str]:
    """What the run could not check of a transaction, each with the reason in its words."""
    detail = outcome["atomicity"]["detail"]
    for key, what in _CHECKS.items():
        check = detail.get(key)
        if isinstance(check, dict) and "not_checked" in check:
            yield f"{what} ({check['not_checked']})"


_OF_A_DATABASE = {
    "postgresql": "a way to the database's port",
    "https": "an endpoint for SQL over HTTP",
    "http": "an endpoint for SQL over HTTP",
    "wss": "a gateway for WebSockets",
    "ws": "a gateway for WebSockets",
}
_OF_A_QUEUE = {
    "rediss": "a way to the queue's port",
    "redis": "a way to the queue's port",
    "https": "the REST endpoint, and its token",
    "http": "the REST endpoint, and its token",
}


def needs(outcome: Outcome) -> str:
    """What has to be there for a driver, by the protocol that it predicted; empty where it predicted none."""
    known = _OF_A_QUEUE if is_push(outcome) else _OF_A_DATABASE
    found = (known[each["protocol"]] for each in outcome["predicted"] if each["protocol"] in known)
    return next(found, "")


def ms_to_begin(outcome: Outcome) -> float | None:
    """Milliseconds from the first connect attempt to the answer to BEGIN; None where there was no answer."""
    connect, begin = _stage(outcome, "connect"), _stage(outcome, "begin")
    if connect is None or begin is None or begin[1] < connect[0]:
        return None
    return (begin[1] - connect[0]) * 1000


def _stage(outcome: Outcome, name: StageName) -> tuple[float, float] | None:
    """The begin and the end of a stage that passed, in seconds."""
    passed: Sequence[tuple[float, float]] = [
        (each["t0"], each["t"])
        for each in outcome["stages"]
        if each["name"] == name and each["status"] == "pass"
    ]
    return passed[0] if passed else None
