"""The findings: what each is, its proof, what to do, and the evidence, each piece a link to its event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from repro.document import Counts, Evidence, Experiment, Finding, RunDocument
from repro.report import proof
from repro.report.counting import are, counted
from repro.report.html.markup import (
    Content,
    Html,
    code,
    element,
    facts,
    folded,
    join,
    line,
    link,
    unseen,
)
from repro.report.html.room import Room
from repro.report.html.trace import Trace, event_id, fall_id, finding_id, trace_id
from repro.trace.formats import fields

_PROOFS = {
    "confirmed": "✓ proved by experiment",
    "refuted": "✕ an experiment spoke against it",
    "untested": "? not tested by experiment",
    proof.NOT_SETTLED: "? tried by experiment, not settled",
}
_MOST_DRAWN = 10
"""Tries that are drawn one by one."""

Traces = Mapping[str, Trace]


def render(document: RunDocument, traces: Sequence[Trace], room: Room) -> Html | None:
    """All findings, the best supported first; None where there is none."""
    found = document["findings"]
    if not found:
        return None
    by_name = {trace.name: trace for trace in traces}
    shown = [
        _finding(number, each, by_name, room) for number, each in enumerate(found[: room.items], start=1)
    ]
    if len(found) > len(shown):
        shown.append(element("p", f"{are(len(found) - len(shown), 'more finding')} in run.json.", cls="hint"))
    return join(shown)


def _finding(number: int, finding: Finding, traces: Traces, room: Room) -> Html:
    known = finding["cause"] is not None
    return element(
        "article",
        element("p", _eyebrow(number, finding), cls="eyebrow"),
        element("h3", line(finding["title"], 400)),
        element("p", line(finding["summary"], room.message)) if finding["summary"] else None,
        facts(_rows(finding, traces, room)),
        id=finding_id(number),
        cls=f"finding {finding['proof'] if known else 'undiagnosed'}",
        aria_label=f"Finding {number}",
    )


def _eyebrow(number: int, finding: Finding) -> Iterator[Content]:
    yield f"Finding {number} "
    if finding["cause"] is None:
        yield element("span", "? cause not determined", cls="proof untested")
    else:
        yield element("span", _PROOFS[proof.word(finding)], cls=f"proof {finding['proof']}")


def _rows(finding: Finding, traces: Traces, room: Room) -> Iterator[tuple[Content, Content]]:
    yield "Cause", _cause(finding)
    yield "Probes", _probes(finding["probes"], traces, room)
    yield "Proof", None if finding["experiment"] is None else _experiment(finding["experiment"], room)
    yield "Fix", _ordered([line(each, 1_000) for each in finding["fix"][: room.details]])
    yield "Evidence", _list(_evidence(finding["evidence"], traces, room))
    yield "Ruled out", _ruled_out(finding, room)
    yield "See also", _list([link(each) for each in finding["links"][: room.details]])


def _cause(finding: Finding) -> Content:
    seen = join(
        "layer ",
        code(finding["layer"]),
        " · at ",
        code(finding["operation"]),
        " · ",
        code(finding["failure"]),
    )
    return seen if finding["cause"] is None else join(code(finding["cause"]), " · ", seen)


def _probes(names: Sequence[str], traces: Traces, room: Room) -> Iterator[Content]:
    for place, name in enumerate(names[: room.details]):
        yield ", " if place else None
        yield element("a", name, href=f"#{fall_id(name)}") if name in traces else code(name)
    if len(names) > room.details:
        yield f" and {len(names) - room.details:,} more"


def _experiment(experiment: Experiment, room: Room) -> Iterator[Content]:
    yield element(
        "table",
        element("tr", element("th", "unchanged", scope="row"), _tries(experiment["baseline"])),
        element(
            "tr",
            element("th", "with ", line(experiment["change"], room.message), scope="row"),
            _tries(experiment["changed"]),
        ),
        cls="tries",
    )
    yield element("p", "Repeat it: ", code(experiment["command"], 600))


def _tries(counts: Counts) -> Html:
    runs, failed = counts["runs"], counts["failed"]
    drawn = []
    if 0 <= failed <= runs <= _MOST_DRAWN:
        drawn = [element("i", "✕", cls="fail")] * failed + [element("i", "✓", cls="pass")] * (runs - failed)
    words = f"failed {failed:,} of {runs:,}"
    return join(
        element("td", drawn, cls="drawn", aria_hidden="true"),
        element("td", words, unseen(" times"), cls="number"),
    )


def _evidence(evidence: Sequence[Evidence], traces: Traces, room: Room) -> Iterator[Html]:
    for each in evidence[: room.details]:
        yield join(_place(each, traces), " ", code(each["text"], room.message))
    if len(evidence) > room.details:
        yield join(f"and {counted(len(evidence) - room.details, 'piece')} more in run.json")


def _place(evidence: Evidence, traces: Traces) -> Html:
    """A link to the very event; to the probe's trace where the event is not there; or no link."""
    trace = traces.get(evidence["probe"])
    if trace is None:
        return element("span", evidence["probe"])
    if (
        evidence["seq"] in {fields.whole(line, "seq") for line in trace.listed}
        and evidence["seq"] is not None
    ):
        label = f"{trace.name} #{evidence['seq']}"
        return element("a", label, href=f"#{event_id(trace.name, evidence['seq'])}")
    return element("a", trace.name, href=f"#{trace_id(trace.name)}")


def _ruled_out(finding: Finding, room: Room) -> Html | None:
    others = finding["ruled_out"][: room.details]
    if not others:
        return None
    told = _list([join(code(each["cause"]), " because ", line(each["because"], 600)) for each in others])
    return folded(counted(len(finding["ruled_out"]), "look-alike"), told)


def _list(items: Iterator[Html] | Sequence[Html]) -> Html | None:
    rows = [element("li", each) for each in items]
    return element("ul", rows) if rows else None


def _ordered(items: Sequence[Html]) -> Html | None:
    if len(items) == 1:
        return items[0]
    return element("ol", [element("li", each) for each in items]) if items else None
