"""The trace of each probe as the page shows it: its zero, which lines are listed, and which are evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.diagnose.undiagnosed import is_push
from repro.document import FAILING, Finding, Outcome, RunDocument
from repro.document.excerpt import STEPS, missing, places
from repro.report.html.room import Room
from repro.trace.formats import fields

Line = Mapping[str, Any]
Events = Mapping[str, Sequence[Line]]


@dataclass(frozen=True, slots=True)
class Trace:
    """What the page knows of one probe.

    Args:
        outcome: the probe.
        head: who saw it, and what they cannot see; None where that is not known.
        lines: its events, in order; of a very long trace an excerpt.
        places: where in the whole trace each of them stands, the head not counted.
        whole: how many events the whole trace has.
        listed: those of the lines that the page lists.
        zero_s: when it began, in seconds since the run's start; every time of it is told since then.
        end_ms: when its last event or stage ended, in milliseconds since it began.
        cited: the numbers of the findings for which a line is evidence, by its ``seq``.
        looked_at: it fails, or is the one to compare the failing ones with.
    """

    outcome: Outcome
    head: Line | None
    lines: Sequence[Line]
    places: Sequence[int]
    whole: int
    listed: Sequence[Line]
    zero_s: float
    end_ms: float
    cited: Mapping[int, Sequence[int]]
    looked_at: bool

    @property
    def name(self) -> str:
        """The probe's."""
        return self.outcome["name"]

    def since_ms(self, second: float) -> float:
        """A second of the run as milliseconds since the probe began."""
        return max(0.0, (second - self.zero_s) * 1000)


def read(document: RunDocument, events: Events, room: Room) -> list[Trace]:
    """The traces of all probes that were run, the failing ones first, as many as there is room for."""
    tried = [outcome for outcome in document["probes"] if outcome["status"] != "skip"]
    tried.sort(key=lambda outcome: outcome["status"] not in FAILING)
    shown = tried[: room.probes]
    looked_at = {each["name"] for each in shown if each["status"] in FAILING} | compared(document)
    findings = document["findings"][: room.items]
    found = []
    for outcome in shown:
        looked = outcome["name"] in looked_at
        most = room.lines_of(looked_at=looked, probes=len(shown))
        found.append(_trace(outcome, events.get(outcome["name"], ()), findings, most, looked_at=looked))
    return found


def _trace(
    outcome: Outcome, lines: Sequence[Line], findings: Sequence[Finding], most: int, *, looked_at: bool
) -> Trace:
    heads = [line for line in lines if fields.operation(line) == "visibility"]
    told = [line for line in lines if fields.operation(line) != "visibility"]
    cited = cited_by(outcome["name"], findings)
    zero_s, end_s = _span_s(outcome, told)
    return Trace(
        outcome=outcome,
        head=heads[0] if heads else None,
        lines=told,
        places=[place - len(heads) for place in places(lines)[len(heads) :]],
        whole=len(told) + missing(lines),
        listed=select(told, cited, most),
        zero_s=zero_s,
        end_ms=max(0.0, (end_s - zero_s) * 1000),
        cited=cited,
        looked_at=looked_at,
    )


def reached(outcome: Outcome) -> list[Any]:
    """The stages that a probe came to."""
    return [stage for stage in outcome["stages"] if stage["status"] in {"pass", "fail"}]


def _span_s(outcome: Outcome, lines: Iterable[Line]) -> tuple[float, float]:
    """When its first event or stage began and its last one ended, in seconds since the run's start."""
    spans = [(fields.seconds(line, "t0"), fields.seconds(line, "t")) for line in lines]
    spans += [(stage["t0"], stage["t"]) for stage in reached(outcome)]
    begins, ends = zip(*spans, strict=True) if spans else ((0.0,), (0.0,))
    return min(begins), max(ends)


def compared(document: RunDocument) -> set[str]:
    """The probe that the failing ones are best held against: it passed, on their transport if one did.

    In a run in which nothing failed it is the first one.
    """
    passed = [outcome for outcome in document["probes"] if outcome["status"] == "pass"]
    failing = next((outcome for outcome in document["probes"] if outcome["status"] in FAILING), None)
    if failing is not None:
        passed.sort(
            key=lambda each: (
                is_push(each) != is_push(failing),
                each["transport"] != failing["transport"],
            )
        )
    return {each["name"] for each in passed[:1]}


def cited_by(probe: str, findings: Iterable[Finding]) -> dict[int, list[int]]:
    """The numbers of the findings, from 1, for which a line of a probe is evidence, by the line's ``seq``."""
    found: dict[int, list[int]] = {}
    for number, finding in enumerate(findings, start=1):
        for each in finding["evidence"]:
            if each["probe"] == probe and each["seq"] is not None:
                numbers = found.setdefault(each["seq"], [])
                if number not in numbers:
                    numbers.append(number)
    return found


def select(lines: Sequence[Line], cited: Mapping[int, object], most: int) -> list[Line]:
    """So many lines in their order: evidence, then what failed, then steps, then messages.

    Of each kind that is too long a third of the room is for its begin and the rest for its end.
    """
    if len(lines) <= most:
        return list(lines)
    kinds: tuple[list[int], ...] = ([], [], [], [])
    for place, line in enumerate(lines):
        kinds[_rank(line, cited)].append(place)
    chosen: list[int] = []
    for of_kind in kinds:
        chosen += _ends(of_kind, most - len(chosen))
    return [lines[place] for place in sorted(chosen)]


def _rank(line: Line, cited: Mapping[int, object]) -> int:
    if fields.whole(line, "seq") in cited:
        return 0
    if fields.failure(line) is not None:
        return 1
    return 2 if fields.operation(line) in STEPS else 3


def _ends(places: Sequence[int], room: int) -> Sequence[int]:
    if len(places) <= room:
        return places
    head = room // 3
    return [*places[:head], *places[len(places) - (room - head) :]]


def _fragment(name: str) -> str:
    """A name for the address of a place; what the schema lets a probe be called stays as it is."""
    return re.sub(r"[^A-Za-z0-9._-]", lambda found: f"_{ord(found[0]):x}_", name)


def event_id(probe: str, seq: int) -> str:
    """The place of a line of a trace."""
    return f"event-{_fragment(probe)}-{seq}"


def trace_id(probe: str) -> str:
    """The place of a probe's trace."""
    return f"trace-{_fragment(probe)}"


def fall_id(probe: str) -> str:
    """The place of a probe's waterfall."""
    return f"waterfall-{_fragment(probe)}"


def failure_id(probe: str) -> str:
    """The place where a failing probe is told in full."""
    return f"failure-{_fragment(probe)}"


def finding_id(number: int) -> str:
    """The place of a finding."""
    return f"finding-{number}"
