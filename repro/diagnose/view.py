"""What a cause is judged by: everything that a run has seen, with the questions that causes ask of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from repro.document import FAILING, Evidence, Outcome
from repro.events import Peer
from repro.observe.catalog import QUEUE_NAMES

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """A run, as far as it matters for its causes.

    Args:
        outcomes: one for each probe.
        events: each probe's trace lines, by its name.
        variables: the target's settings, under their environment names.
    """

    outcomes: Sequence[Outcome]
    events: Mapping[str, Sequence[Line]]
    variables: Mapping[str, str] = field(default_factory=dict)

    def failing(self) -> list[Outcome]:
        """The probes that failed, in order."""
        return [outcome for outcome in self.outcomes if outcome["status"] in FAILING and outcome["error"]]

    def passing(self) -> list[Outcome]:
        """The probes that passed, in order."""
        return [outcome for outcome in self.outcomes if outcome["status"] == "pass"]

    def lines(self, outcome: Outcome, op: str) -> list[Line]:
        """The events of one kind in a probe's trace."""
        return [line for line in self.events.get(outcome["name"], ()) if line.get("op") == op]

    def evidence(self, outcomes: Iterable[Outcome], *ops: str) -> list[Evidence]:
        """The failed events of these kinds; where a probe has none, the deepest link of its error."""
        found: list[Evidence] = []
        for outcome in outcomes:
            failed = [line for op in ops for line in self.lines(outcome, op) if line.get("failure")]
            found += [
                {"probe": outcome["name"], "seq": line["seq"], "text": told(line)} for line in failed[-4:]
            ] or [{"probe": outcome["name"], "seq": None, "text": deepest(outcome)}]
        return found


def told(line: Line) -> str:
    """An event in a few words: ``connect 127.0.0.1:443 ECONNREFUSED``."""
    peer = line.get("peer")
    whom = str(Peer(peer["address"], peer["port"])) if peer else str(line.get("dns.name") or "")
    return " ".join(
        filter(None, (str(line["op"]), whom, str(line.get("errno") or line.get("failure") or "")))
    )


def deepest(outcome: Outcome) -> str:
    """What the deepest link of a probe's error says."""
    error = outcome["error"]
    if error is None:
        return ""
    return error["chain"][-1]["message"] if error["chain"] else error["message"]


def types(outcome: Outcome) -> list[str]:
    """The types of a probe's error, outermost first."""
    error = outcome["error"]
    return [] if error is None else [link["type"] for link in error["chain"]]


def failed_with(outcome: Outcome, failure: str, operation: str | None = None) -> bool:
    """Whether a probe failed in a way, and at an operation."""
    error = outcome["error"]
    return error is not None and error["failure"] == failure and operation in {None, error["operation"]}


def is_of_the_queue(outcome: Outcome) -> bool:
    """Whether a probe pushes."""
    return outcome["name"] in QUEUE_NAMES
