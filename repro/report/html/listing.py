"""The traces as tables: the evidence itself, a line an event, each with an address of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.report.counting import counted
from repro.report.html import words
from repro.report.html.failures import dialled, predicted
from repro.report.html.markup import Content, Html, element, facts, line
from repro.report.html.room import Room
from repro.report.html.trace import Line, Trace, event_id, finding_id, trace_id
from repro.trace.formats import fields

_COLUMNS = ("#", "at", "took", "event", "peer", "result")
_MOST_OF_AN_EVENT = 240


def render(traces: Sequence[Trace], room: Room) -> Html:
    """The trace of each probe, folded."""
    return element("div", [_trace(trace, room) for trace in traces], cls="list")


def _trace(trace: Trace, room: Room) -> Html:
    name = trace.name
    sign = element(
        "span",
        words.SIGNS[trace.outcome["status"]],
        cls=f"sign {trace.outcome['status']}",
        aria_hidden="true",
    )
    amount = element("span", counted(trace.whole, "event"), cls="took")
    return element(
        "details",
        element("summary", sign, element("b", name), amount),
        facts(_rows(trace, room)),
        _table(trace) if trace.listed else element("p", "No trace is here.", cls="hint"),
        id=trace_id(name),
        cls="trace",
    )


def _rows(trace: Trace, room: Room) -> Iterator[tuple[Content, Content]]:
    yield "Predicted", predicted(trace.outcome)
    yield "Dialled", dialled(trace.outcome, trace.lines)
    if trace.head is not None:
        yield "Seen by", line(", ".join(fields.texts(trace.head, "sources")), 400)
        yield (
            "Not visible",
            line("; ".join(fields.texts(trace.head, "cannot_see")) or "nothing known", room.message),
        )
    yield "Zero is", f"{trace.zero_s:.6f} s after the run's start"


def _table(trace: Trace) -> Html:
    numbers = {"at", "took"}
    head = element(
        "tr",
        [element("th", each, scope="col", cls="number" if each in numbers else None) for each in _COLUMNS],
    )
    table = element("table", element("thead", head), element("tbody", _body(trace)))
    return element("div", table, cls="scroll", tabindex=0, role="region", aria_label=f"Trace of {trace.name}")


def _body(trace: Trace) -> Iterator[Html]:
    """The listed lines; between them, how many are left out."""
    places = {id(each): place for place, each in zip(trace.places, trace.lines, strict=True)}
    file = trace.outcome["events"] or "its trace"
    met: set[int] = set()
    expected = 0
    for event in trace.listed:
        place = places[id(event)]
        if place > expected:
            yield _gap(place - expected, file)
        yield _row(trace, event, met)
        expected = place + 1
    if trace.whole > expected:
        yield _gap(trace.whole - expected, file)


def _gap(left_out: int, file: str) -> Html:
    return element("tr", element("td", f"{left_out:,} more in {file}", colspan=len(_COLUMNS)), cls="gap")


def _row(trace: Trace, event: Line, met: set[int]) -> Html:
    """One event. Where a hand-made trace has a number twice, the first one has the address."""
    seq = fields.whole(event, "seq")
    known = seq is not None and seq not in met
    if seq is not None:
        met.add(seq)
    begin, end = fields.seconds(event, "t0"), fields.seconds(event, "t")
    took = words.milliseconds((end - begin) * 1000) if end > begin else ""
    failed = fields.failure(event) is not None
    return element(
        "tr",
        element("td", "" if seq is None else str(seq), cls="number"),
        element("td", f"{trace.since_ms(begin):.3f} ms", cls="number"),
        element("td", took, cls="number"),
        element("td", words.said(event, _MOST_OF_AN_EVENT), _cited(trace, seq)),
        element("td", words.peer(event)),
        element("td", f"{words.SIGNS['fail']} " if failed else None, words.result(event, _MOST_OF_AN_EVENT)),
        id=event_id(trace.name, seq) if known and seq is not None else None,
        cls="fail" if failed else None,
    )


def _cited(trace: Trace, seq: int | None) -> Iterator[Content]:
    """The findings for which it is evidence."""
    for number in trace.cited.get(seq, ()) if seq is not None else ():
        yield " "
        yield element("a", f"finding {number}", href=f"#{finding_id(number)}", cls="cited")
