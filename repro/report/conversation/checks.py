"""The checks that a probe makes of its driver once its transaction has passed, and which of them failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from repro.document import Outcome
from repro.document.excerpt import Excerpt, missing, places

Line = Mapping[str, Any]


def failed(outcome: Outcome) -> bool:
    """Whether the transaction alone was one, and a later one was not: rolled back, or several at once."""
    error, atomicity = outcome["error"], outcome["atomicity"]
    is_split = len(atomicity["backends"]) > 1 or len(atomicity["xids"]) > 1
    return error is not None and error["operation"] == "atomicity" and not is_split


def begins(lines: Iterable[Line]) -> list[float]:
    """When each check began, in seconds of the trace; the probe notes it there."""
    return [line["t0"] for line in lines if line["op"] == "note" and line.get("src") == "probe"]


def that_failed(outcome: Outcome, lines: Sequence[Line]) -> Sequence[Line]:
    """The head of a trace and the check that failed; the whole trace where it was no check.

    Args:
        outcome: the probe.
        lines: its trace, or an excerpt of it.
    """
    begun = max(begins(lines), default=None) if failed(outcome) else None
    if begun is None:
        return lines
    placed = zip(places(lines), lines, strict=True)
    kept = [(place, line) for place, line in placed if line["op"] == "visibility" or line["t0"] >= begun]
    return Excerpt(kept, len(kept) + missing(lines))
