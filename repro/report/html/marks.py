"""What a waterfall draws: every event in its lane; those that fall on one place are one mark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from repro.report.html.scale import Place, Scale
from repro.report.html.trace import Trace
from repro.trace.formats import fields

Line = Mapping[str, Any]
Lane = Literal["lookup", "connect", "TLS", "sent", "received", "other"]

LANES: Final[tuple[Lane, ...]] = get_args(Lane)
"""From the first thing that a driver does to the last."""

_OF_OPERATION: Mapping[str, Lane] = {
    "connect": "connect",
    "close": "connect",
    "ws.close": "connect",
    "http.request": "sent",
    "http.response": "received",
    "http.upgrade": "received",
}

_FINEST = 0.25
"""Percent of the axis: what is nearer than this cannot be told apart."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One or more events of a lane that fall on one place.

    Args:
        lines: the events, in order.
        begin_ms: of the first one, in milliseconds since the probe began.
        end_ms: of the one that ends last.
        failed: they failed; what failed shares no mark with what did not.
    """

    lines: Sequence[Line]
    begin_ms: float
    end_ms: float
    failed: bool


def lane_of(line: Line) -> Lane:
    """The lane of an event: by what it is, and a message by who sent it."""
    operation = fields.operation(line)
    family = operation.partition(".")[0]
    if family == "dns":
        return "lookup"
    if family == "tls":
        return "TLS"
    sender = fields.sender(line)
    if sender is not None:
        return "sent" if sender == "client" else "received"
    return _OF_OPERATION.get(operation, "other")


def marks(trace: Trace, scale: Scale, most: int) -> dict[Lane, list[Mark]]:
    """The marks of each lane.

    Args:
        trace: of one probe; all of its lines are drawn.
        scale: the axis.
        most: how many marks; of more events neighbours come together.
    """
    placed = [_placed(trace, line, scale) for line in trace.lines]
    finest = _FINEST
    while True:
        groups: dict[tuple[Lane, bool, int, int], list[Line]] = {}
        for (lane, failed, place), line in zip(placed, trace.lines, strict=True):
            key = (lane, failed, int(place.decades / finest), int(place.even / finest))
            groups.setdefault(key, []).append(line)
        if len(groups) <= most or finest > 100:
            return _in_lanes(trace, groups)
        finest *= 2


def _placed(trace: Trace, line: Line, scale: Scale) -> tuple[Lane, bool, Place]:
    begin = scale.at(trace.since_ms(fields.seconds(line, "t0")))
    return lane_of(line), fields.failure(line) is not None, begin


def _in_lanes(
    trace: Trace, groups: Mapping[tuple[Lane, bool, int, int], Sequence[Line]]
) -> dict[Lane, list[Mark]]:
    found: dict[Lane, list[Mark]] = {lane: [] for lane in LANES}
    for (lane, failed, *_), lines in groups.items():
        found[lane].append(_mark(trace, lines, failed=failed))
    for of_lane in found.values():
        of_lane.sort(key=lambda mark: (mark.begin_ms, mark.failed))
    return found


def _mark(trace: Trace, lines: Sequence[Line], *, failed: bool) -> Mark:
    begin = min(trace.since_ms(fields.seconds(line, "t0")) for line in lines)
    end = max(trace.since_ms(fields.seconds(line, "t")) for line in lines)
    return Mark(lines, begin, max(begin, end), failed)
