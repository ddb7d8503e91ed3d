"""What an event, a time and a failure are called on the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from repro.diagnose.undiagnosed import in_words
from repro.document import FAILING, ErrorRecord, Outcome, ProbeStatus
from repro.report.escape import brief
from repro.trace.formats import fields
from repro.trace.formats.messages import told
from repro.trace.formats.timeline import outcome as came_to

Line = Mapping[str, Any]

SIGNS: Final[Mapping[str, str]] = {
    "pass": "✓",
    "fail": "✕",
    "timeout": "✕",
    "crash": "✕",
    "skip": "-",
    "not_applicable": "n/a",
    "inconclusive": "?",
    "running": "…",
}
"""A sign for each status, so that none is told by its colour alone."""

ENDED: Final[Mapping[ProbeStatus, str]] = {
    "pass": "passed",
    "fail": "failed",
    "timeout": "timed out",
    "crash": "crashed",
    "skip": "skipped",
}


def milliseconds(value: float) -> str:
    """A time with three figures at most: ``0.42 ms``, ``41.5 ms``, ``1.25 s``."""
    if value >= 10_000:
        return f"{value / 1000:,.1f} s"
    if value >= 1_000:
        return f"{value / 1000:.2f} s"
    if value >= 100:
        return f"{value:.0f} ms"
    return f"{value:.1f} ms" if value >= 10 else f"{value:.2f} ms"


def said(line: Line, most: int) -> str:
    """An event in words, a message with its direction."""
    arrow = {"client": "→ ", "server": "← "}.get(fields.sender(line) or "", "")
    name = "connect" if fields.operation(line) == "connect" else told(line)
    return arrow + brief(name, most)


def peer(line: Line) -> str:
    """The far end, or nothing."""
    found = fields.peer(line)
    return "" if found is None else brief(found, 100)


def failed(line: Line, most: int) -> str:
    """How an event failed, with its errno; nothing where it did not."""
    failure, errno = fields.failure(line), fields.errno(line)
    if failure is None:
        return ""
    return brief(" ".join(filter(None, (failure, errno))), most)


def result(line: Line, most: int) -> str:
    """What came of an event, in the words of its failure or of a step that succeeded."""
    return failed(line, most) or brief(came_to(line), most)


def ended(outcome: Outcome) -> str:
    """How a failing probe ended: ``failed at connect: connection refused``."""
    error = outcome["error"]
    if outcome["status"] not in FAILING or error is None:
        return ENDED[outcome["status"]]
    head = f"{ENDED[outcome['status']]} at {error['operation']}"
    return f"{head}: {in_words(error['failure'])}" if outcome["status"] == "fail" else head


def numbers(error: ErrorRecord) -> list[str]:
    """The failure with what systems call it: ``connection_refused``, ``ECONNREFUSED``, ``SQLSTATE 42P01``."""
    state = error["sqlstate"] and f"SQLSTATE {error['sqlstate']}"
    return [each for each in (error["failure"], error["errno"], state) if each]
